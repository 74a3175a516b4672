//! What every [`Quota`] promises.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "an assertion is the purpose of a suite, and a case is named by what it asserts"
)]

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{Africa::Cairo, America::New_York, Asia::Kolkata, Tz};

use crate::judge::id::{ChargeId, MemberId, RefundId};
use crate::judge::key::MeterKey;
use crate::judge::tenant::TenantScope;
use crate::judge::window::Window;
use crate::work::quota::{
    Admission, Admitted, Charge, Crowd, Grant, Granted, Meter, Quota, Refund, Refusal, Usage,
};

/// An empty quota under test.
pub struct Subject {
    /// The port.
    pub quota: Arc<dyn Quota>,
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
        f.debug_tuple("Subject").field(&self.quota).finish()
    }
}

/// Writes a test for every case of the suite; `$new` is an `async fn() -> Subject`.
#[macro_export]
macro_rules! quota_conformance {
    ($new:path) => {
        $crate::quota_conformance! { $new:
            a_charge_takes_from_all_its_meters
            a_whole_charge_takes_nothing_when_one_meter_has_too_little
            a_prefix_gets_what_is_left_on_every_meter
            a_refusal_names_the_meter_that_allowed_least
            of_equal_meters_the_one_that_resets_last_refuses
            a_meter_that_is_named_twice_is_charged_once
            later_charges_of_a_call_see_what_earlier_ones_took
            a_known_charge_returns_the_same_grant_and_takes_nothing_more
            a_charge_is_known_for_two_days_after_its_window
            a_charge_that_was_granted_nothing_can_be_tried_again
            a_refund_gives_back_to_all_meters_of_the_charge
            a_known_refund_gives_back_nothing_more
            refunds_never_exceed_the_grant
            a_refund_of_an_unknown_charge_is_passed_over
            a_refund_goes_to_the_window_that_was_charged
            a_meter_that_was_never_charged_shows_its_whole_limit
            a_day_begins_anew_at_midnight_in_its_zone
            a_day_of_23_hours_is_one_window
            a_day_of_25_hours_is_one_window
            a_day_without_a_midnight_is_one_window
            a_changed_zone_buys_no_second_allowance
            an_allowance_never_begins_anew
            a_limit_that_shrinks_leaves_nothing_and_takes_nothing_back
            tenants_names_and_windows_are_counted_apart
            concurrent_chargers_never_exceed_the_limit
            a_crowd_counts_each_member_once
            a_full_crowd_lets_in_only_who_is_in_and_says_when_there_is_room
            a_member_leaves_when_its_time_is_over
            a_member_that_comes_again_counts_from_then_on
            a_refunded_admission_leaves_the_crowd_as_it_was
            an_admission_is_repeated_without_harm
            a_limit_that_shrinks_makes_newcomers_wait_for_enough_to_leave
            crowds_of_a_group_are_shared_and_others_are_not
            no_stretch_of_time_has_more_members_than_the_limit
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                $crate::conformance::quota::$case($new().await).await;
            }
        )+
    };
}

const DAY: Window = Window::Day(Tz::UTC);

impl Subject {
    fn meter(&self, name: &str, window: Window, limit: u64) -> Meter {
        Meter { key: MeterKey::new(&self.a, name).unwrap(), window, limit }
    }

    async fn charge(&self, id: u64, meters: &[Meter], units: u64, grant: Grant) -> Granted {
        self.quota.charge(&[charge(id, meters, units, grant)]).await.unwrap().remove(0)
    }

    async fn refund(&self, id: u64, charge: u64, units: u64) {
        self.quota.refund(&[refund(id, charge, units)]).await.unwrap();
    }

    async fn usage(&self, meter: &Meter) -> Usage {
        self.quota.usage(std::slice::from_ref(meter)).await.unwrap().remove(0)
    }

    async fn used(&self, meter: &Meter) -> u64 {
        self.usage(meter).await.used
    }

    fn advance_to(&self, instant: DateTime<Utc>) {
        (self.advance)((instant - (self.now)()).to_std().unwrap());
    }

