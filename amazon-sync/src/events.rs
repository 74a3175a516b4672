//! Takes notifications out of the queue and applies them: the fast way of orders into the ledger.
//!
//! A notification is a hint. What it tells of an order goes the same way as what a poll tells, into
//! the same commit, and is settled after it; so repeated, late and disordered ones change nothing.
//! What does not tell all that is needed has the order fetched.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, chain};
use rules_core::judge::id::LeaseToken;
use rules_core::judge::key::{KeyError, Lane, Outlet};
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use rules_core::work::queue::{Allowance, Lease, LeaseRequest, Leased, Outcome, Settlement};
use tokio::sync::watch;
use tracing::Instrument;

use crate::desk::TurnError;
use crate::desk::{AccountDesk, Amendment, Desk, FirstCounts, earlier, until};
use crate::intake::Intake;
use crate::listing::{Channel, ListingKey};
use crate::merge;
use crate::order::{Order, OrderId};
use crate::quantity::Quantity;
use crate::seller::Region;
use crate::sku::Sku;
use crate::sync_store::{Commit, Committed};
use crate::telemetry;

mod read;

use read::{Told, read};

/// Notifications that are applied together.
const LEASE: usize = 100;
/// How long they are kept from others.
const LEASE_FOR: Duration = Duration::from_secs(60);
/// How often the queue is asked although this process received nothing: others may have.
const LOOK: Duration = Duration::from_secs(2);
/// A number that was told longer ago is read anew: orders came in between.
const FRESH: Duration = Duration::from_secs(60);

const UNREADABLE: Code = Code::known("events.unreadable");
const UNKNOWN_SELLER: Code = Code::known("events.unknown_seller");
const NO_ORDER: Code = Code::known("events.no_order");
const WAITS: Code = Code::known("events.waits");

/// What notifications leave the queue through.
pub(crate) const OUTLET: &str = "amazon.events";
const TOPIC: &str = "notifications";

/// The lane in which a tenant's notifications wait.
pub(crate) fn lane(scope: &TenantScope) -> Result<Lane, KeyError> {
    Lane::new(&Outlet::new(scope, OUTLET)?, TOPIC)
}

/// Applies notifications.
#[derive(Debug)]
pub(crate) struct EventConsumer {
    desk: Arc<Desk>,
    failures: u32,
}

