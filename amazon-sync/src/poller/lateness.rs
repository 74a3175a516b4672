use std::time::Duration;

use crate::sync_store::Lateness;

/// When so many were counted all counts are halved, so that what was long ago weighs less.
const REMEMBERED: u32 = 20_000;

impl Lateness {
    /// Takes in that an order was seen so late. Zero is in time.
    pub fn take_in(&mut self, late: Duration) {
        let seconds = late.as_secs();
        let place = u64::BITS - seconds.leading_zeros();
        let place = usize::try_from(place).unwrap_or_default();
        if self.seen.len() <= place {
            self.seen.resize(place + 1, 0);
        }
        if let Some(count) = self.seen.get_mut(place) {
            *count = count.saturating_add(1);
        }
        if REMEMBERED <= self.total() {
            self.seen.iter_mut().for_each(|count| *count = count.div_ceil(2));
        }
    }

    /// The time within which this part of the orders was seen, from 0 to 1, rounded up to a power
    /// of two of a second; zero when none was seen.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = f64::from(self.total()) * part;
        let mut sum = 0.0;
        for (place, count) in (0_u32..).zip(&self.seen) {
            sum += f64::from(*count);
            if 0.0 < sum && wanted <= sum {
                let seconds = if place == 0 { 0 } else { 1_u64.checked_shl(place).unwrap_or(u64::MAX) };
                return Duration::from_secs(seconds);
            }
        }
        Duration::ZERO
    }

    fn total(&self) -> u32 {
        self.seen.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_covers_what_it_says() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.quantile(0.999), Duration::ZERO);
        for seconds in 0..1_000 {
            lateness.take_in(Duration::from_secs(seconds));
        }
        assert_eq!(lateness.quantile(0.5), Duration::from_secs(512));
        assert_eq!(lateness.quantile(0.999), Duration::from_secs(1_024));
        assert_eq!(lateness.quantile(0.0005), Duration::ZERO);
    }

    #[test]
    fn it_stays_small_and_forgets_slowly() {
        let mut lateness = Lateness::default();
        lateness.take_in(Duration::MAX);
        (0..100_000).for_each(|_| lateness.take_in(Duration::from_secs(3)));
        assert!(lateness.seen.len() <= 65 && lateness.total() <= REMEMBERED);
        assert_eq!(lateness.quantile(0.99), Duration::from_secs(4));
    }
}
