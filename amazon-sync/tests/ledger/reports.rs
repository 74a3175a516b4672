//! Reports of one order in any order, any number, with losses that a sweep makes good.

use std::collections::BTreeMap;

use amazon_sync::ledger::{Bucket, Due, News, OrderState, due, fold};
use amazon_sync::order::{LineId, OrderStatus, ShippedBy};
use amazon_sync::sku::{ItemCode, Sku};
use proptest::prelude::*;

use super::ports::scope;
use super::told::{House, Version, versions};

/// Units by line, item and bucket.
pub(crate) type Sums = BTreeMap<(LineId, ItemCode, Bucket), i64>;

pub(crate) fn add<K: Ord>(sums: &mut BTreeMap<K, i64>, key: K, by: i64) {
    let sum = sums.entry(key).or_default();
    *sum += by;
}

pub(crate) fn even<K: Ord>(mut sums: BTreeMap<K, i64>) -> BTreeMap<K, i64> {
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// What a ledger holds after these reports, and what it was told.
#[derive(Clone, Debug, Default)]
struct Ledger {
    state: Option<OrderState>,
    sums: Sums,
    sold: BTreeMap<Sku, i64>,
}

impl Ledger {
    fn hear(&mut self, house: &House, told: &Version) -> News {
        let folded = fold(self.state.as_ref(), &house.report(1, told));
        let Due { moves, sold } = due(self.state.as_ref(), &folded.state).unwrap();
        for one in moves {
            add(&mut self.sums, (one.line, one.item, one.bucket), one.by.get());
        }
        for (sku, by) in sold {
            add(&mut self.sold, sku, by.get());
        }
        self.state = Some(folded.state);
        folded.news
    }

    fn after(house: &House, told: &[&Version]) -> Self {
        let mut ledger = Self::default();
        for version in told {
            ledger.hear(house, version);
        }
        ledger
    }
}

/// What a ledger must hold, read off the reports without folding anything.
pub(crate) fn expected(told: &[Version]) -> (Sums, BTreeMap<Sku, i64>) {
    let newest = told.iter().max_by_key(|version| version.by).unwrap();
    let is_cancelled = newest.status == OrderStatus::Cancelled;
    let (mut sums, mut sold) = (Sums::new(), BTreeMap::new());
    let mut ids: Vec<_> = told.iter().flat_map(|version| &version.lines).map(|line| &line.line).collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        let lines = told.iter().filter_map(|version| {
            let line = version.lines.iter().find(|line| line.line == *id);
            line.map(|line| (version.by, line))
        });
        let lines: Vec<_> = lines.collect();
        let mapped = lines.iter().filter(|(_, line)| line.parts.is_some()).max_by_key(|(by, _)| *by);
        if let Some((_, line)) = mapped {
            let parts = line.parts.as_ref().unwrap();
            for part in if is_cancelled { &line.shipped_parts } else { parts } {
                add(&mut sums, (id.clone(), part.item.clone(), part.bucket), part.units.get());
            }
        }
        let most = lines.iter().map(|(_, line)| line.sold.get()).max().unwrap();
        let named = lines.iter().filter(|(_, line)| line.sku.is_some()).max_by_key(|(by, _)| *by);
        let counts = newest.shipped_by == ShippedBy::Merchant;
        if let Some((_, line)) = named.filter(|_| counts) {
            add(&mut sold, line.sku.clone().unwrap(), most);
        }
    }
    (even(sums), even(sold))
}

/// Versions, and the way in which they are told: each at least once, in any order.
fn any_way() -> impl Strategy<Value = (Vec<Version>, Vec<usize>)> {
    versions().prop_flat_map(|told| {
        let places: Vec<usize> = (0..told.len()).collect();
        let again = prop::collection::vec(0..told.len(), 0..6);
        let way = again.prop_map(move |again| [places.clone(), again].concat()).prop_shuffle();
        (Just(told), way)
    })
}

proptest! {
    #[test]
    fn any_order_and_number_of_reports_ends_in_the_same_state((told, way) in any_way()) {
        let house = House::of(&scope());
        let ledger = Ledger::after(&house, &way.iter().map(|place| &told[*place]).collect::<Vec<_>>());
        let straight = Ledger::after(&house, &told.iter().collect::<Vec<_>>());
        prop_assert_eq!(&ledger.state, &straight.state);
        prop_assert_eq!((even(ledger.sums), even(ledger.sold)), expected(&told));
    }

    #[test]
    fn what_was_lost_is_made_good_by_a_sweep((told, way) in any_way(), heard in 0..6_usize) {
        let house = House::of(&scope());
        let first = way.iter().take(heard).map(|place| &told[*place]);
        let mut swept = Ledger::after(&house, &first.chain(&told).collect::<Vec<_>>());
        prop_assert_eq!((even(swept.sums.clone()), even(swept.sold.clone())), expected(&told));
        for version in &told {
            let before = swept.clone();
            let news = swept.hear(&house, version);
            prop_assert!(matches!(news, News::Repeated | News::Stale), "{:?}", news);
            prop_assert_eq!((before.state, before.sums), (swept.state.clone(), swept.sums.clone()));
        }
    }

    #[test]
    fn what_the_state_says_is_what_is_held((told, way) in any_way()) {
        let house = House::of(&scope());
        let mut ledger = Ledger::default();
        for place in way {
            ledger.hear(&house, &told[place]);
            let state = ledger.state.as_ref().unwrap();
            let mut targets = Sums::new();
            for line in state.lines.keys() {
                for part in state.target(line) {
                    add(&mut targets, (line.clone(), part.item.clone(), part.bucket), part.units.get());
                }
            }
            prop_assert_eq!(even(targets), even(ledger.sums.clone()));
        }
    }
}
