//! The lines of an order.

use serde_json::Number;

use super::Unread;

objects! { "camelCase"
    /// A line of an order.
    pub struct OrderItem {
        /// Amazon's name of it.
        order_item_id: String,
        /// How many were ordered.
        quantity_ordered: i64,
        /// How much one is, where it is sold by weight or length.
        measurement: Measurement,
        /// Lines that belong to it.
        associated_order_items: Vec<AssociatedOrderItem>,
        /// Such as `TRANSPARENCY`.
        programs: Vec<String>,
        /// What was ordered.
        product: ItemProduct,
        /// What it brings.
        proceeds: Unread,
        /// What it costs.
        expense: Unread,
        /// Promotions.
        promotion: Unread,
        /// Whether it was cancelled, or is to be.
        cancellation: ItemCancellation,
        /// How many have shipped.
        fulfillment: ItemFulfillment,
        /// Taxes.
        tax: Unread,
    }

    /// How much something is.
    pub struct Measurement {
        /// Such as `GRAMS`, or `COUNT`.
        unit: String,
        /// So many of them.
        value: Number,
    }

    /// A line that belongs to another.
    pub struct AssociatedOrderItem {
        /// Of which order.
        order_id: String,
        /// Which.
        order_item_id: String,
        /// How, such as `VALUE_ADD_SERVICE`.
        association_type: String,
    }

    /// What was ordered.
    pub struct ItemProduct {
        /// Amazon's name of the product.
        asin: String,
        /// The product's name.
        title: String,
        /// The seller's name for it.
        seller_sku: String,
        /// New or used, with the seller's note.
        condition: Unread,
        /// For how much.
        price: Unread,
        /// Numbers on the units.
        serial_numbers: Vec<String>,
        /// What the buyer wants it to say.
        customization: Unread,
    }

    /// Whether a line was cancelled, or is to be.
    pub struct ItemCancellation {
        /// Somebody asked for it. Nothing has happened yet.
        cancellation_request: CancellationRequest,
        /// It was carried out.
        cancellation_execution: CancellationExecution,
    }

    /// Somebody asked for a cancellation.
    pub struct CancellationRequest {
        /// Who.
        requester: String,
        /// Why, in the buyer's words.
        cancel_reason: Unread,
    }

    /// A cancellation that was carried out.
    pub struct CancellationExecution {
        /// `BUYER`, `MERCHANT` or `AMAZON`.
        cancelled_by: String,
        /// Why.
        cancel_reason: Unread,
    }

    /// How many units of a line have shipped.
    pub struct ItemFulfillment {
        /// Have shipped.
        quantity_fulfilled: i64,
        /// Are to be shipped.
        quantity_unfulfilled: i64,
        /// What to take when there is none.
        picking: Picking,
        /// Gift messages.
        packing: Unread,
        /// When and how it is to be shipped.
        shipping: Unread,
    }

    /// What to take when there is none.
    pub struct Picking {
        /// What the buyer wants.
        substitution_preference: SubstitutionPreference,
    }

    /// What a buyer wants when there is none.
    pub struct SubstitutionPreference {
        /// `CUSTOMER_PREFERENCE`, `AMAZON_RECOMMENDED` or `DO_NOT_SUBSTITUTE`.
        substitution_type: String,
        /// One of these.
        substitution_options: Vec<SubstitutionOption>,
    }

    /// Something to take when there is none.
    pub struct SubstitutionOption {
        /// Amazon's name of the product.
        asin: String,
        /// How many.
        quantity_ordered: i64,
        /// The seller's name for it.
        seller_sku: String,
        /// The product's name.
        title: String,
        /// How much one is.
        measurement: Measurement,
    }
}
