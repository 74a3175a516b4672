//! What every [`Pacer`] promises.
//!
//! The rates are chosen so that a store whose clock runs on during a case passes too.

#![expect(
    missing_docs,
    clippy::float_cmp,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "an assertion is the purpose of a suite, and a case is named by what it asserts"
)]

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::judge::key::Outlet;
use crate::judge::tenant::TenantScope;
use crate::work::pacer::{Ask, Observation, Pacer, Permit, Rate};

/// A pacer under test that knows no outlet yet.
pub struct Subject {
    /// The port.
    pub pacer: Arc<dyn Pacer>,
    /// A tenant.
    pub a: Arc<TenantScope>,
    /// Another tenant.
    pub b: Arc<TenantScope>,
    /// What the store's clock shows.
    pub now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Moves the store's clock forward.
    pub advance: Box<dyn Fn(Duration) + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.pacer).finish()
    }
}

/// Writes a test for every case of the suite; `$new` is an `async fn() -> Subject`.
#[macro_export]
macro_rules! pacer_conformance {
    ($new:path) => {
        $crate::pacer_conformance! { $new:
            a_burst_is_granted_at_once_and_no_more
            permits_come_back_at_the_configured_rate
            the_answer_says_when_the_next_permit_can_be_had
            answers_come_in_order
            outlets_are_paced_apart
            unused_permits_go_back_first
            unused_permits_never_add_up_to_more_than_the_burst
            another_configured_rate_counts_from_the_next_ask
            fast_rates_are_granted_in_full
            what_was_consumed_elsewhere_counts
            a_throttle_halves_the_rate_and_the_burst
            throttles_within_a_second_count_as_one
            a_throttled_rate_recovers_by_a_twentieth_a_second
            no_throttle_goes_below_one_a_second
            nothing_is_granted_until_the_far_side_wants_it
            an_outlet_that_was_never_asked_for_has_no_rate
            an_outlet_that_learns_is_slowed_to_what_passed
            an_outlet_that_learns_is_raised_after_many_calls
            an_outlet_that_learns_is_not_raised_while_nobody_wants_more
            a_rate_that_is_told_counts_for_outlets_that_learn
            what_was_learnt_is_kept_for_a_day
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::pacer::$case($new().await).await;
            }
        )+
    };
}

/// A permit every ten minutes, three at once.
const SLOW: Rate = Rate::new(1.0 / 600.0, 3);
const TEN_MINUTES: Duration = Duration::from_mins(10);

impl Subject {
    fn outlet(&self) -> Outlet {
        Outlet::new(&self.a, "15550001").unwrap()
    }

    async fn take(&self, rate: Rate, want: u32, unused: u32) -> Permit {
        let ask = Ask { outlet: self.outlet(), rate, want, unused };
        self.pacer.take(&[ask]).await.unwrap()[0]
    }

    async fn throttle(&self, retry_after: Option<Duration>) {
        let outlet = self.outlet();
        self.pacer.observe(&[Observation::Throttled { outlet, retry_after }]).await.unwrap();
    }

    async fn rate(&self) -> Rate {
        self.pacer.rates(&[self.outlet()]).await.unwrap()[0].unwrap()
    }

    /// Asserts the rate in force, with room for a clock that ran on for a moment.
    async fn assert_rate(&self, per_second: f64, configured: Rate) {
        let rate = self.rate().await.per_second;
        let room = configured.per_second * 0.04;
        assert!((per_second..=per_second + room).contains(&rate), "{rate} instead of {per_second}");
    }
}

pub async fn a_burst_is_granted_at_once_and_no_more(subject: Subject) {
    assert_eq!(subject.take(SLOW, 2, 0).await, Permit { granted: 2, next_at: None });
    assert_eq!(subject.take(SLOW, 5, 0).await.granted, 1);
    assert_eq!(subject.take(SLOW, 5, 0).await.granted, 0);
    (subject.advance)(100 * TEN_MINUTES);
    assert_eq!(subject.take(SLOW, 5, 0).await.granted, 3);
}

