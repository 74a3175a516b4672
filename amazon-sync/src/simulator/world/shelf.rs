//! The merchant's real shelf, which no interface shows.

use std::collections::BTreeMap;

use super::super::account::AmazonAccount;
use crate::order::{LineId, OrderId};
use crate::sku::{ItemCode, Sku};

/// Units of an item: what lies there, and how many of those are promised to orders on Amazon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Pile {
    pub(in super::super) on_hand: u32,
    pub(in super::super) promised: u32,
}

impl Pile {
    pub(super) const fn free(self) -> u32 {
        self.on_hand.saturating_sub(self.promised)
    }
}

type LineKey = (AmazonAccount, OrderId, LineId);

#[derive(Debug, Default)]
pub(super) struct RealShelf {
    piles: BTreeMap<ItemCode, Pile>,
    /// What a unit of each listing is made of.
    made_of: BTreeMap<(AmazonAccount, Sku), Vec<(ItemCode, u32)>>,
    /// What is promised to which line: the listing and units of it, in the order of promising.
    promises: BTreeMap<u64, (LineKey, Sku, u32)>,
    by_line: BTreeMap<LineKey, u64>,
    n_promises: u64,
}

/// A promise that cannot be kept any longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) account: AmazonAccount,
    pub(super) order: OrderId,
    pub(super) line: LineId,
    pub(super) units: u32,
}

impl RealShelf {
    pub(super) fn put(&mut self, item: ItemCode, units: u32) {
        let pile = self.piles.entry(item).or_default();
        pile.on_hand = pile.on_hand.saturating_add(units);
    }

    pub(super) fn pile(&self, item: &ItemCode) -> Option<Pile> {
        self.piles.get(item).copied()
    }

    pub(super) fn makes(&mut self, account: AmazonAccount, sku: Sku, parts: Vec<(ItemCode, u32)>) {
        self.made_of.insert((account, sku), parts);
    }

    /// Promises units of a listing to a line; says how many of them the shelf does not have.
    pub(super) fn promise(
        &mut self,
        account: &AmazonAccount,
        sku: &Sku,
        order: &OrderId,
        line: &LineId,
        units: u32,
    ) -> u32 {
        let Some(parts) = self.made_of.get(&(account.clone(), sku.clone())).cloned() else { return 0 };
        let free =
            |(item, per_unit): &(ItemCode, u32)| self.pile(item).map_or(0, Pile::free) / (*per_unit).max(1);
        let kept = parts.iter().map(free).min().unwrap_or(units).min(units);
        self.change(&parts, kept, |pile, by| pile.promised = pile.promised.saturating_add(by));
        if 0 < kept {
            self.n_promises += 1;
            let key = (account.clone(), order.clone(), line.clone());
            self.promises.insert(self.n_promises, (key.clone(), sku.clone(), kept));
            self.by_line.insert(key, self.n_promises);
        }
        units - kept
    }

    /// Units that were promised leave.
    pub(super) fn ship(&mut self, account: &AmazonAccount, order: &OrderId, line: &LineId, units: u32) {
        self.keep(account, order, line, units, |pile, by| {
            pile.promised = pile.promised.saturating_sub(by);
            pile.on_hand = pile.on_hand.saturating_sub(by);
        });
    }

    /// Units that were promised are free again.
    pub(super) fn release(&mut self, account: &AmazonAccount, order: &OrderId, line: &LineId, units: u32) {
        self.keep(account, order, line, units, |pile, by| pile.promised = pile.promised.saturating_sub(by));
    }

    fn keep(
        &mut self,
        account: &AmazonAccount,
        order: &OrderId,
        line: &LineId,
        units: u32,
        change: impl Fn(&mut Pile, u32),
    ) {
        let key = (account.clone(), order.clone(), line.clone());
        let Some(number) = self.by_line.get(&key).copied() else { return };
        let Some((_, sku, left)) = self.promises.get_mut(&number) else { return };
        let units = units.min(*left);
        *left -= units;
        let (sku, is_over) = (sku.clone(), *left == 0);
        if is_over {
            self.promises.remove(&number);
            self.by_line.remove(&key);
        }
        let parts = self.made_of.get(&(key.0, sku)).cloned().unwrap_or_default();
        self.change(&parts, units, change);
    }

