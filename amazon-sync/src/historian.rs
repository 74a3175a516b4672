//! Time travel: where an item was at any instant, as the ledger knew it then, and why.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use crate::ledger::{Position, Seq, Story};
use crate::seller::Shelf;
use crate::sku::ItemCode;
use crate::sync_store::{History, SyncStore};

/// Movements that are read at once.
const PAGE: usize = 1_000;

/// Reads the ledger backwards in time.
///
/// What the ledger knew at an instant is what was booked by then: a late order appears where it
/// was learned, not where it was placed, because that is what the numbers on Amazon rested on.
#[derive(Clone, Debug)]
pub struct Historian {
    store: Arc<dyn SyncStore>,
}

impl Historian {
    /// A historian of the store's ledgers.
    pub fn new(store: Arc<dyn SyncStore>) -> Self {
        Self { store }
    }

    /// Where an item was at an instant; nowhere before its first movement.
    ///
    /// # Errors
    /// As [`Historian::story`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn position(
        &self,
        on: &Shelf,
        item: &ItemCode,
        at: DateTime<Utc>,
    ) -> Result<Position, StoreError> {
        self.story(on, item, Some(at), at, 0).await.map(|story| story.after)
    }

    /// What moved an item between two instants, the first one excluded and the last one included,
    /// with the newest `most` movements one by one. It reads all movements up to `until` and holds
    /// a page of them and what it tells.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; [`StoreError::Damaged`] when movements are
    /// missing.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn story(
        &self,
        on: &Shelf,
        item: &ItemCode,
        from: Option<DateTime<Utc>>,
        until: DateTime<Utc>,
        most: usize,
    ) -> Result<Story, StoreError> {
        let mut story = Story::new(item.clone(), from, until);
        let mut after = Seq(0);
        loop {
            let select = History { item: Some(item.clone()), after, until: Some(until), max: PAGE };
            let page = self.store.history(on, &select).await?;
            let Some(last) = page.last() else { return Ok(story) };
            after = last.seq;
            let is_last = page.len() < PAGE;
            for booked in page {
                let seq = booked.seq;
                if !story.tell(booked, most) {
                    let doing = "reading the history of an item".into();
                    return Err(StoreError::Damaged { doing, source: Box::new(Missing { seq }) });
                }
            }
            if is_last {
                return Ok(story);
            }
        }
    }
}

/// Movements that cannot be summed are not all there.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the position after movement {} cannot be expressed, so movements before it are missing", seq.0)]
struct Missing {
    seq: Seq,
}
