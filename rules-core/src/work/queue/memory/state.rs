//! What a [`super::MemoryQueue`] holds, and every change to it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::judge::code::Code;
use crate::judge::id::{BatchId, LeaseToken};
use crate::judge::key::{Lane, Outlet};
use crate::judge::tenant::TenantId;
use crate::work::clock::after;
use crate::work::lanes::{DeadLetter, Hold, HoldOn, RECOVERED_TOO_OFTEN};
use crate::work::queue::fair::{LaneClaim, Share, TenantClaim, deal};
use crate::work::queue::{
    Allowance, BATCHES_KNOWN_FOR, Enqueued, Lease, Leased, Outcome, Parcel, READY_OUTLETS, Settled,
    Settlement,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tenants: BTreeMap<TenantId, Waiting>,
    /// The floor of the race between tenants.
    pub(super) floor: u64,
    /// Records that wait, the delayed ones included.
    pub(super) depth: u64,
    pub(super) delayed: BTreeMap<(DateTime<Utc>, u64), (Lane, Record)>,
    pub(super) delays: u64,
    pub(super) leases: HashMap<LeaseToken, Live>,
    pub(super) batches: HashMap<BatchId, DateTime<Utc>>,
    pub(super) batches_by_age: VecDeque<(DateTime<Utc>, BatchId)>,
    pub(super) holds: BTreeMap<HoldOn, Hold>,
    pub(super) tenant_weights: HashMap<TenantId, u32>,
    pub(super) lane_weights: HashMap<Lane, u32>,
    pub(super) dead: Vec<DeadLetter>,
}

/// What a tenant has in the queue.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) virtual_time: u64,
    pub(super) floor: u64,
    pub(super) lanes: BTreeMap<Lane, LaneState>,
}

#[derive(Debug, Default)]
pub(super) struct LaneState {
    pub(super) virtual_time: u64,
    pub(super) waiting: VecDeque<Record>,
    pub(super) delayed: u64,
    pub(super) leased: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) payload: Bytes,
    pub(super) retries: u32,
    pub(super) recoveries: u32,
    pub(super) first: Option<Code>,
}

#[derive(Debug)]
pub(super) struct Live {
    pub(super) deadline: DateTime<Utc>,
    /// By receipt; `None` once settled.
    pub(super) records: Vec<Option<(Lane, Record)>>,
}

impl Live {
    pub(super) fn leased(&self) -> Vec<Leased> {
        let numbered = (0_u32..).zip(&self.records);
        let leased = |(receipt, held): (u32, &Option<(Lane, Record)>)| {
            held.as_ref().map(|(lane, record)| Leased {
                receipt,
                lane: lane.clone(),
                payload: record.payload.clone(),
                retries: record.retries,
                recoveries: record.recoveries,
            })
        };
        numbered.filter_map(leased).collect()
    }
}

impl State {
    pub(super) fn lane(&mut self, lane: &Lane) -> &mut LaneState {
        let tenant = self.tenants.entry(lane.tenant().clone()).or_default();
        tenant.lanes.entry(lane.clone()).or_default()
    }

    pub(super) fn forget_batches(&mut self, now: DateTime<Utc>) {
        while let Some((until, batch)) = self.batches_by_age.front()
            && *until <= now
        {
            self.batches.remove(batch);
            self.batches_by_age.pop_front();
        }
    }

    pub(super) fn enqueue(&mut self, parcel: &Parcel, high_water: u64, now: DateTime<Utc>) -> Enqueued {
        if self.batches.contains_key(&parcel.batch) {
            return Enqueued::Known;
        }
        if high_water < self.depth.saturating_add(parcel.records.len() as u64) {
            return Enqueued::Full { depth: self.depth, high_water };
        }
        let until = after(now, BATCHES_KNOWN_FOR);
        self.batches.insert(parcel.batch, until);
        self.batches_by_age.push_back((until, parcel.batch));
        for payload in &parcel.records {
            let record = Record { payload: payload.clone(), retries: 0, recoveries: 0, first: None };
            match parcel.due {
                Some(due) if now < due => self.delay(due, &parcel.lane, record),
                _ => {
                    self.lane(&parcel.lane).waiting.push_back(record);
                    self.depth += 1;
                }
            }
        }
        Enqueued::Added
    }

