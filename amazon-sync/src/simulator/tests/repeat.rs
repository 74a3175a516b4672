use super::*;

use proptest::prelude::*;

use crate::marketplace::Marketplace;
use crate::sink::{QuantitySink, Submitted};

fn busy(seed: u64) -> WorldBuilder {
    let mut faults = Faults::harsh();
    // Nobody moves the clock while an answer is waited for.
    faults.slow_answer = 0.0;
    let mut world =
        World::builder(nine()).seed(seed).faults(faults).seller(&owner(), [US]).record().subscribe();
    for nth in 0..6 {
        let listing = ListingPlan::merchant(sku(&format!("MUG-{nth}")), 30).wanted(4.0).up_to(3);
        world = world.listing(&owner(), listing);
    }
    world.foreign_writes(1.0)
}

/// A day with writes and reads in an order of the caller's, and all that happened.
async fn day(seed: u64, order: &[usize], step_minutes: u64) -> (Vec<Happening>, Vec<Bytes>) {
    let rig = Rig::of(busy(seed)).await;
    let names: Vec<_> = (0..6).map(|nth| format!("MUG-{nth}")).collect();
    for round in 0_i64..8 {
        for nth in order {
            let write = rig.write(&names[*nth], 10 + round);
            // Two seconds are enough for all of them, whichever comes first.
            rig.clock.advance(Duration::from_millis(200));
            drop(rig.amazon.patches().submit(&rig.account, &[write]).await);
        }
        rig.clock.advance(Duration::from_millis(3_600_000 - 1_200));
        for _ in 0..60 / step_minutes {
            drop(rig.amazon.marketplace().listings(&rig.account, &[sku("MUG-0")]).await);
        }
    }
    rig.amazon.world(|world| (world.take_happenings(), world.take_notices()))
}

#[tokio::test]
async fn two_runs_of_a_seed_are_the_same_and_two_seeds_are_not() {
    let order = [0, 1, 2, 3, 4, 5];
    let first = day(7, &order, 10).await;
    assert!(200 < first.0.len(), "{}", first.0.len());
    assert_eq!(first, day(7, &order, 10).await);
    assert_ne!(first, day(8, &order, 10).await);
}

#[test]
fn how_finely_time_is_cut_changes_nothing() {
    let mut whole = busy(7).build().unwrap();
    whole.advance(nine() + TimeDelta::hours(24));
    let mut pieces = busy(7).build().unwrap();
    for minute in 1..=24 * 60 {
        pieces.advance(nine() + TimeDelta::minutes(minute));
    }
    assert_eq!(whole.take_happenings(), pieces.take_happenings());
    assert_eq!(whole.take_notices(), pieces.take_notices());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn who_asks_first_at_an_instant_decides_nothing(
        seed in 0..1_000_u64,
        order in Just(vec![0_usize, 1, 2, 3, 4, 5]).prop_shuffle(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let run = |order: Vec<usize>| runtime.block_on(async move {
            let plan = UsagePlan::published()
                .with(Operation::PatchListingsItem, Rate { per_second: 100.0, burst: 100 });
            let rig = Rig::of(busy(seed).usage_plan(plan)).await;
            let mut fates = vec![None; order.len()];
            for nth in order {
                let write = rig.write(&format!("MUG-{nth}"), 12);
                let answer = rig.amazon.patches().submit(&rig.account, &[write]).await.unwrap().remove(0);
                fates[nth] = Some(match answer {
                    Submitted::Accepted(submission) => Submitted::Accepted(submission),
                    other => other,
                });
            }
            rig.pass(6 * 3_600);
            (fates, rig.amazon.world(World::take_happenings))
        });
        prop_assert_eq!(run(vec![0, 1, 2, 3, 4, 5]), run(order));
    }
}
