//! Leases: the call that takes records, and the row that keeps them.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::contest::Contest;
use super::lane::promote;
use super::packed::Unpack;
use super::settle::{reap, reap_expired};
use crate::judge::id::LeaseToken;
use crate::judge::key::{Lane, Outlet, stored};
use crate::judge::tenant::TenantId;
use crate::store::sqlite::SqliteError;
use crate::store::sqlite::lanes::release_expired;
use crate::work::queue::{Allowance, QueueLimits};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) token: LeaseToken,
    pub(super) max: usize,
    pub(super) allowance: Allowance,
    pub(super) limits: QueueLimits,
    pub(super) now_us: i64,
    pub(super) deadline_us: i64,
}

/// A lease as it is stored. Unpacked by the caller's thread, not by the writer's.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) deadline_us: i64,
    /// The lanes and how many records of each, in the order of the receipts.
    pub(super) slices: Vec<(Lane, u64)>,
    pub(super) settled: Vec<u8>,
    pub(super) records: Vec<u8>,
    pub(super) ready: Vec<Outlet>,
    pub(super) next_due_us: Option<i64>,
}

/// The row of a lease.
#[derive(Debug)]
pub(super) struct LeaseRow {
    pub(super) id: i64,
    pub(super) deadline_us: i64,
    /// Lane ids and how many records of each.
    pub(super) slices: Vec<(i64, u64)>,
    pub(super) settled: Vec<u8>,
    pub(super) body: i64,
}

impl LeaseRow {
    pub(super) fn find(tx: &Transaction<'_>, token: LeaseToken) -> Result<Option<Self>, SqliteError> {
        tx.prepare_cached("SELECT id, deadline_us, slices, settled, body FROM queue_lease WHERE token = ?1")?
            .query_row([token.as_bytes()], |row| Ok(Self::read(row)))
            .optional()?
            .transpose()
    }

    pub(super) fn read(row: &Row<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            id: row.get(0)?,
            deadline_us: row.get(1)?,
            slices: slices(row.get_ref(2)?.as_blob().map_err(SqliteError::damaged)?)?,
            settled: row.get(3)?,
            body: row.get(4)?,
        })
    }

    pub(super) fn records(&self, tx: &Transaction<'_>) -> Result<Vec<u8>, SqliteError> {
        Ok(tx
            .prepare_cached("SELECT records FROM queue_body WHERE id = ?1")?
            .query_row([self.body], |row| row.get(0))?)
    }

    /// The lane of each receipt.
    pub(super) fn lanes(&self) -> impl Iterator<Item = i64> + '_ {
        let repeat = |&(lane, records): &(i64, u64)| (0..records).map(move |_| lane);
        self.slices.iter().flat_map(repeat)
    }
}

/// Lane ids and record counts as they are packed in a lease's row.
pub(in crate::store::sqlite) fn slices(packed: &[u8]) -> Result<Vec<(i64, u64)>, SqliteError> {
    let mut unpack = Unpack::new(packed, 0);
    let mut slices = Vec::new();
    while !unpack.is_empty() {
        let lane = i64::try_from(unpack.number()?).map_err(SqliteError::damaged)?;
        slices.push((lane, unpack.number()?));
    }
    Ok(slices)
}

/// True when the record of this receipt is settled.
pub(in crate::store::sqlite) fn is_settled(settled: &[u8], receipt: usize) -> bool {
    settled.get(receipt / 8).is_some_and(|byte| byte >> (receipt % 8) & 1 == 1)
}

pub(super) fn lease(tx: &Transaction<'_>, wanted: &Wanted) -> Result<Taken, SqliteError> {
    let max_recoveries = wanted.limits.max_recoveries;
    release_expired(tx, wanted.now_us)?;
    promote(tx, wanted.now_us)?;
    let known = LeaseRow::find(tx, wanted.token)?;
    if let Some(ended) = known.as_ref().filter(|lease| lease.deadline_us <= wanted.now_us) {
        reap(tx, ended, max_recoveries, wanted.now_us)?;
    }
    reap_expired(tx, max_recoveries, wanted.now_us)?;
    let mut contest = Contest::load(tx, &wanted.allowance)?;
    let mut taken = match known.filter(|lease| wanted.now_us < lease.deadline_us) {
        Some(lease) => again(tx, &lease)?,
        None => contest.run(tx, wanted)?,
    };
    taken.ready = contest.ready();
    taken.next_due_us = next_due(tx, wanted.token)?;
    Ok(taken)
}

/// A live lease once more.
fn again(tx: &Transaction<'_>, lease: &LeaseRow) -> Result<Taken, SqliteError> {
    let mut slices = Vec::new();
    for &(id, records) in &lease.slices {
        slices.push((lane_name(tx, id)?, records));
    }
    Ok(Taken {
        deadline_us: lease.deadline_us,
        slices,
        settled: lease.settled.clone(),
        records: lease.records(tx)?,
        ready: Vec::new(),
        next_due_us: None,
    })
}

fn lane_name(tx: &Transaction<'_>, id: i64) -> Result<Lane, SqliteError> {
    let (tenant, outlet, topic): (String, String, String) = tx
        .prepare_cached("SELECT tenant_name, outlet_name, topic FROM queue_lane WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let tenant = TenantId::parse(&tenant).map_err(SqliteError::damaged)?;
    Ok(stored::lane(tenant, &outlet, &topic))
}

fn next_due(tx: &Transaction<'_>, token: LeaseToken) -> Result<Option<i64>, SqliteError> {
    let earliest: [Option<i64>; 3] = tx
        .prepare_cached(
            "SELECT (SELECT min(due_us) FROM queue_delay),
                    (SELECT min(until_us) FROM queue_hold WHERE until_us IS NOT NULL),
                    (SELECT deadline_us FROM queue_lease WHERE token <> ?1 ORDER BY deadline_us LIMIT 1)",
        )?
        .query_row([token.as_bytes()], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
    Ok(earliest.into_iter().flatten().min())
}
