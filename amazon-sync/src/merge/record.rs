use chrono::{DateTime, Utc};

use super::{Flight, Mapping, Pending, Row, Ships};
use crate::intent::{Base, Intent, Stage};
use crate::listing::ListingState;
use crate::quantity::{Quantity, Units};
use crate::sync_store::{ListingRecord, Shown};

impl Row {
    /// The row of a listing's record. `ours` is what can ship of it, `known_to` the instant up to
    /// which the account's orders are all known ([`Cursor::closed_to`](crate::sync_store::Cursor)).
    pub fn of(
        record: &ListingRecord,
        ours: Option<Quantity>,
        mapping: Mapping,
        known_to: Option<DateTime<Utc>>,
    ) -> Self {
        let shown = record.shown.as_ref();
        let read_at = shown.map(|shown| shown.state.as_of);
        let sold = minus(record.sold, record.base.map_or(record.sold, |base| base.sold));
        Self {
            base: record.base.map(|base| base.quantity),
            sold,
            sold_since_read: shown.map_or(Units::ZERO, |shown| minus(record.sold, shown.sold)),
            ours,
            theirs: shown.and_then(|shown| shown.state.effective),
            declared: shown.and_then(|shown| shown.state.declared),
            times: shown.map_or(0, |shown| small(shown.times)),
            absent: shown.map_or(0, |shown| small(shown.absent)),
            mapping,
            ships: ships(record),
            is_covered: read_at.zip(known_to).is_some_and(|(read_at, known_to)| read_at <= known_to),
            is_frozen: record.frozen.is_some(),
            pending: record.intent.as_ref().map(|intent| pending(intent, record.sold, read_at)),
        }
    }
}

/// By the map, whose channel the key has, and by Amazon.
fn ships(record: &ListingRecord) -> Ships {
    let ours = record.key.channel();
    match &record.shown {
        Some(shown) if shown.state.channel.is_amazon() != ours.is_amazon() => Ships::Flipped,
        _ if ours.is_amazon() => Ships::Amazon,
        _ => Ships::Merchant,
    }
}

fn pending(intent: &Intent, sold: Units, read_at: Option<DateTime<Utc>>) -> Pending {
    match intent.stage {
        Stage::Open => Pending::Open(intent.quantity),
        Stage::InFlight { at, deadline, .. } => Pending::InFlight(Flight {
            quantity: intent.quantity,
            sold: minus(sold, intent.sold),
            at,
            deadline,
            read_at,
            attempts: intent.attempts,
        }),
    }
}

/// Saturates: a difference of sums that cannot be expressed is as far off as can be said.
const fn minus(one: Units, other: Units) -> Units {
    Units::new(one.get().saturating_sub(other.get()))
}

fn small(times: u32) -> u8 {
    u8::try_from(times).unwrap_or(u8::MAX)
}

/// The units sold that an intent of `quantity` goes by, when `sold` are known and ours is `ours`:
/// what is held back below ours counts as sold and not seen yet.
pub const fn presumed_sold(sold: Units, ours: Quantity, quantity: Quantity) -> Units {
    let held_back = ours.units().get().saturating_sub(quantity.units().get());
    Units::new(sold.get().saturating_add(if held_back > 0 { held_back } else { 0 }))
}

/// The base after [`Action::MoveBase`](super::Action::MoveBase): what Amazon shows, and the units
/// that were sold by then. `None` when the listing was never read.
pub fn agreed(record: &ListingRecord) -> Option<Base> {
    let shown = record.shown.as_ref()?;
    let (quantity, at) = (shown.state.effective?, shown.state.as_of);
    // What was known when it was asked for is in the number. Of an intent that landed, what the
    // number has fallen by since is in it as well, and what it presumes to be sold.
    let landed = record.intent.as_ref().filter(|intent| {
        let pending = pending(intent, record.sold, Some(at));
        matches!(pending, Pending::InFlight(flight) if flight.has_landed(quantity))
    });
    let sold = landed.map(|intent| {
        let fell = minus(intent.quantity.units(), quantity.units());
        Units::new(intent.sold.get().saturating_add(fell.get()))
    });
    Some(Base { quantity, at, sold: shown.sold.max(sold.unwrap_or(shown.sold)) })
}

/// What is known of a listing after it was read as `state`. `sold` are the units sold that the
/// ledger knew when it was asked for. An older state than the one that is known changes nothing.
pub fn shown(before: Option<&Shown>, state: ListingState, sold: Units) -> Shown {
    let times = match before {
        Some(before) if before.state.as_of >= state.as_of => return before.clone(),
        Some(before) if is_same(before, &state, sold) => before.times.saturating_add(1),
        _ => 1,
    };
    Shown { state, sold, times, absent: 0 }
}

/// True when the number is the same but for sales between the reads that the ledger knows.
fn is_same(before: &Shown, state: &ListingState, sold: Units) -> bool {
    match (before.state.effective, state.effective) {
        (Some(before_quantity), Some(quantity)) => {
            minus(before_quantity.units(), quantity.units()) == minus(sold, before.sold)
        }
        (before, after) => before == after,
    }
}

/// What is known of a listing after it was absent in a read; `None` when it was never seen.
pub fn absent(before: Option<&Shown>) -> Option<Shown> {
    before.map(|before| Shown { absent: before.absent.saturating_add(1), ..before.clone() })
}
