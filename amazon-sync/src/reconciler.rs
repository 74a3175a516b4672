//! Compares what each listing shows with what can ship, and decides what to do about it.
//!
//! When items move, the listings that they are part of are computed together from the same
//! positions; the merge decides about each, and everything that follows is one commit: intents,
//! bases, frozen listings, letters, evidence, and up to which movement the items are reconciled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rules_core::judge::fault::{Classify, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use tokio::sync::watch;

use crate::available::Available;
use crate::desk::{AccountDesk, Desk, until};
use crate::ledger::Seq;
use crate::listing::ListingKey;
use crate::merge::{Context, Mapping};
use crate::seller::SellerAccount;
use crate::sku::ItemCode;
use crate::sku_map::{ListingId, SkuMap};
use crate::sync_store::{Commit, Committed, Cursor, ItemRecord, Items, ListingChange, ListingOutcome};

mod demand;
mod judge;
mod shelf_view;
mod verdict;

pub(crate) use demand::{Demands, learn_demand};
pub(crate) use judge::{Judged, judge};
pub(crate) use shelf_view::ShelfView;

use verdict::Classes;

/// How often it is looked for movements that nobody told of: another process may have made them.
const LOOK: Duration = Duration::from_secs(5);
/// What is held back for demand is computed anew after so long, because demand fades.
const BUFFER_LIFE: Duration = Duration::from_secs(900);

/// Decides about listings.
#[derive(Debug)]
pub(crate) struct Reconciler {
    desk: Arc<Desk>,
    view: ShelfView,
    classes: Classes,
    available: HashMap<SellerAccount, Available>,
    /// The next listing of a pass over all listings of an account.
    passes: HashMap<SellerAccount, u32>,
    failures: u32,
}

/// What is to be decided about in one step.
#[derive(Debug, Default)]
struct Batch {
    /// Items that are no longer dirty afterwards.
    dirty: Vec<(ItemCode, Seq)>,
    /// Listings of each account, by its place.
    listings: BTreeMap<usize, BTreeSet<ListingId>>,
    /// There may be more than was taken.
    more: bool,
}