    /// Uses up a day of the wanted length in `zone` and looks just before and at its end.
    async fn day_of(&self, zone: Tz, fits: impl Fn(DateTime<Utc>, DateTime<Utc>) -> bool) {
        let window = Window::Day(zone);
        let mut day = window.at((self.now)());
        loop {
            day = window.at(day.end.unwrap());
            if fits(day.start, day.end.unwrap()) {
                break;
            }
        }
        let end = day.end.unwrap();
        let meter = self.meter("day", window, 10);

        self.advance_to(day.start + TimeDelta::minutes(1));
        assert_eq!(self.charge(1, std::slice::from_ref(&meter), 10, Grant::Whole).await, all(10));
        assert_eq!(self.usage(&meter).await, Usage { used: 10, left: 0, resets_at: day.end });
        self.advance_to(end - TimeDelta::minutes(1));
        assert_eq!(self.charge(2, std::slice::from_ref(&meter), 1, Grant::Prefix).await.units, 0);
        self.advance_to(end);
        assert_eq!(self.charge(3, std::slice::from_ref(&meter), 10, Grant::Whole).await, all(10));
    }
}

fn charge(id: u64, meters: &[Meter], units: u64, grant: Grant) -> Charge {
    Charge { id: charge_id(id), meters: meters.to_vec(), units, grant }
}

fn refund(id: u64, charge: u64, units: u64) -> Refund {
    Refund { id: RefundId::of(&[&id.to_be_bytes()]), charge: charge_id(charge), units }
}

fn charge_id(id: u64) -> ChargeId {
    ChargeId::of(&[&id.to_be_bytes()])
}

fn all(units: u64) -> Granted {
    Granted { units, refused_by: None }
}

fn less(units: u64, meter: &Meter, resets_at: Option<DateTime<Utc>>) -> Granted {
    Granted { units, refused_by: Some(Refusal { key: meter.key.clone(), limit: meter.limit, resets_at }) }
}

pub async fn a_charge_takes_from_all_its_meters(subject: Subject) {
    let meters = [subject.meter("plan", Window::Lifetime, 100), subject.meter("day", DAY, 50)];
    assert_eq!(subject.charge(1, &meters, 30, Grant::Whole).await, all(30));
    let usage = subject.quota.usage(&meters).await.unwrap();
    assert_eq!(usage[0], Usage { used: 30, left: 70, resets_at: None });
    assert_eq!(usage[1], Usage { used: 30, left: 20, resets_at: DAY.at((subject.now)()).end });
}

pub async fn a_whole_charge_takes_nothing_when_one_meter_has_too_little(subject: Subject) {
    let meters = [subject.meter("plan", Window::Lifetime, 100), subject.meter("day", DAY, 50)];
    let granted = subject.charge(1, &meters, 51, Grant::Whole).await;
    assert_eq!(granted, less(0, &meters[1], DAY.at((subject.now)()).end));
    assert_eq!((subject.used(&meters[0]).await, subject.used(&meters[1]).await), (0, 0));
    assert_eq!(subject.charge(2, &meters, 50, Grant::Whole).await, all(50));
}

pub async fn a_prefix_gets_what_is_left_on_every_meter(subject: Subject) {
    let meters = [subject.meter("plan", Window::Lifetime, 100), subject.meter("day", DAY, 70)];
    let granted = subject.charge(1, &meters, 500, Grant::Prefix).await;
    assert_eq!(granted, less(70, &meters[1], DAY.at((subject.now)()).end));
    assert_eq!((subject.used(&meters[0]).await, subject.used(&meters[1]).await), (70, 70));
}

pub async fn a_refusal_names_the_meter_that_allowed_least(subject: Subject) {
    let meters = [subject.meter("day", DAY, 70), subject.meter("plan", Window::Lifetime, 60)];
    assert_eq!(subject.charge(1, &meters, 65, Grant::Whole).await, less(0, &meters[1], None));
}

pub async fn of_equal_meters_the_one_that_resets_last_refuses(subject: Subject) {
    let meters = [subject.meter("day", DAY, 60), subject.meter("plan", Window::Lifetime, 60)];
    assert_eq!(subject.charge(1, &meters, 60, Grant::Whole).await, all(60));
    assert_eq!(subject.charge(2, &meters, 1, Grant::Prefix).await, less(0, &meters[1], None));
}

pub async fn a_meter_that_is_named_twice_is_charged_once(subject: Subject) {
    let meter = subject.meter("day", DAY, 60);
    let twice = [meter.clone(), meter.clone()];
    assert_eq!(subject.charge(1, &twice, 40, Grant::Whole).await, all(40));
    assert_eq!(subject.used(&meter).await, 40);
    subject.refund(1, 1, 40).await;
    assert_eq!(subject.used(&meter).await, 0);
}

