//! Orders API 2026-01-01. Buyers, recipients and money are kept unread: a synchroniser of stock
//! does not ask for them.

use super::{OrderItem, Timestamp, Unread};

calls! {
    /// Which orders were placed, or changed? Exactly one of `createdAfter` and `lastUpdatedAfter`.
    Get "/orders/2026-01-01/orders" as "searchOrders" gives OrdersPage;
    pub struct SearchOrders {
        /// Placed at or after.
        created_after: Timestamp,
        /// Placed at or before; at least 2 minutes ago.
        created_before: Timestamp,
        /// Changed at or after.
        last_updated_after: Timestamp,
        /// Changed at or before; at least 2 minutes ago.
        last_updated_before: Timestamp,
        /// That stand so.
        fulfillment_statuses: Vec<FulfillmentStatus>,
        /// Of these marketplaces: at most 50.
        marketplace_ids: Vec<String>,
        /// That are shipped by these.
        fulfilled_by: Vec<FulfilledBy>,
        /// So many a page: 1 to 100, 100 if it is left out.
        max_results_per_page: i64,
        /// Where the last page said to go on. Everything else must be as it was.
        pagination_token: String,
        /// Which parts of them: `FULFILLMENT`, `CANCELLATION`, ...
        included_data: Vec<String>,
    }

    /// What is an order?
    Get "/orders/2026-01-01/orders/{orderId}" as "getOrder" gives GetOrderAnswer;
    pub struct GetOrder {
        /// Which.
        order_id: String,
        /// Which parts of it.
        included_data: Vec<String>,
    }
}

objects! { "camelCase"
    /// A page of orders.
    pub struct OrdersPage {
        /// The orders. What is no order among them is odd, and stops no other.
        orders: Vec<super::Field<WireOrder>>,
        /// Where it goes on.
        pagination: OrderPagination,
        /// The end of the window that was used, when it was one of changes.
        last_updated_before: Timestamp,
        /// The end of the window that was used, when it was one of new orders.
        created_before: Timestamp,
    }

    /// Where it goes on.
    pub struct OrderPagination {
        /// The next page.
        next_token: String,
    }

    /// One order.
    pub struct GetOrderAnswer {
        /// The order.
        order: WireOrder,
    }

    /// An order.
    pub struct WireOrder {
        /// Amazon's name of it.
        order_id: String,
        /// Other names of it.
        order_aliases: Vec<Alias>,
        /// When it was placed.
        created_time: Timestamp,
        /// When anything of it last changed.
        last_updated_time: Timestamp,
        /// Such as `PRIME`.
        programs: Vec<String>,
        /// Orders that it replaces, or that replace it.
        associated_orders: Vec<AssociatedOrder>,
        /// Where it was placed.
        sales_channel: SalesChannel,
        /// Who bought: personal.
        buyer: Unread,
        /// Who gets it: personal.
        recipient: Unread,
        /// What it brings.
        proceeds: Unread,
        /// How it was paid.
        payment: Unread,
        /// Taxes, with registered names and addresses.
        tax: Unread,
        /// Where it stands.
        fulfillment: OrderFulfillment,
        /// What was ordered.
        order_items: Vec<OrderItem>,
        /// Parcels.
        packages: Vec<OrderPackage>,
        /// Orders to ship it, where Amazon ships.
        fulfillment_orders: Vec<FulfillmentOrder>,
    }

    /// Another name of an order.
    pub struct Alias {
        /// The name.
        alias_id: String,
        /// Whose, such as `SELLER_ORDER_ID`.
        alias_type: String,
    }

    /// An order that belongs to another.
    pub struct AssociatedOrder {
        /// Which.
        order_id: String,
        /// How, such as `REPLACEMENT_ORIGINAL_ID`.
        association_type: String,
    }

    /// Where an order was placed.
    pub struct SalesChannel {
        /// `AMAZON` or `NON_AMAZON`.
        channel_name: String,
        /// The marketplace.
        marketplace_id: String,
        /// Its name.
        marketplace_name: String,
    }

    /// Where an order stands.
    pub struct OrderFulfillment {
        /// Where.
        fulfillment_status: FulfillmentStatus,
        /// Who ships it.
        fulfilled_by: FulfilledBy,
        /// How fast.
        fulfillment_service_level: String,
        /// When it must leave.
        ship_by_window: TimeRange,
        /// When it must be there.
        deliver_by_window: TimeRange,
        /// When its label can be printed.
        label_printing_window: TimeRange,
    }

    /// From when until when.
    pub struct TimeRange {
        /// From.
        earliest_date_time: Timestamp,
        /// Until.
        latest_date_time: Timestamp,
    }

    /// A parcel.
    pub struct OrderPackage {
        /// The seller's name of it.
        package_reference_id: String,
        /// When it was made.
        created_time: Timestamp,
        /// Where it is.
        package_status: PackageStatus,
        /// Who carries it.
        carrier: String,
        /// When it left.
        ship_time: Timestamp,
        /// How.
        shipping_service: String,
        /// The carrier's name of it: with it, anybody sees where the buyer lives.
        tracking_number: Unread,
        /// From where it left.
        ship_from_address: Unread,
        /// What is in it.
        package_items: Vec<PackageItem>,
    }

    /// Where a parcel is.
    pub struct PackageStatus {
        /// Such as `IN_TRANSIT`.
        status: String,
        /// More of it.
        detailed_status: String,
    }

    /// What is in a parcel.
    pub struct PackageItem {
        /// Of which line.
        order_item_id: String,
        /// How many.
        quantity: i64,
        /// Codes on the units.
        transparency_codes: Vec<String>,
    }

    /// An order to ship an order.
    pub struct FulfillmentOrder {
        /// Amazon's name of it.
        fulfillment_order_id: String,
    }
}

words! {
    /// Where an order stands.
    pub enum FulfillmentStatus {
        /// A pre-order that cannot ship yet.
        PendingAvailability = "PENDING_AVAILABILITY",
        /// Placed; the payment may still fail.
        Pending = "PENDING",
        /// To be shipped.
        Unshipped = "UNSHIPPED",
        /// Part of it has shipped.
        PartiallyShipped = "PARTIALLY_SHIPPED",
        /// All of it has shipped.
        Shipped = "SHIPPED",
        /// Given up.
        Cancelled = "CANCELLED",
        /// Amazon cannot ship it.
        Unfulfillable = "UNFULFILLABLE",
    }

    /// Who ships.
    pub enum FulfilledBy {
        /// Amazon.
        Amazon = "AMAZON",
        /// The merchant.
        Merchant = "MERCHANT",
    }
}
