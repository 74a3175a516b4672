//! Counts, the host's own movements and shipments on Amazon, in any order, against the sum that
//! the count's documentation promises.

use std::cmp::Reverse;
use std::collections::HashSet;

use amazon_sync::host_stock::Count;
use amazon_sync::ledger::{Bucket, Cause, Movement, MovementKey, Seq};
use amazon_sync::order::{LineId, OrderStatus, OrderVersion, ShippedBy};
use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::sync_store::{Commit, Committed, History, Items, LineTarget, Part, Receipt, SyncStore};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rules_core::store::memory::Memory;

use super::ports::scope;
use super::told::{House, Version, at, item};

/// Something that happens to the mugs.
#[derive(Clone, Debug)]
enum Event {
    /// The host counts; up to which share of the movements it includes, in tenths.
    Counts { minute: i64, quantity: i64, includes: Option<u64> },
    /// The host moves some, perhaps told before.
    Moves { key: u8, minute: i64, by: i64 },
    /// So many of an order have shipped by then, by the version of that number.
    Ships { order: u64, version: i64, units: i64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..9_i64, 0..30_i64, prop::option::of(0..11_u64))
            .prop_map(|(minute, quantity, includes)| Event::Counts { minute, quantity, includes }),
        (0..12_u8, 0..9_i64, -5..6_i64).prop_map(|(key, minute, by)| Event::Moves { key, minute, by }),
        (1..4_u64, 0..5_i64, 0..4_i64).prop_map(|(order, version, units)| Event::Ships {
            order,
            version,
            units
        }),
    ]
}

/// What the ledger was told, for the sum.
#[derive(Default)]
struct Told {
    counts: Vec<(DateTime<Utc>, Option<Seq>, Reverse<i64>)>,
    keys: HashSet<u8>,
    moves: Vec<(DateTime<Utc>, i64)>,
}

fn commit_of(event: &Event, told: &mut Told, last: Seq, house: &House) -> Commit {
    match event {
        Event::Counts { minute, quantity, includes } => {
            let includes = includes.map(|tenths| Seq(last.0 * tenths / 10));
            told.counts.push((at(*minute), includes, Reverse(*quantity)));
            let quantity = Quantity::new(*quantity).unwrap();
            let count = Count { item: item(0), quantity, includes, at: at(*minute) };
            Commit { counts: vec![count], ..Commit::default() }
        }
        Event::Moves { key, minute, by } => {
            if *by != 0 && told.keys.insert(*key) {
                told.moves.push((at(*minute), *by));
            }
            let movement = Movement {
                key: MovementKey(key.to_string()),
                item: item(0),
                bucket: Bucket::OnHand,
                by: Units::new(*by),
                cause: Cause::SoldElsewhere,
                at: at(*minute),
            };
            Commit { movements: vec![movement], ..Commit::default() }
        }
        Event::Ships { order, version, units } => {
            let part = Part { item: item(0), bucket: Bucket::OnHand, units: Units::new(-units) };
            let line = LineTarget {
                line: LineId::parse("1").unwrap(),
                sku: None,
                sold: Units::new(*units),
                parts: Some(vec![part]),
                shipped_parts: Vec::new(),
            };
            let version = Version {
                by: OrderVersion { updated_at: at(*version), digest: units.cast_unsigned() },
                status: OrderStatus::Shipped,
                shipped_by: ShippedBy::Merchant,
                lines: vec![line],
            };
            Commit { orders: vec![house.report(*order, &version)], ..Commit::default() }
        }
    }
}

async fn carried_out(store: &Memory, house: &House, commit: &Commit) -> Receipt {
    match store.commit(&house.shelf, commit).await.unwrap() {
        Committed::Done(receipt) => receipt,
        Committed::Fenced(cursor) => unreachable!("{cursor:?}"),
    }
}

/// The sum that the documentation of a count promises.
async fn promised(store: &Memory, house: &House, told: &Told) -> i64 {
    let select = History { item: Some(item(0)), after: Seq(0), until: None, max: usize::MAX };
    let history = store.history(&house.shelf, &select).await.unwrap();
    let count = told.counts.iter().max();
    let shipped = history.iter().filter(|booked| matches!(booked.movement.cause, Cause::Order { .. }));
    let includes = count.and_then(|(_, includes, _)| *includes).unwrap_or_default();
    let shipped = shipped.filter(|booked| includes < booked.seq).map(|booked| booked.movement.by.get());
    let since = count.map(|(at, ..)| *at);
    let moved = told.moves.iter().filter(|(at, _)| since.is_none_or(|since| since < *at));
    let counted = count.map_or(0, |(_, _, Reverse(quantity))| *quantity);
    counted + shipped.sum::<i64>() + moved.map(|(_, by)| by).sum::<i64>()
}

proptest! {
    #[test]
    fn on_hand_is_the_count_and_what_it_does_not_include(events in prop::collection::vec(event(), 0..40)) {
        let house = House::of(&scope());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Memory::new();
            let (mut told, mut last) = (Told::default(), Seq(0));
            for event in &events {
                let commit = commit_of(event, &mut told, last, &house);
                last = carried_out(&store, &house, &commit).await.seq;
                let found = store.positions(&house.shelf, &Items::Named(vec![item(0)])).await.unwrap();
                let on_hand = found.first().map_or(0, |record| record.position.on_hand.get());
                prop_assert_eq!(on_hand, promised(&store, &house, &told).await, "after {:?}", event);
            }
            Ok(())
        })?;
    }

    /// What the host tells may come in any order.
    #[test]
    fn the_hosts_facts_may_come_in_any_order(
        (events, shuffled) in prop::collection::vec(event(), 0..20).prop_flat_map(|events| {
            let plain = |event: &Event| match event {
                Event::Counts { minute, quantity, .. } => {
                    Event::Counts { minute: *minute, quantity: *quantity, includes: None }
                }
                other => other.clone(),
            };
            // Keys are told once, so that which of two wins is no matter of order.
            let mut keys = HashSet::new();
            let mut events: Vec<_> = events.iter().map(plain).collect();
            events.retain(|event| match event {
                Event::Moves { key, .. } => keys.insert(*key),
                _ => true,
            });
            (Just(events.clone()), Just(events).prop_shuffle())
        }),
    ) {
        let house = House::of(&scope());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ends = [&events, &shuffled].map(|events| {
            runtime.block_on(async {
                let store = Memory::new();
                for event in events {
                    let commit = commit_of(event, &mut Told::default(), Seq(0), &house);
                    carried_out(&store, &house, &commit).await;
                }
                let found = store.positions(&house.shelf, &Items::Named(vec![item(0)])).await.unwrap();
                found.first().map(|record| record.position.on_hand).unwrap_or_default()
            })
        });
        prop_assert_eq!(ends[0], ends[1]);
    }
}
