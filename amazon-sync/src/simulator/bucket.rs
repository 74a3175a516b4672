//! A token bucket in whole numbers: what was promised is exactly what can be taken.

use chrono::{DateTime, Utc};

/// One token. Rates count in billionths of a token a second and time in nanoseconds, so what has
/// flowed in is a whole number of these.
const TOKEN: u128 = 1_000_000_000_000_000_000;

/// A bucket into which tokens flow evenly until it is full.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    level: u128,
    /// Billionths of a token a second.
    rate: u64,
    burst: u32,
    at: DateTime<Utc>,
}

impl Bucket {
    /// A full bucket. A rate below a billionth a second counts as none.
    pub(super) fn full(per_second: f64, burst: u32, at: DateTime<Utc>) -> Self {
        let burst = burst.max(1);
        Self { level: u128::from(burst) * TOKEN, rate: billionths(per_second), burst, at }
    }

    /// What flows in from `at` on; what has flowed in stays.
    pub(super) fn set_rate(&mut self, per_second: f64, at: DateTime<Utc>) {
        self.fill(at);
        self.rate = billionths(per_second);
    }

    pub(super) fn has_one(&mut self, at: DateTime<Utc>) -> bool {
        self.fill(at);
        TOKEN <= self.level
    }

    /// Takes one token, if there is one.
    pub(super) fn take(&mut self, at: DateTime<Utc>) -> bool {
        let has_one = self.has_one(at);
        if has_one {
            self.level -= TOKEN;
        }
        has_one
    }

    /// How long until there is a token, if nobody takes one before; `None` for never.
    pub(super) fn wait(&mut self, at: DateTime<Utc>) -> Option<std::time::Duration> {
        self.fill(at);
        let missing = TOKEN.saturating_sub(self.level);
        let nanos =
            missing.checked_add(u128::from(self.rate))?.checked_sub(1)?.checked_div(self.rate.into())?;
        Some(std::time::Duration::from_nanos(u64::try_from(nanos).ok()?))
    }

    fn fill(&mut self, at: DateTime<Utc>) {
        let passed = (at - self.at).num_nanoseconds().and_then(|nanos| u128::try_from(nanos).ok());
        // A clock that was set back brings nothing and takes nothing.
        let Some(passed) = passed else { return };
        let flowed = passed.saturating_mul(self.rate.into());
        self.level = self.level.saturating_add(flowed).min(u128::from(self.burst) * TOKEN);
        self.at = at;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer ends at the integer's limits"
)]
fn billionths(per_second: f64) -> u64 {
    (per_second * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn nine() -> DateTime<Utc> {
        "2026-01-05T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_full_burst_then_an_even_pace() {
        let mut bucket = Bucket::full(0.0056, 20, nine());
        assert_eq!((0..30).filter(|_| bucket.take(nine())).count(), 20);
        let wait = bucket.wait(nine()).unwrap();
        assert!((178.5..178.6).contains(&wait.as_secs_f64()), "{wait:?}");
        let just_before = nine() + TimeDelta::from_std(wait).unwrap() - TimeDelta::nanoseconds(1);
        assert!(!bucket.take(just_before));
        assert!(bucket.take(just_before + TimeDelta::nanoseconds(1)));
    }

    #[test]
    fn another_rate_counts_from_its_own_instant() {
        let mut bucket = Bucket::full(1.0, 10, nine());
        (0..10).for_each(|_| assert!(bucket.take(nine())));
        bucket.set_rate(0.5, nine() + TimeDelta::seconds(2));
        let later = nine() + TimeDelta::seconds(6);
        assert_eq!((0..10).filter(|_| bucket.take(later)).count(), 4);
    }

    #[test]
    fn a_rate_of_zero_never_fills_and_a_clock_set_back_gives_nothing() {
        let mut bucket = Bucket::full(0.0, 1, nine());
        assert!(bucket.take(nine()));
        assert_eq!(bucket.wait(nine() + TimeDelta::days(9)), None);
        let mut bucket = Bucket::full(1.0, 1, nine());
        assert!(bucket.take(nine()));
        assert!(!bucket.take(nine() - TimeDelta::days(1)));
    }

    proptest! {
        #[test]
        fn no_window_ever_grants_more_than_its_rate_and_one_burst(
            per_second in 0.001..50.0_f64,
            burst in 1..30_u32,
            gaps_ms in prop::collection::vec(0..20_000_i64, 1..300),
        ) {
            let mut bucket = Bucket::full(per_second, burst, nine());
            let (mut at, mut granted) = (nine(), Vec::new());
            for gap in gaps_ms {
                at += TimeDelta::milliseconds(gap);
                if bucket.take(at) {
                    granted.push(at);
                }
            }
            for (first, from) in granted.iter().enumerate() {
                for (last, to) in granted.iter().enumerate().skip(first) {
                    let seconds = (*to - *from).as_seconds_f64();
                    let most = f64::from(burst) + seconds * per_second + 1e-6;
                    let n_granted = f64::from(u32::try_from(last - first + 1).unwrap());
                    prop_assert!(n_granted <= most);
                }
            }
        }

        #[test]
        fn a_caller_that_waits_as_told_is_always_served(
            per_second in 0.001..50.0_f64,
            burst in 1..5_u32,
            calls in 1..60_usize,
        ) {
            let mut bucket = Bucket::full(per_second, burst, nine());
            let mut at = nine();
            for _ in 0..calls {
                at += TimeDelta::from_std(bucket.wait(at).unwrap()).unwrap();
                prop_assert!(bucket.take(at));
            }
        }
    }
}
