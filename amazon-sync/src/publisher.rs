//! Hands numbers over to Amazon: the most urgent first, by the sink that suits, one number of a
//! listing at a time.
//!
//! An intent is marked as on its way before it is handed over, durably, so that a crash leaves it
//! looking sent rather than forgotten: its deadline passes, the listing is read, and the merge finds
//! out. Writes are absolute, so one in doubt is handed over again under the same generation. A
//! listing has one intent, so a feed and a patch are never on their way for it together; only a
//! zero may overtake what is on its way, and is verified after it.
//!
//! A quantity takes a listing out of Amazon's hands that somebody has given to Amazon to ship. So a
//! listing is read before its number is handed over, unless that was done just now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use tokio::sync::watch;

use crate::desk::{AccountDesk, Desk, until};
use crate::intent::Stage;
use crate::listing::ListingKey;
use crate::quantity::Quantity;
use crate::route::{FeedPace, RoutePlan, Waiting};
use crate::sku_map::SkuMap;
use crate::sync_store::{ListingRecord, Listings};

mod feeds;
mod hand_over;
mod lane;

use feeds::Feeds;
use lane::Lane;

/// Intents of other processes are looked for so often.
const RELOAD: Duration = Duration::from_secs(60);
/// The longest wait for anything.
const LOOK: Duration = Duration::from_secs(5);
/// Submissions on the wire at once.
const ON_THE_WIRE: usize = 8;
/// A listing that was read longer ago is read before its number is handed over ...
const FRESH: Duration = Duration::from_secs(60);
/// ... and for each that waits it may be this much longer: twice what a read takes, so that those
/// that were read first have not become old when the last of them are read.
const FRESH_EACH: Duration = Duration::from_millis(20);
/// A read that was asked for is asked for again after so long.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// Submissions of one turn, at most: what a turn marks it hands over soon.
const A_TURN: usize = 40;

/// Publishes the numbers of one account.
#[derive(Debug)]
pub(crate) struct Publisher {
    desk: Arc<Desk>,
    account: Arc<AccountDesk>,
    lanes: Vec<Lane>,
    feeds: Feeds,
    /// Numbers that are not handed over before an instant: they failed.
    not_before: HashMap<ListingKey, DateTime<Utc>>,
    /// Numbers in doubt, with when they are handed over again.
    in_doubt: HashMap<ListingKey, DateTime<Utc>>,
    /// Failures in a row of each listing.
    failures: HashMap<ListingKey, u32>,
    /// Listings that are to be read before their number goes, with when that was asked for.
    asked: HashMap<ListingKey, DateTime<Utc>>,
    pace: FeedPace,
    reload_at: DateTime<Utc>,
    failed: u32,
}

impl Publisher {
    pub(crate) fn new(desk: Arc<Desk>, account: Arc<AccountDesk>) -> Self {
        let now = desk.clock.now();
        let lanes = desk.sinks.iter().map(|sink| Lane::new(Arc::clone(sink), now)).collect();
        Self {
            desk,
            account,
            lanes,
            feeds: Feeds::default(),
            not_before: HashMap::new(),
            in_doubt: HashMap::new(),
            failures: HashMap::new(),
            asked: HashMap::new(),
            pace: FeedPace::default(),
            reload_at: now,
            failed: 0,
        }
    }

