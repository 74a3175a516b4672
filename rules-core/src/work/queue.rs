//! The queue says **which** piece of work is next and who works on it now.
//!
//! It is a hint, never the truth: it may lose or repeat a record without harm, because what a
//! record stands for is decided elsewhere, by one compare-and-set when the work begins.
//! Work waits in [`Lane`]s; fairness is by virtual time over tenants first, then over a tenant's
//! lanes, with weights (see [`crate::work::lanes`]).

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::judge::code::Code;
use crate::judge::id::{BatchId, LeaseToken};
use crate::judge::key::{Lane, Outlet};
use crate::work::StoreError;

pub(crate) mod fair;
mod memory;

pub use memory::MemoryQueue;

/// How long a queue remembers a batch id.
pub const BATCHES_KNOWN_FOR: Duration = Duration::from_secs(3_600);

/// Outlets that a lease reports as ready at most.
pub const READY_OUTLETS: usize = 1_000;

/// Leases that ran out and are taken back by one call of [`Queue::lease`], at most.
pub const REAPED_PER_LEASE: usize = 2;

/// Work that waits to be done.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Queue: Debug + Send + Sync + 'static {
    /// Adds parcels, each whole or not at all. One answer per parcel, in order.
    ///
    /// A parcel whose batch id was added within the last hour is [`Enqueued::Known`] and changes
    /// nothing. A parcel that would lift the records that wait above the high-water mark is
    /// [`Enqueued::Full`]: it is refused whole, and its batch id stays unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same batch ids.
    /// A parcel that breaks [`Queue::limits`] is refused before anything is added.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each parcel added whole or not at all.
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError>;

    /// Takes up to `max` records that are due and not held, within the allowance of each outlet,
    /// and keeps them from everybody else until the deadline. It may take fewer than there are.
    ///
    /// Asking again with the token of a live lease returns that lease again: the same records
    /// under the same receipts, without those that are settled, and the same deadline. A lease
    /// that took nothing does not live. Records whose lease ran out come back at the head of
    /// their lane, in order, with one more recovery; past the cap of recoveries they are dead
    /// letters. A call takes back at most [`REAPED_PER_LEASE`] such leases.
    ///
    /// A delayed record joins the tail of its lane at the first lease after its instant.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same token.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a lease behind; it comes back with the same token or runs out.
    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError>;

    /// Moves the deadline of each lease to now plus `ttl`; one answer per token, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each lease extended or not.
    async fn extend(&self, tokens: &[LeaseToken], ttl: Duration) -> Result<Vec<Extended>, StoreError>;

    /// Says what came of leased records. A lease whose records are all settled is gone.
    ///
    /// A receipt that was settled before, or is not of this lease, is passed over; of two
    /// outcomes for one receipt the first counts. A token that is gone is an answer, not an
    /// error. Dead letters keep the first and the last code they were given.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of the call's records settled or none.
    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError>;

    /// What the queue accepts.
    fn limits(&self) -> QueueLimits;
}
const _: fn(&dyn Queue) = |_| {};

/// Records that are put into a lane together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Makes the call repeatable.
    pub batch: BatchId,
    /// Where the records wait.
    pub lane: Lane,
    /// When they may come out; `None` is at once.
    pub due: Option<DateTime<Utc>>,
    /// What is to be done, opaque to the queue.
    pub records: Vec<Bytes>,
}

/// What became of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// All its records were added.
    Added,
    /// The same batch id was added before; nothing changed.
    Known,
    /// The queue is full; nothing was added. Wait until work has been done.
    Full {
        /// Records that wait now.
        depth: u64,
        /// The high-water mark.
        high_water: u64,
    },
}

/// How much may leave through each outlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// No outlet is paced.
    Unlimited,
    /// At most so many records per outlet, and none from an outlet that is not listed. Of an
    /// outlet that is listed twice the first entry counts.
    PerOutlet(Vec<(Outlet, u32)>),
}

