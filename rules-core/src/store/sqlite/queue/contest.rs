//! Who competes for a lease and what each gets.

use std::collections::HashMap;

use rusqlite::{Row, Transaction, params};

use super::lane::{State, put_body, take};
use super::lease::{Taken, Wanted};
use super::packed::push_number;
use crate::judge::key::{Outlet, stored};
use crate::judge::tenant::TenantId;
use crate::store::sqlite::SqliteError;
use crate::work::queue::fair::{LaneClaim, Share, TenantClaim, deal};
use crate::work::queue::{Allowance, READY_OUTLETS};

const _: () = assert!(READY_OUTLETS == 1_000, "CONTESTANTS has the same limit");

/// Everybody who may be served.
#[derive(Debug)]
pub(super) struct Contest {
    tenants: Vec<Tenant>,
    outlets: Vec<Contestant>,
    /// What each outlet may still give.
    allowances: Vec<u32>,
}

#[derive(Debug)]
struct Tenant {
    id: i64,
    name: TenantId,
    share: Share,
    floor: u64,
    outlets: Vec<usize>,
}

#[derive(Debug)]
struct Contestant {
    id: i64,
    name: String,
    tenant: usize,
    /// Lanes with due records that nobody holds.
    ready: u64,
}

const CONTESTANTS: &str = "SELECT outlet.id, outlet.name, outlet.ready, tenant.id, tenant.name,
        tenant.weight, tenant.virtual_time, tenant.floor
    FROM queue_outlet AS outlet INDEXED BY queue_outlet_ready CROSS JOIN queue_tenant AS tenant ON tenant.id = outlet.tenant
    WHERE outlet.ready > 0 AND outlet.held = 0 ORDER BY outlet.turn, outlet.id LIMIT 1000";

const CONTESTANT: &str = "SELECT outlet.id, outlet.name, outlet.ready, tenant.id, tenant.name,
        tenant.weight, tenant.virtual_time, tenant.floor
    FROM queue_tenant AS tenant CROSS JOIN queue_outlet AS outlet ON outlet.tenant = tenant.id
    WHERE tenant.name = ?1 AND outlet.name = ?2 AND outlet.ready > 0 AND outlet.held = 0";

