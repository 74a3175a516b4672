use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

/// Calls that were all wanted, at an even pace from `from_us` on; the instant of the last.
fn calls(rate: &mut LearnedRate, from_us: u64, count: u32, apart_us: u64) -> u64 {
    for call in 1..=u64::from(count) {
        rate.granted(1, 2, from_us + call * apart_us);
    }
    from_us + u64::from(count) * apart_us
}

#[test]
fn what_passed_between_two_refusals_is_the_rate() {
    let mut rate = LearnedRate::expecting(5.0);
    rate.refused(4, SECOND, 0).unwrap();
    assert!((rate.per_second() - 4.5).abs() < 1e-9, "nothing was seen to pass yet");
    // 39 passed in 13 seconds; one more was refused.
    let now = calls(&mut rate, SECOND, 40, 325_000);
    rate.refused(4, now, 0).unwrap();
    assert!((rate.per_second() - 3.0 * (1.0 - 1.0 / 40.0)).abs() < 1e-6, "{rate:?}");
}

#[test]
fn few_calls_say_little() {
    let mut rate = LearnedRate::expecting(5.0);
    rate.refused(4, SECOND, 0).unwrap();
    let now = calls(&mut rate, SECOND, 3, 300_000);
    rate.refused(4, now, 0).unwrap();
    let seen = 2.0 / 0.9;
    assert!((rate.per_second() - 4.5 / 2.0).abs() < 1e-9, "never below half: {rate:?}");
    assert!(seen * (2.0 / 3.0) < rate.per_second());
}

#[test]
fn refusals_of_calls_that_were_on_their_way_count_once() {
    let mut rate = LearnedRate::expecting(5.0);
    assert_eq!(rate.refused(4, SECOND, 0), Some(SECOND + 444_445));
    assert_eq!(rate.refused(4, SECOND + 100_000, 0), None);
    assert!(rate.refused(4, 2 * SECOND, 0).is_some());
    assert_eq!(rate.refused(4, 9 * SECOND, 30 * SECOND), Some(39 * SECOND), "the far side may ask for more");
    assert_eq!(rate.refused(4, 10 * SECOND, 0), None);
}

#[test]
fn a_raise_that_fails_ends_where_it_began() {
    let mut rate = LearnedRate::expecting(5.0);
    let now = calls(&mut rate, 0, 980, 200_000);
    assert!((rate.per_second() - 5.0).abs() < 1e-9);
    let now = calls(&mut rate, now, 20, 190_000);
    assert!((rate.per_second() - 7.5).abs() < 1e-9);
    rate.refused(4, now, 0).unwrap();
    assert!((rate.per_second() - 5.0).abs() < 1e-9, "{rate:?}");
    assert!((rate.hold - LONG_HOLD).abs() < 1e-9);
}

#[test]
fn a_raise_that_lasts_is_kept() {
    let mut rate = LearnedRate::expecting(5.0);
    let now = calls(&mut rate, 0, 1_060, 150_000);
    assert!((rate.per_second() - 15.0).abs() < 1e-9);
    rate.refused(4, now, 0).unwrap();
    assert!((9.0..12.0).contains(&rate.per_second()), "{rate:?}");
    assert!((rate.hold - SHORT_HOLD).abs() < 1e-9, "and the next raise comes soon");
}

#[test]
fn a_raise_waits_until_a_refusal_would_be_heard() {
    let mut rate = LearnedRate::expecting(200.0);
    rate.refused(4, SECOND, 0).unwrap();
    let base = rate.base;
    let now = calls(&mut rate, SECOND, 90, 5_000);
    assert!((rate.per_second() - base).abs() < 1e-9, "{rate:?}");
    calls(&mut rate, now, 60, 5_000);
    assert!(base < rate.per_second() && rate.per_second() < 1.5 * base, "{rate:?}");
}

#[test]
fn calls_that_nobody_waited_for_raise_nothing_and_prove_nothing() {
    let mut rate = LearnedRate::expecting(5.0);
    rate.refused(4, SECOND, 0).unwrap();
    for call in 0..5_000 {
        rate.granted(1, 1, 10 * SECOND + call * SECOND);
    }
    assert!((rate.per_second() - 4.5).abs() < 1e-9);
    rate.refused(4, 9_000 * SECOND, 0).unwrap();
    assert!((rate.per_second() - 4.05).abs() < 1e-9, "{rate:?}");
}

#[test]
fn calls_that_were_not_made_do_not_count() {
    let mut rate = LearnedRate::expecting(5.0);
    rate.granted(10, 20, SECOND);
    rate.given_back(4);
    assert!((rate.wanted - 6.0).abs() < 1e-9 && (rate.passed - 6.0).abs() < 1e-9);
    rate.given_back(u32::MAX);
    assert!(rate.wanted == 0.0 && rate.passed == 0.0);
}

proptest! {
    #[test]
    fn the_pace_stays_within_its_bounds(
        expected in 0.001..1_000.0_f64,
        burst in 1..100_u32,
        steps in prop::collection::vec((0..5_000_000_u64, 0..3_000_u32, 0..4_000_u32, 0..4_u8), 1..200),
    ) {
        let mut rate = LearnedRate::expecting(expected);
        let mut now = 0;
        for (wait, granted, want, what) in steps {
            now += wait;
            match what {
                0 => {
                    let until = rate.refused(burst, now, wait);
                    prop_assert!(until.is_none_or(|until| now < until));
                }
                1 => rate.given_back(granted),
                _ => rate.granted(granted.min(want), want, now),
            }
            let pace = rate.per_second() / expected;
            prop_assert!((FLOOR * 0.999..=CEILING * 1.001).contains(&pace), "{:?}", rate);
        }
    }
}
