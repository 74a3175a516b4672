use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::listing::ListingKey;

/// Listings that are to be looked at, each at an instant of its own. A listing stands on it once,
/// with the earliest instant.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: Mutex<Entries>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    due: HashMap<ListingKey, DateTime<Utc>>,
    order: BTreeSet<(DateTime<Utc>, ListingKey)>,
}

impl Agenda {
    pub(crate) fn put(&self, listing: ListingKey, at: DateTime<Utc>) {
        self.put_all([listing], at);
    }

    pub(crate) fn put_all(&self, listings: impl IntoIterator<Item = ListingKey>, at: DateTime<Utc>) {
        let mut entries = self.lock();
        let first = entries.order.first().map(|(first, _)| *first);
        for listing in listings {
            let known = entries.due.get(&listing).copied();
            if known.is_some_and(|known| known <= at) {
                continue;
            }
            if let Some(known) = known {
                entries.order.remove(&(known, listing.clone()));
            }
            entries.due.insert(listing.clone(), at);
            entries.order.insert((at, listing));
        }
        let sooner = entries.order.first().map(|(first, _)| *first);
        if sooner.is_some() && first.is_none_or(|first| sooner.is_some_and(|sooner| sooner < first)) {
            self.told.notify_one();
        }
    }

    /// Takes off up to `max` whose instant has come, the longest waiting first.
    pub(crate) fn take(&self, now: DateTime<Utc>, max: usize) -> Vec<ListingKey> {
        let mut entries = self.lock();
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((at, _)) = entries.order.first()
            && *at <= now
            && let Some((_, listing)) = entries.order.pop_first()
        {
            entries.due.remove(&listing);
            taken.push(listing);
        }
        taken
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<DateTime<Utc>> {
        self.lock().order.first().map(|(at, _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().due.len()
    }

    /// Returns when something sooner than everything else was put onto it.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
