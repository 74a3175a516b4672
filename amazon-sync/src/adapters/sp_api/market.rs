//! The [`Marketplace`] port: what each question asks stands in a file of its own.

use async_trait::async_trait;

use super::SpApi;
use crate::listing::ListingState;
use crate::marketplace::{
    Fetched, MarketError, Marketplace, OrderPage, OrderQuery, Snapshot, SnapshotAsk, SnapshotRef,
    SnapshotRows,
};
use crate::order::OrderId;
use crate::seller::SellerAccount;
use crate::sku::Sku;

#[async_trait]
impl Marketplace for SpApi {
    async fn orders(&self, account: &SellerAccount, query: &OrderQuery) -> Result<OrderPage, MarketError> {
        self.search_orders(account, query).await
    }

    async fn order(&self, account: &SellerAccount, id: &OrderId) -> Result<Option<Fetched>, MarketError> {
        self.fetch_order(account, id).await
    }

    async fn listings(
        &self,
        account: &SellerAccount,
        skus: &[Sku],
    ) -> Result<Vec<Vec<ListingState>>, MarketError> {
        self.read_listings(account, skus).await
    }

    async fn snapshot(&self, account: &SellerAccount, ask: &SnapshotAsk) -> Result<Snapshot, MarketError> {
        match ask {
            SnapshotAsk::New(kind) => self.ask_for_report(account, *kind).await,
            SnapshotAsk::Of(asked) => self.look_at_report(account, asked).await,
        }
    }

    async fn snapshot_rows(
        &self,
        account: &SellerAccount,
        snapshot: &SnapshotRef,
    ) -> Result<Box<dyn SnapshotRows>, MarketError> {
        self.open_report(account, snapshot).await
    }
}
