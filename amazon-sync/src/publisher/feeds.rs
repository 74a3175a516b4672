use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use super::Publisher;
use super::hand_over::{Notes, given_back};
use crate::desk::{Amendment, passes};
use crate::intent::Stage;
use crate::listing::ListingKey;
use crate::quantity::Quantity;
use crate::sink::{SubmissionRef, SubmissionState};
use crate::sync_store::{Commit, ListingRecord};

/// A feed is asked about no sooner than this after it was handed over.
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// After a failed question.
const RETRY: Duration = Duration::from_secs(60);

/// Feeds that Amazon works on.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// When each is asked about next; `None` when there is nothing more to be learned.
    next: HashMap<SubmissionRef, Option<DateTime<Utc>>>,
    failures: u32,
}

impl Feeds {
    pub(super) fn expect(&mut self, feed: SubmissionRef, now: DateTime<Utc>) {
        self.next.entry(feed).or_insert(Some(after(now, FIRST_LOOK)));
    }
}

impl Publisher {
    /// Asks about feeds that are due, and says when the next one is.
    pub(super) async fn check_feeds(
        &mut self,
        records: &[Arc<ListingRecord>],
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut by_feed: BTreeMap<SubmissionRef, (usize, Vec<Arc<ListingRecord>>)> = BTreeMap::new();
        for record in records {
            if let Some(Stage::InFlight { submission: Some(feed), .. }) =
                record.intent.as_ref().map(|intent| &intent.stage)
                && let Some(lane) = self.lane_of(record)
            {
                by_feed.entry(feed.clone()).or_insert((lane, Vec::new())).1.push(Arc::clone(record));
            }
        }
        self.feeds.next.retain(|feed, _| by_feed.contains_key(feed));
        for feed in self.account.take_feeds_done() {
            if let Some(Some(at)) = self.feeds.next.get_mut(&feed) {
                *at = now;
            }
        }
        for (feed, (lane, records)) in &by_feed {
            let at = *self.feeds.next.entry(feed.clone()).or_insert(Some(now));
            if at.is_some_and(|at| at <= now) {
                let next = self.check(feed, *lane, records, now).await?;
                self.feeds.next.insert(feed.clone(), next);
            }
        }
        Ok(self.feeds.next.values().flatten().min().copied())
    }

    async fn check(
        &mut self,
        feed: &SubmissionRef,
        lane: usize,
        records: &[Arc<ListingRecord>],
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(sink) = self.lanes.get(lane).map(|lane| Arc::clone(&lane.sink)) else { return Ok(None) };
        match sink.status(&self.account.account, feed).await {
            Ok(SubmissionState::Pending { again_at }) => {
                self.feeds.failures = 0;
                Ok(Some(again_at.max(after(now, Duration::from_secs(1)))))
            }
            Ok(SubmissionState::Done { refused, effective }) => {
                self.feeds.failures = 0;
                self.done(records, &refused, &effective, now).await?;
                Ok(None)
            }
            Ok(SubmissionState::Failed { why }) => {
                tracing::warn!(account = %self.account.account, why, listings = records.len(), "a feed failed");
                let amendments = records.iter().filter_map(|record| {
                    let intent = record.intent.as_ref()?;
                    if let Some(lane) = self.lanes.get(lane) {
                        self.account.lost(record.key.clone(), lane.caps.name.clone());
                    }
                    Some(given_back(&record.key, intent.generation))
                });
                self.desk.amend(amendments.collect(), Commit::default()).await?;
                Ok(None)
            }
            Err(error) => {
                self.feeds.failures = self.feeds.failures.saturating_add(1);
                tracing::warn!(account = %self.account.account, error = %chain(&error), "asking about a feed failed");
                if self.desk.stops(&self.account, &error).await? {
                    return Ok(Some(after(now, RETRY)));
                }
                // What cannot be known is found out by reading the listings.
                let delay = self.desk.delay(self.feeds.failures, error.fault());
                Ok(passes(&error).then(|| after(now, delay.max(RETRY))))
            }
        }
    }

    async fn done(
        &self,
        records: &[Arc<ListingRecord>],
        refused: &[(String, String)],
        effective: &[(String, Quantity)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let refused: HashMap<&str, &str> =
            refused.iter().map(|(sku, why)| (sku.as_str(), why.as_str())).collect();
        let effective: HashMap<&str, Quantity> =
            effective.iter().map(|(sku, shown)| (sku.as_str(), *shown)).collect();
        let (mut notes, mut unsaid) = (Notes::default(), Vec::new());
        for record in records {
            let (key, Some(intent)) = (&record.key, &record.intent) else { continue };
            match (refused.get(key.sku().as_str()), effective.get(key.sku().as_str())) {
                (Some(why), _) => self.refused(key, intent.generation, why, &mut notes),
                // The report's read-back is as good as a read, at no call.
                (None, Some(shown)) => notes.amendments.push(shown_in_report(record, *shown, now)),
                (None, None) => unsaid.push(key.clone()),
            }
        }
        let keys: Vec<ListingKey> = records.iter().map(|record| record.key.clone()).collect();
        self.account.read.put_all(unsaid, now);
        self.desk.amend(notes.amendments, notes.with).await?;
        self.account.look.put_all(keys, now);
        self.desk.moved.notify_one();
        Ok(())
    }
}

fn shown_in_report(record: &ListingRecord, quantity: Quantity, now: DateTime<Utc>) -> Amendment {
    let sold = record.sold;
    Amendment::new(record.key.clone(), move |record| {
        let Some(mut state) = record.shown.as_ref().map(|shown| shown.state.clone()) else { return false };
        (state.effective, state.declared, state.as_of) = (Some(quantity), Some(quantity), now);
        record.shown = Some(crate::merge::shown(record.shown.as_ref(), state, sold));
        true
    })
}
