//! Random histories on both stores: they answer alike and hold the same.

use std::sync::Arc;
use std::time::Duration;

use amazon_sync::host_stock::{Count, HostMark};
use amazon_sync::intent::{Intent, Stage};
use amazon_sync::ledger::{Bucket, Cause, Movement, MovementKey, Seq};
use amazon_sync::listing::{Channel, ListingKey};
use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::sku::Sku;
use amazon_sync::sync_store::{
    Commit, CursorStep, Fence, History, Items, Lateness, ListingChange, ListingRecord, Listings, NewLetter,
    SyncStore,
};
use chrono::TimeDelta;
use proptest::prelude::*;
use rules_core::judge::code::Code;
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::{Sqlite, SqliteConfig};
use rules_core::work::clock::{Clock, ManualClock};
use rules_core::work::ids::SeededIds;

use super::ports::{clock, scope};
use super::told::{House, ITEMS, Version, at, item, versions};

/// A commit as it is drawn; what depends on what was done before is filled in when it is made.
#[derive(Clone, Debug)]
struct Draft {
    orders: Vec<(u64, Version)>,
    movements: Vec<(u8, usize, usize, i64, i64)>,
    counts: Vec<(usize, i64, Option<u64>, i64)>,
    step: Option<(u64, Option<i64>)>,
    listings: Vec<(usize, u64, Option<i64>)>,
    reconciled: Vec<(usize, u64)>,
    letters: Vec<(u8, bool, u8)>,
    answered: Vec<u64>,
    pause: u64,
}

prop_compose! {
    fn draft(versions: Vec<Vec<Version>>)(
        orders in prop::collection::vec((0..versions.len(), any::<prop::sample::Index>()), 0..4),
        movements in prop::collection::vec((0..20_u8, 0..3_usize, 0..5_usize, -4..9_i64, 0..9_i64), 0..4),
        counts in prop::collection::vec((0..3_usize, 0..30_i64, prop::option::of(0..20_u64), 0..9_i64), 0..3),
        step in prop::option::weighted(0.4, (0..4_u64, prop::option::of(0..9_i64))),
        listings in prop::collection::vec((0..3_usize, 0..4_u64, prop::option::of(0..9_i64)), 0..3),
        reconciled in prop::collection::vec((0..3_usize, 0..30_u64), 0..3),
        letters in prop::collection::vec((0..3_u8, any::<bool>(), 0..2_u8), 0..2),
        answered in prop::collection::vec(0..5_u64, 0..2),
        pause in 0..3_u64,
    ) -> Draft {
        let told = |(order, place): &(usize, prop::sample::Index)| {
            (*order as u64, place.get(&versions[*order]).clone())
        };
        Draft {
            orders: orders.iter().map(told).collect(),
            movements, counts, step, listings, reconciled, letters, answered, pause,
        }
    }
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    prop::collection::vec(versions(), 3)
        .prop_flat_map(|versions| prop::collection::vec(draft(versions), 1..12))
}

fn key(house: &House, index: usize) -> ListingKey {
    let channel = if index == 2 { Channel::Amazon("AMAZON_EU".to_owned()) } else { Channel::Merchant };
    ListingKey::new(house.account.clone(), Sku::parse(ITEMS[index]).unwrap(), channel)
}

fn listing(house: &House, index: usize, revision: u64, intent: Option<i64>) -> ListingChange {
    let intent = intent.map(|minute| Intent {
        generation: revision,
        quantity: Quantity::new(minute).unwrap(),
        sold: Units::new(minute),
        decided_at: at(minute),
        why: Code::known("drift.ours_ahead"),
        stage: Stage::Open,
        attempts: 0,
    });
    let key = key(house, index);
    let sold = Units::ZERO;
    ListingChange {
        record: ListingRecord { key, revision, base: None, shown: None, intent, sold, frozen: None },
    }
}

