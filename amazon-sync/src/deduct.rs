//! What an order means on our shelf.
//!
//! Not what to move, but what the ledger should hold for each line in all: the store books the
//! difference ([`delta`](mod@crate::ledger::delta)). On doubt more is deducted rather than less, and
//! a letter says what the doubt is.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use crate::ledger::Bucket;
use crate::order::{Order, OrderLine, OrderStatus, ShippedBy};
use crate::quantity::Units;
use crate::seller::SellerAccount;
use crate::sku_map::{Recipe, SkuMap};
use crate::sync_store::{LineTarget, NewLetter, OrderReport, Part};

mod doubt;

use doubt::{Doubt, Doubts};

/// An order's report for the store, and what somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deduction {
    /// What each line means.
    pub report: OrderReport,
    /// At most one for each code; the subject is the order's id.
    pub letters: Vec<NewLetter>,
}

/// What an order means on our shelf. `found_at` is the instant that letters carry.
///
/// | order | ships from the merchant | ships from Amazon |
/// |---|---|---|
/// | `PENDING_AVAILABILITY` | nothing | nothing |
/// | `PENDING` | reserved | nothing |
/// | `UNSHIPPED`, `PARTIALLY_SHIPPED` | committed; what has shipped leaves the shelf | nothing |
/// | `SHIPPED` | all of it leaves the shelf | nothing |
/// | `CANCELLED` | what has shipped has left the shelf | nothing |
/// | anything else | as `UNSHIPPED`, with a letter | nothing |
///
/// Of each line, what is cancelled takes nothing off the shelf. It counts as sold all the same
/// ([`LineTarget::sold`]). A line whose SKU stands for nothing in the
/// map has no parts: what the ledger holds for it stays.
pub fn deduct(account: &SellerAccount, order: &Order, map: &SkuMap, found_at: DateTime<Utc>) -> Deduction {
    let mut doubts = Doubts::default();
    let lines = match order.shipped_by {
        ShippedBy::Amazon => order.lines.iter().map(nothing_of_ours).collect(),
        ShippedBy::Merchant => {
            let lines = distinct(&order.lines, &mut doubts).into_iter();
            lines.map(|line| target(line, &order.status, map, &mut doubts)).collect()
        }
    };
    doubts.about_order(order);
    let report = OrderReport {
        account: account.clone(),
        order: order.id.clone(),
        version: order.version(),
        status: order.status.clone(),
        shipped_by: order.shipped_by,
        lines,
    };
    Deduction { report, letters: doubts.letters(order, found_at) }
}

/// Each line once. Of two that say different things under one name, the one that takes more.
fn distinct<'a>(lines: &'a [OrderLine], doubts: &mut Doubts) -> Vec<&'a OrderLine> {
    let weight = |line: &OrderLine| {
        let wanted = line.ordered.get().saturating_sub(line.cancelled.get());
        (wanted, line.shipped, line.ordered, line.sku.clone())
    };
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by_cached_key(|line| (line.id.clone(), Reverse(weight(line))));
    sorted.dedup_by(|next, kept| {
        let is_repeated = next.id == kept.id;
        if is_repeated && next != kept {
            doubts.about_line(Doubt::Repeated, kept);
        }
        is_repeated
    });
    sorted
}

/// How many units of a listing are where, by what one line says.
struct Counts {
    reserved: i64,
    committed: i64,
    shipped: i64,
    sold: i64,
}

impl Counts {
    fn of(line: &OrderLine, status: &OrderStatus) -> Self {
        let [ordered, shipped, cancelled] =
            [line.ordered, line.shipped, line.cancelled].map(|quantity| quantity.units().get());
        // Neither number is trusted alone: the ordered one may or may not fall with a cancellation.
        let wanted = (ordered - cancelled).max(0);
        let open = (wanted - shipped).max(0);
        let none = Self { reserved: 0, committed: 0, shipped, sold: ordered.max(cancelled) };
        match status {
            OrderStatus::PendingAvailability => Self { sold: 0, ..none },
            OrderStatus::Cancelled => none,
            OrderStatus::Pending => Self { reserved: open, ..none },
            OrderStatus::Shipped => Self { shipped: shipped.max(wanted), ..none },
            OrderStatus::Unshipped
            | OrderStatus::PartiallyShipped
            | OrderStatus::Unfulfillable
            | OrderStatus::Other(_) => Self { committed: open, ..none },
        }
    }
}

/// It leaves Amazon's shelf.
fn nothing_of_ours(line: &OrderLine) -> LineTarget {
    LineTarget {
        line: line.id.clone(),
        sku: line.sku.clone(),
        sold: Units::ZERO,
        parts: Some(Vec::new()),
        shipped_parts: Vec::new(),
    }
}

fn target(line: &OrderLine, status: &OrderStatus, map: &SkuMap, doubts: &mut Doubts) -> LineTarget {
    let counts = Counts::of(line, status);
    doubts.about_counts(line);
    let recipe = match &line.sku {
        None => Err(Doubt::NoSku),
        Some(sku) => map.recipe(sku).map_err(Doubt::Unresolved),
    };
    let recipe = recipe.map_err(|doubt| doubts.about_line(doubt, line)).ok();
    let parts = |moves: &[(Bucket, i64)]| recipe.map(|recipe| parts(map, recipe, moves));
    LineTarget {
        line: line.id.clone(),
        sku: line.sku.clone(),
        sold: Units::new(counts.sold),
        parts: parts(&[
            (Bucket::OnHand, -counts.shipped),
            (Bucket::Reserved, counts.reserved),
            (Bucket::Committed, counts.committed),
        ]),
        shipped_parts: parts(&[(Bucket::OnHand, -counts.shipped)]).unwrap_or_default(),
    }
}

/// Units of a listing as units of its items, by item and bucket.
fn parts(map: &SkuMap, recipe: Recipe<'_>, moves: &[(Bucket, i64)]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(recipe.iter().len());
    for (item, in_one) in recipe.iter() {
        let Some(item) = map.item_code(item) else { continue };
        for (bucket, units) in moves.iter().filter(|(_, units)| *units != 0) {
            // 10^8 units of a listing, of 10^6 units of an item each at the most.
            let units = Units::new(units.saturating_mul(i64::from(in_one)));
            parts.push(Part { item: item.clone(), bucket: *bucket, units });
        }
    }
    parts
}

#[cfg(test)]
mod tests;
