//! From a store's outbox into the event log.
//!
//! A store writes what it wants to be known into its outbox in the same transaction as the
//! change itself. The [`Relay`] moves it into the event log afterwards; a crash in between
//! repeats the move, and the log recognises the entries by id.
//!
//! Where several processes share a store, one of them relays at a time: it claims the outbox for a
//! while. That saves work and no more. Two that relay at once append each entry once all the same.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::judge::id::LeaseToken;
use crate::work::StoreError;
use crate::work::events::{Entry, EventLog};

mod turn;

pub use turn::Turn;

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

    /// Claims the outbox for `ttl` from now; a claim of the same holder is renewed. False while
    /// somebody else's claim lasts, which then stays as it is. With a `ttl` of zero the holder
    /// gives its claim back.
    ///
    /// It keeps nobody from [`Outbox::pending`] and [`Outbox::relayed`].
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the outbox claimed or not; what was claimed runs out.
    async fn claim(&self, holder: LeaseToken, ttl: Duration) -> Result<bool, StoreError>;
}
const _: fn(&dyn Outbox) = |_| {};

/// Moves entries from an outbox into an event log.
#[derive(Clone, Debug)]
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    log: Arc<dyn EventLog>,
    holder: LeaseToken,
}

impl Relay {
    /// Entries moved in one pass.
    pub const PASS: usize = 1_000;

    /// How long a pass claims the outbox: what dies in a pass keeps others from it so long.
    pub const CLAIM: Duration = Duration::from_secs(30);

    /// A relay between the two, under a token that nobody else has.
    pub fn new(outbox: Arc<dyn Outbox>, log: Arc<dyn EventLog>, holder: LeaseToken) -> Self {
        Self { outbox, log, holder }
    }

    /// Moves up to [`Relay::PASS`] entries and says how many. Fewer than that means that the
    /// outbox is empty now, or that somebody else relays it.
    ///
    /// # Errors
    /// [`StoreError`] of the outbox or the log; repeat the pass.
    ///
    /// # Cancel safety
    /// A pass that is dropped is repeated by the next one without doubling an entry.
    pub async fn pass(&self) -> Result<usize, StoreError> {
        if !self.outbox.claim(self.holder, Self::CLAIM).await? {
            return Ok(0);
        }
        let pending = self.outbox.pending(Self::PASS).await?;
        let Some(&(last, _)) = pending.last() else { return Ok(0) };
        let moved = pending.len();
        let entries: Vec<Entry> = pending.into_iter().map(|(_, entry)| entry).collect();
        self.log.append(&entries).await?;
        self.outbox.relayed(last).await?;
        Ok(moved)
    }

    /// Lets somebody else relay at once, when there will be no further pass.
    ///
    /// # Errors
    /// [`StoreError`] of the outbox; then the claim runs out by itself.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the outbox claimed or not.
    pub async fn give_back(&self) -> Result<(), StoreError> {
        self.outbox.claim(self.holder, Duration::ZERO).await?;
        Ok(())
    }
}