impl Contest {
    /// The outlets with work that were served longest ago, and those that have an allowance.
    pub(super) fn load(tx: &Transaction<'_>, allowance: &Allowance) -> Result<Self, SqliteError> {
        let mut contest = Self { tenants: Vec::new(), outlets: Vec::new(), allowances: Vec::new() };
        let mut by_id = HashMap::new();
        let mut select = tx.prepare_cached(CONTESTANTS)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            contest.admit(row, &mut by_id)?;
        }
        let Allowance::PerOutlet(listed) = allowance else {
            contest.allowances = vec![u32::MAX; contest.outlets.len()];
            return Ok(contest);
        };
        if contest.is_full() {
            for (outlet, _) in listed {
                let mut select = tx.prepare_cached(CONTESTANT)?;
                let mut rows = select.query([outlet.tenant().as_str(), outlet.name()])?;
                if let Some(row) = rows.next()?
                    && !contest.outlets.iter().any(|known| row.get(0) == Ok(known.id))
                {
                    contest.admit(row, &mut by_id)?;
                }
            }
        }
        let mut records = HashMap::new();
        for (outlet, allowed) in listed {
            records.entry((outlet.tenant().as_str(), outlet.name())).or_insert(*allowed);
        }
        let allowed = |outlet: &Contestant| {
            let tenant = contest.tenants.get(outlet.tenant)?;
            records.get(&(tenant.name.as_str(), outlet.name.as_str())).copied()
        };
        contest.allowances = contest.outlets.iter().map(|outlet| allowed(outlet).unwrap_or(0)).collect();
        Ok(contest)
    }

    /// True when there may be more outlets with work than were looked at.
    const fn is_full(&self) -> bool {
        READY_OUTLETS <= self.outlets.len()
    }

    fn admit(&mut self, row: &Row<'_>, by_id: &mut HashMap<i64, usize>) -> Result<(), SqliteError> {
        let id = row.get(3)?;
        let tenant = *by_id.entry(id).or_insert(self.tenants.len());
        if tenant == self.tenants.len() {
            let name = row.get_ref(4)?.as_str().map_err(SqliteError::damaged)?;
            self.tenants.push(Tenant {
                id,
                name: TenantId::parse(name).map_err(SqliteError::damaged)?,
                share: Share { weight: row.get(5)?, virtual_time: row.get(6)? },
                floor: row.get(7)?,
                outlets: Vec::new(),
            });
        }
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            tenant.outlets.push(self.outlets.len());
        }
        self.outlets.push(Contestant { id: row.get(0)?, name: row.get(1)?, tenant, ready: row.get(2)? });
        Ok(())
    }

    /// Deals records out and stores the lease, unless nobody got any.
    pub(super) fn run(&mut self, tx: &Transaction<'_>, wanted: &Wanted) -> Result<Taken, SqliteError> {
        let mut state = State::load(tx)?;
        forget_tenants(tx, state.floor)?;
        let max = wanted.max.min(wanted.limits.max_records);
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        let claim = |tenant: &Tenant| TenantClaim::new(tenant.share, tenant.floor);
        let mut claims: Vec<_> = self.tenants.iter().map(claim).collect();
        let mut allowances = self.allowances.clone();
        deal(max, &mut state.floor, &mut claims, &mut allowances, |tenant| self.lanes_of(tx, tenant))?;

        let mut taken = Taken {
            deadline_us: wanted.deadline_us,
            slices: Vec::new(),
            settled: Vec::new(),
            records: Vec::new(),
            ready: Vec::new(),
            next_due_us: None,
        };
        let mut slices = Vec::new();
        for (index, claim) in claims.iter().enumerate() {
            self.serve(tx, index, claim, &mut taken, &mut slices)?;
        }
        let records: u64 = taken.slices.iter().map(|(_, records)| records).sum();
        if records == 0 {
            return Ok(taken);
        }
        state.depth = state.depth.saturating_sub(records);
        state.turn += 1;
        state.save(tx)?;
        if self.is_full() {
            self.take_turns(tx, &claims, state.turn)?;
        }
        taken.settled = vec![0; usize::try_from(records.div_ceil(8)).unwrap_or(usize::MAX)];
        let body = put_body(tx, &taken.records)?;
        tx.prepare_cached(
            "INSERT INTO queue_lease (token, deadline_us, slices, settled, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            wanted.token.as_bytes(),
            wanted.deadline_us,
            slices,
            taken.settled,
            body
        ])?;
        Ok(taken)
    }

    /// The lanes of a tenant that may be served: of each outlet those with the least virtual time.
    fn lanes_of(&self, tx: &Transaction<'_>, tenant: usize) -> Result<Vec<LaneClaim<i64>>, SqliteError> {
        let mut lanes = Vec::new();
        let outlets = self.tenants.get(tenant).map(|tenant| tenant.outlets.as_slice()).unwrap_or_default();
        for &outlet in outlets {
            let Some(row) = self.outlets.get(outlet) else { continue };
            if self.allowances.get(outlet).is_none_or(|allowed| *allowed == 0) {
                continue;
            }
            let mut select = tx.prepare_cached(
                "SELECT id, virtual_time, weight, waiting FROM queue_lane INDEXED BY queue_lane_ready
                 WHERE outlet = ?1 AND waiting > 0 AND held = 0 ORDER BY virtual_time LIMIT 256",
            )?;
            let mut rows = select.query([row.id])?;
            while let Some(row) = rows.next()? {
                let share = Share { virtual_time: row.get(1)?, weight: row.get(2)? };
                lanes.push(LaneClaim { lane: row.get(0)?, share, outlet, waiting: row.get(3)?, taken: 0 });
            }
        }
        Ok(lanes)
    }

    /// Moves what a tenant got into the lease.
    fn serve(
        &mut self,
        tx: &Transaction<'_>,
        tenant: usize,
        claim: &TenantClaim<i64>,
        taken: &mut Taken,
        slices: &mut Vec<u8>,
    ) -> Result<(), SqliteError> {
        let Some(tenant) = self.tenants.get(tenant) else { return Ok(()) };
        let mut served = claim.served().peekable();
        if served.peek().is_none() {
            return Ok(());
        }
        tx.prepare_cached("UPDATE queue_tenant SET virtual_time = ?2, floor = ?3 WHERE id = ?1")?
            .execute(params![tenant.id, claim.share.virtual_time, claim.floor])?;
        for lane in served {
            let topic: String = tx
                .prepare_cached(
                    "UPDATE queue_lane SET waiting = waiting - ?2, leases = leases + 1, virtual_time = ?3
                     WHERE id = ?1 RETURNING topic",
                )?
                .query_row(params![lane.lane, lane.taken, lane.share.virtual_time], |row| row.get(0))?;
            take(tx, lane.lane, lane.taken.into(), &mut taken.records)?;
            let Some(outlet) = self.outlets.get_mut(lane.outlet) else { continue };
            if lane.waiting == u64::from(lane.taken) {
                outlet.ready = outlet.ready.saturating_sub(1);
            }
            taken.slices.push((stored::lane(tenant.name.clone(), &outlet.name, &topic), lane.taken.into()));
            push_number(slices, lane.lane.unsigned_abs());
            push_number(slices, lane.taken.into());
        }
        Ok(())
    }

    /// Puts the outlets that were served behind those that nobody looked at.
    fn take_turns(
        &self,
        tx: &Transaction<'_>,
        claims: &[TenantClaim<i64>],
        turn: u64,
    ) -> Result<(), SqliteError> {
        let mut update = tx.prepare_cached("UPDATE queue_outlet SET turn = ?2 WHERE id = ?1")?;
        for lane in claims.iter().flat_map(TenantClaim::served) {
            if let Some(outlet) = self.outlets.get(lane.outlet) {
                update.execute(params![outlet.id, turn])?;
            }
        }
        Ok(())
    }

    pub(super) fn ready(&self) -> Vec<Outlet> {
        let ready = self.outlets.iter().filter(|outlet| 0 < outlet.ready).take(READY_OUTLETS);
        let name = |outlet: &Contestant| {
            let tenant = self.tenants.get(outlet.tenant)?;
            Some(stored::outlet(tenant.name.clone(), &outlet.name))
        };
        ready.filter_map(name).collect()
    }
}

/// Forgets tenants without work, unless they stand ahead of those who have some: whoever comes
/// back at once must not gain by having been away.
fn forget_tenants(tx: &Transaction<'_>, floor: u64) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "DELETE FROM queue_tenant WHERE id IN (
             SELECT id FROM queue_tenant
             WHERE lanes = 0 AND virtual_time <= iif(EXISTS (SELECT 1 FROM queue_lane), ?1, ?2)
             ORDER BY virtual_time LIMIT 16)",
    )?
    .execute(params![floor, i64::MAX])?;
    Ok(())
}
