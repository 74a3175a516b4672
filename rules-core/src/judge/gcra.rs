//! The generic cell rate algorithm: a smooth rate with a burst, in one number.
//!
//! The state of a limiter is its *theoretical arrival time*: the instant, in nanoseconds since
//! 1970, at which everything taken so far would have arrived at an even pace. It may run ahead
//! of the present by the tolerance, which is the burst. 0 is a limiter that was never used.

use std::time::Duration;

/// A rate and a burst, as the distances on the time line that the algorithm works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval_ns: u64,
    tolerance_ns: u64,
}

/// What was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// So many of those wanted.
    pub granted: u32,
    /// The state afterwards.
    pub arrival_ns: u64,
    /// When the next one can be had, if fewer than wanted were granted.
    pub next_ns: Option<u64>,
}

impl Gcra {
    /// `per_second` in a second and at most `burst` at one instant; a burst of 0 counts as 1.
    ///
    /// The distance between two permits is rounded up to a nanosecond, so the rate is never
    /// exceeded. A rate that is not above 0 grants one permit in 73 years.
    pub fn new(per_second: f64, burst: u32) -> Self {
        let interval_ns = interval_ns(per_second);
        Self { interval_ns, tolerance_ns: interval_ns.saturating_mul(u64::from(burst.max(1))) }
    }

    /// The same limiter slowed down to `per_second`, with a burst that fills in the same time.
    #[must_use]
    pub fn slowed_to(self, per_second: f64) -> Self {
        let interval_ns = interval_ns(per_second).max(self.interval_ns);
        Self { interval_ns, tolerance_ns: self.tolerance_ns.max(interval_ns) }
    }

    /// At most so many at one instant.
    pub fn burst(&self) -> u32 {
        u32::try_from(self.tolerance_ns / self.interval_ns).unwrap_or(u32::MAX)
    }

    /// Takes up to `want` at `now_ns` from a limiter in state `arrival_ns`.
    pub fn take(&self, arrival_ns: u64, now_ns: u64, want: u32) -> Taken {
        let arrival_ns = arrival_ns.max(now_ns);
        let room = now_ns.saturating_add(self.tolerance_ns).saturating_sub(arrival_ns) / self.interval_ns;
        let granted = want.min(u32::try_from(room).unwrap_or(u32::MAX));
        let arrival_ns = self.spend(arrival_ns, now_ns, granted);
        let next_ns = arrival_ns.saturating_add(self.interval_ns).saturating_sub(self.tolerance_ns);
        Taken { granted, arrival_ns, next_ns: (granted < want).then_some(next_ns) }
    }

    /// The state after `permits` were used without asking; it may end up in debt.
    pub fn spend(&self, arrival_ns: u64, now_ns: u64, permits: u32) -> u64 {
        arrival_ns.max(now_ns).saturating_add(self.interval_ns.saturating_mul(u64::from(permits)))
    }

    /// The state after `permits` of those taken were given back. It never holds more than the
    /// burst, however many are given.
    pub const fn give_back(&self, arrival_ns: u64, permits: u32) -> u64 {
        // A u32 always fits into a u64; `From` is not const.
        arrival_ns.saturating_sub(self.interval_ns.saturating_mul(permits as u64))
    }

    /// The state of a limiter that has one permit at `at_ns` and none before.
    pub const fn emptied(&self, at_ns: u64) -> u64 {
        at_ns.saturating_add(self.tolerance_ns).saturating_sub(self.interval_ns)
    }

    /// The state, ahead of the present by no more than a burst and no more than `most`, whichever
    /// is longer. Without this a debt, or a clock that was set back, could block for long.
    pub fn bounded(&self, arrival_ns: u64, now_ns: u64, most: Duration) -> u64 {
        let most_ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        arrival_ns.min(now_ns.saturating_add(self.tolerance_ns.max(most_ns)))
    }
}

