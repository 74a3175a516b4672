use std::time::Duration;

use chrono_tz::{America::New_York, Asia::Kolkata, Tz};
use proptest::prelude::*;

use super::*;
use crate::judge::tenant::{TenantId, TenantRecord, TenantScope};
use crate::judge::window::Window;
use crate::work::clock::ManualClock;
use crate::work::quota::Grant;

const LIMIT: u64 = 100;
const ZONES: [Tz; 3] = [Tz::UTC, New_York, Kolkata];

fn key(name: &str) -> MeterKey {
    let tenant = TenantRecord::new(TenantId::parse("a").unwrap());
    MeterKey::new(&TenantScope::enter(tenant), name).unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-03-07T12:00:00Z".parse().unwrap()))
}

fn charge_id(number: u8) -> ChargeId {
    ChargeId::of(&[&[number]])
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn old_charges_are_forgotten_in_portions_and_allowances_never() {
    let clock = clock();
    let quota = MemoryQuota::new(Arc::<ManualClock>::clone(&clock));
    let charge = |number, window| Charge {
        id: charge_id(number),
        meters: vec![Meter { key: key("day"), window, limit: 1_000 }],
        units: 1,
        grant: Grant::Whole,
    };
    now(quota.charge(&[charge(0, Window::Lifetime)])).unwrap();
    for number in 1..=10 {
        now(quota.charge(&[charge(number, Window::Day(Tz::UTC))])).unwrap();
    }
    clock.advance(Duration::from_hours(60));
    now(quota.charge(&[charge(11, Window::Day(Tz::UTC))])).unwrap();
    assert_eq!(quota.books().charges.len(), 12, "two days are not over");
    clock.advance(Duration::from_hours(1));
    for (number, known) in [(12, 9), (13, 6), (14, 5), (15, 6)] {
        now(quota.charge(&[charge(number, Window::Day(Tz::UTC))])).unwrap();
        assert_eq!(quota.books().charges.len(), known);
    }
    assert!(quota.books().charges.contains_key(&charge_id(0)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Charge { id: u8, units: u64, grant: Grant, zone: usize },
    Refund { id: u8, charge: u8, units: u64 },
    Advance { minutes: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let grant = prop_oneof![Just(Grant::Whole), Just(Grant::Prefix)];
    let step = prop_oneof![
        4 => (0..30_u8, 0..80_u64, grant, 0..ZONES.len())
            .prop_map(|(id, units, grant, zone)| Step::Charge { id, units, grant, zone }),
        2 => (0..30_u8, 0..30_u8, 0..80_u64)
            .prop_map(|(id, charge, units)| Step::Refund { id, charge, units }),
        1 => (0..1_500_u64).prop_map(|minutes| Step::Advance { minutes }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a charge was granted, and how much of it came back.
type Ledger = HashMap<u8, (Granted, HashSet<u8>)>;

proptest! {
    #[test]
    fn limits_hold_through_any_charges_refunds_repeats_and_moves(steps in steps()) {
        let clock = clock();
        let quota = MemoryQuota::new(Arc::<ManualClock>::clone(&clock));
        let meters = |zone| vec![
            Meter { key: key("day"), window: Window::Day(ZONES[zone]), limit: LIMIT },
            Meter { key: key("plan"), window: Window::Lifetime, limit: 3 * LIMIT },
        ];
        let mut ledger = Ledger::new();
        let mut zone = 0;
        for step in steps {
            let before = now(quota.usage(&meters(zone))).unwrap();
            match step {
                Step::Charge { id, units, grant, zone: next } => {
                    zone = next;
                    let before = now(quota.usage(&meters(zone))).unwrap();
                    let charge = Charge { id: charge_id(id), meters: meters(zone), units, grant };
                    let granted = now(quota.charge(&[charge])).unwrap().remove(0);
                    let after = now(quota.usage(&meters(zone))).unwrap();
                    if let Some((known, _)) = ledger.get(&id) {
                        prop_assert_eq!(&granted, known);
                        prop_assert_eq!(after, before);
                        continue;
                    }
                    for (after, before) in after.iter().zip(&before) {
                        prop_assert_eq!(after.used, before.used + granted.units);
                    }
                    let left = before.iter().map(|usage| usage.left).min().unwrap();
                    let expected = if units <= left { units } else if grant == Grant::Prefix { left } else { 0 };
                    prop_assert_eq!(granted.units, expected);
                    prop_assert_eq!(granted.refused_by.is_some(), granted.units < units);
                    if 0 < granted.units {
                        ledger.insert(id, (granted, HashSet::new()));
                    }
                }
                Step::Refund { id, charge, units } => {
                    let refund = Refund { id: RefundId::of(&[&[id]]), charge: charge_id(charge), units };
                    now(quota.refund(&[refund, refund])).unwrap();
                    let after = now(quota.usage(&meters(zone))).unwrap();
                    let fresh = ledger.get_mut(&charge).is_some_and(|(_, refunds)| refunds.insert(id));
                    if fresh {
                        prop_assert!(before[1].used - after[1].used <= units);
                        prop_assert!(before[0].used - after[0].used <= before[1].used - after[1].used);
                    } else {
                        prop_assert_eq!(after, before);
                    }
                }
                Step::Advance { minutes } => clock.advance(Duration::from_mins(minutes)),
            }
            for (usage, limit) in now(quota.usage(&meters(zone))).unwrap().iter().zip([LIMIT, 3 * LIMIT]) {
                prop_assert!(usage.used <= limit);
                prop_assert_eq!(usage.left, limit - usage.used);
            }
        }
    }
}