    fn delay(&mut self, due: DateTime<Utc>, lane: &Lane, record: Record) {
        self.delays += 1;
        self.delayed.insert((due, self.delays), (lane.clone(), record));
        self.lane(lane).delayed += 1;
        self.depth += 1;
    }

    /// Moves delayed records that are due to the tails of their lanes.
    pub(super) fn promote(&mut self, now: DateTime<Utc>) {
        while let Some(first) = self.delayed.first_entry()
            && first.key().0 <= now
        {
            let (lane, record) = first.remove();
            let lane = self.lane(&lane);
            lane.delayed -= 1;
            lane.waiting.push_back(record);
        }
    }

    pub(super) fn expired(&self, now: DateTime<Utc>) -> Option<LeaseToken> {
        let expired = self.leases.iter().filter(|(_, lease)| lease.deadline <= now);
        expired.min_by_key(|(token, lease)| (lease.deadline, **token)).map(|(token, _)| *token)
    }

    /// Ends a lease that ran out: its records go back to the heads of their lanes, or die.
    pub(super) fn reap(&mut self, token: LeaseToken, max_recoveries: u32, now: DateTime<Utc>) {
        let Some(lease) = self.leases.remove(&token) else { return };
        for (lane, mut record) in lease.records.into_iter().rev().flatten() {
            record.recoveries = record.recoveries.saturating_add(1);
            if max_recoveries < record.recoveries {
                self.bury(&lane, record, RECOVERED_TOO_OFTEN, now);
            } else {
                self.lane(&lane).waiting.push_front(record);
                self.depth += 1;
            }
            self.returned(&lane);
        }
    }

    fn bury(&mut self, lane: &Lane, record: Record, code: Code, at: DateTime<Utc>) {
        self.dead.push(DeadLetter {
            number: self.dead.len() as u64 + 1,
            lane: lane.clone(),
            payload: record.payload,
            at,
            first: record.first.unwrap_or_else(|| code.clone()),
            last: code,
            retries: record.retries,
            recoveries: record.recoveries,
        });
    }

    /// One record of the lane is leased no more.
    fn returned(&mut self, lane: &Lane) {
        self.lane(lane).leased -= 1;
        self.forget_if_empty(lane);
    }

    /// Forgets the lane when it holds nothing. Its tenant is remembered for as long as it stands
    /// ahead of the others, so that it gains nothing by coming back at once.
    pub(super) fn forget_if_empty(&mut self, lane: &Lane) {
        let Some(tenant) = self.tenants.get_mut(lane.tenant()) else { return };
        let empty = |state: &LaneState| state.waiting.is_empty() && state.delayed + state.leased == 0;
        if !tenant.lanes.get(lane).is_some_and(empty) {
            return;
        }
        tenant.lanes.remove(lane);
        let nobody = self.tenants.values().all(|tenant| tenant.lanes.is_empty());
        let ahead = |tenant: &Waiting| !nobody && self.floor < tenant.virtual_time;
        self.tenants.retain(|_, tenant| !tenant.lanes.is_empty() || ahead(tenant));
    }

    fn held(&self, lane: &Lane) -> bool {
        [
            HoldOn::Lane(lane.clone()),
            HoldOn::Outlet(lane.outlet().clone()),
            HoldOn::Tenant(lane.tenant().clone()),
        ]
        .iter()
        .any(|on| self.holds.contains_key(on))
    }

    pub(super) fn release_expired(&mut self, now: DateTime<Utc>) {
        self.holds.retain(|_, hold| hold.until.is_none_or(|until| now < until));
    }