/// 73 years: one permit always fits between the present and the end of the time line.
const LONGEST_NS: u64 = 1 << 61;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer ends at the integer's limits"
)]
fn interval_ns(per_second: f64) -> u64 {
    if 0.0 < per_second { ((1e9 / per_second).ceil() as u64).clamp(1, LONGEST_NS) } else { LONGEST_NS }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_burst_then_an_even_pace() {
        let gcra = Gcra::new(10.0, 3);
        let start = 1_000_000_000;
        let first = gcra.take(0, start, 5);
        assert_eq!((first.granted, first.next_ns), (3, Some(start + 100_000_000)));
        assert_eq!(gcra.take(first.arrival_ns, start + 99_999_999, 1).granted, 0);
        assert_eq!(gcra.take(first.arrival_ns, start + 100_000_000, 1).granted, 1);
        let rested = gcra.take(first.arrival_ns, start + 60_000_000_000, 100);
        assert_eq!(rested.granted, 3);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_never_exceeds_the_burst() {
        let gcra = Gcra::new(1_000.0, 250);
        let taken = gcra.take(0, 5, 250);
        let returned = gcra.give_back(taken.arrival_ns, 40);
        assert_eq!(gcra.take(returned, 5, 250).granted, 40);
        let too_much = gcra.give_back(taken.arrival_ns, u32::MAX);
        assert_eq!(gcra.take(too_much, 5, 1_000).granted, 250);
    }

    #[test]
    fn extreme_rates_neither_overflow_nor_divide_by_zero() {
        for per_second in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE, 1e-9, 3e3, 1e9, f64::MAX, f64::INFINITY] {
            for burst in [0, 1, u32::MAX] {
                let gcra = Gcra::new(per_second, burst).slowed_to(per_second / 2.0);
                let taken = gcra.take(0, u64::MAX / 2, u32::MAX);
                assert!(1 <= taken.granted, "{per_second} {burst}");
                gcra.take(gcra.spend(taken.arrival_ns, 0, u32::MAX), u64::MAX, 1);
            }
        }
    }

    #[test]
    fn slowing_down_shrinks_the_burst_with_the_rate() {
        let gcra = Gcra::new(1_000.0, 250).slowed_to(500.0);
        assert_eq!(gcra.burst(), 125);
        assert_eq!(gcra.slowed_to(0.1).burst(), 1);
    }

    proptest! {
        #[test]
        fn governor_decides_the_same(
            interval_us in 1..100_000_u64,
            burst in 1..50_u32,
            steps in prop::collection::vec((0..100_000_u64, 0..60_u32), 1..60),
        ) {
            let quota = Quota::with_period(Duration::from_micros(interval_us)).unwrap()
                .allow_burst(NonZeroU32::new(burst).unwrap());
            let clock = FakeRelativeClock::default();
            let governor = RateLimiter::direct_with_clock(quota, clock.clone());
            let gcra = Gcra { interval_ns: interval_us * 1_000, tolerance_ns: interval_us * 1_000 * u64::from(burst) };
            let (mut now_ns, mut arrival_ns) = (0, 0);
            for (wait_us, want) in steps {
                clock.advance(Duration::from_micros(wait_us));
                now_ns += wait_us * 1_000;
                let theirs = (0..want).take_while(|_| governor.check().is_ok()).count();
                let taken = gcra.take(arrival_ns, now_ns, want);
                prop_assert_eq!(taken.granted as usize, theirs);
                arrival_ns = taken.arrival_ns;
            }
        }

        #[test]
        fn no_stretch_of_time_sees_more_than_its_rate_and_one_burst(
            per_second in 0.01..100_000.0_f64,
            burst in 1..1_000_u32,
            steps in prop::collection::vec((0..2_000_000_000_u64, 0..2_000_u32), 1..40),
        ) {
            let gcra = Gcra::new(per_second, burst);
            let (mut now_ns, mut arrival_ns) = (1_700_000_000_000_000_000_u64, 0);
            let mut taken = Vec::new();
            for (wait_ns, want) in steps {
                now_ns += wait_ns;
                let step = gcra.take(arrival_ns, now_ns, want);
                if let Some(next_ns) = step.next_ns {
                    prop_assert!(now_ns < next_ns);
                    prop_assert_eq!(gcra.take(step.arrival_ns, next_ns - 1, 1).granted, 0);
                    prop_assert_eq!(gcra.take(step.arrival_ns, next_ns, 1).granted, 1);
                }
                arrival_ns = step.arrival_ns;
                taken.push((now_ns, f64::from(step.granted)));
            }
            for (index, (from_ns, _)) in taken.iter().enumerate() {
                let mut sum = 0.0;
                for (until_ns, granted) in &taken[index..] {
                    sum += granted;
                    let seconds = Duration::from_nanos(until_ns - from_ns).as_secs_f64();
                    prop_assert!(sum <= per_second * seconds + f64::from(burst) + 1e-6);
                }
            }
        }
    }
}
