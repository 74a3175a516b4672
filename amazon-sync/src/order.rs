//! Orders as they matter to stock: what was ordered, what has shipped, what was cancelled. Nothing
//! about the buyer is asked for or kept.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::quantity::Quantity;
use crate::sku::{Asin, Sku};

macro_rules! order_name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name: 1 to 64 visible ASCII characters.
            ///
            /// # Errors
            /// [`OrderError`] for any other text.
            pub fn parse(text: &str) -> Result<Self, OrderError> {
                let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                if fits {
                    Ok(Self(text.into()))
                } else {
                    Err(OrderError { what: $what, text: text.chars().take(80).collect() })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = OrderError;

            fn try_from(text: String) -> Result<Self, OrderError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}

order_name! {
    /// Amazon's name of an order, such as `902-3159896-1390916`.
    OrderId, "order"
}
order_name! {
    /// Amazon's name of a line of an order (`orderItemId`).
    LineId, "line of an order"
}

/// A text that names no order.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} names no {what}: use 1 to 64 visible ASCII characters")]
pub struct OrderError {
    /// What it should name.
    pub what: &'static str,
    /// What was given, its first 80 characters.
    pub text: String,
}

impl Classify for OrderError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// Where an order stands (Orders API 2026-01-01, `fulfillmentStatus`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum OrderStatus {
    /// A pre-order that cannot ship yet.
    PendingAvailability,
    /// Placed; the payment may still fail.
    Pending,
    /// To be shipped.
    Unshipped,
    /// Part of it has shipped.
    PartiallyShipped,
    /// All of it has shipped.
    Shipped,
    /// Given up by the buyer, the seller or Amazon.
    Cancelled,
    /// Amazon cannot ship it. Only orders that Amazon ships are ever so.
    Unfulfillable,
    /// A word that this version does not know.
    Other(String),
}

impl OrderStatus {
    const KNOWN: [(Self, &'static str); 7] = [
        (Self::PendingAvailability, "PENDING_AVAILABILITY"),
        (Self::Pending, "PENDING"),
        (Self::Unshipped, "UNSHIPPED"),
        (Self::PartiallyShipped, "PARTIALLY_SHIPPED"),
        (Self::Shipped, "SHIPPED"),
        (Self::Cancelled, "CANCELLED"),
        (Self::Unfulfillable, "UNFULFILLABLE"),
    ];

    /// Amazon's word for it.
    pub fn as_str(&self) -> &str {
        if let Self::Other(word) = self {
            return word;
        }
        Self::KNOWN.iter().find(|(status, _)| status == self).map_or("", |(_, word)| word)
    }

    /// The status with Amazon's word. Words are compared without case and underscores, because
    /// notifications write `PartiallyShipped` and the Orders API `PARTIALLY_SHIPPED`.
    pub fn of(word: &str) -> Self {
        let plain = |word: &str| word.replace('_', "").to_ascii_lowercase();
        let known = Self::KNOWN.iter().find(|(_, known)| plain(known) == plain(word));
        match (known, plain(word).as_str()) {
            (Some((status, _)), _) => status.clone(),
            (None, "canceled") => Self::Cancelled,
            (None, _) => Self::Other(word.to_owned()),
        }
    }
}

impl From<String> for OrderStatus {
    fn from(word: String) -> Self {
        Self::of(&word)
    }
}

impl From<OrderStatus> for String {
    fn from(status: OrderStatus) -> Self {
        status.as_str().to_owned()
    }
}

/// Who ships an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShippedBy {
    /// The merchant: it leaves our shelf.
    Merchant,
    /// Amazon: it leaves Amazon's shelf and changes nothing on ours.
    Amazon,
}

/// Which of two reports of an order is newer: later by Amazon's own clock, then, where that ties,
/// the greater digest, so that everybody picks the same one whatever came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderVersion {
    /// Amazon's `lastUpdatedTime`.
    pub updated_at: DateTime<Utc>,
    /// The first 64 bits of a SHA-256 over what matters to stock.
    pub digest: u64,
}

/// An order as one report told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Amazon's name of it.
    pub id: OrderId,
    /// When it last changed, by Amazon's clock.
    pub updated_at: DateTime<Utc>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// Where it stands.
    pub status: OrderStatus,
    /// Who ships it.
    pub shipped_by: ShippedBy,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Amazon's name of it.
    pub id: LineId,
    /// The seller's name for what was ordered; `None` when Amazon told none.
    pub sku: Option<Sku>,
    /// Amazon's name of the product.
    pub asin: Option<Asin>,
    /// How many were ordered, in units of the listing.
    pub ordered: Quantity,
    /// How many of them have shipped.
    pub shipped: Quantity,
    /// How many of them were cancelled, carried out and not only asked for.
    pub cancelled: Quantity,
}

impl Order {
    /// Which version this report is. The order of its lines does not matter.
    pub fn version(&self) -> OrderVersion {
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by(|one, other| one.id.cmp(&other.id));
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        };
        part(self.status.as_str());
        part(if self.shipped_by == ShippedBy::Amazon { "amazon" } else { "merchant" });
        for line in lines {
            part(line.id.as_str());
            part(line.sku.as_ref().map_or("", Sku::as_str));
            for quantity in [line.ordered, line.shipped, line.cancelled] {
                part(&quantity.to_string());
            }
        }
        let digest = hash.finalize();
        let first = digest.first_chunk().copied().unwrap_or_default();
        OrderVersion { updated_at: self.updated_at, digest: u64::from_be_bytes(first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_both_interfaces_write_it() {
        assert_eq!(OrderStatus::of("PARTIALLY_SHIPPED"), OrderStatus::PartiallyShipped);
        assert_eq!(OrderStatus::of("PartiallyShipped"), OrderStatus::PartiallyShipped);
        assert_eq!(OrderStatus::of("Canceled"), OrderStatus::Cancelled);
        assert_eq!(OrderStatus::of("INVOICE_UNCONFIRMED").as_str(), "INVOICE_UNCONFIRMED");
    }

    #[test]
    fn the_order_of_lines_makes_no_other_version() {
        let line = |id: &str| OrderLine {
            id: LineId::parse(id).unwrap(),
            sku: None,
            asin: None,
            ordered: Quantity::new(2).unwrap(),
            shipped: Quantity::ZERO,
            cancelled: Quantity::ZERO,
        };
        let at = "2026-11-02T10:00:00Z".parse().unwrap();
        let mut order = Order {
            id: OrderId::parse("902-3159896-1390916").unwrap(),
            updated_at: at,
            created_at: at,
            status: OrderStatus::Unshipped,
            shipped_by: ShippedBy::Merchant,
            lines: vec![line("1"), line("2")],
        };
        let version = order.version();
        order.lines.reverse();
        assert_eq!(order.version(), version);
        order.status = OrderStatus::Cancelled;
        assert_ne!(order.version(), version);
    }
}
