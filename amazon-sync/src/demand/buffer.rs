use std::time::Duration;

use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

/// How many units are held back when stock is low.
///
/// The defaults are measured: in the four races of the simulator (`Race::MEASURED`) they oversell a
/// tenth and less of what overwriting does, and leave nothing unsold. What is held back from Amazon
/// is sold elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct LagBuffer(Config);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    quantile: f64,
    low_stock: f64,
    sold_off_within_hours: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { quantile: 0.95, low_stock: 8.0, sold_off_within_hours: 24.0 }
    }
}

impl LagBuffer {
    /// Nothing is held back.
    pub const OFF: Self = Self(Config { quantile: 0.0, low_stock: 0.0, sold_off_within_hours: 0.0 });

    /// A buffer of the `quantile` of what Amazon sells while a sale is not seen (0.95), held back
    /// when there are at most `low_stock` times the mean of that (8), and only as much as is sold
    /// elsewhere within `sold_off_within` (24 h), so that nothing is held back that nobody else
    /// sells.
    ///
    /// # Errors
    /// [`LagBufferError`] names what is out of range.
    pub fn new(quantile: f64, low_stock: f64, sold_off_within: Duration) -> Result<Self, LagBufferError> {
        let sold_off_within_hours = sold_off_within.as_secs_f64() / 3_600.0;
        Config { quantile, low_stock, sold_off_within_hours }.try_into()
    }

    pub(super) const fn quantile(&self) -> f64 {
        self.0.quantile
    }

    pub(super) const fn low_stock(&self) -> f64 {
        self.0.low_stock
    }

    pub(super) fn sold_off_within(&self) -> Duration {
        Duration::from_secs_f64(self.0.sold_off_within_hours * 3_600.0)
    }
}

impl TryFrom<Config> for LagBuffer {
    type Error = LagBufferError;

    fn try_from(config: Config) -> Result<Self, LagBufferError> {
        let out_of = |name, value, range| Err(LagBufferError { name, value, range });
        let Config { quantile, low_stock, sold_off_within_hours } = config;
        if !(0.0..=0.9999).contains(&quantile) {
            return out_of("quantile", quantile, "0 to 0.9999");
        }
        if !(0.0..=1_000.0).contains(&low_stock) {
            return out_of("low_stock", low_stock, "0 to 1000");
        }
        if !(0.0..=8_760.0).contains(&sold_off_within_hours) {
            return out_of("sold_off_within_hours", sold_off_within_hours, "0 to 8760");
        }
        Ok(Self(config))
    }
}

impl From<LagBuffer> for Config {
    fn from(buffer: LagBuffer) -> Self {
        buffer.0
    }
}

/// A setting of the lag buffer that is out of range.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq)]
#[error("{name} of the lag buffer cannot be {value}: use {range}")]
pub struct LagBufferError {
    /// Which setting.
    pub name: &'static str,
    /// What was given.
    pub value: f64,
    /// What can be.
    pub range: &'static str,
}

impl Classify for LagBufferError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// The least number that as many sales as `mean` on average do not exceed with probability
/// `quantile`, if buyers come independently of each other.
pub(super) fn poisson_quantile(mean: f64, quantile: f64) -> u32 {
    /// Beyond it the probability of no sale at all cannot be expressed. What is above the mean
    /// grows as its root, so it is scaled from here.
    const EXACT_TO: u32 = 500;
    let exact_to = f64::from(EXACT_TO);
    if mean > exact_to {
        let above = f64::from(poisson_quantile(exact_to, quantile)) - exact_to;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        return (mean + above * (mean / exact_to).sqrt()).ceil() as u32;
    }
    let mut probability = (-mean).exp();
    let mut sum = probability;
    let mut number = 0;
    // Ends: terms vanish long before, and what rounding leaves of the sum does not matter.
    while sum < quantile && number < 2 * EXACT_TO {
        number += 1;
        probability *= mean / f64::from(number);
        sum += probability;
    }
    number
}