    /// Takes up to `max` records as fairness and allowance say.
    pub(super) fn take(&mut self, max: usize, allowance: &Allowance) -> Vec<Option<(Lane, Record)>> {
        let mut outlets: HashMap<Outlet, usize> = HashMap::new();
        let mut allowances = Vec::new();
        let (listed, unlimited) = match allowance {
            Allowance::Unlimited => (&[][..], true),
            Allowance::PerOutlet(listed) => (listed.as_slice(), false),
        };
        for (outlet, records) in listed {
            let index = *outlets.entry(outlet.clone()).or_insert(allowances.len());
            if index == allowances.len() {
                allowances.push(*records);
            }
        }
        if unlimited {
            allowances.push(u32::MAX);
        }
        let mut claims = Vec::new();
        let mut lanes = Vec::new();
        for (id, tenant) in &self.tenants {
            let weight = self.tenant_weights.get(id).copied().unwrap_or(1);
            let eligible = tenant.lanes.iter().filter_map(|(lane, state)| {
                let outlet = if unlimited { 0 } else { *outlets.get(lane.outlet())? };
                let weight = self.lane_weights.get(lane).copied().unwrap_or(1);
                let share = Share { virtual_time: state.virtual_time, weight };
                let waiting = state.waiting.len() as u64;
                let takes_part = 0 < waiting && !self.held(lane);
                takes_part.then(|| LaneClaim { lane: lane.clone(), share, outlet, waiting, taken: 0 })
            });
            lanes.push(eligible.collect::<Vec<_>>());
            claims.push(TenantClaim::new(Share { virtual_time: tenant.virtual_time, weight }, tenant.floor));
        }
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        let lanes_of =
            |tenant| Ok::<_, Infallible>(lanes.get_mut(tenant).map(std::mem::take).unwrap_or_default());
        let Ok(()) = deal(max, &mut self.floor, &mut claims, &mut allowances, lanes_of);
        self.hand_out(&claims)
    }

    fn hand_out(&mut self, claims: &[TenantClaim<Lane>]) -> Vec<Option<(Lane, Record)>> {
        let mut records = Vec::new();
        for tenant in claims {
            for claim in tenant.served() {
                if let Some(waiting) = self.tenants.get_mut(claim.lane.tenant()) {
                    (waiting.virtual_time, waiting.floor) = (tenant.share.virtual_time, tenant.floor);
                }
                let lane = self.lane(&claim.lane);
                lane.virtual_time = claim.share.virtual_time;
                lane.leased += u64::from(claim.taken);
                let taken = lane.waiting.drain(..claim.taken as usize);
                records.extend(taken.map(|record| Some((claim.lane.clone(), record))));
                self.depth -= u64::from(claim.taken);
            }
        }
        records
    }

    pub(super) fn answer(&self, token: LeaseToken, deadline: DateTime<Utc>, records: Vec<Leased>) -> Lease {
        let lanes = self.tenants.values().flat_map(|tenant| &tenant.lanes);
        let mut ready: Vec<Outlet> = lanes
            .filter(|(lane, state)| !state.waiting.is_empty() && !self.held(lane))
            .map(|(lane, _)| lane.outlet().clone())
            .collect();
        ready.dedup();
        ready.truncate(READY_OUTLETS);
        let delayed = self.delayed.keys().next().map(|(due, _)| *due);
        let others = self.leases.iter().filter(|(other, _)| **other != token);
        let released = self.holds.values().filter_map(|hold| hold.until);
        let next_due =
            delayed.into_iter().chain(released).chain(others.map(|(_, lease)| lease.deadline)).min();
        Lease { token, deadline, records, ready, next_due }
    }

    pub(super) fn settle(
        &mut self,
        token: LeaseToken,
        outcomes: &[Settlement],
        now: DateTime<Utc>,
    ) -> Settled {
        let Some(lease) = self.leases.get_mut(&token).filter(|lease| now < lease.deadline) else {
            return Settled::Gone;
        };
        let mut settled = Vec::new();
        for Settlement { receipt, outcome } in outcomes {
            let held = lease.records.get_mut(*receipt as usize).and_then(Option::take);
            settled.extend(held.map(|(lane, record)| (*receipt, lane, record, outcome)));
        }
        if lease.records.iter().all(Option::is_none) {
            self.leases.remove(&token);
        }
        settled.sort_by_key(|(receipt, ..)| *receipt);
        let applied = settled.len();
        let mut handed_back = Vec::new();
        for (_, lane, mut record, outcome) in settled {
            match outcome {
                Outcome::Done => {}
                Outcome::Retry { at, code } => {
                    record.retries = record.retries.saturating_add(1);
                    record.first.get_or_insert_with(|| code.clone());
                    self.delay(*at, &lane, record);
                }
                Outcome::Dead { code } => self.bury(&lane, record, code.clone(), now),
                Outcome::HandBack => {
                    handed_back.push((lane, record));
                    continue;
                }
            }
            self.returned(&lane);
        }
        for (lane, record) in handed_back.into_iter().rev() {
            self.lane(&lane).waiting.push_front(record);
            self.depth += 1;
            self.returned(&lane);
        }
        Settled::Applied(applied)
    }
}
