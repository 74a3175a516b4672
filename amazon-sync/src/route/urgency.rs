use std::cmp::{Ordering, Reverse};

use super::Waiting;
use crate::quantity::Quantity;

/// With less than this many times a day's sales left, a listing is low on stock.
const LOW_DAYS: f64 = 1.0;
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// How urgent a number is: the lower, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Nothing is left, and Amazon sells on.
    Zeroing,
    /// Little is left, and Amazon shows more.
    LowAndFalling,
    /// Little is left.
    Low,
    /// Amazon shows more than there is.
    Falling,
    /// Amazon shows less than there is.
    Rising,
}

fn class(waiting: &Waiting) -> Class {
    let falls = waiting.shown.is_none_or(|shown| waiting.quantity < shown);
    let a_day = waiting.rate.units_in(DAY);
    let is_low = f64::from(waiting.quantity.get()) < LOW_DAYS * a_day;
    match (waiting.quantity, is_low, falls) {
        (Quantity::ZERO, _, true) => Class::Zeroing,
        (_, true, true) => Class::LowAndFalling,
        (_, true, false) => Class::Low,
        (_, false, true) => Class::Falling,
        (_, false, false) => Class::Rising,
    }
}

/// True for a number that takes everything off Amazon.
pub(super) fn is_zeroing(waiting: &Waiting) -> bool {
    class(waiting) == Class::Zeroing
}

/// The places of all numbers, the most urgent first: by class, then what sells most, then what
/// waits longest.
pub(super) fn in_order(waiting: &[Waiting]) -> Vec<usize> {
    let mut ranked: Vec<_> = waiting.iter().map(|one| (class(one), one)).zip(0..).collect();
    ranked.sort_by(|((class, one), place), ((other_class, other), other_place)| {
        class
            .cmp(other_class)
            .then_with(|| Reverse(one.rate).partial_cmp(&Reverse(other.rate)).unwrap_or(Ordering::Equal))
            .then_with(|| one.since.cmp(&other.since))
            .then_with(|| place.cmp(other_place))
    });
    ranked.into_iter().map(|(_, place)| place).collect()
}
