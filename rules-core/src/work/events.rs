//! The event log: evidence of what was decided and done, per tenant, append-only.
//!
//! Entries reach it through the outbox of the store that made a change
//! ([`crate::work::outbox`]), so evidence exists exactly when the change does. Nobody who decides
//! reads it.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::judge::code::Code;
use crate::judge::id::EntryId;
use crate::judge::key::ChainKey;
use crate::work::StoreError;

mod chain;
mod segments;

pub use chain::{Breach, Break, Chain, ChainMac, ChainSecret, ExportCheck, VerifyError, verify};
pub use segments::Segments;

/// Every log knows at least so many of the last entries of each chain by their ids.
pub const KNOWN: u64 = 10_000;

/// Evidence.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventLog: Debug + Send + Sync + 'static {
    /// Appends entries in the order given; each gets the next number of its chain, without gaps,
    /// and is tied to the one before it ([`Chain`]). An entry whose id its chain knows is not
    /// appended again and keeps its number. A chain knows at least its last [`KNOWN`] entries; one
    /// that is repeated later than that may be appended again, under the same id.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer. Of each chain a first part may have been
    /// appended; repeat the call with the same ids.
    ///
    /// # Cancel safety
    /// Dropping the future leaves of each chain's entries all, none, or a first part appended.
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError>;

    /// Up to `max` entries of a chain from number `from` on (the first is 1).
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer, [`StoreError::Damaged`] when one of the
    /// entries is not what it should be.
    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError>;

    /// Where each chain ends, in order; the default head for an empty one.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<Head>, StoreError>;
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
    /// The facts, as one JSON object on one line. No personal data in clear.
    pub body: String,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last entry; 0 for an empty chain.
    pub seq: u64,
    /// Its code.
    pub mac: ChainMac,
}

/// An entry with its number, tied to its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealed {
    /// Its number in the chain, from 1 without gaps.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
    /// When it happened, to the microsecond.
    pub at: DateTime<Utc>,
    /// What kind of thing.
    pub kind: Code,
    /// The facts, as one JSON object.
    pub body: String,
    /// What ties it to the entries before it.
    pub mac: ChainMac,
}

impl Sealed {
    /// The entry under its number and code.
    pub fn new(seq: u64, entry: &Entry, mac: ChainMac) -> Self {
        Self { seq, id: entry.id, at: entry.at, kind: entry.kind.clone(), body: entry.body.clone(), mac }
    }

    /// The entry as one JSON object: the bytes that its code covers.
    pub fn line(&self) -> String {
        let Self { seq, id, kind, body, .. } = self;
        let at = self.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        format!(r#"{{"seq":{seq},"id":"{id}","at":"{at}","kind":"{kind}","body":{body}}}"#)
    }

    /// The entry with its code as one line of a JSON Lines export, without a line break.
    pub fn export(&self) -> String {
        format!(r#"{{"mac":"{}","entry":{}}}"#, self.mac, self.line())
    }
}
