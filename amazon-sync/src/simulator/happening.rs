//! What happened at Amazon, as nobody but the simulation knows it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::account::AmazonAccount;
use crate::order::{LineId, OrderId, ShippedBy};
use crate::sku::Sku;

/// Something that happened, by Amazon's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: DateTime<Utc>,
    /// To which account.
    pub account: AmazonAccount,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// Somebody wanted units of a listing. An order took what the listing showed, and the rest
    /// went elsewhere.
    Wanted {
        /// The listing.
        sku: Sku,
        /// Units wanted.
        wanted: u32,
        /// Units that an order took.
        taken: u32,
    },
    /// A line of an order was taken.
    Ordered {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineId,
        /// The listing.
        sku: Sku,
        /// Units of it.
        units: u32,
        /// Who is to ship it.
        shipped_by: ShippedBy,
    },
    /// Units of a line have shipped.
    Shipped {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineId,
        /// The listing.
        sku: Sku,
        /// Units of it.
        units: u32,
        /// Who shipped them.
        shipped_by: ShippedBy,
    },
    /// Units of a line were cancelled before they shipped.
    Cancelled {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineId,
        /// The listing.
        sku: Sku,
        /// Units of it.
        units: u32,
        /// Of those, units that the merchant did not have.
        unshippable: u32,
        /// Who should have shipped them.
        shipped_by: ShippedBy,
    },
    /// Buyers see another number.
    Shown {
        /// The listing.
        sku: Sku,
        /// Through which channel.
        channel: String,
        /// The number.
        quantity: u32,
        /// Why.
        why: Why,
    },
    /// A write has flipped a listing that Amazon shipped to the merchant.
    Flipped {
        /// The listing.
        sku: Sku,
    },
}

/// Why a number changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Somebody bought.
    Order,
    /// An order was cancelled, and Amazon raised the number again.
    Cancellation,
    /// A write of ours.
    Write,
    /// A write of somebody else.
    Foreign,
}