impl EventConsumer {
    pub(crate) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk, failures: 0 }
    }

    /// Applies until `stop` shows true; then the lease it has is finished.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.turn().await {
                Ok(true) => continue,
                Ok(false) => {
                    self.failures = 0;
                    LOOK
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(error = %chain(&error), "taking notifications failed");
                    self.desk.delay(self.failures, error.fault())
                }
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.desk.notified.notified(), if self.failures == 0 => {}
                () = self.desk.clock.sleep(wait) => {}
            }
        }
    }

    /// Applies one lease; true when there may be more.
    pub(crate) async fn turn(&mut self) -> Result<bool, StoreError> {
        if self.desk.first_counts() != FirstCounts::Settled {
            return Ok(false);
        }
        let outlet = self.desk.events_lane.outlet().clone();
        let request = LeaseRequest {
            token: LeaseToken::from(self.desk.ids.next()),
            max: LEASE,
            ttl: LEASE_FOR,
            allowance: Allowance::PerOutlet(vec![(outlet, u32::try_from(LEASE).unwrap_or(u32::MAX))]),
        };
        let lease = self.desk.queue.lease(&request).await?;
        if lease.records.is_empty() {
            return Ok(false);
        }
        let span = tracing::debug_span!("sync.events", notifications = lease.records.len());
        self.apply(lease).instrument(span).await?;
        Ok(true)
    }

    async fn apply(&self, lease: Lease) -> Result<(), StoreError> {
        let now = self.desk.clock.now();
        let (mut outcomes, mut orders) = (Vec::new(), Vec::new());
        for record in &lease.records {
            match self.sort(record, now).await {
                Ok(Sorted::Settled(outcome)) => {
                    outcomes.push(Settlement { receipt: record.receipt, outcome });
                }
                Ok(Sorted::Order(account, order)) => orders.push((record.receipt, account, order)),
                Err(error) => {
                    let at = after(now, self.desk.delay(record.retries + 1, error.fault()));
                    tracing::info!(error = %chain(&error), "a notification waits");
                    outcomes.push(Settlement {
                        receipt: record.receipt,
                        outcome: Outcome::Retry { at, code: WAITS },
                    });
                }
            }
        }
        for account in &self.desk.accounts {
            let of = |(_, other, _): &&(u32, Arc<AccountDesk>, Box<Order>)| Arc::ptr_eq(account, other);
            let mine: Vec<Order> = orders.iter().filter(of).map(|(.., order)| Order::clone(order)).collect();
            self.take_in(account, &mine).await?;
        }
        let done = orders.into_iter().map(|(receipt, ..)| Settlement { receipt, outcome: Outcome::Done });
        outcomes.extend(done);
        let dead = outcomes.iter().filter(|one| matches!(one.outcome, Outcome::Dead { .. })).count();
        telemetry::count("sync_events_total", Some(("result", "dead")), dead);
        telemetry::count("sync_events_total", Some(("result", "applied")), outcomes.len() - dead);
        self.desk.tally.add(|counts| {
            counts.events += outcomes.len() as u64;
            counts.events_dead += dead as u64;
        });
        // A lease that is gone was taken by somebody else, who applies the same again.
        self.desk.queue.settle(lease.token, &outcomes).await?;
        Ok(())
    }

    async fn take_in(&self, account: &AccountDesk, orders: &[Order]) -> Result<(), StoreError> {
        let intake = Intake { desk: &self.desk, account };
        let mut commit = Commit::default();
        intake.add(orders, &mut commit);
        if commit.orders.is_empty() {
            return Ok(());
        }
        if let Committed::Done(receipt) = self.desk.commit(&commit).await? {
            intake.committed(&commit.orders, &receipt).await?;
        }
        Ok(())
    }

    /// What a notification asks for.
    async fn sort(&self, record: &Leased, now: DateTime<Utc>) -> Result<Sorted, TurnError> {
        let dead = |code| Ok(Sorted::Settled(Outcome::Dead { code }));
        let told = match read(&record.payload) {
            Ok(told) => told,
            Err(reason) => {
                tracing::warn!(reason, "a notification cannot be read");
                return dead(UNREADABLE);
            }
        };
        match told {
            Told::Order { seller, region, order } => {
                let Some(account) = self.seller(&seller, region) else { return dead(UNKNOWN_SELLER) };
                account.event_came(now);
                Ok(Sorted::Order(Arc::clone(account), order))
            }
            Told::Fetch { seller, region, order } => {
                let Some(account) = self.seller(&seller, region) else { return dead(UNKNOWN_SELLER) };
                account.event_came(now);
                self.fetch(account, &order, now).await
            }
            Told::Quantity { seller, sku, channel, quantity, at } => {
                let Some(key) = self.listing(&seller, sku, channel) else { return dead(UNKNOWN_SELLER) };
                self.shown(key, quantity, at, now).await?;
                Ok(Sorted::Settled(Outcome::Done))
            }
            Told::Listing { seller, sku } => {
                for account in
                    self.desk.accounts.iter().filter(|known| known.account.seller().as_str() == seller)
                {
                    let map = account.map();
                    let listings = map.listings_of(&sku).ok().into_iter().flatten();
                    account.read.put_all(listings.map(|(_, listing)| listing.key(&account.account)), now);
                }
                Ok(Sorted::Settled(Outcome::Done))
            }
            Told::Feed { seller, feed } => {
                for account in
                    self.desk.accounts.iter().filter(|known| known.account.seller().as_str() == seller)
                {
                    account.feed_is_done(feed.clone());
                }
                Ok(Sorted::Settled(Outcome::Done))
            }
            Told::Nothing => Ok(Sorted::Settled(Outcome::Done)),
        }
    }

    async fn fetch(
        &self,
        account: &Arc<AccountDesk>,
        id: &OrderId,
        now: DateTime<Utc>,
    ) -> Result<Sorted, TurnError> {
        if let Some(stopped) = account.stopped_until(now) {
            return Ok(Sorted::Settled(Outcome::Retry { at: after(now, until(stopped, now)), code: WAITS }));
        }
        match self.desk.market.order(&account.account, id).await {
            Ok(Some(fetched)) => Ok(Sorted::Order(Arc::clone(account), Box::new(fetched.order))),
            Ok(None) => Ok(Sorted::Settled(Outcome::Dead { code: NO_ORDER })),
            Err(error) => {
                self.desk.stops(account, &error).await?;
                Err(error.into())
            }
        }
    }

    fn seller(&self, seller: &str, region: Option<Region>) -> Option<&Arc<AccountDesk>> {
        let mut of = self.desk.accounts.iter().filter(|known| known.account.seller().as_str() == seller);
        of.find(|known| region.is_none_or(|region| region == known.account.region()))
    }

    /// The listing of a SKU of this seller, in whichever region has it.
    fn listing(&self, seller: &str, sku: Sku, channel: Channel) -> Option<ListingKey> {
        let of = || self.desk.accounts.iter().filter(|known| known.account.seller().as_str() == seller);
        let mapped = of().find(|known| known.map().listing(&sku, &channel).is_ok());
        let account = mapped.or_else(|| of().next())?;
        Some(ListingKey::new(account.account.clone(), sku, channel))
    }

    /// Amazon told what a listing shows.
    async fn shown(
        &self,
        key: ListingKey,
        quantity: Quantity,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(account) = self.desk.account(key.account()) else { return Ok(()) };
        if account.map().listing(key.sku(), key.channel()).is_err() {
            return Ok(());
        }
        if at < earlier(now, FRESH) {
            account.read.put(key, now);
            return Ok(());
        }
        let amendment = Amendment::new(key.clone(), move |record| {
            let Some(before) = &record.shown else { return false };
            let mut state = before.state.clone();
            (state.effective, state.as_of) = (Some(quantity), at);
            let shown = merge::shown(Some(before), state, record.sold);
            let is_news = Some(&shown) != record.shown.as_ref();
            record.shown = Some(shown);
            is_news
        });
        let made = self.desk.amend(vec![amendment], Commit::default()).await?;
        if made.is_empty() {
            account.read.put(key, now);
        } else {
            account.look.put(key, now);
            self.desk.moved.notify_one();
        }
        Ok(())
    }
}

/// What a notification comes to.
enum Sorted {
    /// It needs no commit any more.
    Settled(Outcome),
    /// An order to be taken in.
    Order(Arc<AccountDesk>, Box<Order>),
}
