//! Ports that look on: what Amazon told is in the ledger before a cursor passes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use amazon_sync::ledger::Booked;
use amazon_sync::listing::ListingState;
use amazon_sync::marketplace::{
    Fetched, MarketError, Marketplace, OrderPage, OrderQuery, Snapshot, SnapshotAsk, SnapshotRef,
    SnapshotRows,
};
use amazon_sync::order::{OrderId, OrderVersion, ShippedBy};
use amazon_sync::seller::{SellerAccount, Shelf};
use amazon_sync::sku::Sku;
use amazon_sync::sync::SyncHandle;
use amazon_sync::sync_store::{
    Commit, Committed, Cursors, History, ItemRecord, Items, Letter, ListingRecord, Listings, SyncStore,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::id::LeaseToken;
use rules_core::store::memory::Memory;
use rules_core::work::StoreError;
use rules_core::work::clock::Clock;
use rules_core::work::events::{Entry, EventLog};
use rules_core::work::ids::Ids;
use rules_core::work::outbox::Outbox;
use rules_core::work::queue::{
    Enqueued, Extended, Lease, LeaseRequest, Parcel, Queue, QueueLimits, Settled, Settlement,
};

type Told = HashMap<OrderId, OrderVersion>;
/// What was told, by the end of the window.
type Windows = Vec<(DateTime<Utc>, Told)>;

/// What polls of an account were told, by the end of the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness {
    told: Arc<Mutex<Windows>>,
}

/// The market, with a witness.
#[derive(Debug)]
pub(crate) struct WatchedMarket<M> {
    pub(crate) market: M,
    pub(crate) witness: Witness,
}

#[async_trait]
impl<M: Marketplace> Marketplace for WatchedMarket<M> {
    async fn orders(&self, account: &SellerAccount, query: &OrderQuery) -> Result<OrderPage, MarketError> {
        let page = self.market.orders(account, query).await?;
        let told = page.orders.iter().filter(|order| order.shipped_by == ShippedBy::Merchant);
        let told = told.map(|order| (order.id.clone(), order.version())).collect();
        self.witness.told.lock().unwrap().push((query.window.to, told));
        Ok(page)
    }

    async fn order(&self, account: &SellerAccount, id: &OrderId) -> Result<Option<Fetched>, MarketError> {
        self.market.order(account, id).await
    }

    async fn listings(
        &self,
        account: &SellerAccount,
        skus: &[Sku],
    ) -> Result<Vec<Vec<ListingState>>, MarketError> {
        self.market.listings(account, skus).await
    }

    async fn snapshot(&self, account: &SellerAccount, ask: &SnapshotAsk) -> Result<Snapshot, MarketError> {
        self.market.snapshot(account, ask).await
    }

    async fn snapshot_rows(
        &self,
        account: &SellerAccount,
        snapshot: &SnapshotRef,
    ) -> Result<Box<dyn SnapshotRows>, MarketError> {
        self.market.snapshot_rows(account, snapshot).await
    }
}

/// The store, with a witness.
#[derive(Clone, Debug)]
pub(crate) struct WatchedStore {
    pub(crate) store: Memory,
    pub(crate) witness: Witness,
}

impl WatchedStore {
    /// Everything that was told of windows up to `closed_to` is committed, in that version or a
    /// newer one.
    async fn check(&self, on: &Shelf, account: &SellerAccount, closed_to: DateTime<Utc>) {
        let told: Vec<(OrderId, OrderVersion)> = {
            let mut told = self.witness.told.lock().unwrap();
            let (passed, open) = std::mem::take(&mut *told).into_iter().partition(|(to, _)| *to <= closed_to);
            *told = open;
            let passed: Windows = passed;
            passed.into_iter().flat_map(|(_, told)| told).collect()
        };
        let ids: Vec<OrderId> = told.iter().map(|(id, _)| id.clone()).collect();
        let known = self.store.orders(on, account, &ids).await.unwrap();
        for ((order, version), known) in told.iter().zip(known) {
            assert!(known.is_some_and(|known| *version <= known), "the cursor passed {order}");
        }
    }
}

#[async_trait]
impl SyncStore for WatchedStore {
    async fn commit(&self, on: &Shelf, commit: &Commit) -> Result<Committed, StoreError> {
        for change in &commit.listings {
            let is_amazons = change.record.key.channel().is_amazon();
            assert!(!is_amazons || change.record.intent.is_none(), "a number for {}", change.record.key);
        }
        let committed = self.store.commit(on, commit).await?;
        let closed_to = commit.cursor.as_ref().and_then(|step| step.closed_to);
        if let (Committed::Done(_), Some(fence), Some(closed_to)) = (&committed, &commit.fence, closed_to) {
            self.check(on, &fence.account, closed_to).await;
        }
        Ok(committed)
    }

    async fn cursors(&self, on: &Shelf, accounts: &[SellerAccount]) -> Result<Cursors, StoreError> {
        self.store.cursors(on, accounts).await
    }

    async fn positions(&self, on: &Shelf, select: &Items) -> Result<Vec<ItemRecord>, StoreError> {
        self.store.positions(on, select).await
    }

    async fn listings(&self, on: &Shelf, select: &Listings) -> Result<Vec<ListingRecord>, StoreError> {
        self.store.listings(on, select).await
    }

    async fn orders(
        &self,
        on: &Shelf,
        account: &SellerAccount,
        orders: &[OrderId],
    ) -> Result<Vec<Option<OrderVersion>>, StoreError> {
        self.store.orders(on, account, orders).await
    }

    async fn history(&self, on: &Shelf, select: &History) -> Result<Vec<Booked>, StoreError> {
        self.store.history(on, select).await
    }

    async fn letters(&self, on: &Shelf, after: u64, max: usize) -> Result<Vec<Letter>, StoreError> {
        self.store.letters(on, after, max).await
    }
}

#[async_trait]
impl Queue for WatchedStore {
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError> {
        self.store.enqueue(parcels).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError> {
        self.store.lease(request).await
    }

    async fn extend(
        &self,
        tokens: &[LeaseToken],
        ttl: std::time::Duration,
    ) -> Result<Vec<Extended>, StoreError> {
        self.store.extend(tokens, ttl).await
    }

    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError> {
        self.store.settle(token, outcomes).await
    }

    fn limits(&self) -> QueueLimits {
        self.store.limits()
    }
}

#[async_trait]
impl Outbox for WatchedStore {
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.store.pending(max).await
    }

    async fn relayed(&self, position: u64) -> Result<(), StoreError> {
        self.store.relayed(position).await
    }

    async fn claim(&self, holder: LeaseToken, ttl: std::time::Duration) -> Result<bool, StoreError> {
        self.store.claim(holder, ttl).await
    }
}

impl SyncHandle for WatchedStore {
    fn sync_clock(&self) -> Arc<dyn Clock> {
        self.store.sync_clock()
    }

    fn sync_ids(&self) -> Arc<dyn Ids> {
        self.store.sync_ids()
    }

    fn sync_events(&self) -> Arc<dyn EventLog> {
        self.store.sync_events()
    }
}
