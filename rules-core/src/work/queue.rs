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

/// Work that waits to be done.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Queue: Debug + Send + Sync + 'static {
    /// Adds parcels, each whole or not at all. One answer per parcel, in order.
    ///
    /// A parcel whose batch id was added within the last hour is [`Enqueued::Known`] and changes
    /// nothing. Above the high-water mark a parcel is [`Enqueued::Full`].
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same batch ids.
    /// A parcel that breaks [`Queue::limits`] is refused before anything is added.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each parcel added whole or not at all.
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError>;

    /// Takes up to `max` records that are due, within the allowance of each outlet, and keeps
    /// them from everybody else until the deadline.
    ///
    /// Asking again with the token of a live lease returns that lease again. Records whose lease
    /// ran out come back at the head of their lane with one more recovery; past the cap of
    /// recoveries they are dead letters.
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
    /// A receipt that was settled before is passed over; a token that is gone is an answer, not
    /// an error. Dead letters keep the first and the last code they were given.
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
    /// At most so many records per outlet, and none from an outlet that is not listed.
    PerOutlet(Vec<(Outlet, u32)>),
}

/// What a worker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Made by the worker; the same token asks for the same lease.
    pub token: LeaseToken,
    /// At most so many records.
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
    /// Outlets with records that are due and not held, allowance or not. At most 1,000.
    pub ready: Vec<Outlet>,
    /// When the next delayed record becomes due, if one waits.
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
    /// It was not worked on; it goes back to the head of its lane, in order, uncounted.
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
    /// Records that may wait before a parcel is refused as full.
    pub high_water: u64,
    /// Leases that may run out on a record before it is a dead letter.
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
}