    /// Publishes until `stop` shows true. What was handed over by then is noted first.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.turn().await {
                Ok(wait) => {
                    self.failed = 0;
                    wait
                }
                Err(error) => {
                    self.failed = self.failed.saturating_add(1);
                    tracing::warn!(account = %self.account.account, error = %chain(&error), "publishing failed");
                    self.desk.delay(self.failed, error.fault())
                }
            };
            if wait.is_zero() {
                continue;
            }
            let is_free = self.lanes.iter().any(|lane| lane.is_free(self.desk.clock.now()));
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.account.intents.changed(), if self.failed == 0 && is_free => {}
                () = self.desk.clock.sleep(wait) => {}
            }
        }
    }

    /// Hands over what can be now, and says when there is more to do.
    pub(crate) async fn turn(&mut self) -> Result<Duration, StoreError> {
        let now = self.desk.clock.now();
        if let Some(stopped) = self.account.stopped_until(now) {
            return Ok(until(stopped, now).min(LOOK * 12));
        }
        self.reload(now).await?;
        let records = self.account.intents.all();
        self.forget_settled(&records);
        let feeds_at = self.check_feeds(&records, now).await?;
        let open = self.open(&records, now);
        let doubtful = self.doubtful(&records, now);
        let planned = self.plan(&open, &doubtful, now);
        let sent = !planned.submissions.is_empty();
        self.hand_over(planned.submissions).await?;
        let now = self.desk.clock.now();
        let waits = self.not_before.values().chain(self.in_doubt.values()).copied();
        let next = waits.chain(planned.again_at).chain(feeds_at).min();
        let wait = next.map_or(LOOK, |next| until(next, now).min(LOOK));
        let least =
            if sent && planned.again_at.is_none() { Duration::ZERO } else { Duration::from_millis(10) };
        Ok(wait.max(least))
    }

    async fn reload(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        if now < self.reload_at {
            return Ok(());
        }
        let select = Listings::WithIntent { account: self.account.account.clone(), max: usize::MAX >> 1 };
        let records = self.desk.store.listings(&self.desk.shelf, &select).await?;
        // Deadlines are on nobody's agenda after a start, or when another process handed over.
        for record in &records {
            if let Some(Stage::InFlight { deadline, .. }) = record.intent.as_ref().map(|intent| &intent.stage)
            {
                self.account.look.put(record.key.clone(), (*deadline).max(now));
            }
        }
        self.account.intents.load(records);
        self.reload_at = after(now, RELOAD);
        Ok(())
    }

    fn forget_settled(&mut self, records: &[Arc<ListingRecord>]) {
        let is_empty = self.not_before.is_empty() && self.in_doubt.is_empty() && self.failures.is_empty();
        if is_empty && self.asked.is_empty() {
            return;
        }
        let has = |key: &ListingKey| records.binary_search_by(|record| record.key.cmp(key)).is_ok();
        self.not_before.retain(|key, _| has(key));
        self.in_doubt.retain(|key, _| has(key));
        self.failures.retain(|key, _| has(key));
        self.asked.retain(|key, _| has(key));
    }

    /// Numbers that are on nobody's way, of listings that are known to be the merchant's to ship.
    fn open(&mut self, records: &[Arc<ListingRecord>], now: DateTime<Utc>) -> Vec<Arc<ListingRecord>> {
        self.not_before.retain(|_, at| now < *at);
        let map = self.account.map();
        let is_open = |record: &&Arc<ListingRecord>| {
            record.intent.as_ref().is_some_and(|intent| intent.stage == Stage::Open)
                && record.frozen.is_none()
                && is_merchants(record)
                && map.listing(record.key.sku(), record.key.channel()).is_ok()
                && !self.not_before.contains_key(&record.key)
        };
        let open: Vec<_> = records.iter().filter(is_open).map(Arc::clone).collect();
        let waiting = u32::try_from(open.len()).unwrap_or(u32::MAX);
        let fresh = FRESH.saturating_add(FRESH_EACH.saturating_mul(waiting));
        let (go, old) = open.into_iter().partition(|record| was_read_within(record, fresh, now));
        self.ask_for(old, now);
        go
    }

    /// Has listings read. The number goes when that is done.
    fn ask_for(&mut self, records: Vec<Arc<ListingRecord>>, now: DateTime<Utc>) {
        self.asked.retain(|_, at| now < after(*at, ASK_AGAIN));
        for record in records {
            if !self.asked.contains_key(&record.key) {
                self.account.read.put(record.key.clone(), now);
                self.asked.insert(record.key.clone(), now);
            }
        }
    }

    /// Numbers whose submission is in doubt, and that are to be handed over again now.
    fn doubtful(&mut self, records: &[Arc<ListingRecord>], now: DateTime<Utc>) -> Vec<Arc<ListingRecord>> {
        if self.in_doubt.is_empty() {
            return Vec::new();
        }
        let is_due = |record: &&Arc<ListingRecord>| {
            self.in_doubt.get(&record.key).is_some_and(|at| *at <= now)
                && is_merchants(record)
                && record.intent.as_ref().is_some_and(crate::intent::Intent::is_in_flight)
        };
        let due: Vec<_> = records.iter().filter(is_due).map(Arc::clone).collect();
        self.in_doubt.retain(|_, at| now < *at);
        due
    }

    fn plan(
        &mut self,
        open: &[Arc<ListingRecord>],
        doubtful: &[Arc<ListingRecord>],
        now: DateTime<Utc>,
    ) -> Planned {
        let mut planned = Planned::default();
        if self.lanes.is_empty() || (open.is_empty() && doubtful.is_empty()) {
            return planned;
        }
        let map = self.account.map();
        self.lanes.iter_mut().for_each(|lane| lane.refill(now));
        // What is in doubt goes by the sink that has it; what was lost by a sink goes by another.
        let (mut any, mut bound): (Vec<_>, HashMap<usize, Vec<_>>) = (Vec::new(), HashMap::new());
        for record in doubtful {
            bound.entry(self.lane_of(record).unwrap_or_default()).or_default().push(Arc::clone(record));
        }
        for record in open {
            let lost_by = self.account.lost_by(&record.key);
            let other = lost_by.and_then(|lost| self.lanes.iter().position(|lane| lane.caps.name != lost));
            match other {
                Some(lane) => bound.entry(lane).or_default().push(Arc::clone(record)),
                None => any.push(Arc::clone(record)),
            }
        }
        let backlog = self.backlog();
        let lanes: Vec<usize> = (0..self.lanes.len()).collect();
        let mut groups: Vec<(Vec<usize>, Vec<Arc<ListingRecord>>)> =
            bound.into_iter().map(|(lane, records)| (vec![lane], records)).collect();
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        groups.push((lanes, any));
        for (lanes, records) in groups {
            let waiting: Vec<Waiting> =
                records.iter().map(|record| self.waiting(record, &map, now)).collect();
            let latencies: Vec<_> =
                self.lanes.iter().map(|lane| self.account.latency(&lane.caps.name)).collect();
            let state = |is_feed: bool| {
                lanes
                    .iter()
                    .copied()
                    .find(|lane| self.lanes.get(*lane).is_some_and(|lane| lane.is_feed() == is_feed))
            };
            let (patch, feed) = (state(false), state(true));
            let of = |lane: Option<usize>| {
                let lane = lane?;
                let latency = latencies.get(lane).copied().flatten();
                Some(self.lanes.get(lane)?.state(
                    latency,
                    backlog.get(lane).copied().unwrap_or_default(),
                    now,
                ))
            };
            let (patch_state, feed_state) = (of(patch), of(feed));
            let route = RoutePlan::new(now, &waiting, patch_state.as_ref(), feed_state.as_ref(), &self.pace);
            planned.again_at = [planned.again_at, route.again_at].into_iter().flatten().min();
            for (name, places) in route.submissions {
                let Some(lane) = self.lanes.iter_mut().position(|lane| lane.caps.name == name) else {
                    continue;
                };
                if A_TURN <= planned.submissions.len() {
                    planned.again_at = Some(now);
                    break;
                }
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.take(now);
                }
                let batch = places.iter().filter_map(|place| records.get(*place)).map(Arc::clone).collect();
                planned.submissions.push((lane, batch));
            }
        }
        planned
    }

    fn waiting(&self, record: &ListingRecord, map: &SkuMap, now: DateTime<Utc>) -> Waiting {
        let (quantity, since) = record
            .intent
            .as_ref()
            .map_or((Quantity::ZERO, now), |intent| (intent.quantity, intent.decided_at));
        let demands = self.desk.demands();
        let parts = map.recipe(record.key.sku()).ok().into_iter().flat_map(|recipe| recipe.iter());
        let rates = parts.filter_map(|(item, _)| Some(demands.on_amazon(map.item_code(item)?, now)));
        let rate = rates.reduce(|one, other| if one < other { other } else { one }).unwrap_or_default();
        let shown = record.shown.as_ref().and_then(|shown| shown.state.effective);
        Waiting { quantity, shown, rate, since }
    }

    /// Listings on their way by each lane.
    fn backlog(&self) -> Vec<usize> {
        let mut backlog = vec![0; self.lanes.len()];
        for record in self.account.intents.all() {
            if let Some(count) = self.lane_of(&record).and_then(|lane| backlog.get_mut(lane)) {
                *count += 1;
            }
        }
        backlog
    }

    /// The lane by which the listing's number is on its way.
    fn lane_of(&self, record: &ListingRecord) -> Option<usize> {
        match record.intent.as_ref().map(|intent| &intent.stage) {
            Some(Stage::InFlight { sink, .. }) => self.lanes.iter().position(|lane| lane.caps.name == *sink),
            _ => None,
        }
    }
}

/// True unless the listing is Amazon's to ship, by the SKU map or by what was read last.
fn is_merchants(record: &ListingRecord) -> bool {
    let is_shown_so = record.shown.as_ref().is_some_and(|shown| shown.state.channel.is_amazon());
    !record.key.channel().is_amazon() && !is_shown_so
}

/// What is absent has nobody who could ship it, and what was never read has no number of ours.
fn was_read_within(record: &ListingRecord, fresh: Duration, now: DateTime<Utc>) -> bool {
    let shown = record.shown.as_ref().filter(|shown| shown.absent == 0);
    shown.is_none_or(|shown| now <= after(shown.state.as_of, fresh))
}

/// What goes now, by which lane, and when more can.
#[derive(Debug, Default)]
struct Planned {
    submissions: Vec<(usize, Vec<Arc<ListingRecord>>)>,
    again_at: Option<DateTime<Utc>>,
}