pub async fn permits_come_back_at_the_configured_rate(subject: Subject) {
    subject.take(SLOW, 3, 0).await;
    for _ in 0..5 {
        (subject.advance)(TEN_MINUTES);
        assert_eq!(subject.take(SLOW, 3, 0).await.granted, 1);
    }
    (subject.advance)(2 * TEN_MINUTES);
    assert_eq!(subject.take(SLOW, 3, 0).await.granted, 2);
}

pub async fn the_answer_says_when_the_next_permit_can_be_had(subject: Subject) {
    let next_at = subject.take(SLOW, 4, 0).await.next_at.unwrap();
    let minute = TimeDelta::minutes(1);
    (subject.advance)((next_at - minute - (subject.now)()).to_std().unwrap());
    assert_eq!(subject.take(SLOW, 1, 0).await, Permit { granted: 0, next_at: Some(next_at) });
    (subject.advance)(minute.to_std().unwrap());
    assert_eq!(subject.take(SLOW, 1, 0).await, Permit { granted: 1, next_at: None });
}

pub async fn answers_come_in_order(subject: Subject) {
    let ask = |want| Ask { outlet: subject.outlet(), rate: SLOW, want, unused: 0 };
    let permits = subject.pacer.take(&[ask(1), ask(0), ask(5), ask(1)]).await.unwrap();
    let granted: Vec<u32> = permits.iter().map(|permit| permit.granted).collect();
    assert_eq!(granted, [1, 0, 2, 0]);
}

pub async fn outlets_are_paced_apart(subject: Subject) {
    let ask = |scope, name| Ask { outlet: Outlet::new(scope, name).unwrap(), rate: SLOW, want: 3, unused: 0 };
    let asks = [ask(&subject.a, "1"), ask(&subject.b, "1"), ask(&subject.a, "2")];
    let permits = subject.pacer.take(&asks).await.unwrap();
    assert!(permits.iter().all(|permit| permit.granted == 3), "{permits:?}");
}

pub async fn unused_permits_go_back_first(subject: Subject) {
    subject.take(SLOW, 3, 0).await;
    assert_eq!(subject.take(SLOW, 3, 2).await.granted, 2);
    assert_eq!(subject.take(SLOW, 0, 2).await, Permit { granted: 0, next_at: None });
    assert_eq!(subject.take(SLOW, 3, 0).await.granted, 2);
}

pub async fn unused_permits_never_add_up_to_more_than_the_burst(subject: Subject) {
    subject.take(SLOW, 3, 0).await;
    (subject.advance)(100 * TEN_MINUTES);
    assert_eq!(subject.take(SLOW, 10, 3).await.granted, 3);
    assert_eq!(subject.take(SLOW, 10, u32::MAX).await.granted, 3);
}

pub async fn another_configured_rate_counts_from_the_next_ask(subject: Subject) {
    subject.take(SLOW, 3, 0).await;
    subject.take(Rate::new(20.0, 20), 0, 0).await;
    (subject.advance)(Duration::from_secs(10));
    assert_eq!(subject.take(Rate::new(20.0, 20), 100, 0).await.granted, 20);
}

pub async fn fast_rates_are_granted_in_full(subject: Subject) {
    let rate = Rate::new(25_000.0, 6_250);
    assert_eq!(subject.take(rate, 6_250, 0).await.granted, 6_250);
    for _ in 0..8 {
        (subject.advance)(Duration::from_millis(250));
        assert_eq!(subject.take(rate, 6_250, 0).await.granted, 6_250);
    }
}

pub async fn what_was_consumed_elsewhere_counts(subject: Subject) {
    subject.take(SLOW, 0, 0).await;
    let consumed = Observation::Consumed { outlet: subject.outlet(), permits: 2 };
    subject.pacer.observe(&[consumed]).await.unwrap();
    assert_eq!(subject.take(SLOW, 3, 0).await.granted, 1);
}

