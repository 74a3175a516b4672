//! Time travel: what was where at any instant, and why.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use amazon_sync::historian::Historian;
use amazon_sync::ledger::{Bucket, Cause, Movement, MovementKey, Position};
use amazon_sync::quantity::Units;
use amazon_sync::sync_store::{Commit, Items, SyncStore};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::{Sqlite, SqliteConfig};
use rules_core::work::clock::{Clock, ManualClock};
use rules_core::work::ids::SeededIds;

use super::ports::{clock, scope};
use super::told::{House, Version, at, item, versions};

/// A commit of movements and a report, and the pause after it in seconds.
type Draft = (Vec<(usize, usize, i64)>, Option<Version>, u64);

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    versions().prop_flat_map(|told| {
        let movements = prop::collection::vec((0..3_usize, 0..5_usize, -5..9_i64), 0..4);
        let report = prop::option::of(prop::sample::select(told));
        prop::collection::vec((movements, report, 0..3_u64), 1..9)
    })
}

fn commit(house: &House, number: usize, (movements, report, _): &Draft) -> Commit {
    let movements = movements.iter().enumerate().map(|(place, (index, bucket, by))| Movement {
        key: MovementKey(format!("{number} {place}")),
        item: item(*index),
        bucket: Bucket::ALL[*bucket],
        by: Units::new(*by),
        cause: Cause::Received,
        at: at(0),
    });
    Commit {
        movements: movements.collect(),
        orders: report.iter().map(|told| house.report(1, told)).collect(),
        ..Commit::default()
    }
}

async fn position(store: &dyn SyncStore, house: &House, index: usize) -> Position {
    let found = store.positions(&house.shelf, &Items::Named(vec![item(index)])).await.unwrap();
    found.first().map(|record| record.position).unwrap_or_default()
}

/// Goes through the drafts, notes where everything is as it goes, and asks for all of it again.
async fn travel(
    store: Arc<dyn SyncStore>,
    clock: &ManualClock,
    house: &House,
    drafts: &[Draft],
) -> Result<(), TestCaseError> {
    let mut seen: Vec<(DateTime<Utc>, [Position; 3])> = Vec::new();
    for (number, draft) in drafts.iter().enumerate() {
        store.commit(&house.shelf, &commit(house, number, draft)).await.unwrap();
        let mut positions = [Position::default(); 3];
        for (index, place) in positions.iter_mut().enumerate() {
            *place = position(&*store, house, index).await;
        }
        // Of several commits in one instant the last one says what was known at it.
        seen.retain(|(at, _)| *at != clock.now());
        seen.push((clock.now(), positions));
        clock.advance(Duration::from_secs(draft.2));
    }
    let historian = Historian::new(store);
    for (at, positions) in &seen {
        for (index, expected) in positions.iter().enumerate() {
            let found = historian.position(&house.shelf, &item(index), *at).await.unwrap();
            prop_assert_eq!(found, *expected);
        }
    }
    for pair in seen.windows(2) {
        let ((from, before), (until, after)) = (&pair[0], &pair[1]);
        for index in 0..3 {
            let told = historian.story(&house.shelf, &item(index), Some(*from), *until, 2).await.unwrap();
            prop_assert_eq!((told.before, told.after), (before[index], after[index]));
            prop_assert!(told.movements.len() <= 2);
            for bucket in Bucket::ALL {
                let sums = told.reasons.iter().filter(|((of, _), _)| *of == bucket);
                let moved: i64 = sums.map(|(_, reason)| reason.units.unwrap().get()).sum();
                prop_assert_eq!(told.before.of(bucket).get() + moved, told.after.of(bucket).get());
            }
            let counted: u64 = told.reasons.values().map(|reason| reason.movements).sum();
            prop_assert_eq!(counted, told.untold + told.movements.len() as u64);
        }
    }
    let early = historian.position(&house.shelf, &item(0), seen[0].0 - TimeDelta::microseconds(1)).await;
    prop_assert_eq!(early.unwrap(), Position::default());
    Ok(())
}

proptest! {
    #[test]
    fn what_was_known_at_an_instant_is_known_for_ever(drafts in drafts()) {
        let (clock, house) = (clock(), House::of(&scope()));
        let memory = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(travel(Arc::new(memory), &clock, &house, &drafts))?;
    }
}

proptest! {
    // Each commit waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 16))]

    #[test]
    fn what_was_known_at_an_instant_is_known_from_the_file(drafts in drafts()) {
        let (clock, house, folder) = (clock(), House::of(&scope()), tempfile::tempdir().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(&clock));
            let store = Sqlite::open_with(folder.path().join("sync.db"), config).await.unwrap();
            travel(Arc::new(store), &clock, &house, &drafts).await
        })?;
    }
}

/// A clock that may be set back.
#[derive(Debug)]
struct Watch(Mutex<DateTime<Utc>>);

#[async_trait]
impl Clock for Watch {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        *self.0.lock().unwrap() = instant;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_turn_history_round() {
    let [scope, _] = super::ports::scopes().await;
    let (house, folder) = (House::of(&scope), tempfile::tempdir().unwrap());
    let watch = Arc::new(Watch(Mutex::new(at(60))));
    let memory = Memory::with(Arc::<Watch>::clone(&watch), Arc::new(SeededIds::new(1)));
    let config = SqliteConfig::default().with_clock(Arc::<Watch>::clone(&watch));
    let sqlite = Sqlite::open_with(folder.path().join("sync.db"), config).await.unwrap();
    let stores: [Arc<dyn SyncStore>; 2] = [Arc::new(memory), Arc::new(sqlite)];
    for any in stores {
        for (number, minutes) in [60, 20, 70].into_iter().enumerate() {
            watch.sleep_until(at(minutes)).await;
            let draft = (vec![(0, 0, 1)], None, 0);
            any.commit(&house.shelf, &commit(&house, number, &draft)).await.unwrap();
        }
        let historian = Historian::new(any);
        for (minutes, units) in [(59, 0), (60, 2), (69, 2), (70, 3)] {
            let found = historian.position(&house.shelf, &item(0), at(minutes)).await.unwrap();
            assert_eq!(found.on_hand.get(), units, "minute {minutes}");
        }
    }
}

#[tokio::test]
async fn a_long_history_is_read_in_pages() {
    let [scope, _] = super::ports::scopes().await;
    let (memory, house) = (Arc::new(Memory::new()), House::of(&scope));
    let movements = (0..2_500).map(|number| Movement {
        key: MovementKey(number.to_string()),
        item: item(0),
        bucket: Bucket::OnHand,
        by: Units::new(2),
        cause: if number % 5 == 0 { Cause::Counted } else { Cause::Received },
        at: at(0),
    });
    let commit = Commit { movements: movements.collect(), ..Commit::default() };
    memory.commit(&house.shelf, &commit).await.unwrap();
    let story = Historian::new(memory).story(&house.shelf, &item(0), None, DateTime::<Utc>::MAX_UTC, 3).await;
    let story = story.unwrap();
    assert_eq!((story.after.on_hand.get(), story.untold), (5_000, 2_497));
    assert_eq!(story.movements.iter().map(|booked| booked.seq.0).collect::<Vec<_>>(), [2_498, 2_499, 2_500]);
    assert_eq!(story.reasons[&(Bucket::OnHand, "counted")].movements, 500);
}
