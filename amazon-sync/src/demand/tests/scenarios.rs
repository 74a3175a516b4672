//! One SKU sold on Amazon and in a web shop of its own, down to the last unit, under three ways to
//! publish. The web shop sells what the ledger says is free; Amazon sells what it shows; orders are
//! told at the next poll but two minutes late; a write takes one to five minutes; a listing is read
//! after its sales are told.

use super::*;
use crate::merge::{Action, Context, Decision, Flight, Mapping, Pending, Row, Ships, decide, presumed_sold};
use crate::policy::DriftPolicy;

const LAG: i64 = 120;
const POLL: i64 = 180;
const STEP: i64 = 10;
const DAY: i64 = 24 * 3_600;
const DAYS: u64 = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Publishing {
    /// Every change of the free number is written.
    Overwrite,
    Merge,
    MergeWithBuffer,
}

struct Scenario {
    stock: i64,
    amazon: i64,
    web: i64,
}

/// The generator of Steele, Lea and Flood (`SplitMix64`): the same day for each publishing.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % n).unwrap()
    }

    /// True `an_hour` times an hour, asked once a step.
    fn comes(&mut self, an_hour: i64) -> bool {
        self.below(3_600) < an_hour * STEP
    }
}

struct Day {
    publishing: Publishing,
    now: i64,
    /// What really lies there less what is sold, by whomever: negative is oversold.
    left: i64,
    /// The same as far as the ledger knows.
    free: i64,
    shown: i64,
    /// Sales on Amazon that are not told, by their instants.
    untold: Vec<i64>,
    /// Units sold on Amazon, as far as told; by the base; by the read.
    sold: i64,
    base: (i64, i64),
    read: (i64, i64),
    /// A number on its way, with when it lands and what was sold when it was computed.
    flight: Option<(i64, i64, i64)>,
    on_amazon: Demand,
    elsewhere: Demand,
    writes: u64,
}

fn quantity(number: i64) -> Quantity {
    Quantity::clamped(Units::new(number))
}

impl Day {
    fn begin(publishing: Publishing, scenario: &Scenario) -> Self {
        // The rates are known from the day before.
        let history = |an_hour: i64| {
            let mut demand = Demand::new(at(-DAY));
            for sale in 0..an_hour * 24 {
                demand.take_in(Units::new(1), at(-DAY + sale * 3_600 / an_hour));
            }
            demand
        };
        let stock = scenario.stock;
        Self {
            publishing,
            now: 0,
            left: stock,
            free: stock,
            shown: stock,
            untold: Vec::new(),
            sold: 0,
            base: (stock, 0),
            read: (stock, 0),
            flight: None,
            on_amazon: history(scenario.amazon),
            elsewhere: history(scenario.web),
            writes: 0,
        }
    }

    fn run(mut self, scenario: &Scenario, dice: &mut Dice) -> Self {
        while self.now < DAY && (self.free > 0 || self.shown > 0) {
            self.now += STEP;
            if let Some((number, _, sold)) = self.flight.take_if(|(_, lands, _)| *lands <= self.now) {
                self.shown = number;
                self.read = (number, self.sold);
                if self.publishing != Publishing::Overwrite {
                    self.base = (number, sold.max(self.sold));
                }
            }
            if dice.comes(scenario.amazon) && self.shown > 0 {
                self.shown -= 1;
                self.left -= 1;
                self.untold.push(self.now);
            }
            if dice.comes(scenario.web) && self.free > 0 {
                self.left -= 1;
                self.free -= 1;
                self.elsewhere.take_in(Units::new(1), at(self.now));
            }
            if self.now % POLL == STEP && self.flight.is_none() {
                self.read = (self.shown, self.sold);
            }
            if self.now % POLL == 0 {
                let seen = self.now - LAG;
                for sale in self.untold.extract_if(.., |sale| *sale <= seen) {
                    self.free -= 1;
                    self.sold += 1;
                    self.on_amazon.take_in(Units::new(1), at(sale));
                }
            }
            self.publish(dice);
        }
        self
    }

