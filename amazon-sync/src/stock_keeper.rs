//! Reads the host's stock into the ledger: counts and movements, together with how far the host's
//! changes were read.
//!
//! A host that deducts none of Amazon's orders cannot say which ones its numbers include. When the
//! first numbers were counted, the shelf had lost what had shipped by then. So before they are
//! booked, the orders up to the instant of the count are read, and nothing later: what those moved
//! is included in the host's numbers, then and ever after, and what later orders move is taken off.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::desk::{Desk, FirstCounts, earlier, passes};
use crate::host_stock::{Count, HostChange, HostChanges, HostMark, HostRowError};
use crate::ledger::{Movement, Seq};
use crate::sync_store::{Commit, Committed, MovementOutcome};
use crate::telemetry;

const ROW_REFUSED: Code = Code::known("host.row_refused");
const HOST_REFUSED: Code = Code::known("host.unreadable");
const NOT_BOOKED: Code = Code::known("host.not_booked");

/// Refused rows that get a letter of their own in one step; the rest is told by number.
const LETTERS: usize = 50;

/// How often it is looked whether the orders up to the first counts are known.
const NOT_BEGUN: Duration = Duration::from_secs(1);

/// Keeps the ledger in step with the host's stock.
#[derive(Debug)]
pub(crate) struct StockKeeper {
    desk: Arc<Desk>,
    failures: u32,
}

/// How far the host's changes were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The movement up to which the host's numbers include Amazon's orders, where it says nothing.
    begun: Seq,
    /// True when everything that was there at first is taken in: before, what is not known may
    /// still come, and nothing is published.
    whole: bool,
    mark: Option<HostMark>,
}

impl Place {
    fn of(mark: &HostMark) -> Option<Self> {
        serde_json::from_str(&mark.0).ok()
    }

    fn to_mark(&self) -> HostMark {
        // A number and a text always have a JSON form.
        HostMark(serde_json::to_string(self).unwrap_or_default())
    }
}

