//! What happened so far, in numbers.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use super::plan::Operation;
use super::world::World;

/// What happened so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Orders on Amazon.
    pub orders: u64,
    /// Units that buyers on Amazon wanted.
    pub units_wanted: u64,
    /// Units that orders took and that the merchant is to ship.
    pub units_sold: u64,
    /// Units that orders took and that Amazon ships.
    pub units_sold_by_amazon: u64,
    /// Units that the merchant has shipped.
    pub units_shipped: u64,
    /// Units of the merchant's that were cancelled.
    pub units_cancelled: u64,
    /// Units sold on Amazon that the shelf did not have, or no longer had when the shop sold them.
    pub oversold_units: u64,
    /// Units that buyers wanted in the merchant's own shop.
    pub shop_units_wanted: u64,
    /// Units that it sold.
    pub shop_units_sold: u64,
    /// Listings that Amazon shipped and that a quantity of ours flipped to the merchant. Always 0
    /// for a synchroniser that is right.
    pub listings_flipped: u64,
    /// Writes that were accepted, each message of a feed counted.
    pub writes: u64,
    /// Of those, writes of numbers that were there, or on their way, already.
    pub writes_idle: u64,
    /// Of those, writes that never arrive.
    pub writes_lost: u64,
    /// Of those, writes that buyers never see.
    pub writes_stuck: u64,
    /// From acceptance of a write until buyers saw it, the middle one of all.
    pub p50_write_to_effect_s: f64,
    /// From acceptance of a write until buyers saw it, the longest but for one in a hundred.
    pub p99_write_to_effect_s: f64,
    /// Notifications that were sent, repetitions counted.
    pub notices_sent: u64,
    /// Notifications that never come.
    pub notices_lost: u64,
    /// Calls by operation; those that were never called are left out.
    pub operations: Vec<OperationReport>,
}

/// Calls of one operation, of all sellers together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OperationReport {
    /// Amazon's name of it.
    pub operation: &'static str,
    /// Calls that came.
    pub calls: u64,
    /// Calls answered with 429.
    pub throttled: u64,
    /// Calls refused for another reason.
    pub refused: u64,
    /// Calls that failed: 5xx, or never carried out.
    pub failed: u64,
    /// Calls that changed or proved something.
    pub useful: u64,
    /// Writes of numbers that were there, or on their way, already.
    pub idle: u64,
    /// Calls that the budget allowed from the first call to the last useful one, the burst included.
    pub allowed: f64,
    /// The share of the budget that was used: useful of allowed.
    pub share: f64,
    /// The waste: throttled of all calls.
    pub waste: f64,
}

impl World {
    /// What happened so far.
    pub fn report(&self) -> Report {
        let (tally, amazon) = (self.tally(), &self.amazon.tally);
        let mut effects = amazon.effects.clone();
        effects.sort_unstable();
        Report {
            orders: amazon.orders,
            units_wanted: tally.wanted,
            units_sold: tally.sold,
            units_sold_by_amazon: tally.sold_by_amazon,
            units_shipped: tally.shipped,
            units_cancelled: tally.cancelled,
            oversold_units: tally.oversold,
            shop_units_wanted: tally.shop_wanted,
            shop_units_sold: tally.shop_sold,
            listings_flipped: tally.flipped,
            writes: amazon.writes,
            writes_idle: amazon.idle_writes,
            writes_lost: amazon.lost_writes,
            writes_stuck: amazon.stuck_writes,
            p50_write_to_effect_s: percentile(&effects, 50),
            p99_write_to_effect_s: percentile(&effects, 99),
            notices_sent: amazon.notices_sent,
            notices_lost: amazon.notices_lost,
            operations: self.operations(),
        }
    }

    fn operations(&self) -> Vec<OperationReport> {
        let mut operations: BTreeMap<Operation, OperationReport> = BTreeMap::new();
        for (_, operation, counts) in self.amazon.calls.counts() {
            let sum = operations.entry(operation).or_default();
            sum.operation = operation.as_str();
            sum.calls += counts.calls;
            sum.throttled += counts.throttled;
            sum.refused += counts.refused;
            sum.failed += counts.failed;
            sum.useful += counts.useful;
            sum.idle += counts.idle;
            if let (Some(from), Some(to)) = (counts.first_at, counts.last_useful_at) {
                sum.allowed += self.amazon.budgets.allowed(operation, from, to);
            }
        }
        for sum in operations.values_mut() {
            sum.share = ratio(count(sum.useful), sum.allowed);
            sum.waste = ratio(count(sum.throttled), count(sum.calls));
        }
        operations.into_values().collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody makes 2^52 calls")]
const fn count(number: u64) -> f64 {
    number as f64
}

fn ratio(of: f64, all: f64) -> f64 {
    if 0.0 < all { of / all } else { 0.0 }
}

/// The value below which so many of a hundred are; 0 when there is none.
fn percentile(sorted: &[TimeDelta], of_hundred: usize) -> f64 {
    let place = (sorted.len() * of_hundred).div_ceil(100).saturating_sub(1);
    sorted.get(place).map_or(0.0, |delta| delta.as_seconds_f64())
}