pub async fn later_charges_of_a_call_see_what_earlier_ones_took(subject: Subject) {
    let meter = [subject.meter("plan", Window::Lifetime, 100)];
    let granted = subject
        .quota
        .charge(&[
            charge(1, &meter, 60, Grant::Whole),
            charge(2, &meter, 60, Grant::Whole),
            charge(3, &meter, 60, Grant::Prefix),
            charge(1, &meter, 60, Grant::Whole),
        ])
        .await
        .unwrap();
    let expected = [all(60), less(0, &meter[0], None), less(40, &meter[0], None), all(60)];
    assert_eq!(granted, expected);
}

pub async fn a_known_charge_returns_the_same_grant_and_takes_nothing_more(subject: Subject) {
    let meters = [subject.meter("plan", Window::Lifetime, 1_000), subject.meter("day", DAY, 50)];
    let first = subject.charge(1, &meters, 80, Grant::Prefix).await;
    assert_eq!(first, less(50, &meters[1], DAY.at((subject.now)()).end));
    assert_eq!(subject.charge(1, &meters, 80, Grant::Prefix).await, first);
    // Also when there is room again.
    subject.refund(1, 1, 20).await;
    assert_eq!(subject.charge(1, &meters, 80, Grant::Prefix).await, first);
    assert_eq!(subject.used(&meters[0]).await, 30);
}

pub async fn a_charge_is_known_for_two_days_after_its_window(subject: Subject) {
    let meter = [subject.meter("day", DAY, 50)];
    subject.charge(1, &meter, 40, Grant::Whole).await;
    subject.advance_to(DAY.at((subject.now)()).end.unwrap() + TimeDelta::hours(47));
    for id in 2..10 {
        subject.charge(id, &meter, 1, Grant::Whole).await;
    }
    assert_eq!(subject.charge(1, &meter, 40, Grant::Whole).await, all(40));
    assert_eq!(subject.used(&meter[0]).await, 8);
}

pub async fn a_charge_that_was_granted_nothing_can_be_tried_again(subject: Subject) {
    let meter = [subject.meter("plan", Window::Lifetime, 50)];
    subject.charge(1, &meter, 50, Grant::Whole).await;
    assert_eq!(subject.charge(2, &meter, 10, Grant::Whole).await.units, 0);
    subject.refund(1, 1, 10).await;
    assert_eq!(subject.charge(2, &meter, 10, Grant::Whole).await, all(10));
}

pub async fn a_refund_gives_back_to_all_meters_of_the_charge(subject: Subject) {
    let meters = [subject.meter("plan", Window::Lifetime, 100), subject.meter("day", DAY, 50)];
    subject.charge(1, &meters, 30, Grant::Whole).await;
    subject.charge(2, &meters[..1], 30, Grant::Whole).await;
    subject.quota.refund(&[refund(1, 1, 5), refund(2, 1, 5), refund(3, 2, 7)]).await.unwrap();
    assert_eq!((subject.used(&meters[0]).await, subject.used(&meters[1]).await), (43, 20));
}

pub async fn a_known_refund_gives_back_nothing_more(subject: Subject) {
    let meter = [subject.meter("plan", Window::Lifetime, 100)];
    subject.charge(1, &meter, 30, Grant::Whole).await;
    subject.quota.refund(&[refund(1, 1, 10), refund(1, 1, 10)]).await.unwrap();
    subject.refund(1, 1, 10).await;
    assert_eq!(subject.used(&meter[0]).await, 20);
}

pub async fn refunds_never_exceed_the_grant(subject: Subject) {
    let meter = [subject.meter("plan", Window::Lifetime, 100)];
    subject.charge(1, &meter, 60, Grant::Whole).await;
    subject.charge(2, &meter, 60, Grant::Prefix).await;
    subject.quota.refund(&[refund(1, 2, 30), refund(2, 2, 30), refund(3, 2, u64::MAX)]).await.unwrap();
    assert_eq!(subject.used(&meter[0]).await, 60);
}

pub async fn a_refund_of_an_unknown_charge_is_passed_over(subject: Subject) {
    let meter = [subject.meter("plan", Window::Lifetime, 100)];
    subject.charge(1, &meter, 60, Grant::Whole).await;
    subject.quota.refund(&[refund(1, 7, 30), refund(2, 1, 30)]).await.unwrap();
    assert_eq!(subject.used(&meter[0]).await, 30);
}