impl StockKeeper {
    pub(crate) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk, failures: 0 }
    }

    /// Reads on until `stop` shows true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.catch_up().await {
                Ok(_) => {
                    self.failures = 0;
                    let is_settled = self.desk.first_counts() == FirstCounts::Settled;
                    if is_settled { self.desk.config.host_every } else { NOT_BEGUN }
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(error = %chain(&error), "reading the host's stock failed");
                    if !passes(&error) && self.failures == 1 {
                        self.tell(&error).await;
                    }
                    self.desk.delay(self.failures, error.fault())
                }
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.desk.host_told.notified() => {}
                () = self.desk.clock.sleep(wait) => {}
            }
        }
    }

    async fn tell(&self, error: &StoreError) {
        let text = format!("{error}; the numbers that were read last stay until that is put right");
        let letter = self.desk.letter("host stock", HOST_REFUSED, text);
        // The same failure is met again if this one is not written down.
        if let Err(error) = self.desk.commit(&Commit { letters: vec![letter], ..Commit::default() }).await {
            tracing::warn!(error = %chain(&error), "a letter was not put");
        }
    }

    /// Takes in everything that the host has changed, and says how many changes that were.
    pub(crate) async fn catch_up(&self) -> Result<usize, StoreError> {
        let Some(mut place) = self.place().await? else { return Ok(0) };
        if place.whole {
            self.desk.host_is_known();
        }
        let mut total = 0;
        loop {
            let page = self.desk.host.changes(place.mark.clone(), self.desk.config.page).await?;
            let Some(mark) = page.mark.clone() else {
                let was_whole = std::mem::replace(&mut place.whole, true);
                if !was_whole || !page.changes.is_empty() || !page.refused.is_empty() {
                    total += self.take_in(&page, &place).await?;
                    self.desk.host_is_known();
                }
                return Ok(total);
            };
            place.mark = Some(mark);
            total += self.take_in(&page, &place).await?;
        }
    }

    /// Where to read on; `None` while the orders up to the first counts are not known.
    async fn place(&self) -> Result<Option<Place>, StoreError> {
        let desk = &self.desk;
        let accounts: Vec<_> = desk.accounts.iter().map(|known| known.account.clone()).collect();
        let cursors = desk.store.cursors(&desk.shelf, &accounts).await?;
        if let Some(place) = cursors.host_mark.as_ref().and_then(Place::of) {
            desk.has_begun.store(true, Ordering::Relaxed);
            return Ok(Some(place));
        }
        self.find_first_counts().await?;
        let mut cursors = desk.accounts.iter().zip(&cursors.accounts);
        if cursors.any(|(account, cursor)| cursor.closed_to.is_none() && !account.keeps_nobody_waiting()) {
            return Ok(None);
        }
        let Committed::Done(receipt) = desk.commit(&Commit::default()).await? else { return Ok(None) };
        let place = Place { begun: receipt.seq, whole: false, mark: None };
        desk.commit(&Commit { host_mark: Some(place.to_mark()), ..Commit::default() }).await?;
        desk.has_begun.store(true, Ordering::Relaxed);
        Ok(Some(place))
    }

    /// When the host's first numbers were counted: the earliest of a page of them, within the reach of
    /// the first window. What an item lost that was counted later is then taken off once more, which
    /// errs on the safe side.
    pub(crate) async fn find_first_counts(&self) -> Result<(), StoreError> {
        let desk = &self.desk;
        if desk.first_counts() != FirstCounts::Unknown {
            return Ok(());
        }
        let page = desk.host.changes(None, desk.config.page).await?;
        let counted = page.changes.iter().filter_map(|change| match change {
            HostChange::Counted(count) => Some(count.at),
            HostChange::Moved { .. } => None,
        });
        let now = desk.clock.now();
        let counted_at = counted.min().unwrap_or(now).clamp(earlier(now, desk.config.look_back), now);
        *desk.counted_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted_at);
        Ok(())
    }

    #[tracing::instrument(name = "sync.host", level = "debug", skip_all, fields(changes = page.changes.len()))]
    async fn take_in(&self, page: &HostChanges, place: &Place) -> Result<usize, StoreError> {
        let mut total = 0;
        // A count and a movement of one page may be about the same item, and their order matters: a
        // commit books movements before counts.
        let mut changes = page.changes.as_slice();
        let mut refused = page.refused.as_slice();
        loop {
            let (run, rest) = split(changes);
            let mut commit = Commit::default();
            for change in run {
                match change {
                    HostChange::Counted(count) => commit.counts.push(included(count, place)),
                    HostChange::Moved { key, item, bucket, by, cause, at } => {
                        commit.movements.push(Movement {
                            key: key.clone(),
                            item: item.clone(),
                            bucket: *bucket,
                            by: *by,
                            cause: cause.clone(),
                            at: *at,
                        });
                    }
                }
            }
            if rest.is_empty() {
                commit.host_mark = Some(place.to_mark());
                self.add_refused(refused, &mut commit);
                refused = &[];
            }
            let committed = self.desk.commit(&commit).await?;
            if let Committed::Done(receipt) = committed {
                let outcomes = receipt.movements.iter().chain(&receipt.counts);
                let items = commit.movements.iter().map(|moved| &moved.item);
                let items = items.chain(commit.counts.iter().map(|count| &count.item));
                let not_booked =
                    items.zip(outcomes).filter(|(_, outcome)| **outcome == MovementOutcome::Refused);
                let letters: Vec<_> = not_booked
                    .map(|(item, _)| {
                        let text =
                            "the sum cannot be expressed, so it was not booked; look at the host's numbers";
                        self.desk.letter(format!("item {item}"), NOT_BOOKED, text)
                    })
                    .collect();
                if !letters.is_empty() {
                    self.desk.commit(&Commit { letters, ..Commit::default() }).await?;
                }
            }
            total += run.len();
            changes = rest;
            if changes.is_empty() {
                telemetry::count("sync_host_changes_total", Some(("result", "taken")), total);
                return Ok(total);
            }
        }
    }

    fn add_refused(&self, refused: &[HostRowError], commit: &mut Commit) {
        let (told, rest) = refused.split_at(refused.len().min(LETTERS));
        for HostRowError { place, reason } in told {
            commit.letters.push(self.desk.letter(place, ROW_REFUSED, reason));
        }
        if let Some(HostRowError { place, reason }) = rest.first() {
            let text = format!("{} more rows were refused, the first for: {reason}", rest.len());
            commit.letters.push(self.desk.letter(format!("{place} and on"), ROW_REFUSED, text));
        }
        telemetry::count("sync_host_changes_total", Some(("result", "refused")), refused.len());
    }
}

/// The count with what it includes.
fn included(count: &Count, place: &Place) -> Count {
    Count { includes: count.includes.or(Some(place.begun)), ..count.clone() }
}

/// The changes up to where a movement follows a count.
fn split(changes: &[HostChange]) -> (&[HostChange], &[HostChange]) {
    let is_turn = |pair: &[HostChange]| matches!(pair, [HostChange::Counted(_), HostChange::Moved { .. }]);
    let end = changes.windows(2).position(is_turn).map_or(changes.len(), |at| at + 1);
    changes.split_at(end)
}