    /// What should be shown.
    fn ours(&self) -> i64 {
        let buffer = match self.publishing {
            Publishing::Overwrite | Publishing::Merge => Quantity::ZERO,
            Publishing::MergeWithBuffer => {
                let exposure =
                    exposure(Duration::from_secs(120), Duration::from_secs(180), Duration::from_secs(300));
                let rates = (self.on_amazon.rate(at(self.now)), self.elsewhere.rate(at(self.now)));
                LagBuffer::default().units(Units::new(self.free), rates.0, rates.1, exposure)
            }
        };
        (self.free - buffer.units().get()).max(0)
    }

    fn publish(&mut self, dice: &mut Dice) {
        let number = match self.publishing {
            Publishing::Overwrite if self.flight.is_none() && self.base.0 != self.ours() => self.ours(),
            Publishing::Overwrite => return,
            Publishing::Merge | Publishing::MergeWithBuffer => match self.decision().action {
                Action::Publish(number) | Action::HoldBack(number) => number.units().get(),
                Action::MoveBase => {
                    self.base = self.read;
                    return;
                }
                _ => return,
            },
        };
        if self.publishing == Publishing::Overwrite {
            self.base = (number, self.sold);
        }
        let presumed = presumed_sold(Units::new(self.sold), quantity(self.ours()), quantity(number)).get();
        self.flight = Some((number, self.now + 60 + dice.below(241), presumed));
        self.writes += 1;
    }

    fn decision(&self) -> Decision {
        let row = Row {
            base: Some(quantity(self.base.0)),
            sold: Units::new(self.sold - self.base.1),
            sold_since_read: Units::new(self.sold - self.read.1),
            ours: Some(quantity(self.ours())),
            theirs: Some(quantity(self.read.0)),
            declared: None,
            times: 1,
            absent: 0,
            mapping: Mapping::Known,
            ships: Ships::Merchant,
            is_covered: false,
            is_frozen: false,
            pending: self.flight.map(|(number, lands, sold)| {
                Pending::InFlight(Flight {
                    quantity: quantity(number),
                    sold: Units::new(self.sold - sold),
                    at: at(lands - 300),
                    deadline: at(lands + 600),
                    read_at: None,
                    attempts: 1,
                })
            }),
        };
        decide(&row, &Context { now: at(self.now), policy: DriftPolicy::default() })
    }
}

/// Units oversold and unsold, and writes, over many days.
fn outcome(publishing: Publishing, scenario: &Scenario) -> (i64, i64, u64) {
    let mut sum = (0, 0, 0);
    for seed in 0..DAYS {
        let day = Day::begin(publishing, scenario).run(scenario, &mut Dice(seed));
        sum.0 += (-day.left).max(0);
        sum.1 += day.left.max(0);
        sum.2 += day.writes;
    }
    sum
}

#[test]
fn merging_with_a_lag_buffer_hardly_oversells() {
    for (scenario, at_most) in [
        (Scenario { stock: 20, amazon: 6, web: 6 }, 10),
        (Scenario { stock: 5, amazon: 6, web: 6 }, 4),
        (Scenario { stock: 100, amazon: 30, web: 10 }, 10),
        (Scenario { stock: 3, amazon: 20, web: 2 }, 4),
    ] {
        let Scenario { stock, amazon, web } = scenario;
        let [overwrite, merge, buffered] =
            [Publishing::Overwrite, Publishing::Merge, Publishing::MergeWithBuffer]
                .map(|publishing| outcome(publishing, &scenario));
        assert!(buffered.0 * at_most <= overwrite.0, "{stock} {amazon} {web}: {overwrite:?} {buffered:?}");
        let all = stock * i64::try_from(DAYS).unwrap();
        assert!((buffered.1 - overwrite.1) * 50 <= all, "{stock} {amazon} {web}: {overwrite:?} {buffered:?}");
        assert!(merge.2 < overwrite.2, "{stock} {amazon} {web}: {overwrite:?} {merge:?}");
    }
}
