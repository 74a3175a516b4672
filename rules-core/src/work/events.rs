//! The event log: evidence of what was decided and done, per tenant, append-only.
//!
//! Entries reach it through the outbox of the store that made a change
//! ([`crate::work::outbox`]), so evidence exists exactly when the change does. Nobody who decides
//! reads it.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::judge::code::Code;
use crate::judge::id::EntryId;
use crate::judge::key::ChainKey;
use crate::work::StoreError;

/// Evidence.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventLog: Debug + Send + Sync + 'static {
    /// Appends entries in the order given; each gets the next number of its chain, without gaps.
    /// An entry whose id is known is not appended again and keeps its number.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same ids.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all entries appended or none.
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError>;

    /// Up to `max` entries of a chain from number `from` on (the first is 1).
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError>;

    /// The last number of each chain, in order; 0 for an empty one.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<u64>, StoreError>;
}
const _: fn(&dyn EventLog) = |_| {};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Makes appending repeatable.
    pub id: EntryId,
    /// Whose log.
    pub chain: ChainKey,
    /// When it happened, to the microsecond.
    pub at: DateTime<Utc>,
    /// What kind of thing, such as `dispatch.begun`.
    pub kind: Code,
    /// The facts, as one JSON object. No personal data in clear.
    pub body: String,
}

/// An entry with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sealed {
    /// Its number in the chain, from 1 without gaps.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What kind of thing.
    pub kind: Code,
    /// The facts, as one JSON object.
    pub body: String,
}

impl Sealed {
    /// The entry under its number.
    pub fn new(seq: u64, entry: &Entry) -> Self {
        Self { seq, id: entry.id, at: entry.at, kind: entry.kind.clone(), body: entry.body.clone() }
    }
}
