//! The race for the last units of one SKU, which Amazon and a web shop sell from one shelf.
//!
//! Nobody can win it altogether: Amazon sells what it shows, and what it shows is minutes old. What
//! is held back decides how many units are sold twice. So this model tries ways to publish on
//! thousands of days with the same buyers, without anything else that a [`World`](super::World)
//! has: no lost write, no cancellation, no second SKU.
//!
//! The shop sells what the ledger says is free. Amazon sells what it shows; its orders are told at
//! the next poll after two minutes; a write takes one to five minutes; a listing is read at a poll,
//! and when a write of ours has landed.

use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::draw::Draw;
use crate::available::{Available, StockPolicy};
use crate::demand::{Demand, exposure};
use crate::merge::{Action, Context, Decision, Flight, Mapping, Pending, Row, Ships, decide, presumed_sold};
use crate::policy::DriftPolicy;
use crate::quantity::{Quantity, Units};
use crate::sku_map::{ItemId, ListingId, SkuMap};

/// Seconds until an order can be found.
const LAG: i64 = 120;
/// Seconds between polls.
const POLL: i64 = 180;
/// Seconds that a write takes at least and at most.
const WRITE: (u64, u64) = (60, 300);
/// Seconds after which a write counts as lost.
const LOST: i64 = 900;
const STEP: i64 = 10;
const DAY: i64 = 24 * 3_600;

const MAP: &str = "sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\n";

/// A day on which two channels sell one SKU from one shelf, until nothing is left.
///
/// ```
/// use amazon_sync::available::StockPolicy;
/// use amazon_sync::demand::LagBuffer;
/// use amazon_sync::simulator::{Publishing, Race};
/// let race = Race { stock: 20, amazon_per_hour: 6, shop_per_hour: 6 };
/// let bare = StockPolicy { lag_buffer: LagBuffer::OFF, ..StockPolicy::default() };
/// let oversold = |publishing, policy: &StockPolicy| {
///     (0..50).map(|seed| race.day(publishing, policy, seed).oversold).sum::<u64>()
/// };
/// let held_back = oversold(Publishing::Merge, &StockPolicy::default());
/// assert!(held_back < oversold(Publishing::Overwrite, &bare));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Race {
    /// Units on the shelf in the morning.
    pub stock: u32,
    /// Units that buyers on Amazon want in an hour.
    pub amazon_per_hour: u32,
    /// Units that buyers in the shop want in an hour.
    pub shop_per_hour: u32,
}

/// How numbers get to Amazon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publishing {
    /// Whenever what can ship is another number than the one that was written last, it is written.
    Overwrite,
    /// As the [merge](crate::merge) decides.
    Merge,
}

/// What a race ended in, or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RaceDay {
    /// Units that Amazon sold, each an order.
    pub sold_on_amazon: u64,
    /// Units that the shop sold.
    pub sold_in_shop: u64,
    /// Of both, units that were not there.
    pub oversold: u64,
    /// Units that were left.
    pub unsold: u64,
    /// Numbers that were written.
    pub writes: u64,
}

impl Race {
    /// The scenarios by which the defaults of [`LagBuffer`](crate::demand::LagBuffer) were chosen: a
    /// steady seller, its last units, a fast seller, and the last units of what sells on Amazon.
    pub const MEASURED: [Self; 4] = [
        Self { stock: 20, amazon_per_hour: 6, shop_per_hour: 6 },
        Self { stock: 5, amazon_per_hour: 6, shop_per_hour: 6 },
        Self { stock: 100, amazon_per_hour: 30, shop_per_hour: 10 },
        Self { stock: 3, amazon_per_hour: 20, shop_per_hour: 2 },
    ];

    /// The day of a seed. Buyers come at the same instants however it is published.
    pub fn day(&self, publishing: Publishing, policy: &StockPolicy, seed: u64) -> RaceDay {
        Day::begin(self, publishing, policy, seed).run()
    }
}

impl Add for RaceDay {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sold_on_amazon: self.sold_on_amazon + other.sold_on_amazon,
            sold_in_shop: self.sold_in_shop + other.sold_in_shop,
            oversold: self.oversold + other.oversold,
            unsold: self.unsold + other.unsold,
            writes: self.writes + other.writes,
        }
    }
}

