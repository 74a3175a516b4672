use proptest::prelude::*;

use super::*;
use crate::judge::tenant::{TenantId, TenantRecord, TenantScope};
use crate::work::clock::ManualClock;

fn outlet(name: &str) -> Outlet {
    let tenant = TenantRecord::new(TenantId::parse("a").unwrap());
    Outlet::new(&TenantScope::enter(tenant), name).unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-03-07T12:00:00Z".parse().unwrap()))
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn ask(name: &str, rate: Rate, want: u32, unused: u32) -> Ask {
    Ask { outlet: outlet(name), rate, want, unused }
}

#[test]
fn idle_outlets_are_forgotten_unless_that_would_speed_them_up() {
    let clock = clock();
    let pacer = MemoryPacer::new(Arc::<ManualClock>::clone(&clock));
    let (fast, daily) = (Rate::per_second(80), Rate::new(1.0 / 86_400.0, 1));
    now(pacer.take(&[ask("idle", fast, 1, 0), ask("daily", daily, 1, 0), ask("quiet", fast, 1, 0)])).unwrap();
    let retry_after = Some(Duration::from_hours(3));
    now(pacer.observe(&[Observation::Throttled { outlet: outlet("quiet"), retry_after }])).unwrap();
    clock.advance(Duration::from_hours(1));
    now(pacer.take(&[ask("busy", fast, 1, 0)])).unwrap();
    let known = now(pacer.rates(&["idle", "daily", "quiet", "busy"].map(outlet))).unwrap();
    assert_eq!(known.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true, true]);
    clock.advance(Duration::from_hours(24));
    now(pacer.take(&[])).unwrap();
    assert!(pacer.pace().outlets.is_empty());
}

#[test]
fn a_debt_is_forgiven_after_a_second() {
    let clock = clock();
    let pacer = MemoryPacer::new(Arc::<ManualClock>::clone(&clock));
    let rate = Rate::per_second(80);
    now(pacer.take(&[ask("a", rate, 20, 0)])).unwrap();
    now(pacer.observe(&[Observation::Consumed { outlet: outlet("a"), permits: u32::MAX }])).unwrap();
    clock.advance(Duration::from_millis(700));
    assert_eq!(now(pacer.take(&[ask("a", rate, 1, 0)])).unwrap()[0].granted, 0);
    clock.advance(Duration::from_millis(300));
    assert_eq!(now(pacer.take(&[ask("a", rate, 50, 0)])).unwrap()[0].granted, 20);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take { wait_us: u64, want: u32, unused: u32 },
    Throttle { retry_after_ms: Option<u64> },
    Consume { permits: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_000_000_u64, 0..2_000_u32, 0..500_u32)
            .prop_map(|(wait_us, want, unused)| Step::Take { wait_us, want, unused }),
        1 => prop::option::of(0..5_000_u64).prop_map(|retry_after_ms| Step::Throttle { retry_after_ms }),
        1 => (0..500_u32).prop_map(|permits| Step::Consume { permits }),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn no_stretch_of_time_sees_more_than_its_rate_and_one_burst(
        per_second in prop_oneof![0.05..5.0_f64, 5.0..20_000.0_f64],
        burst in prop_oneof![1..5_u32, 1..1_000_u32],
        steps in steps(),
    ) {
        let clock = clock();
        let pacer = MemoryPacer::new(Arc::<ManualClock>::clone(&clock));
        let rate = Rate::new(per_second, burst);
        // When permits were granted, and how many of them were used.
        let mut used: Vec<(DateTime<Utc>, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Take { wait_us, want, unused } => {
                    clock.advance(Duration::from_micros(wait_us));
                    let last = used.last_mut();
                    let unused = last.as_ref().map_or(0, |(_, granted)| unused.min(*granted));
                    if let Some((_, granted)) = last {
                        *granted -= unused;
                    }
                    let permit = now(pacer.take(&[ask("a", rate, want, unused)])).unwrap()[0];
                    prop_assert!(permit.granted <= want);
                    prop_assert_eq!(permit.next_at.is_some(), permit.granted < want);
                    prop_assert!(permit.next_at.is_none_or(|at| clock.now() < at));
                    used.push((clock.now(), permit.granted));
                }
                Step::Throttle { retry_after_ms } => {
                    let retry_after = retry_after_ms.map(Duration::from_millis);
                    now(pacer.observe(&[Observation::Throttled { outlet: outlet("a"), retry_after }])).unwrap();
                }
                Step::Consume { permits } => {
                    now(pacer.observe(&[Observation::Consumed { outlet: outlet("a"), permits }])).unwrap();
                }
            }
            if let Some(rate) = now(pacer.rates(&[outlet("a")])).unwrap()[0] {
                prop_assert!(per_second.min(SLOWEST) <= rate.per_second && rate.per_second <= per_second);
                prop_assert!(1 <= rate.burst && rate.burst <= burst);
            }
        }
        for (index, (from, _)) in used.iter().enumerate() {
            let mut sum = 0.0;
            for (until, granted) in &used[index..] {
                sum += f64::from(*granted);
                let seconds = (*until - *from).to_std().unwrap().as_secs_f64();
                prop_assert!(sum <= per_second * seconds + f64::from(burst) + 1e-6);
            }
        }
    }
}
