//! From a store's outbox into the event log.
//!
//! A store writes what it wants to be known into its outbox in the same transaction as the
//! change itself. The [`Relay`] moves it into the event log afterwards; a crash in between
//! repeats the move, and the log recognises the entries by id.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::work::StoreError;
use crate::work::events::{Entry, EventLog};

/// What a store wants to be known.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Outbox: Debug + Send + Sync + 'static {
    /// The oldest `max` entries, each with its position; positions rise.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError>;

    /// Forgets every entry up to and including `position`.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn relayed(&self, position: u64) -> Result<(), StoreError>;
}
const _: fn(&dyn Outbox) = |_| {};

/// Moves entries from an outbox into an event log.
#[derive(Clone, Debug)]
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    log: Arc<dyn EventLog>,
}

impl Relay {
    /// Entries moved in one pass.
    pub const PASS: usize = 1_000;

    /// A relay between the two.
    pub fn new(outbox: Arc<dyn Outbox>, log: Arc<dyn EventLog>) -> Self {
        Self { outbox, log }
    }

    /// Moves up to [`Relay::PASS`] entries and says how many. Fewer than that means the outbox is
    /// empty now.
    ///
    /// # Errors
    /// [`StoreError`] of the outbox or the log; repeat the pass.
    ///
    /// # Cancel safety
    /// A pass that is dropped is repeated by the next one without doubling an entry.
    pub async fn pass(&self) -> Result<usize, StoreError> {
        let pending = self.outbox.pending(Self::PASS).await?;
        let Some(&(last, _)) = pending.last() else { return Ok(0) };
        let moved = pending.len();
        let entries: Vec<Entry> = pending.into_iter().map(|(_, entry)| entry).collect();
        self.log.append(&entries).await?;
        self.outbox.relayed(last).await?;
        Ok(moved)
    }
}