pub async fn a_throttle_halves_the_rate_and_the_burst(subject: Subject) {
    let rate = Rate::per_second(1_000);
    subject.take(rate, 0, 0).await;
    assert_eq!(subject.rate().await, rate);
    subject.throttle(None).await;
    subject.assert_rate(500.0, rate).await;
    let granted = subject.take(rate, 1_000, 0).await.granted;
    assert!((125..=135).contains(&granted), "{granted}");
}

pub async fn throttles_within_a_second_count_as_one(subject: Subject) {
    let rate = Rate::per_second(1_000);
    subject.take(rate, 0, 0).await;
    for _ in 0..5 {
        subject.throttle(None).await;
    }
    subject.assert_rate(500.0, rate).await;
    (subject.advance)(Duration::from_secs(2));
    subject.throttle(None).await;
    subject.assert_rate(300.0, rate).await;
}

pub async fn a_throttled_rate_recovers_by_a_twentieth_a_second(subject: Subject) {
    let rate = Rate::per_second(1_000);
    subject.take(rate, 0, 0).await;
    subject.throttle(None).await;
    (subject.advance)(Duration::from_secs(4));
    subject.assert_rate(700.0, rate).await;
    (subject.advance)(Duration::from_secs(60));
    assert_eq!(subject.rate().await, rate);
}

pub async fn no_throttle_goes_below_one_a_second(subject: Subject) {
    let rate = Rate::per_second(4);
    subject.take(rate, 0, 0).await;
    for _ in 0..5 {
        subject.throttle(Some(Duration::from_secs(2))).await;
        (subject.advance)(Duration::from_secs(2));
    }
    subject.assert_rate(1.0, rate).await;
    let slow = Outlet::new(&subject.b, "slow").unwrap();
    let ask = Ask { outlet: slow.clone(), rate: SLOW, want: 0, unused: 0 };
    subject.pacer.take(&[ask]).await.unwrap();
    let throttled = Observation::Throttled { outlet: slow.clone(), retry_after: None };
    subject.pacer.observe(&[throttled]).await.unwrap();
    let rate = subject.pacer.rates(&[slow]).await.unwrap()[0].unwrap();
    assert!((rate.per_second - SLOW.per_second).abs() < 1e-9, "{rate:?}");
}

pub async fn nothing_is_granted_until_the_far_side_wants_it(subject: Subject) {
    let rate = Rate::per_second(1_000);
    subject.take(rate, 0, 0).await;
    let until = (subject.now)() + Duration::from_mins(10);
    subject.throttle(Some(Duration::from_mins(10))).await;
    // A later throttle that asks for less does not shorten it.
    subject.throttle(Some(Duration::from_secs(1))).await;
    (subject.advance)(Duration::from_mins(9));
    let permit = subject.take(rate, 10, 0).await;
    assert_eq!(permit.granted, 0);
    assert!(until <= permit.next_at.unwrap());
    (subject.advance)(Duration::from_mins(1));
    subject.assert_rate(500.0, rate).await;
    assert_eq!(subject.take(rate, 10, 0).await.granted, 10);
}

pub async fn an_outlet_that_was_never_asked_for_has_no_rate(subject: Subject) {
    subject.throttle(None).await;
    assert_eq!(subject.pacer.rates(&[subject.outlet()]).await.unwrap(), [None]);
}

/// Takes one permit after another for as long as `calls` of them, and says how long that took.
async fn spend(subject: &Subject, rate: Rate, calls: u32) -> Duration {
    let (mut taken, from) = (0, (subject.now)());
    while taken < calls {
        let permit = subject.take(rate, calls - taken, 0).await;
        taken += permit.granted;
        if let Some(next_at) = permit.next_at {
            // A store may count in microseconds.
            let wait = (next_at - (subject.now)()).to_std().unwrap_or_default();
            (subject.advance)(wait + Duration::from_micros(1));
        }
    }
    ((subject.now)() - from).to_std().unwrap()
}