pub async fn a_refund_goes_to_the_window_that_was_charged(subject: Subject) {
    let meters = [subject.meter("day", DAY, 50), subject.meter("plan", Window::Lifetime, 100)];
    subject.charge(1, &meters, 50, Grant::Whole).await;
    subject.advance_to(DAY.at((subject.now)()).end.unwrap());
    subject.charge(2, &meters, 10, Grant::Whole).await;
    subject.refund(1, 1, 20).await;
    assert_eq!((subject.used(&meters[0]).await, subject.used(&meters[1]).await), (10, 40));
}

pub async fn a_meter_that_was_never_charged_shows_its_whole_limit(subject: Subject) {
    let meter = subject.meter("day", DAY, 50);
    let resets_at = DAY.at((subject.now)()).end;
    assert_eq!(subject.usage(&meter).await, Usage { used: 0, left: 50, resets_at });
}

pub async fn a_day_begins_anew_at_midnight_in_its_zone(subject: Subject) {
    subject.day_of(Kolkata, |_, _| true).await;
}

pub async fn a_day_of_23_hours_is_one_window(subject: Subject) {
    subject.day_of(New_York, |start, end| end - start == TimeDelta::hours(23)).await;
}

pub async fn a_day_of_25_hours_is_one_window(subject: Subject) {
    subject.day_of(New_York, |start, end| end - start == TimeDelta::hours(25)).await;
}

pub async fn a_day_without_a_midnight_is_one_window(subject: Subject) {
    let begins_at_one =
        |start: DateTime<Utc>, _| start.with_timezone(&Cairo).format("%H").to_string() == "01";
    subject.day_of(Cairo, begins_at_one).await;
}

pub async fn a_changed_zone_buys_no_second_allowance(subject: Subject) {
    let before = [subject.meter("day", Window::Day(Kolkata), 50)];
    let moved = [subject.meter("day", Window::Day(New_York), 50)];
    let day = Window::Day(Kolkata).at((subject.now)());
    subject.charge(1, &before, 50, Grant::Whole).await;

    let resets_at = Window::Day(New_York).at(day.end.unwrap()).end;
    assert_eq!(subject.charge(2, &moved, 1, Grant::Whole).await, less(0, &moved[0], resets_at));
    assert_eq!(subject.usage(&moved[0]).await, Usage { used: 50, left: 0, resets_at });
    subject.advance_to(resets_at.unwrap() - TimeDelta::minutes(1));
    assert_eq!(subject.charge(3, &moved, 1, Grant::Whole).await.units, 0);
    subject.advance_to(resets_at.unwrap());
    assert_eq!(subject.charge(4, &moved, 50, Grant::Whole).await, all(50));
    // And back again.
    assert_eq!(subject.charge(5, &before, 1, Grant::Whole).await.units, 0);
}

pub async fn an_allowance_never_begins_anew(subject: Subject) {
    let meter = [subject.meter("plan", Window::Lifetime, 50)];
    subject.charge(1, &meter, 50, Grant::Whole).await;
    (subject.advance)(Duration::from_hours(24 * 400));
    assert_eq!(subject.charge(2, &meter, 1, Grant::Whole).await, less(0, &meter[0], None));
    assert_eq!(subject.charge(1, &meter, 50, Grant::Whole).await, all(50));
    subject.refund(1, 1, 5).await;
    assert_eq!(subject.used(&meter[0]).await, 45);
}

pub async fn a_limit_that_shrinks_leaves_nothing_and_takes_nothing_back(subject: Subject) {
    let (wide, narrow) =
        (subject.meter("plan", Window::Lifetime, 50), subject.meter("plan", Window::Lifetime, 20));
    subject.charge(1, std::slice::from_ref(&wide), 40, Grant::Whole).await;
    let usage = Usage { used: 40, left: 0, resets_at: None };
    assert_eq!(subject.usage(&narrow).await, usage);
    assert_eq!(subject.charge(2, std::slice::from_ref(&narrow), 1, Grant::Prefix).await.units, 0);
    assert_eq!(subject.charge(3, std::slice::from_ref(&wide), 20, Grant::Prefix).await.units, 10);
}

pub async fn tenants_names_and_windows_are_counted_apart(subject: Subject) {
    let mine = subject.meter("plan", Window::Lifetime, 50);
    let theirs = Meter { key: MeterKey::new(&subject.b, "plan").unwrap(), ..mine.clone() };
    let other = subject.meter("campaign", Window::Lifetime, 50);
    let daily = Meter { window: DAY, ..mine.clone() };
    subject.charge(1, std::slice::from_ref(&mine), 50, Grant::Whole).await;
    for (id, meter) in [(2, theirs), (3, other), (4, daily)] {
        assert_eq!(subject.used(&meter).await, 0);
        assert_eq!(subject.charge(id, &[meter], 50, Grant::Whole).await, all(50));
    }
    assert_eq!(subject.used(&mine).await, 50);
}

