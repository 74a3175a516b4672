use proptest::prelude::*;
use serde_json::json;

use super::*;

fn policy(max_attempts: u32) -> RetryPolicy {
    RetryPolicy::new(max_attempts, Duration::from_secs(1), Duration::from_mins(1)).unwrap()
}

#[test]
fn delays_grow_to_the_cap_and_end_with_the_attempts() {
    let policy = policy(10).with_jitter(0.0).unwrap();
    let delays: Vec<Retry> = (1..=10).map(|attempt| policy.decide(attempt, Fault::Transient, 7)).collect();
    let seconds = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(|s| Retry::After(Duration::from_secs(s)));
    assert_eq!(delays[..9], seconds);
    assert_eq!(delays[9], Retry::Never);
    assert_eq!(policy.decide(u32::MAX, Fault::Transient, 7), Retry::Never);
}

#[test]
fn final_and_doubtful_faults_are_never_tried_again() {
    for fault in [Fault::Rejected, Fault::InDoubt, Fault::Exhausted] {
        assert_eq!(policy(5).decide(1, fault, 7), Retry::Never, "{fault:?}");
    }
}

#[test]
fn a_throttle_waits_as_long_as_it_was_asked_to() {
    let hour = Duration::from_hours(1);
    let asked = Fault::Throttled { retry_after: Some(hour) };
    assert_eq!(policy(5).decide(1, asked, 7), Retry::After(hour));
    assert_eq!(policy(5).decide(5, asked, 7), Retry::Never);
    let silent = Fault::Throttled { retry_after: None };
    assert_eq!(policy(5).decide(2, silent, 7), policy(5).decide(2, Fault::Transient, 7));
    // A throttled first try that its caller does not count.
    assert!(matches!(policy(5).decide(0, silent, 7), Retry::After(_)));
}

#[test]
fn jitter_spreads_what_failed_together_even_over_poor_random_numbers() {
    let policy = policy(5);
    let mut quarters = [0; 4];
    for random in 0..1_000 {
        let Retry::After(delay) = policy.decide(3, Fault::Transient, random) else { panic!("no retry") };
        quarters[(delay.as_millis() / 1_000).min(3) as usize] += 1;
    }
    assert!(quarters.iter().all(|count| (200..300).contains(count)), "{quarters:?}");
}

#[test]
fn configuration_names_units_and_refuses_what_it_does_not_know() {
    let read = |value| serde_json::from_value::<RetryPolicy>(value);
    assert_eq!(read(json!({})).unwrap(), RetryPolicy::default());
    let full = json!({"max_attempts": 8, "base_ms": 250, "cap_ms": 900_000, "factor": 4.0, "jitter": 0.5});
    let policy = read(full.clone()).unwrap();
    assert_eq!(policy.max_attempts(), 8);
    assert_eq!(serde_json::to_value(policy).unwrap(), full);
    for (bad, word) in [
        (json!({"attempts": 3}), "attempts"),
        (json!({"max_attempts": 0}), "max_attempts is 0"),
        (json!({"base_ms": 0}), "base_ms"),
        (json!({"base_ms": 70_000}), "cap_ms"),
        (json!({"cap_ms": 86_400_001}), "cap_ms"),
        (json!({"factor": 0.5}), "factor"),
        (json!({"jitter": 1.5}), "jitter"),
    ] {
        let error = read(bad).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    assert!(RetryPolicy::default().with_factor(f64::NAN).is_err());
}

proptest! {
    #[test]
    fn a_delay_lies_between_what_jitter_leaves_and_the_cap(
        attempt in 0..30_u32,
        random: u64,
        jitter in 0.0..=1.0_f64,
        factor in 1.0..10.0_f64,
    ) {
        let whole = policy(100).with_factor(factor).unwrap().with_jitter(0.0).unwrap();
        let jittered = whole.with_jitter(jitter).unwrap();
        let (Retry::After(whole), Retry::After(delay)) =
            (whole.decide(attempt, Fault::Transient, random), jittered.decide(attempt, Fault::Transient, random))
        else { panic!("no retry") };
        prop_assert!(whole <= Duration::from_mins(1));
        prop_assert!(delay <= whole);
        prop_assert!(whole.mul_f64(1.0 - jitter) <= delay + Duration::from_nanos(1));
        prop_assert_eq!(Retry::After(delay), jittered.decide(attempt, Fault::Transient, random));
    }
}