impl AddAssign for RaceDay {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for RaceDay {
    fn sum<I: Iterator<Item = Self>>(days: I) -> Self {
        days.fold(Self::default(), Add::add)
    }
}

/// A number of Amazon's, and the units sold there that were known when it was so.
#[derive(Clone, Copy)]
struct Known {
    number: i64,
    sold: i64,
}

/// A write on its way.
#[derive(Clone, Copy)]
struct Write {
    number: i64,
    /// Units sold by which it was computed.
    sold: i64,
    at: i64,
    lands: i64,
}

struct Day<'a> {
    race: &'a Race,
    publishing: Publishing,
    policy: &'a StockPolicy,
    available: Available,
    at_amazon: Draw,
    in_shop: Draw,
    of_writes: Draw,
    now: i64,
    /// What really lies there less what is sold, by whomever: negative is oversold.
    left: i64,
    /// The same as far as the ledger knows.
    free: i64,
    /// What Amazon shows.
    shown: i64,
    /// Sales on Amazon that are not told, by their instants.
    untold: Vec<i64>,
    /// Units sold on Amazon, as far as told.
    told: i64,
    base: Known,
    read: Known,
    read_at: i64,
    write: Option<Write>,
    amazon_demand: Demand,
    shop_demand: Demand,
    tally: RaceDay,
}

impl<'a> Day<'a> {
    fn begin(race: &'a Race, publishing: Publishing, policy: &'a StockPolicy, seed: u64) -> Self {
        let stock = i64::from(race.stock);
        let dice = |who| Draw::new(seed, &["race", who], 0);
        // A map that could not be read would offer nothing, and every test would say so.
        let map = Arc::new(SkuMap::from_csv(MAP.as_bytes()).unwrap_or_default());
        Self {
            race,
            publishing,
            policy,
            available: Available::new(map, policy),
            at_amazon: dice("amazon"),
            in_shop: dice("shop"),
            of_writes: dice("writes"),
            now: 0,
            left: stock,
            free: stock,
            shown: stock,
            untold: Vec::new(),
            told: 0,
            base: Known { number: stock, sold: 0 },
            read: Known { number: stock, sold: 0 },
            read_at: 0,
            write: None,
            amazon_demand: yesterday(race.amazon_per_hour),
            shop_demand: yesterday(race.shop_per_hour),
            tally: RaceDay::default(),
        }
    }

    fn run(mut self) -> RaceDay {
        while self.now < DAY && (self.free > 0 || self.shown > 0) {
            self.now += STEP;
            self.land();
            self.sell();
            if self.now % POLL == STEP {
                self.look();
            }
            if self.now % POLL == 0 {
                self.poll();
            }
            self.publish();
        }
        let units = |left: i64| u64::try_from(left).unwrap_or_default();
        RaceDay { oversold: units(-self.left), unsold: units(self.left), ..self.tally }
    }

    fn land(&mut self) {
        if let Some(write) = self.write.filter(|write| write.lands == self.now) {
            self.shown = write.number;
            self.look();
            if self.publishing == Publishing::Overwrite {
                self.write = None;
            }
        }
    }

    fn sell(&mut self) {
        if comes(&mut self.at_amazon, self.race.amazon_per_hour) && self.shown > 0 {
            self.shown -= 1;
            self.left -= 1;
            self.tally.sold_on_amazon += 1;
            self.untold.push(self.now);
        }
        if comes(&mut self.in_shop, self.race.shop_per_hour) && self.free > 0 {
            self.free -= 1;
            self.left -= 1;
            self.tally.sold_in_shop += 1;
            self.shop_demand.take_in(Units::new(1), at(self.now));
        }
    }

    fn look(&mut self) {
        self.read = Known { number: self.shown, sold: self.told };
        self.read_at = self.now;
    }

    fn poll(&mut self) {
        let until = self.now - LAG;
        for sale in self.untold.extract_if(.., |sale| *sale <= until) {
            self.free -= 1;
            self.told += 1;
            self.amazon_demand.take_in(Units::new(1), at(sale));
        }
    }

    /// What can ship, less what is held back.
    fn ours(&mut self) -> Quantity {
        let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        let unseen = exposure(seconds(LAG), seconds(POLL), Duration::from_secs(WRITE.1));
        let (amazon, shop) = (self.amazon_demand.rate(at(self.now)), self.shop_demand.rate(at(self.now)));
        let free = Units::new(self.free);
        let held_back = self.policy.lag_buffer.units(free, amazon, shop, unseen);
        self.available.set(ItemId::new(0), free, held_back);
        self.available.of(ListingId::new(0)).unwrap_or_default()
    }

    fn publish(&mut self) {
        let ours = self.ours();
        match self.publishing {
            Publishing::Overwrite if self.write.is_none() && self.base.number != number(ours) => {
                self.base.number = number(ours);
                self.hand_over(ours, ours);
            }
            Publishing::Overwrite => {}
            Publishing::Merge => {
                // Once more after agreeing, and no more than that.
                for _ in 0..2 {
                    match self.decision(ours).action {
                        Action::Publish(quantity) | Action::HoldBack(quantity) => {
                            return self.hand_over(quantity, ours);
                        }
                        Action::MoveBase => self.agree(),
                        _ => return,
                    }
                }
            }
        }
    }

