//! What notifications tell, by their types.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

use super::field::Kept;
use super::{FeedStatus, ReportStatus, Timestamp};

/// What a notification tells. Which one it is shows in its members.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Payload {
    /// `ORDER_CHANGE`.
    OrderChange(Box<OrderChangePayload>),
    /// `LISTINGS_ITEM_MFN_QUANTITY_CHANGE`.
    Quantity(Box<QuantityPayload>),
    /// `LISTINGS_ITEM_STATUS_CHANGE`.
    ListingStatus(Box<ListingStatusPayload>),
    /// `FBA_INVENTORY_AVAILABILITY_CHANGES`.
    AmazonStock(Box<AmazonStockPayload>),
    /// `FEED_PROCESSING_FINISHED`.
    FeedFinished(Box<FeedFinishedPayload>),
    /// `REPORT_PROCESSING_FINISHED`.
    ReportFinished(Box<ReportFinishedPayload>),
    /// Anything else, as it came.
    Other(super::Unread),
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let has = |name| value.get(name).is_some();
        let read = match () {
            () if has("OrderChangeNotification") => Deserialize::deserialize(&value).map(Self::OrderChange),
            () if has("FulfillmentInventoryByMarketplace") => {
                Deserialize::deserialize(&value).map(Self::AmazonStock)
            }
            () if has("FulfillmentChannelCode") && has("Quantity") => {
                Deserialize::deserialize(&value).map(Self::Quantity)
            }
            () if has("Sku") && has("Status") => Deserialize::deserialize(&value).map(Self::ListingStatus),
            () if has("feedProcessingFinishedNotification") => {
                Deserialize::deserialize(&value).map(Self::FeedFinished)
            }
            () if has("reportProcessingFinishedNotification") => {
                Deserialize::deserialize(&value).map(Self::ReportFinished)
            }
            () => return Ok(Self::Other(super::Unread(value))),
        };
        read.map_err(serde::de::Error::custom)
    }
}

impl Kept for Payload {
    fn kept(&self, at: &str, paths: &mut Vec<String>) {
        match self {
            Self::OrderChange(payload) => payload.kept(at, paths),
            Self::Quantity(payload) => payload.kept(at, paths),
            Self::ListingStatus(payload) => payload.kept(at, paths),
            Self::AmazonStock(payload) => payload.kept(at, paths),
            Self::FeedFinished(payload) => payload.kept(at, paths),
            Self::ReportFinished(payload) => payload.kept(at, paths),
            Self::Other(_) => {}
        }
    }
}