impl Reconciler {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self {
            view: ShelfView::default(),
            classes: Classes::default(),
            available: HashMap::new(),
            passes: HashMap::new(),
            failures: 0,
            desk,
        }
    }

    /// Decides until `stop` shows true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.turn().await {
                Ok(true) => continue,
                Ok(false) => {
                    self.failures = 0;
                    self.next()
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(error = %chain(&error), "reconciling failed");
                    self.desk.delay(self.failures, error.fault())
                }
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.desk.moved.notified() => {}
                () = self.desk.clock.sleep(wait) => {}
            }
        }
    }

    /// Until the next listing is due to be looked at.
    fn next(&self) -> Duration {
        let now = self.desk.clock.now();
        let due = self.desk.accounts.iter().filter_map(|account| account.look.next()).min();
        due.map_or(LOOK, |due| until(due, now).clamp(Duration::from_millis(1), LOOK))
    }

    /// Decides about one batch; true when there may be more.
    pub(crate) async fn turn(&mut self) -> Result<bool, StoreError> {
        if !self.desk.host_known.load(Ordering::Relaxed) {
            return Ok(false);
        }
        learn_demand(&self.desk).await?;
        let batch = self.collect().await?;
        if batch.dirty.is_empty() && batch.listings.is_empty() {
            return Ok(false);
        }
        let more = batch.more;
        let listings: usize = batch.listings.values().map(BTreeSet::len).sum();
        let span = tracing::debug_span!("sync.reconcile", items = batch.dirty.len(), listings);
        tracing::Instrument::instrument(self.decide(batch), span).await?;
        Ok(more)
    }

    /// What would be decided about some listings, without deciding it.
    pub(crate) async fn preview(
        &mut self,
        account: &AccountDesk,
        listings: &[ListingId],
    ) -> Result<Vec<Judged>, StoreError> {
        let accounts = std::slice::from_ref(&account.account);
        let cursors = self.desk.store.cursors(&self.desk.shelf, accounts).await?;
        let cursor = cursors.accounts.into_iter().next().unwrap_or_default();
        self.account(account, &listings.iter().copied().collect(), &cursor, &BTreeSet::new()).await
    }

    async fn collect(&mut self) -> Result<Batch, StoreError> {
        let (desk, group, now) =
            (Arc::clone(&self.desk), self.desk.config.reconcile_group, self.desk.clock.now());
        let dirty = desk.store.positions(&desk.shelf, &Items::Dirty { max: group }).await?;
        let mut batch = Batch { more: group <= dirty.len(), ..Batch::default() };
        for (place, account) in desk.accounts.iter().enumerate() {
            let map = account.map();
            let items = dirty.iter().filter_map(|record| map.item(&record.item));
            let mut listings: BTreeSet<ListingId> =
                items.flat_map(|item| map.uses(item).iter().copied()).collect();
            let looked = account.look.take(now, group);
            batch.more |= group <= looked.len();
            listings.extend(looked.iter().filter_map(|key| map.listing(key.sku(), key.channel()).ok()));
            batch.more |= self.pass(account, &map, group, &mut listings);
            if !listings.is_empty() {
                batch.listings.insert(place, listings);
            }
        }
        batch.dirty = dirty.into_iter().map(|record| (record.item, record.position.seq)).collect();
        Ok(batch)
    }

    /// Goes on with a pass over all listings of an account, if there is one.
    fn pass(
        &mut self,
        account: &AccountDesk,
        map: &SkuMap,
        group: usize,
        into: &mut BTreeSet<ListingId>,
    ) -> bool {
        if account.should_look_at_all() {
            self.passes.insert(account.account.clone(), 0);
        }
        let Some(next) = self.passes.get_mut(&account.account) else { return false };
        let count = u32::try_from(map.listing_count()).unwrap_or(u32::MAX);
        let end = next.saturating_add(u32::try_from(group).unwrap_or(u32::MAX)).min(count);
        into.extend((*next..end).map(ListingId::new));
        *next = end;
        if end == count {
            self.passes.remove(&account.account);
            return false;
        }
        true
    }

    async fn decide(&mut self, batch: Batch) -> Result<(), StoreError> {
        let desk = Arc::clone(&self.desk);
        let accounts: Vec<_> = desk.accounts.iter().map(|known| known.account.clone()).collect();
        let cursors = desk.store.cursors(&desk.shelf, &accounts).await?.accounts;
        let mut commit = Commit { reconciled: batch.dirty, ..Commit::default() };
        let mut after_commit = Vec::new();
        let dirty: BTreeSet<ItemCode> = commit.reconciled.iter().map(|(item, _)| item.clone()).collect();
        for (place, listings) in &batch.listings {
            let Some(account) = desk.accounts.get(*place) else { continue };
            let cursor = cursors.get(*place).cloned().unwrap_or_default();
            let judged = self.account(account, listings, &cursor, &dirty).await?;
            for mut one in judged {
                if desk.config.by_plan_only {
                    one.undecide();
                }
                self.classes.note(&desk, &one, &mut commit);
                if let Some(record) = &one.changed {
                    commit.listings.push(ListingChange { record: record.clone() });
                }
                commit.evidence.extend(one.evidence(&desk));
                after_commit.push((Arc::clone(account), one));
            }
        }
        let Committed::Done(receipt) = desk.commit(&commit).await? else { return Ok(()) };
        let now = desk.clock.now();
        let mut outcomes = receipt.listings.iter();
        for (account, one) in after_commit {
            let outcome = one.changed.as_ref().and_then(|_| outcomes.next());
            if outcome == Some(&ListingOutcome::Changed) {
                account.look.put(one.key.clone(), now);
            } else {
                one.follow_up(&desk, &account, now);
            }
        }
        Ok(())
    }

    /// Decides about listings of one account.
    async fn account(
        &mut self,
        account: &AccountDesk,
        listings: &BTreeSet<ListingId>,
        cursor: &Cursor,
        dirty: &BTreeSet<ItemCode>,
    ) -> Result<Vec<Judged>, StoreError> {
        let desk = Arc::clone(&self.desk);
        let (map, now) = (account.map(), desk.clock.now());
        let policy = desk.drift_policies.of(desk.shelf.tenant());
        let records = desk.records(&keys(account, &map, listings)).await?;
        let items = self.view.items(&desk, &map, listings).await?;
        let exposure = desk.exposure(account);
        let available = match self.available.remove(&account.account) {
            Some(known) if Arc::ptr_eq(known.map(), &map) => known,
            _ => Available::new(Arc::clone(&map), &desk.stock_policy),
        };
        let available = self.available.entry(account.account.clone()).or_insert(available);
        let mut held_back: BTreeSet<ListingId> = BTreeSet::new();
        for (item, record) in &items.known {
            let Some(id) = map.item(item) else { continue };
            let free = record.position.free();
            let buffer = desk.demands().buffer(&desk.stock_policy, item, free, exposure, now);
            if buffer.get() > 0 {
                held_back.extend(map.uses(id));
            }
            available.set(id, free, buffer);
        }
        let context = Context { now, policy };
        let mut judged = Vec::with_capacity(records.len());
        for record in records {
            let key = &record.key;
            let Ok(id) = map.listing(key.sku(), key.channel()) else { continue };
            let ours = if items.is_unknown(&map, id) { None } else { available.of(id) };
            let mut one = judge(record, ours, Mapping::Known, cursor.closed_to, &context);
            one.is_new = is_new(&map, id, dirty);
            if held_back.contains(&id) {
                one.look_at =
                    Some(one.look_at.map_or(after(now, BUFFER_LIFE), |at| at.min(after(now, BUFFER_LIFE))));
            }
            judged.push(one);
        }
        Ok(judged)
    }
}

/// True when an item of the listing has moved.
fn is_new(map: &SkuMap, listing: ListingId, dirty: &BTreeSet<ItemCode>) -> bool {
    let items = map.recipe_of(listing).into_iter().flat_map(|recipe| recipe.iter());
    items.filter_map(|(item, _)| map.item_code(item)).any(|item| dirty.contains(item))
}

pub(crate) fn keys(account: &AccountDesk, map: &SkuMap, listings: &BTreeSet<ListingId>) -> Vec<ListingKey> {
    listings.iter().filter_map(|id| map.mapped(*id)).map(|listing| listing.key(&account.account)).collect()
}

/// Positions of items by their codes.
pub(crate) type Positions = BTreeMap<ItemCode, ItemRecord>;

impl Desk {
    /// The time in which a sale on Amazon is not seen in what is offered.
    pub(crate) fn exposure(&self, account: &AccountDesk) -> Duration {
        let write = self.sinks.iter().map(|sink| sink.caps().usual_latency).min().unwrap_or_default();
        if account.events_are_healthy() {
            crate::demand::exposure(Duration::from_secs(10), Duration::ZERO, write)
        } else {
            let every = Duration::try_from_secs_f64(1.0 / self.config.orders_per_second).unwrap_or_default();
            crate::demand::exposure(crate::poller::window::SETTLED, every, write)
        }
    }
}