    fn hand_over(&mut self, quantity: Quantity, ours: Quantity) {
        let takes = self.of_writes.between(WRITE.0, WRITE.1) / STEP.unsigned_abs() * STEP.unsigned_abs();
        let sold = presumed_sold(Units::new(self.told), ours, quantity).get();
        let lands = self.now + i64::try_from(takes).unwrap_or(STEP);
        self.write = Some(Write { number: number(quantity), sold, at: self.now, lands });
        self.tally.writes += 1;
    }

    /// As [`agreed`](crate::merge::agreed) has it for a listing's record.
    fn agree(&mut self) {
        let landed = self.write.take().filter(|write| write.lands <= self.read_at);
        let by_then = landed.map_or(0, |write| write.sold + write.number - self.read.number);
        self.base = Known { number: self.read.number, sold: self.read.sold.max(by_then) };
    }

    fn decision(&self, ours: Quantity) -> Decision {
        let quantity = |number: i64| Quantity::clamped(Units::new(number));
        let row = Row {
            base: Some(quantity(self.base.number)),
            sold: Units::new(self.told - self.base.sold),
            sold_since_read: Units::new(self.told - self.read.sold),
            ours: Some(ours),
            theirs: Some(quantity(self.read.number)),
            declared: None,
            times: 1,
            absent: 0,
            mapping: Mapping::Known,
            ships: Ships::Merchant,
            is_covered: false,
            is_frozen: false,
            pending: self.write.map(|write| {
                Pending::InFlight(Flight {
                    quantity: quantity(write.number),
                    sold: Units::new(self.told - write.sold),
                    at: at(write.at),
                    deadline: at(write.at + LOST),
                    read_at: Some(at(self.read_at)),
                    attempts: 1,
                })
            }),
        };
        decide(&row, &Context { now: at(self.now), policy: DriftPolicy::default() })
    }
}

/// The instant at so many seconds of the day, whichever day it is.
fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second + DAY)
}

const fn number(quantity: Quantity) -> i64 {
    quantity.units().get()
}

/// True so many times an hour, asked once a step.
const fn comes(dice: &mut Draw, an_hour: u32) -> bool {
    dice.between(1, 3_600) <= an_hour as u64 * STEP.unsigned_abs()
}

/// What is known of a channel in the morning: it sold evenly all the day before.
fn yesterday(an_hour: u32) -> Demand {
    let mut demand = Demand::new(at(-DAY));
    let sales = i64::from(an_hour) * 24;
    for sale in 0..sales {
        demand.take_in(Units::new(1), at(-DAY + sale * DAY / sales));
    }
    demand
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::LagBuffer;

    const DAYS: u64 = 400;

    fn days(race: &Race, publishing: Publishing, policy: &StockPolicy) -> RaceDay {
        (0..DAYS).map(|seed| race.day(publishing, policy, seed)).sum()
    }

    fn bare() -> StockPolicy {
        StockPolicy { lag_buffer: LagBuffer::OFF, ..StockPolicy::default() }
    }

    #[test]
    fn merging_with_a_lag_buffer_hardly_oversells_and_leaves_hardly_anything() {
        for (race, at_most) in Race::MEASURED.iter().zip([10, 4, 10, 4]) {
            let overwrite = days(race, Publishing::Overwrite, &bare());
            let merge = days(race, Publishing::Merge, &bare());
            let buffered = days(race, Publishing::Merge, &StockPolicy::default());
            assert!(
                buffered.oversold * at_most <= overwrite.oversold,
                "{race:?}: {overwrite:?} {buffered:?}"
            );
            assert!(buffered.unsold * 50 <= overwrite.unsold * 51, "{race:?}: {overwrite:?} {buffered:?}");
            assert!(merge.writes < overwrite.writes, "{race:?}: {overwrite:?} {merge:?}");
        }
    }

    #[test]
    fn every_unit_is_sold_left_or_oversold() {
        for race in &Race::MEASURED {
            for seed in 0..20 {
                let day = race.day(Publishing::Merge, &StockPolicy::default(), seed);
                let sold = day.sold_on_amazon + day.sold_in_shop;
                assert_eq!(
                    sold + day.unsold,
                    u64::from(race.stock) + day.oversold,
                    "{race:?} {seed}: {day:?}"
                );
                assert_eq!(day, race.day(Publishing::Merge, &StockPolicy::default(), seed));
            }
        }
    }

    #[test]
    fn what_is_kept_back_for_ever_stays_unsold_on_amazon() {
        let race = Race { stock: 20, amazon_per_hour: 6, shop_per_hour: 0 };
        let policy = StockPolicy { safety: Quantity::clamped(Units::new(4)), ..StockPolicy::default() };
        let day = race.day(Publishing::Merge, &policy, 7);
        assert_eq!((day.sold_in_shop, day.oversold), (0, 0));
        assert!((1..=4).contains(&day.unsold), "{day:?}");
    }
}
