//! An order: what it is, and what of it can be found.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::order::{LineId, OrderId, OrderStatus, ShippedBy};
use crate::seller::MarketplaceId;
use crate::sku::{Asin, Sku};

/// Who carries a cancellation out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelledBy {
    /// The buyer.
    Buyer,
    /// The seller.
    Merchant,
    /// Amazon, such as when a payment fails.
    Amazon,
}

impl CancelledBy {
    /// Amazon's word for it.
    pub(in super::super) const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "BUYER",
            Self::Merchant => "MERCHANT",
            Self::Amazon => "AMAZON",
        }
    }
}

/// How an order goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It is paid: it may ship.
    Pay,
    /// Up to so many units ship; all that are left without a number.
    Ship(Option<u32>),
    /// Up to so many units that have not shipped are cancelled, of the last lines first; all that
    /// are left without a number.
    Cancel(Option<u32>, CancelledBy),
    /// The buyer asks for a cancellation. It is not carried out by this.
    AskToCancel,
    /// The order counts as cancelled though units of it have shipped.
    Void,
    /// A second order sends the same again.
    Replace,
    /// The last line is no longer told.
    HideLine,
    /// The status is told in a word that is in no documentation.
    Rename(String),
}

/// An order that a test or a simulation places.
///
/// ```
/// use std::time::Duration;
/// use amazon_sync::simulator::{ScriptedOrder, Step};
/// use amazon_sync::sku::Sku;
/// let order = ScriptedOrder::of(Sku::parse("MUG").unwrap(), 2)
///     .then(Duration::from_mins(5), Step::Pay)
///     .then(Duration::from_hours(2), Step::Ship(None));
/// # drop(order);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedOrder {
    pub(super) id: Option<OrderId>,
    pub(super) lines: Vec<(Sku, u32)>,
    pub(super) steps: Vec<(Duration, Step)>,
    pub(super) preorder: bool,
}

impl ScriptedOrder {
    /// An order of so many units of a listing.
    pub fn of(sku: Sku, units: u32) -> Self {
        Self { id: None, lines: vec![(sku, units)], steps: Vec::new(), preorder: false }
    }

    /// So many units of one more listing.
    #[must_use]
    pub fn and(mut self, sku: Sku, units: u32) -> Self {
        self.lines.push((sku, units));
        self
    }

    /// What happens so long after it was placed. Without any step it stays pending.
    #[must_use]
    pub fn then(mut self, after: Duration, step: Step) -> Self {
        self.steps.push((after, step));
        self
    }

    /// Its name. Without one it gets one that follows from the seed and how many were placed.
    #[must_use]
    pub fn named(self, id: OrderId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// A pre-order: it begins as `PENDING_AVAILABILITY`.
    #[must_use]
    pub fn preorder(self) -> Self {
        Self { preorder: true, ..self }
    }
}

/// An order as it is, and as it is told.
#[derive(Clone, Debug)]
pub(in super::super) struct SimOrder {
    pub(super) state: OrderState,
    /// The newest version that can be found.
    pub(super) told: Option<OrderState>,
    /// Versions that cannot be found yet.
    pub(super) waiting: BTreeMap<u32, OrderState>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(in super::super) struct OrderState {
    pub(in super::super) id: OrderId,
    pub(in super::super) marketplace: MarketplaceId,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) updated_at: DateTime<Utc>,
    pub(in super::super) shipped_by: ShippedBy,
    pub(in super::super) lines: Vec<Line>,
    pub(in super::super) replaces: Option<OrderId>,
    pub(super) preorder: bool,
    pub(super) is_paid: bool,
    pub(super) is_void: bool,
    pub(super) word: Option<String>,
    pub(super) version: u32,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Line {
    pub(in super::super) id: LineId,
    pub(in super::super) sku: Sku,
    pub(in super::super) asin: Asin,
    pub(in super::super) ordered: u32,
    pub(in super::super) shipped: u32,
    pub(in super::super) cancelled: u32,
    pub(in super::super) cancelled_by: Option<CancelledBy>,
    pub(in super::super) cancel_asked: bool,
    /// Units that the merchant does not have.
    pub(super) unshippable: u32,
    pub(in super::super) is_hidden: bool,
}

impl Line {
    /// Units that are neither shipped nor cancelled.
    pub(in super::super) const fn open(&self) -> u32 {
        self.ordered.saturating_sub(self.shipped).saturating_sub(self.cancelled)
    }
}

impl OrderState {
    pub(in super::super) fn status(&self) -> OrderStatus {
        if let Some(word) = &self.word {
            return OrderStatus::Other(word.clone());
        }
        let sum = |of: fn(&Line) -> u32| self.lines.iter().map(of).sum::<u32>();
        let (open, shipped) = (sum(Line::open), sum(|line| line.shipped));
        match (open, shipped) {
            _ if self.is_void => OrderStatus::Cancelled,
            (0, 0) => OrderStatus::Cancelled,
            _ if !self.is_paid && self.preorder => OrderStatus::PendingAvailability,
            _ if !self.is_paid => OrderStatus::Pending,
            (0, _) => OrderStatus::Shipped,
            (_, 0) => OrderStatus::Unshipped,
            _ => OrderStatus::PartiallyShipped,
        }
    }

    /// The lines that are told.
    pub(in super::super) fn told_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.is_hidden)
    }
}
