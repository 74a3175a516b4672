use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::work::clock::after;
use tokio::sync::Notify;

use super::{Agenda, earlier};
use crate::listing::ListingKey;
use crate::order::{OrderId, OrderVersion};
use crate::seller::{MarketplaceId, SellerAccount};
use crate::sink::{SinkName, SubmissionRef};
use crate::sku_map::SkuMap;
use crate::sync_store::{ListingOutcome, ListingRecord};

/// What is remembered of one seller account.
#[derive(Debug)]
pub(crate) struct AccountDesk {
    pub(crate) account: SellerAccount,
    pub(crate) marketplaces: Vec<MarketplaceId>,
    map: RwLock<Arc<SkuMap>>,
    stopped: Mutex<Option<(Code, DateTime<Utc>)>>,
    is_in_trouble: AtomicBool,
    known: Mutex<Known>,
    events: Mutex<EventHealth>,
    /// Feeds that Amazon has said to be worked through.
    feeds_done: Mutex<Vec<SubmissionRef>>,
    /// How late orders were found to be, for the cursor to remember.
    late: Mutex<Vec<Duration>>,
    /// Listings that are to be reconciled although none of their items moved.
    pub(crate) look: Agenda,
    /// True when all of them are.
    look_at_all: AtomicBool,
    /// Listings that wait for the orders up to an instant.
    pub(crate) uncovered: Agenda,
    /// Listings that are to be read.
    pub(crate) read: Agenda,
    /// Sinks by which a number was lost: the next try goes by another one.
    lost_by: Mutex<HashMap<ListingKey, SinkName>>,
    /// How often listings were to be read that were never seen.
    unseen: Mutex<HashMap<ListingKey, u32>>,
    /// How long numbers took by each sink lately.
    latencies: Mutex<HashMap<SinkName, VecDeque<Duration>>>,
    /// Listings with an intent.
    pub(crate) intents: Intents,
    /// Told when orders should be polled before their time.
    pub(crate) poll_soon: Notify,
}

/// A stopped account is tried again after so long: the seller may have authorised it anew.
const STOPPED_FOR: Duration = Duration::from_secs(3_600);

/// A listing that was not seen is looked for again after so long, doubling to four hours.
const UNSEEN: Duration = Duration::from_secs(60);

/// Effects whose times are remembered, for each sink.
const LATELY: usize = 64;

/// Orders whose version is remembered.
const KNOWN: usize = 20_000;

/// Versions of orders that this process has committed, so that what overlaps costs no trip.
#[derive(Debug, Default)]
struct Known {
    versions: HashMap<OrderId, OrderVersion>,
    order: VecDeque<OrderId>,
}

/// Whether events tell of every order.
#[derive(Clone, Copy, Debug, Default)]
struct EventHealth {
    last: Option<DateTime<Utc>>,
    is_healthy: bool,
}

impl AccountDesk {
    pub(crate) fn new(account: SellerAccount, marketplaces: Vec<MarketplaceId>, map: SkuMap) -> Self {
        Self {
            account,
            marketplaces,
            map: RwLock::new(Arc::new(map)),
            stopped: Mutex::default(),
            is_in_trouble: AtomicBool::new(false),
            known: Mutex::default(),
            events: Mutex::default(),
            feeds_done: Mutex::default(),
            late: Mutex::default(),
            look: Agenda::default(),
            look_at_all: AtomicBool::new(false),
            uncovered: Agenda::default(),
            read: Agenda::default(),
            lost_by: Mutex::default(),
            unseen: Mutex::default(),
            latencies: Mutex::default(),
            intents: Intents::default(),
            poll_soon: Notify::new(),
        }
    }

    pub(crate) fn map(&self) -> Arc<SkuMap> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_map(&self, map: SkuMap) {
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
    }

    pub(crate) fn stop(&self, code: Code, now: DateTime<Utc>) {
        *lock(&self.stopped) = Some((code, after(now, STOPPED_FOR)));
    }

    pub(crate) fn resume(&self) {
        self.works();
        self.poll_soon.notify_one();
    }