fn commit(house: &House, draft: &Draft) -> Commit {
    let movement = |(key, index, bucket, by, minute): &(u8, usize, usize, i64, i64)| Movement {
        key: MovementKey(key.to_string()),
        item: item(*index),
        bucket: Bucket::ALL[*bucket],
        by: Units::new(*by),
        cause: Cause::Host { reason: "because".to_owned() },
        at: at(*minute),
    };
    let count = |(index, quantity, includes, minute): &(usize, i64, Option<u64>, i64)| Count {
        item: item(*index),
        quantity: Quantity::new(*quantity).unwrap(),
        includes: includes.map(Seq),
        at: at(*minute),
    };
    let letter = |(subject, code, text): &(u8, bool, u8)| NewLetter {
        subject: subject.to_string(),
        code: if *code { Code::known("sku.unmapped") } else { Code::known("order.unreadable") },
        text: text.to_string(),
        at: at(i64::from(*text)),
    };
    let cursor = |closed_to: Option<i64>| CursorStep {
        closed_to: closed_to.map(at),
        open: None,
        lateness: Lateness::default(),
    };
    Commit {
        fence: draft.step.map(|(revision, _)| Fence { account: house.account.clone(), revision }),
        orders: draft.orders.iter().map(|(number, told)| house.report(*number, told)).collect(),
        movements: draft.movements.iter().map(movement).collect(),
        counts: draft.counts.iter().map(count).collect(),
        cursor: draft.step.map(|(_, closed_to)| cursor(closed_to)),
        host_mark: draft.step.map(|(revision, _)| HostMark(revision.to_string())),
        listings: draft
            .listings
            .iter()
            .map(|(index, revision, intent)| listing(house, *index, *revision, *intent))
            .collect(),
        reconciled: draft.reconciled.iter().map(|(index, seq)| (item(*index), Seq(*seq))).collect(),
        letters: draft.letters.iter().map(letter).collect(),
        answered: draft.answered.clone(),
        evidence: Vec::new(),
    }
}

/// Everything that can be read, in each way in which it can be read.
async fn all_there_is(store: &dyn SyncStore, house: &House, clock: &dyn Clock) -> Vec<String> {
    let shelf = &house.shelf;
    let named = vec![item(2), item(0), item(1)];
    let selections = [
        Items::Named(named),
        Items::Dirty { max: 2 },
        Items::Dirty { max: 9 },
        Items::All { after: None, max: 2 },
        Items::All { after: Some(item(1)), max: 2 },
    ];
    let account = || house.account.clone();
    let listings = [
        Listings::Named((0..3).map(|index| key(house, index)).collect()),
        Listings::WithIntent { account: account(), max: 2 },
        Listings::All { account: account(), after: None, max: 9 },
        Listings::All { account: account(), after: Some(key(house, 0)), max: 2 },
    ];
    let until = Some(clock.now() - TimeDelta::seconds(2));
    let histories = [
        History { item: None, after: Seq(0), until: None, max: usize::MAX },
        History { item: None, after: Seq(3), until, max: 7 },
        History { item: Some(item(0)), after: Seq(2), until: None, max: 5 },
        History { item: Some(item(1)), after: Seq(0), until, max: 5 },
    ];
    let mut all = vec![format!("{:?}", store.cursors(shelf, &[account()]).await.unwrap())];
    for select in &selections {
        all.push(format!("{:?}", store.positions(shelf, select).await.unwrap()));
    }
    for select in &listings {
        all.push(format!("{:?}", store.listings(shelf, select).await.unwrap()));
    }
    for select in &histories {
        all.push(format!("{:?}", store.history(shelf, select).await.unwrap()));
    }
    all.push(format!("{:?}", store.letters(shelf, 1, 3).await.unwrap()));
    all.push(format!("{:?}", store.letters(shelf, 0, 99).await.unwrap()));
    all
}

proptest! {
    // Each commit waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn memory_and_sqlite_answer_alike(drafts in drafts()) {
        let house = House::of(&scope());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
            let memory = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
            let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(&clock));
            let sqlite = Sqlite::open_with(folder.path().join("sync.db"), config).await.unwrap();
            for draft in &drafts {
                let commit = commit(&house, draft);
                let answers = (
                    memory.commit(&house.shelf, &commit).await.unwrap(),
                    sqlite.commit(&house.shelf, &commit).await.unwrap(),
                );
                prop_assert_eq!(answers.0, answers.1);
                clock.advance(Duration::from_secs(draft.pause));
            }
            let both = (
                all_there_is(&memory, &house, &*clock).await,
                all_there_is(&sqlite, &house, &*clock).await,
            );
            prop_assert_eq!(both.0, both.1);
            Ok(())
        })?;
    }
}
