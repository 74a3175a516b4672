//! Demand, and the lag buffer that it sizes.
//!
//! Between a sale and the number that Amazon shows lie minutes: the order is told late, polled
//! later, and the write takes a while. What two channels sell in that time of the same last units is
//! sold twice. So when stock is low, as many units are held back as Amazon will hardly sell in the
//! meantime.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::quantity::{Quantity, Units};

mod buffer;

pub use buffer::{LagBuffer, LagBufferError};

/// Sales a second, as estimated. Never negative, and finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// Nothing is sold.
    pub const ZERO: Self = Self(0.0);

    /// So many units in so long; nothing for an impossible number.
    pub fn of(units: f64, within: Duration) -> Self {
        let rate = units / within.as_secs_f64();
        if rate.is_finite() && rate > 0.0 { Self(rate) } else { Self::ZERO }
    }

    /// Units that are sold in so long, on average.
    pub fn units_in(self, time: Duration) -> f64 {
        self.0 * time.as_secs_f64()
    }
}

/// How much of something is sold: what was sold counts half after a while, a quarter after twice
/// that, and so on. 24 bytes, whatever is sold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Demand {
    /// Watched since, in milliseconds of the epoch.
    since_ms: i64,
    /// The instant by which `weight` is counted.
    at_ms: i64,
    weight: f64,
}

impl Demand {
    /// What was sold counts half after 6 hours: long enough for a rate from few sales, short enough
    /// to follow a day's ups and downs.
    pub const HALF_LIFE: Duration = Duration::from_secs(6 * 3_600);
    /// What is watched for less counts as watched for half an hour, so that the first sale is not
    /// taken for a rush.
    const LEAST_WATCHED: Duration = Duration::from_secs(1_800);

    /// Nothing sold, watched from now on.
    pub const fn new(since: DateTime<Utc>) -> Self {
        let since_ms = since.timestamp_millis();
        Self { since_ms, at_ms: since_ms, weight: 0.0 }
    }

    /// Takes a sale in, or a cancellation with negative units, in any order.
    pub fn take_in(&mut self, units: Units, at: DateTime<Utc>) {
        let at_ms = at.timestamp_millis();
        self.since_ms = self.since_ms.min(at_ms);
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let units = units.get() as f64;
        if at_ms > self.at_ms {
            self.weight = self.weight * faded(at_ms - self.at_ms) + units;
            self.at_ms = at_ms;
        } else {
            self.weight += units * faded(self.at_ms - at_ms);
        }
    }

    /// What is sold now.
    pub fn rate(&self, now: DateTime<Utc>) -> Rate {
        let now_ms = now.timestamp_millis().max(self.at_ms);
        let weight = self.weight * faded(now_ms - self.at_ms);
        // The sum of the weights of all instants since it is watched.
        let mean_life = Self::HALF_LIFE.as_secs_f64() / std::f64::consts::LN_2;
        let watched = mean_life * (1.0 - faded(now_ms - self.since_ms));
        Rate::of(weight, Duration::from_secs_f64(watched.max(Self::LEAST_WATCHED.as_secs_f64())))
    }
}

/// What is left of a weight after so many milliseconds.
fn faded(ms: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
    let half_lives = ms as f64 / 1_000.0 / Demand::HALF_LIFE.as_secs_f64();
    (-half_lives).exp2()
}

/// The time in which a sale on Amazon is not seen in what is offered: the lag until the order is
/// told, half the time between polls (0 while events come), and the longest that a write usually
/// takes. Not the mean of the last: a write waits for the one before it.
pub fn exposure(lag: Duration, poll_every: Duration, write: Duration) -> Duration {
    lag.saturating_add(poll_every / 2).saturating_add(write)
}

impl LagBuffer {
    /// Units of an item to hold back, of which `free` are on the shelf. `amazon` is what Amazon
    /// sells of it, `elsewhere` what the other channels do, `exposure` the time in which a sale is
    /// not seen.
    pub fn units(&self, free: Units, amazon: Rate, elsewhere: Rate, exposure: Duration) -> Quantity {
        let mean = amazon.units_in(exposure);
        #[expect(clippy::cast_precision_loss, reason = "a threshold, and free units are far below 2^52")]
        let is_low = free.get() as f64 <= self.low_stock() * mean;
        if !is_low {
            return Quantity::ZERO;
        }
        let held_back = buffer::poisson_quantile(mean, self.quantile());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let sold_elsewhere = elsewhere.units_in(self.sold_off_within()) as u32;
        Quantity::clamped(Units::new(i64::from(held_back.min(sold_elsewhere))))
    }
}

#[cfg(test)]
mod tests;
