//! What is read from Amazon: orders, listings, and snapshots of everything.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::listing::ListingState;
use crate::order::{Order, OrderId};
use crate::quantity::Quantity;
use crate::seller::{MarketplaceId, SellerAccount};
use crate::sku::{Asin, Sku};

mod error;

pub use error::MarketError;

/// The reading half of Amazon.
///
/// An implementation keeps within Amazon's budgets by itself: a call waits for its permit or
/// answers [`MarketError::Throttled`]; it never repeats a call.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Marketplace: Debug + Send + Sync + 'static {
    /// One page of the orders that changed in a window, in no promised order. The first query has
    /// no page; each further one repeats the window **unchanged** with the page that the last
    /// answer named.
    ///
    /// # Errors
    /// [`MarketError`]; [`MarketError::PageRefused`] when the page is too old or not Amazon's: begin
    /// the window again.
    ///
    /// # Cancel safety
    /// Dropping the future loses an answer and a permit, and changes nothing.
    async fn orders(&self, account: &SellerAccount, query: &OrderQuery) -> Result<OrderPage, MarketError>;

    /// One order as it is now; `None` when Amazon knows none.
    ///
    /// # Errors
    /// [`MarketError`].
    ///
    /// # Cancel safety
    /// As [`Marketplace::orders`].
    async fn order(&self, account: &SellerAccount, id: &OrderId) -> Result<Option<Fetched>, MarketError>;

    /// What Amazon shows of the listings with these SKUs, in the order asked, one state for each
    /// channel of the listing; empty where the answer held none. Absent is not gone: Amazon's
    /// answers are incomplete at times.
    ///
    /// # Errors
    /// [`MarketError`].
    ///
    /// # Cancel safety
    /// As [`Marketplace::orders`].
    async fn listings(
        &self,
        account: &SellerAccount,
        skus: &[Sku],
    ) -> Result<Vec<Vec<ListingState>>, MarketError>;

    /// Asks for a snapshot, or how far one is that was asked for: call it again no sooner than it
    /// says. A snapshot that is ready stays so for the time that Amazon keeps it.
    ///
    /// # Errors
    /// [`MarketError`].
    ///
    /// # Cancel safety
    /// Dropping the future may leave a snapshot asked for that nobody waits for.
    async fn snapshot(&self, account: &SellerAccount, ask: &SnapshotAsk) -> Result<Snapshot, MarketError>;

    /// The rows of a snapshot that is ready, as a stream of pages: nothing is held whole.
    ///
    /// # Errors
    /// [`MarketError`] when it cannot be opened.
    ///
    /// # Cancel safety
    /// As [`Marketplace::orders`].
    async fn snapshot_rows(
        &self,
        account: &SellerAccount,
        snapshot: &SnapshotRef,
    ) -> Result<Box<dyn SnapshotRows>, MarketError>;
}
const _: fn(&dyn Marketplace) = |_| {};

/// The pages of a snapshot.
#[async_trait]
pub trait SnapshotRows: Debug + Send + 'static {
    /// Up to `max` further rows; empty at the end. A row that cannot be read is among them as an
    /// error that says where and why, and the rest goes on.
    ///
    /// # Errors
    /// [`MarketError`] when the rest cannot be read.
    ///
    /// # Cancel safety
    /// Not cancel safe: rows that were being read are lost. Begin the snapshot again.
    async fn next(&mut self, max: usize) -> Result<Vec<Result<SnapshotRow, RowError>>, MarketError>;
}
const _: fn(&dyn SnapshotRows) = |_| {};

/// Which orders are asked for: those that the merchant ships, that changed from `from` to `to`.
///
/// A window is frozen: Amazon refuses a page if anything of the question is another than it was
/// (selling-partner-api-sdk issue 717).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWindow {
    /// Changed at or after.
    pub from: DateTime<Utc>,
    /// Changed before. At least 2 minutes ago by Amazon's clock.
    pub to: DateTime<Utc>,
    /// Where; empty for all of the account's.
    pub marketplaces: Vec<MarketplaceId>,
}

/// A question for one page of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQuery {
    /// The frozen window.
    pub window: OrderWindow,
    /// Which page; `None` for the first.
    pub page: Option<PageToken>,
}

/// Amazon's name of the next page. Good for 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub String);

/// One page of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders that could be read.
    pub orders: Vec<Order>,
    /// Those that could not, each with the reason: one of them stops no other.
    pub poison: Vec<Poison>,
    /// The next page; `None` for the last.
    pub next: Option<PageToken>,
    /// The end of the window as Amazon used it, where it said so.
    pub used_to: Option<DateTime<Utc>>,
    /// Amazon's clock when it answered, where it said so.
    pub server_now: Option<DateTime<Utc>>,
}

/// An order, and when Amazon told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The order.
    pub order: Order,
    /// Amazon's clock when it answered, where it said so.
    pub server_now: Option<DateTime<Utc>>,
}

/// Something that came and could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poison {
    /// The order, if that much could be read.
    pub order: Option<OrderId>,
    /// Where in the answer, such as `orders[3].orderItems[0].quantityOrdered`.
    pub place: String,
    /// What is wrong there. Never the content.
    pub reason: String,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SnapshotKind {
    /// All listings with their quantities (`GET_MERCHANT_LISTINGS_ALL_DATA`).
    Listings,
    /// What lies on Amazon's shelf (`GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA`).
    AmazonStock,
    /// Orders that changed in the last 48 hours
    /// (`GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL`).
    Orders,
}

/// Amazon's name of a snapshot that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// What it holds.
    pub kind: SnapshotKind,
    /// Amazon's name of the report.
    pub report: String,
    /// Amazon's name of its document, when it is ready.
    pub document: Option<String>,
}

/// A question about a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotAsk {
    /// Make one.
    New(SnapshotKind),
    /// How far is this one?
    Of(SnapshotRef),
}

/// How far a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// Not ready: ask again then.
    Pending {
        /// What was asked for.
        asked: SnapshotRef,
        /// Not before this instant.
        again_at: DateTime<Utc>,
    },
    /// Its rows can be read.
    Ready(SnapshotRef),
    /// Amazon will not make it, such as when one was asked for too recently.
    Refused {
        /// Amazon's word, such as `FATAL`.
        why: String,
    },
}

/// A row of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotRow {
    /// A listing.
    Listing(ListingState),
    /// Units of a SKU on Amazon's shelf that can be sold.
    AmazonStock {
        /// The seller's name for it.
        sku: Sku,
        /// Amazon's name of the product.
        asin: Option<Asin>,
        /// How many.
        fulfillable: Quantity,
    },
    /// A line of an order, by which missed orders are found. It knows less than the Orders API:
    /// orders are read anew, never applied from here.
    OrderLine {
        /// Its order.
        order: OrderId,
        /// When the order last changed.
        updated_at: DateTime<Utc>,
    },
}

/// A row that could not be read. It is counted and told, and nothing is written because of it.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line in the report, the header is line 1.
    pub line: u64,
    /// What is wrong, and in which column.
    pub reason: String,
}
