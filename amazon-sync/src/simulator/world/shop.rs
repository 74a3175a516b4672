//! The merchant's own shop, which sells from the same shelf.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::super::draw::Draw;
use super::World;
use crate::ledger::Cause;
use crate::sku::ItemCode;

/// What the shop knows of the orders on Amazon when it sells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShopSees {
    /// All of them at once, as nobody can: then whatever is sold twice is the fault of the number
    /// that Amazon shows.
    #[default]
    Shelf,
    /// What [`World::tell_shop`] has told it.
    Told,
}

/// Something that moved in the merchant's own system: what it sold there, and what came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopMove {
    /// Its number, from 1.
    pub number: u64,
    /// When, by the world's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub item: ItemCode,
    /// How many; negative ones left.
    pub by: i64,
    /// Why.
    pub cause: Cause,
}

#[derive(Debug, Default)]
pub(super) struct Shop {
    seed: u64,
    pub(super) sees: ShopSees,
    per_hour: BTreeMap<ItemCode, f64>,
    agenda: BTreeSet<(DateTime<Utc>, ItemCode, u64)>,
    /// Units that the shop was told to keep for Amazon.
    told: BTreeMap<ItemCode, u32>,
    pub(super) moves: Vec<ShopMove>,
    /// What the merchant's own system says lies there: it knows nothing of Amazon.
    pub(super) counts: BTreeMap<ItemCode, i64>,
}

impl Shop {
    pub(super) fn new(seed: u64, knows: ShopSees) -> Self {
        Self { seed, sees: knows, ..Self::default() }
    }

    pub(super) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.agenda.first().map(|(at, ..)| *at)
    }

    pub(super) fn want(&mut self, item: ItemCode, per_hour: f64, from: DateTime<Utc>) {
        self.per_hour.insert(item.clone(), per_hour);
        self.next_buyer(item, from, 1);
    }

    pub(super) fn close(&mut self) {
        self.per_hour.clear();
        self.agenda.clear();
    }

    fn next_buyer(&mut self, item: ItemCode, from: DateTime<Utc>, nth: u64) {
        let per_hour = self.per_hour.get(&item).copied().unwrap_or_default();
        if 0.0 < per_hour {
            let gap = Draw::new(self.seed, &["shop", item.as_str()], nth).until_next(per_hour);
            self.agenda.insert((from.checked_add_signed(gap).unwrap_or(DateTime::<Utc>::MAX_UTC), item, nth));
        }
    }

    pub(super) fn note(&mut self, at: DateTime<Utc>, item: ItemCode, by: i64, cause: Cause) {
        *self.counts.entry(item.clone()).or_default() += by;
        let number = u64::try_from(self.moves.len()).unwrap_or(u64::MAX).saturating_add(1);
        self.moves.push(ShopMove { number, at, item, by, cause });
    }
}

impl World {
    /// The merchant's own system learns that so many units of an item belong to orders on Amazon
    /// that have not shipped. It matters with [`ShopSees::Told`].
    pub fn tell_shop(&mut self, item: &ItemCode, units: u32) {
        self.shop.told.insert(item.clone(), units);
    }

    /// What moved in the merchant's own system behind a number, oldest first.
    pub fn shop_moves(&self, after: u64, max: usize) -> Vec<ShopMove> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.shop.moves.iter().skip(after).take(max).cloned().collect()
    }

    /// How many moves there were.
    pub fn n_shop_moves(&self) -> u64 {
        u64::try_from(self.shop.moves.len()).unwrap_or(u64::MAX)
    }

    /// What the merchant's own system says lies there. It knows nothing of Amazon's orders.
    pub fn shop_count(&self, item: &ItemCode) -> Option<i64> {
        self.shop.counts.get(item).copied()
    }

    /// All items with what the merchant's own system says lies there, in the order of their codes.
    pub fn shop_counts(&self) -> Vec<(ItemCode, i64)> {
        self.shop.counts.iter().map(|(item, count)| (item.clone(), *count)).collect()
    }

    /// A buyer comes to the shop.
    pub(super) fn shop_opens(&mut self, until: DateTime<Utc>) {
        let is_due = self.shop.next_at().is_some_and(|at| at <= until);
        let Some((at, item, nth)) = is_due.then(|| self.shop.agenda.pop_first()).flatten() else { return };
        self.shop.next_buyer(item.clone(), at, nth + 1);
        self.tally.shop_wanted += 1;
        let Some(pile) = self.shelf.pile(&item) else { return };
        let free = match self.shop.sees {
            ShopSees::Shelf => pile.free(),
            ShopSees::Told => pile.on_hand.saturating_sub(self.shop.told.get(&item).copied().unwrap_or(0)),
        };
        if 0 < free {
            self.tally.shop_sold += 1;
            self.shop.note(at, item.clone(), -1, Cause::SoldElsewhere);
            self.take_from_shelf(at, &item, 1);
        }
    }

    /// Units leave the shelf; orders on Amazon that counted on them can no longer be shipped.
    pub(super) fn take_from_shelf(&mut self, at: DateTime<Utc>, item: &ItemCode, units: u32) {
        for broken in self.shelf.take(item, units) {
            self.tally.oversold += u64::from(broken.units);
            self.amazon.mark_unshippable(&broken.account, &broken.order, &broken.line, broken.units);
            self.script.give_up_later(at, &broken.account, &broken.order);
        }
    }
}