pub async fn concurrent_chargers_never_exceed_the_limit(subject: Subject) {
    let meters = [subject.meter("day", DAY, 10_007), subject.meter("plan", Window::Lifetime, 20_000)];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let (quota, meters) = (Arc::clone(&subject.quota), meters.clone());
        tasks.spawn(async move {
            let mut units = 0;
            for round in 0..10 {
                let wanted = charge(task * 10 + round, &meters, 97, Grant::Prefix);
                units += quota.charge(std::slice::from_ref(&wanted)).await.unwrap()[0].units;
                // A repeat, as after a lost answer.
                quota.charge(&[wanted]).await.unwrap();
            }
            units
        });
    }
    let granted: u64 = tasks.join_all().await.into_iter().sum();
    assert_eq!(granted, 10_007);
    let usage = subject.quota.usage(&meters).await.unwrap();
    assert_eq!((usage[0].used, usage[1].used), (10_007, 10_007));
}

const ROLLING: Duration = Duration::from_secs(24 * 3600);

fn in_crowd(id: u32, crowd: &Crowd, member: u32) -> Admission {
    Admission {
        id: ChargeId::of(&[b"admission", &id.to_be_bytes()]),
        crowd: crowd.clone(),
        member: MemberId::of(&[&member.to_be_bytes()]),
    }
}

impl Subject {
    fn crowd(&self, limit: u64) -> Crowd {
        Crowd { key: MeterKey::new(&self.a, "people").unwrap(), within: ROLLING, limit }
    }

    async fn admit(&self, id: u32, crowd: &Crowd, member: u32) -> Admitted {
        self.quota.admit(&[in_crowd(id, crowd, member)]).await.unwrap()[0]
    }

    async fn in_crowd(&self, crowd: &Crowd) -> u64 {
        self.quota.crowds(std::slice::from_ref(crowd)).await.unwrap()[0].used
    }

    async fn leave(&self, id: u32) {
        let charge = ChargeId::of(&[b"admission", &id.to_be_bytes()]);
        let refund = Refund { id: RefundId::of(&[&id.to_be_bytes()]), charge, units: 1 };
        self.quota.refund(&[refund]).await.unwrap();
    }
}

pub async fn a_crowd_counts_each_member_once(subject: Subject) {
    let crowd = subject.crowd(10);
    let wishes = [(1, 7), (2, 8), (3, 7)].map(|(id, member)| in_crowd(id, &crowd, member));
    assert_eq!(subject.quota.admit(&wishes).await.unwrap(), [Admitted::In; 3]);
    let usage = subject.quota.crowds(std::slice::from_ref(&crowd)).await.unwrap()[0];
    assert_eq!((usage.used, usage.left), (2, 8));
    assert_eq!(usage.resets_at, Some((subject.now)() + ROLLING));
}

pub async fn a_full_crowd_lets_in_only_who_is_in_and_says_when_there_is_room(subject: Subject) {
    let crowd = subject.crowd(2);
    let start = (subject.now)();
    subject.admit(1, &crowd, 1).await;
    (subject.advance)(Duration::from_secs(60));
    let wishes = [(2, 2), (3, 3), (4, 2)].map(|(id, member)| in_crowd(id, &crowd, member));
    let full = Admitted::Full { frees_at: Some(start + ROLLING) };
    assert_eq!(subject.quota.admit(&wishes).await.unwrap(), [Admitted::In, full, Admitted::In]);
    assert!(!subject.admit(5, &subject.crowd(0), 9).await.is_in());
}

pub async fn a_member_leaves_when_its_time_is_over(subject: Subject) {
    let crowd = subject.crowd(1);
    subject.admit(1, &crowd, 1).await;
    (subject.advance)(Duration::from_secs(24 * 3600 - 1));
    assert!(!subject.admit(2, &crowd, 2).await.is_in());
    (subject.advance)(Duration::from_secs(1));
    assert_eq!(subject.in_crowd(&crowd).await, 0);
    assert!(subject.admit(2, &crowd, 2).await.is_in());
    assert_eq!(subject.in_crowd(&crowd).await, 1);
}

