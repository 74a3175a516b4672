//! FBA Inventory API v1: what lies on Amazon's shelf.

use super::{ErrorEntry, Nothing, Timestamp, Wrapped};

calls! {
    /// What lies on Amazon's shelf?
    Get "/fba/inventory/v1/summaries" as "getInventorySummaries" gives AmazonStockPage;
    pub struct GetInventorySummaries {
        /// Whether the parts of the sums are wanted.
        details: bool,
        /// Always `Marketplace`.
        granularity_type: String,
        /// The marketplace.
        granularity_id: String,
        /// Changed since, at most 18 months ago. Changes of what is inbound do not count.
        start_date_time: Timestamp,
        /// These SKUs: at most 50, none with a comma.
        seller_skus: Vec<String>,
        /// This SKU.
        seller_sku: String,
        /// Where the last page said to go on. It dies 30 seconds after the answer.
        next_token: String,
        /// The marketplace, again.
        marketplace_ids: Vec<String>,
    }

    /// Makes an item, in the sandbox alone.
    Post "/fba/inventory/v1/items" as "createInventoryItem" gives Wrapped<Nothing>;
    pub struct CreateInventoryItem {
        /// The item.
        body = "createInventoryItemRequestBody": NewInventoryItem,
    }

    /// Takes an item away, in the sandbox alone.
    Delete "/fba/inventory/v1/items/{sellerSku}" as "deleteInventoryItem" gives Wrapped<Nothing>;
    pub struct DeleteInventoryItem {
        /// The seller's name for it.
        seller_sku: String,
        /// Where.
        marketplace_id: String,
    }

    /// Adds units to items, in the sandbox alone.
    Post "/fba/inventory/v1/items/inventory" as "addInventory" gives Wrapped<Nothing>;
    pub struct AddInventory {
        /// Which, and how many.
        body = "addInventoryRequestBody": AddedInventory,
    }
}

objects! { "camelCase"
    /// A page of what lies on Amazon's shelf.
    pub struct AmazonStockPage {
        /// The page.
        payload: AmazonStockPayloadPage,
        /// Where it goes on.
        pagination: super::OrderPagination,
        /// What went wrong.
        errors: Vec<ErrorEntry>,
    }

    /// What lies on Amazon's shelf, of one marketplace.
    pub struct AmazonStockPayloadPage {
        /// Which marketplace.
        granularity: Granularity,
        /// SKU by SKU.
        inventory_summaries: Vec<AmazonStockSummary>,
    }

    /// What a sum is about.
    pub struct Granularity {
        /// Always `Marketplace`.
        granularity_type: String,
        /// The marketplace.
        granularity_id: String,
    }

    /// What lies on Amazon's shelf of one SKU.
    pub struct AmazonStockSummary {
        /// Amazon's name of the product.
        asin: String,
        /// Amazon's name of the units: stock is pooled by it.
        fn_sku: String,
        /// The seller's name for it.
        seller_sku: String,
        /// Such as `NewItem`.
        condition: String,
        /// The parts of the sum.
        inventory_details: AmazonStockDetails,
        /// When any of it last changed.
        last_updated_time: Timestamp,
        /// The product's name.
        product_name: String,
        /// All units: inbound, on the shelf, reserved, being looked for, not sellable.
        total_quantity: i64,
        /// The seller's stores that show it.
        stores: Vec<String>,
    }

    /// The parts of a sum.
    pub struct AmazonStockDetails {
        /// On the shelf and free.
        fulfillable_quantity: i64,
        /// Announced.
        inbound_working_quantity: i64,
        /// Sent.
        inbound_shipped_quantity: i64,
        /// Being received.
        inbound_receiving_quantity: i64,
        /// Promised, or on the move.
        reserved_quantity: ReservedQuantity,
        /// Being looked for.
        researching_quantity: ResearchingQuantity,
        /// Not sellable.
        unfulfillable_quantity: UnfulfillableQuantity,
    }

    /// Units that are promised, or on the move.
    pub struct ReservedQuantity {
        /// All of them.
        total_reserved_quantity: i64,
        /// Promised to orders.
        pending_customer_order_quantity: i64,
        /// On the way from one warehouse to another.
        pending_transshipment_quantity: i64,
        /// Being worked on.
        fc_processing_quantity: i64,
    }

    /// Units that are being looked for.
    pub struct ResearchingQuantity {
        /// All of them.
        total_researching_quantity: i64,
        /// By how long.
        researching_quantity_breakdown: Vec<ResearchingEntry>,
    }

    /// Units that are being looked for, for so long.
    pub struct ResearchingEntry {
        /// `researchingQuantityInShortTerm` (1 to 10 days), `...InMidTerm` (11 to 20), `...InLongTerm`.
        name: String,
        /// How many.
        quantity: i64,
    }

    /// Units that cannot be sold.
    pub struct UnfulfillableQuantity {
        /// All of them.
        total_unfulfillable_quantity: i64,
        /// Damaged by customers.
        customer_damaged_quantity: i64,
        /// Damaged by Amazon.
        warehouse_damaged_quantity: i64,
        /// Damaged by the seller.
        distributor_damaged_quantity: i64,
        /// Damaged by a carrier.
        carrier_damaged_quantity: i64,
        /// Broken.
        defective_quantity: i64,
        /// Too old.
        expired_quantity: i64,
    }

    /// An item that is made in the sandbox.
    pub struct NewInventoryItem {
        /// The seller's name for it.
        seller_sku: String,
        /// Where.
        marketplace_id: String,
        /// The product's name.
        product_name: String,
    }

    /// Units that are added in the sandbox.
    pub struct AddedInventory {
        /// Item by item.
        inventory_items: Vec<AddedItem>,
    }

    /// Units of one item that are added in the sandbox.
    pub struct AddedItem {
        /// The seller's name for it.
        seller_sku: String,
        /// Where.
        marketplace_id: String,
        /// How many.
        quantity: i64,
    }
}