objects! { "PascalCase"
    /// `ORDER_CHANGE`.
    pub struct OrderChangePayload {
        /// The change.
        order_change_notification: OrderChange,
    }

    /// What changed of an order.
    pub struct OrderChange {
        /// `OrderLevel` or `OrderItemLevel`.
        notification_level: String,
        /// Whose order.
        seller_id: String,
        /// Which.
        amazon_order_id: String,
        /// `OrderStatusChange`, `BuyerRequestedChange` or `DeliveryTipChange`.
        order_change_type: String,
        /// Why it is told.
        order_change_trigger: OrderChangeTrigger,
        /// The order after the change.
        summary: OrderChangeSummary,
    }

    /// Why a change is told.
    pub struct OrderChangeTrigger {
        /// When it changed; may be null.
        time_of_order_change: Timestamp,
        /// For people.
        change_reason: String,
    }

    /// An order after a change.
    pub struct OrderChangeSummary {
        /// Where it was placed.
        marketplace_id: String,
        /// Where it stands: `Pending`, `Unshipped`, `Canceled`, ...
        order_status: String,
        /// When it was placed; may be null.
        purchase_date: Timestamp,
        /// Where it goes.
        destination_postal_code: super::Unread,
        /// `MFN` for the merchant, `AFN` for Amazon.
        fulfillment_type: String,
        /// Such as `StandardOrder`.
        order_type: String,
        /// Units that have shipped.
        number_of_items_shipped: i64,
        /// Units that are to be shipped.
        number_of_items_unshipped: i64,
        /// When it must be there.
        earliest_delivery_date: Timestamp,
        /// When it must be there.
        latest_delivery_date: Timestamp,
        /// When it must leave.
        earliest_ship_date: Timestamp,
        /// When it must leave.
        latest_ship_date: Timestamp,
        /// Until when Amazon wants to hear of a cancellation.
        cancel_notify_date: Timestamp,
        /// Such as `Prime`.
        order_programs: Vec<String>,
        /// Such as `EasyShip`.
        shipping_programs: Vec<String>,
        /// With EasyShip: where the parcel is.
        easy_ship_shipment_status: String,
        /// Where its invoice stands.
        electronic_invoice_status: String,
        /// What was ordered.
        order_items: Vec<OrderChangeItem>,
    }

    /// A line of an order after a change.
    pub struct OrderChangeItem {
        /// Amazon's name of it.
        order_item_id: String,
        /// The seller's name for what was ordered.
        seller_sku = "SellerSKU": String,
        /// From which of the merchant's places it ships; may be null.
        supply_source_id: String,
        /// `Unshipped` or `Shipped`.
        order_item_status: String,
        /// How many were ordered.
        quantity: i64,
        /// How many have shipped.
        quantity_shipped: i64,
        /// Whether the buyer asks to cancel it. Nothing has happened yet.
        is_buyer_requested_cancel: bool,
        /// When it must be there.
        item_earliest_delivery_date: Timestamp,
        /// When it must be there.
        item_latest_delivery_date: Timestamp,
    }

    /// `LISTINGS_ITEM_MFN_QUANTITY_CHANGE`.
    pub struct QuantityPayload {
        /// Whose listing.
        seller_id: String,
        /// Through which channel.
        fulfillment_channel_code: String,
        /// Which.
        sku: String,
        /// How many buyers can have.
        quantity: i64,
    }

    /// `LISTINGS_ITEM_STATUS_CHANGE`.
    pub struct ListingStatusPayload {
        /// Whose listing.
        seller_id: String,
        /// Where.
        marketplace_id: String,
        /// Amazon's name of the product.
        asin: String,
        /// Which.
        sku: String,
        /// When it was made.
        created_date: Timestamp,
        /// `BUYABLE`, `DISCOVERABLE`, `DELETED`.
        status: Vec<String>,
    }

    /// `FBA_INVENTORY_AVAILABILITY_CHANGES`.
    pub struct AmazonStockPayload {
        /// Whose stock.
        seller_id: String,
        /// Amazon's name of the units.
        fnsku = "FNSKU": String,
        /// Amazon's name of the product.
        asin = "ASIN": String,
        /// The seller's name for it.
        sku = "SKU": String,
        /// Counts, marketplace by marketplace. With a shared pool each of them tells all of it.
        fulfillment_inventory_by_marketplace: Vec<AmazonStockByMarketplace>,
    }

    /// What lies on Amazon's shelf for one marketplace.
    pub struct AmazonStockByMarketplace {
        /// Where.
        marketplace_id: String,
        /// The product's name.
        item_name: String,
        /// Counts.
        fulfillment_inventory: AmazonStockCounts,
        /// The seller's stores that show it.
        stores: Vec<String>,
    }

    /// Counts of what lies on Amazon's shelf.
    pub struct AmazonStockCounts {
        /// On the way there.
        inbound_quantity_breakdown: InboundBreakdown,
        /// On the shelf and free.
        fulfillable: Number,
        /// Not sellable.
        unfulfillable: Number,
        /// Being looked for.
        researching: Number,
        /// Promised, or on the move.
        reserved_quantity_breakdown: ReservedBreakdown,
        /// Not there yet and sold already.
        future_supply_buyable: Number,
        /// Promised, and on the move.
        pending_customer_order_in_transit: Number,
    }

    /// Units on the way to Amazon's shelf.
    pub struct InboundBreakdown {
        /// Announced.
        working: Number,
        /// Sent.
        shipped: Number,
        /// Being received.
        receiving: Number,
    }

    /// Units that are promised, or on the move.
    pub struct ReservedBreakdown {
        /// Being worked on.
        warehouse_processing: Number,
        /// On the way from one warehouse to another.
        warehouse_transfer: Number,
        /// Promised to orders.
        pending_customer_order: Number,
    }
}

objects! { "camelCase"
    /// `FEED_PROCESSING_FINISHED`.
    pub struct FeedFinishedPayload {
        /// The feed.
        feed_processing_finished_notification: FeedFinished,
    }

    /// A feed that is worked through.
    pub struct FeedFinished {
        /// Whose; missing for a vendor.
        seller_id: String,
        /// Whose.
        account_id: String,
        /// Which.
        feed_id: String,
        /// Its type.
        feed_type: String,
        /// `DONE`, `CANCELLED` or `FATAL`.
        processing_status: FeedStatus,
        /// The document with its report.
        result_feed_document_id: String,
    }

    /// `REPORT_PROCESSING_FINISHED`.
    pub struct ReportFinishedPayload {
        /// The report.
        report_processing_finished_notification: ReportFinished,
    }

    /// A report that is there.
    pub struct ReportFinished {
        /// Whose; missing for a vendor.
        seller_id: String,
        /// Whose.
        account_id: String,
        /// Which.
        report_id: String,
        /// Its type.
        report_type: String,
        /// `DONE`, `CANCELLED` or `FATAL`.
        processing_status: ReportStatus,
        /// Its document.
        report_document_id: String,
    }
}