    /// Units leave the shelf though they may be promised. The youngest promises that cannot be
    /// kept without them are broken.
    pub(super) fn take(&mut self, item: &ItemCode, units: u32) -> Vec<Broken> {
        let Some(pile) = self.piles.get_mut(item) else { return Vec::new() };
        pile.on_hand = pile.on_hand.saturating_sub(units);
        let mut broken = Vec::new();
        while self.pile(item).is_some_and(|pile| pile.on_hand < pile.promised) {
            let needs_it = |sku: &Sku, account: &AmazonAccount| {
                let parts = self.made_of.get(&(account.clone(), sku.clone()));
                parts.is_some_and(|parts| parts.iter().any(|(part, _)| part == item))
            };
            let youngest =
                self.promises.values().rev().find(|((account, ..), sku, _)| needs_it(sku, account));
            let Some(((account, order, line), ..)) = youngest.cloned() else { break };
            self.release(&account, &order, &line, 1);
            broken.push(Broken { account, order, line, units: 1 });
        }
        broken
    }

    fn change(&mut self, parts: &[(ItemCode, u32)], units: u32, change: impl Fn(&mut Pile, u32)) {
        for (item, per_unit) in parts {
            if let Some(pile) = self.piles.get_mut(item) {
                change(pile, units.saturating_mul(*per_unit));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seller::Region;

    fn names() -> (AmazonAccount, Sku, OrderId, LineId) {
        (
            AmazonAccount::parse("S1", Region::Europe).unwrap(),
            Sku::parse("SET").unwrap(),
            OrderId::parse("1").unwrap(),
            LineId::parse("100").unwrap(),
        )
    }

    fn item(code: &str) -> ItemCode {
        ItemCode::parse(code).unwrap()
    }

    fn shelf() -> RealShelf {
        let (account, sku, ..) = names();
        let mut shelf = RealShelf::default();
        shelf.put(item("cup"), 5);
        shelf.put(item("box"), 9);
        shelf.makes(account, sku, vec![(item("cup"), 2), (item("box"), 1)]);
        shelf
    }

    #[test]
    fn a_set_is_promised_as_far_as_all_its_parts_reach() {
        let (account, sku, order, line) = names();
        let mut shelf = shelf();
        assert_eq!(shelf.promise(&account, &sku, &order, &line, 3), 1);
        assert_eq!(shelf.pile(&item("cup")), Some(Pile { on_hand: 5, promised: 4 }));
        assert_eq!(shelf.pile(&item("box")), Some(Pile { on_hand: 9, promised: 2 }));
        shelf.ship(&account, &order, &line, 1);
        shelf.release(&account, &order, &line, 1);
        assert_eq!(shelf.pile(&item("cup")), Some(Pile { on_hand: 3, promised: 0 }));
        assert_eq!(shelf.pile(&item("box")), Some(Pile { on_hand: 8, promised: 0 }));
    }

    #[test]
    fn taking_what_was_promised_breaks_the_youngest_promise() {
        let (account, sku, order, line) = names();
        let mut shelf = shelf();
        let younger = LineId::parse("200").unwrap();
        assert_eq!(shelf.promise(&account, &sku, &order, &line, 1), 0);
        assert_eq!(shelf.promise(&account, &sku, &order, &younger, 1), 0);
        let broken = shelf.take(&item("cup"), 2);
        assert_eq!(broken, [Broken { account, order, line: younger, units: 1 }]);
        assert_eq!(shelf.pile(&item("cup")), Some(Pile { on_hand: 3, promised: 2 }));
    }
}