pub async fn an_outlet_that_learns_is_slowed_to_what_passed(subject: Subject) {
    let rate = Rate::expected(10.0, 5);
    spend(&subject, rate, 20).await;
    subject.throttle(None).await;
    // Nobody knows yet what passes.
    assert!((subject.rate().await.per_second - 9.0).abs() < 1e-6);
    assert_eq!(subject.take(rate, 5, 0).await.granted, 0);
    // The far side lets one through in a second.
    for _ in 0..10 {
        (subject.advance)(Duration::from_secs(1));
        assert_eq!(subject.take(rate, 5, 4).await.granted, 5, "four of five were given back");
    }
    let before = subject.rate().await.per_second;
    subject.throttle(None).await;
    let after = subject.rate().await;
    assert!(after.learns && after.burst == 5);
    assert!((before / 2.0..=before).contains(&after.per_second), "{after:?}");
    // A refusal that was on its way counts once.
    subject.throttle(None).await;
    assert_eq!(subject.rate().await, after);
}

pub async fn an_outlet_that_learns_is_raised_after_many_calls(subject: Subject) {
    let rate = Rate::expected(1_000.0, 50);
    let even = spend(&subject, rate, 900).await;
    assert_eq!(subject.rate().await.per_second, 1_000.0);
    spend(&subject, rate, 100).await;
    assert!(1_000.0 < subject.rate().await.per_second);
    let raised = spend(&subject, rate, 900).await;
    assert!(raised < even / 2, "{raised:?} after {even:?}");
    spend(&subject, rate, 9_000).await;
    assert_eq!(subject.rate().await.per_second, 10_000.0, "ten times the expected rate is the end");
}

pub async fn an_outlet_that_learns_is_not_raised_while_nobody_wants_more(subject: Subject) {
    let rate = Rate::expected(1_000.0, 50);
    for _ in 0..2_000 {
        assert_eq!(subject.take(rate, 1, 0).await.granted, 1);
        (subject.advance)(Duration::from_millis(20));
    }
    assert_eq!(subject.rate().await.per_second, 1_000.0);
}

pub async fn a_rate_that_is_told_counts_for_outlets_that_learn(subject: Subject) {
    let tell = async |per_second| {
        let limit = Observation::Limit { outlet: subject.outlet(), per_second };
        subject.pacer.observe(&[limit]).await.unwrap();
        subject.rate().await.per_second
    };
    subject.take(SLOW, 1, 0).await;
    assert_eq!(tell(7.0).await, SLOW.per_second);
    let rate = Rate::expected(5.0, 4);
    subject.take(rate, 1, 0).await;
    for per_second in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(tell(per_second).await, 5.0, "{per_second} is no rate");
    }
    assert_eq!(tell(2.0).await, 2.0);
    assert_eq!(tell(20.0).await, 20.0);
    subject.throttle(None).await;
    let slowed = subject.rate().await.per_second;
    assert!(slowed < 20.0);
    assert_eq!(tell(20.0).await, slowed, "what is told again is no news");
}

pub async fn what_was_learnt_is_kept_for_a_day(subject: Subject) {
    let rate = Rate::expected(1.0 / 180.0, 19);
    assert_eq!(subject.take(rate, 19, 0).await.granted, 19);
    subject.throttle(None).await;
    let slowed = subject.rate().await;
    assert!(slowed.per_second < rate.per_second);
    (subject.advance)(Duration::from_hours(2));
    subject.pacer.take(&[]).await.unwrap();
    assert_eq!(subject.rate().await, slowed);
    let permit = subject.take(rate, 40, 0).await;
    assert!(permit.granted < 40, "two hours give 36 at most");
    assert!(
        (34..=37).contains(&subject.take(rate, 0, 0).await.granted.max(permit.granted))
            || permit.granted == 19
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("pacer.rs");
        let list = source.split("$new:\n").nth(1).unwrap().split('}').next().unwrap();
        let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases: Vec<&str> = cases.map(|rest| rest.split('(').next().unwrap()).collect();
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), cases);
    }
}
