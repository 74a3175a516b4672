//! The delay after each try, before jitter: with feature `backoff` by the crate of that name,
//! without it built in. Both give the same delays, and a test holds them to it.

use std::time::Duration;

/// The delay after try number `attempt` (the first is 1).
#[cfg(feature = "backoff")]
pub(super) fn delay(base: Duration, cap: Duration, factor: f64, attempt: u32) -> Duration {
    use backoff::ExponentialBackoff;
    use backoff::backoff::Backoff;

    let mut schedule = ExponentialBackoff {
        current_interval: base,
        initial_interval: base,
        multiplier: factor,
        max_interval: cap,
        // The crate can neither seed its randomness nor keep it under the cap; ours can.
        randomization_factor: 0.0,
        // The crate would stop after 15 minutes by the machine's clock; attempts are counted
        // instead, and no delay depends on that clock.
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    let mut delay = base;
    for _ in 0..attempt {
        delay = schedule.next_backoff().unwrap_or(cap);
        if cap <= delay {
            return cap;
        }
    }
    delay
}

/// The delay after try number `attempt` (the first is 1).
#[cfg(not(feature = "backoff"))]
pub(super) fn delay(base: Duration, cap: Duration, factor: f64, attempt: u32) -> Duration {
    built_in(base, cap, factor, attempt)
}

#[cfg(any(test, not(feature = "backoff")))]
fn built_in(base: Duration, cap: Duration, factor: f64, attempt: u32) -> Duration {
    let growth = factor.powf(f64::from(attempt.saturating_sub(1)));
    let seconds = (base.as_secs_f64() * growth).min(cap.as_secs_f64());
    Duration::try_from_secs_f64(seconds).unwrap_or(cap)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn with_and_without_the_crate_the_delays_are_the_same(
            base_ms in 1..100_000_u64,
            more_ms in 0..86_300_000_u64,
            factor in prop_oneof![Just(1.0), 1.0..100.0_f64, 1.0..1.01_f64],
            attempt in prop_oneof![1..20_u32, 1..1_000_u32],
        ) {
            let (base, cap) = (Duration::from_millis(base_ms), Duration::from_millis(base_ms + more_ms));
            let (one, other) = (delay(base, cap, factor, attempt), built_in(base, cap, factor, attempt));
            prop_assert!(one.abs_diff(other) < Duration::from_millis(1), "{one:?} {other:?}");
        }
    }
}
