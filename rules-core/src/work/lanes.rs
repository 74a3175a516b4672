//! Steering what waits: holds, weights, dropping a lane, and what died.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::judge::code::Code;
use crate::judge::key::{Lane, Outlet};
use crate::judge::registry::QUEUE_RECOVERED_TOO_OFTEN;
use crate::judge::tenant::TenantId;
use crate::work::StoreError;

/// The steering half of a queue. Apart from [`crate::work::queue::Queue`], because a broker of
/// the host's may have work and no lanes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Lanes: Debug + Send + Sync + 'static {
    /// Keeps what is named from being leased, delayed records that become due included. Of two holds
    /// on one thing the one that lasts longer stays, with its code; release it first to hold for
    /// less. Nothing needs to wait there yet.
    ///
    /// Records that are leased already stay with their worker. A hold whose end has come counts
    /// as released.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn hold(&self, holds: &[Hold]) -> Result<(), StoreError>;

    /// Ends holds; one that is not there is passed over.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn release(&self, on: &[HoldOn]) -> Result<(), StoreError>;

    /// Sets the share of a tenant among tenants or of a lane among its tenant's lanes. Without
    /// one, a share is 1; a share of 1 is how one is forgotten.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn weigh(&self, weights: &[Weight]) -> Result<(), StoreError>;

    /// Removes up to `max` waiting records of a lane, the delayed ones included; repeat until
    /// nothing is left.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn drop_lane(&self, lane: &Lane, max: usize) -> Result<Dropped, StoreError>;

    /// Lanes that hold records, in a stable order, `max` at a time; `after` is the last lane of
    /// the page before.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn depths(&self, after: Option<Lane>, max: usize) -> Result<Vec<LaneDepth>, StoreError>;

    /// Dead letters in the order of their death, `max` at a time; `after` is the last number of
    /// the page before.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn dead(&self, after: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, StoreError>;
}
const _: fn(&dyn Lanes) = |_| {};

/// What a hold is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldOn {
    /// One lane.
    Lane(Lane),
    /// Everything that leaves through one outlet.
    Outlet(Outlet),
    /// Everything of one tenant.
    Tenant(TenantId),
}

/// Work that must wait, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What waits.
    pub on: HoldOn,
    /// Until when; `None` is until somebody releases it.
    pub until: Option<DateTime<Utc>>,
    /// Why; shown to people.
    pub code: Code,
}

/// A share of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Of a tenant among tenants; 0 counts as 1.
    Tenant(TenantId, u32),
    /// Of a lane among the lanes of its tenant; 0 counts as 1.
    Lane(Lane, u32),
}

/// The answer to dropping a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Records removed by this call.
    pub removed: usize,
    /// True when more of them wait: call again.
    pub more: bool,
}

/// How much waits in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneDepth {
    /// The lane.
    pub lane: Lane,
    /// Records that are due. A delayed one whose instant has come counts from the next lease on.
    pub waiting: u64,
    /// Records that are delayed.
    pub delayed: u64,
    /// Records that a worker has.
    pub leased: u64,
    /// The holds that keep it, on the lane, its outlet or its tenant.
    pub holds: Vec<Hold>,
}

/// A record that will not come out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number in the order of death.
    pub number: u64,
    /// Where it waited.
    pub lane: Lane,
    /// What was to be done.
    pub payload: Bytes,
    /// When it died.
    pub at: DateTime<Utc>,
    /// The first code it was settled with.
    pub first: Code,
    /// The last one.
    pub last: Code,
    /// How often it was retried.
    pub retries: u32,
    /// How often a lease on it ran out.
    pub recoveries: u32,
}

/// The code of a dead letter whose leases ran out too often.
pub const RECOVERED_TOO_OFTEN: Code = QUEUE_RECOVERED_TOO_OFTEN;