pub async fn a_member_that_comes_again_counts_from_then_on(subject: Subject) {
    let crowd = subject.crowd(1);
    subject.admit(1, &crowd, 1).await;
    (subject.advance)(ROLLING / 2);
    subject.admit(2, &crowd, 1).await;
    (subject.advance)(ROLLING / 2);
    assert_eq!(subject.in_crowd(&crowd).await, 1);
    assert!(!subject.admit(3, &crowd, 2).await.is_in());
    (subject.advance)(ROLLING / 2);
    assert!(subject.admit(3, &crowd, 2).await.is_in());
}

pub async fn a_refunded_admission_leaves_the_crowd_as_it_was(subject: Subject) {
    let crowd = subject.crowd(5);
    subject.admit(1, &crowd, 1).await;
    (subject.advance)(Duration::from_secs(60));
    subject.admit(2, &crowd, 1).await;
    subject.admit(3, &crowd, 2).await;
    subject.leave(3).await;
    assert_eq!(subject.in_crowd(&crowd).await, 1);
    // What was admitted again since is not undone by the older refund.
    subject.leave(1).await;
    assert_eq!(subject.in_crowd(&crowd).await, 1);
    subject.leave(2).await;
    assert_eq!(subject.in_crowd(&crowd).await, 1);
    (subject.advance)(Duration::from_secs(24 * 3600 - 60));
    assert_eq!(subject.in_crowd(&crowd).await, 0);
}

pub async fn an_admission_is_repeated_without_harm(subject: Subject) {
    let crowd = subject.crowd(1);
    subject.admit(1, &crowd, 1).await;
    (subject.advance)(ROLLING / 2);
    assert!(subject.admit(1, &crowd, 1).await.is_in());
    (subject.advance)(ROLLING / 2);
    assert_eq!(subject.in_crowd(&crowd).await, 0);
}

pub async fn a_limit_that_shrinks_makes_newcomers_wait_for_enough_to_leave(subject: Subject) {
    let crowd = subject.crowd(3);
    let mut leaves = Vec::new();
    for member in 1..=3 {
        subject.admit(member, &crowd, member).await;
        leaves.push((subject.now)() + ROLLING);
        (subject.advance)(Duration::from_secs(60));
    }
    let narrow = subject.crowd(1);
    assert_eq!(subject.admit(9, &narrow, 9).await, Admitted::Full { frees_at: Some(leaves[2]) });
    assert!(subject.admit(10, &narrow, 2).await.is_in(), "whoever is in stays in");
}

pub async fn crowds_of_a_group_are_shared_and_others_are_not(subject: Subject) {
    let shared = |scope: &TenantScope, group: &str| Crowd {
        key: MeterKey::shared(scope, group, "people").unwrap(),
        within: ROLLING,
        limit: 5,
    };
    let (ours, same, other) = (shared(&subject.a, "p1"), shared(&subject.b, "p1"), shared(&subject.a, "p2"));
    subject.admit(1, &ours, 1).await;
    subject.admit(2, &same, 2).await;
    assert_eq!((subject.in_crowd(&ours).await, subject.in_crowd(&other).await), (2, 0));
    assert_eq!(subject.in_crowd(&subject.crowd(5)).await, 0);
}

pub async fn no_stretch_of_time_has_more_members_than_the_limit(subject: Subject) {
    let crowd = subject.crowd(7);
    let mut admitted: Vec<(DateTime<Utc>, u32)> = Vec::new();
    for round in 0..200_u32 {
        let member = round.wrapping_mul(2_654_435_761) % 23;
        if subject.admit(round, &crowd, member).await.is_in() {
            admitted.push(((subject.now)(), member));
        }
        (subject.advance)(Duration::from_secs(u64::from(round.wrapping_mul(40_503) % 7_200)));
    }
    assert!(admitted.len() > 50);
    for (end, _) in &admitted {
        let mut members: Vec<u32> = admitted
            .iter()
            .filter(|(at, _)| at <= end && *end < *at + ROLLING)
            .map(|(_, member)| *member)
            .collect();
        members.sort_unstable();
        members.dedup();
        assert!(members.len() <= 7, "{} members at {end}", members.len());
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("quota.rs");
        let list = source.split("$new:\n").nth(1).unwrap().split('}').next().unwrap();
        let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases: Vec<&str> = cases.map(|rest| rest.split('(').next().unwrap()).collect();
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), cases);
    }
}