/// What a worker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Made by the worker; the same token asks for the same lease.
    pub token: LeaseToken,
    /// At most so many records, and never more than the queue's [`QueueLimits::max_records`].
    pub max: usize,
    /// How long the records are kept from others.
    pub ttl: Duration,
    /// How much may leave through each outlet.
    pub allowance: Allowance,
}

/// Records that are the worker's until the deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The worker's token.
    pub token: LeaseToken,
    /// When the records go back unless settled or extended.
    pub deadline: DateTime<Utc>,
    /// What was taken; those of one lane in the order in which they wait.
    pub records: Vec<Leased>,
    /// Outlets that still have records that are due and not held after this lease, allowance or
    /// not. At most [`READY_OUTLETS`].
    pub ready: Vec<Outlet>,
    /// When another lease may find what this one did not, though nobody adds work: the earliest
    /// delayed record, end of a hold or deadline of another lease. An instant that has passed
    /// means that more is there to be looked at now.
    pub next_due: Option<DateTime<Utc>>,
}

/// One record of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Names the record within its lease.
    pub receipt: u32,
    /// Where it waited.
    pub lane: Lane,
    /// What is to be done.
    pub payload: Bytes,
    /// How often it was settled as [`Outcome::Retry`].
    pub retries: u32,
    /// How often a lease on it ran out.
    pub recoveries: u32,
}

/// What came of one leased record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which record.
    pub receipt: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// What may come of a leased record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; nothing is left of it.
    Done,
    /// It comes out again at an instant.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        code: Code,
    },
    /// It will never come out again and is kept as a dead letter.
    Dead {
        /// Why.
        code: Code,
    },
    /// It was not worked on; it goes back to the head of its lane, uncounted. Records that one
    /// call hands back keep their order.
    HandBack,
}

/// The answer to a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// So many records were settled by this call.
    Applied(usize),
    /// The lease ran out or was settled whole before; nothing changed.
    Gone,
}

/// The answer to an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extended {
    /// The lease now lasts until this instant.
    Until(DateTime<Utc>),
    /// The lease ran out or was settled whole.
    Gone,
}

/// What a queue accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLimits {
    /// Records per parcel and per lease.
    pub max_records: usize,
    /// Bytes per record.
    pub max_payload: usize,
    /// Records that may wait, delayed ones included and leased ones not. What goes back into its
    /// lane may exceed it, a parcel may not.
    pub high_water: u64,
    /// Leases that may run out on a record; when one more does, the record is a dead letter.
    pub max_recoveries: u32,
}

impl Default for QueueLimits {
    /// 2,000 records, 64 KiB, 10,000,000 waiting, 3 recoveries.
    fn default() -> Self {
        Self { max_records: 2_000, max_payload: 65_536, high_water: 10_000_000, max_recoveries: 3 }
    }
}

impl QueueLimits {
    /// The same limits with another high-water mark.
    #[must_use]
    pub const fn with_high_water(self, high_water: u64) -> Self {
        Self { high_water, ..self }
    }

    /// Refuses parcels that break the limits.
    pub(crate) fn check(&self, parcels: &[Parcel]) -> Result<(), StoreError> {
        let refused = |reason: String| StoreError::Refused {
            doing: "adding to the queue".into(),
            reason: reason.into(),
        };
        for parcel in parcels {
            if self.max_records < parcel.records.len() {
                return Err(refused(format!(
                    "the parcel {} has {} records and may have {}; split it",
                    parcel.batch,
                    parcel.records.len(),
                    self.max_records
                )));
            }
            let longest = parcel.records.iter().map(Bytes::len).max().unwrap_or(0);
            if self.max_payload < longest {
                return Err(refused(format!(
                    "the parcel {} has a record of {longest} bytes and {} are allowed; keep the content elsewhere and queue a reference",
                    parcel.batch, self.max_payload
                )));
            }
        }
        Ok(())
    }
}