    /// Amazon has answered.
    pub(crate) fn works(&self) {
        self.is_in_trouble.store(false, Ordering::Relaxed);
        *lock(&self.stopped) = None;
    }

    /// Amazon has not answered for a while.
    pub(crate) fn has_trouble(&self) {
        self.is_in_trouble.store(true, Ordering::Relaxed);
    }

    /// True when others should not wait for this account's orders.
    pub(crate) fn keeps_nobody_waiting(&self) -> bool {
        self.is_in_trouble.load(Ordering::Relaxed) || self.stopped().is_some()
    }

    /// Until when nothing is asked of Amazon for the account; `None` when it works.
    pub(crate) fn stopped_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        lock(&self.stopped).as_ref().map(|(_, until)| *until).filter(|until| now < *until)
    }

    /// Why the account stopped, if it did.
    pub(crate) fn stopped(&self) -> Option<Code> {
        lock(&self.stopped).as_ref().map(|(code, _)| code.clone())
    }

    /// True for the version of an order that this process has committed, or an older one.
    pub(crate) fn knows(&self, order: &OrderId, version: &OrderVersion) -> bool {
        lock(&self.known).versions.get(order).is_some_and(|known| version <= known)
    }

    pub(crate) fn learn(&self, order: &OrderId, version: OrderVersion) {
        let mut known = lock(&self.known);
        let before = known.versions.insert(order.clone(), version);
        match before {
            Some(before) if version < before => {
                known.versions.insert(order.clone(), before);
            }
            Some(_) => {}
            None => {
                known.order.push_back(order.clone());
                if KNOWN < known.order.len()
                    && let Some(oldest) = known.order.pop_front()
                {
                    known.versions.remove(&oldest);
                }
            }
        }
    }

    /// Forgets all versions: a corrected SKU map may say more of them.
    pub(crate) fn forget_orders(&self) {
        *lock(&self.known) = Known::default();
    }

    /// Has all listings reconciled.
    pub(crate) fn look_at_all(&self) {
        self.look_at_all.store(true, Ordering::Relaxed);
    }

    /// True when somebody asked for that since it was asked last.
    pub(crate) fn should_look_at_all(&self) -> bool {
        self.look_at_all.swap(false, Ordering::Relaxed)
    }

    /// All orders up to `closed_to` are known: whoever waited for them is looked at.
    pub(crate) fn covered(&self, closed_to: DateTime<Utc>, now: DateTime<Utc>) {
        loop {
            let listings = self.uncovered.take(closed_to, 1_000);
            if listings.is_empty() {
                return;
            }
            self.look.put_all(listings, now);
        }
    }

    /// A number was lost on its way by this sink.
    pub(crate) fn lost(&self, listing: ListingKey, by: SinkName) {
        lock(&self.lost_by).insert(listing, by);
    }

    /// How long to wait before a listing is read that was never seen: nothing at first, then ever
    /// longer. Where there are more than so many listings, a snapshot shows them sooner.
    pub(crate) fn unseen(&self, listing: &ListingKey, read_singly: usize) -> Duration {
        let mut unseen = lock(&self.unseen);
        let times = unseen.entry(listing.clone()).or_default();
        let delay = match *times {
            0 if self.map().listing_count() <= read_singly => Duration::ZERO,
            0 => UNSEEN * 60,
            times => UNSEEN * 2_u32.saturating_pow(times.min(9) - 1),
        };
        *times += 1;
        delay
    }

    /// A number that was handed over to this sink took effect after so long.
    pub(crate) fn took_effect(&self, sink: &SinkName, after: Duration) {
        let mut latencies = lock(&self.latencies);
        let lately = latencies.entry(sink.clone()).or_default();
        lately.push_back(after);
        if LATELY < lately.len() {
            lately.pop_front();
        }
    }

    /// The median of how long numbers took by this sink lately.
    pub(crate) fn latency(&self, sink: &SinkName) -> Option<Duration> {
        let latencies = lock(&self.latencies);
        let mut lately: Vec<Duration> = latencies.get(sink)?.iter().copied().collect();
        lately.sort_unstable();
        lately.get(lately.len() / 2).copied()
    }

    /// The sink by which the listing's number was lost.
    pub(crate) fn lost_by(&self, listing: &ListingKey) -> Option<SinkName> {
        lock(&self.lost_by).get(listing).cloned()
    }

    /// The listing's number was handed over again.
    pub(crate) fn went_again(&self, listing: &ListingKey) {
        lock(&self.lost_by).remove(listing);
    }

    /// Amazon says that a feed is worked through.
    pub(crate) fn feed_is_done(&self, feed: SubmissionRef) {
        lock(&self.feeds_done).push(feed);
        self.intents.changed.notify_one();
    }

    /// Feeds that were said to be worked through since it was asked last.
    pub(crate) fn take_feeds_done(&self) -> Vec<SubmissionRef> {
        std::mem::take(&mut *lock(&self.feeds_done))
    }

    /// True when something as new was heard of the order. A notification counts as a little older
    /// than the second in which the order changed.
    pub(crate) fn heard_of(&self, order: &OrderId, updated_at: DateTime<Utc>) -> bool {
        let known = lock(&self.known).versions.get(order).copied();
        known.is_some_and(|known| updated_at <= known.updated_at + TimeDelta::milliseconds(1_001))
    }

    /// Orders were found so late.
    pub(crate) fn was_late(&self, late: impl IntoIterator<Item = Duration>) {
        lock(&self.late).extend(late);
    }

    /// What was found since it was asked for last.
    pub(crate) fn take_late(&self) -> Vec<Duration> {
        std::mem::take(&mut *lock(&self.late))
    }

    /// Events should come from now on.
    pub(crate) fn expect_events(&self, now: DateTime<Utc>) {
        lock(&self.events).last.get_or_insert(now);
    }

    /// An event came.
    pub(crate) fn event_came(&self, now: DateTime<Utc>) {
        lock(&self.events).last = Some(now);
    }

    /// A window of orders was closed: so many of its orders were told by events, so many by no
    /// event. True when the events have just fallen silent.
    pub(crate) fn window_closed(
        &self,
        told: usize,
        untold: usize,
        silent_after: Duration,
        now: DateTime<Utc>,
    ) -> bool {
        let mut events = lock(&self.events);
        let recent = events.last.is_some_and(|last| earlier(now, silent_after) < last);
        let before = events.is_healthy;
        if untold > 0 {
            events.is_healthy = false;
        } else if told > 0 && recent {
            events.is_healthy = true;
        }
        let is_silent = events.last.is_some() && !recent && untold > 0;
        is_silent && (before || told == 0)
    }

    pub(crate) fn events_are_healthy(&self) -> bool {
        lock(&self.events).is_healthy
    }
}

/// Listings with an intent, as this process knows them.
#[derive(Debug, Default)]
pub(crate) struct Intents {
    records: Mutex<BTreeMap<ListingKey, Arc<ListingRecord>>>,
    changed: Notify,
}

impl Intents {
    /// All of them, as the store has them.
    pub(crate) fn load(&self, records: Vec<ListingRecord>) {
        *lock(&self.records) =
            records.into_iter().map(|record| (record.key.clone(), Arc::new(record))).collect();
        self.changed.notify_one();
    }

    /// Takes note of a record as the store has it.
    pub(crate) fn put(&self, record: ListingRecord) {
        let mut records = lock(&self.records);
        if record.intent.is_some() {
            records.insert(record.key.clone(), Arc::new(record));
        } else {
            records.remove(&record.key);
        }
        self.changed.notify_one();
    }

    /// Takes note of a change and what became of it.
    pub(super) fn noted(&self, record: &ListingRecord, outcome: ListingOutcome) {
        if let ListingOutcome::Made(revision) = outcome {
            self.put(ListingRecord { revision, ..record.clone() });
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<ListingRecord>> {
        lock(&self.records).values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.records).len()
    }

    /// Returns when one of them was changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
