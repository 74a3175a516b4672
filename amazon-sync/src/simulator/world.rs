//! A world to be tested in: sellers on Amazon, a shelf, a shop of one's own, and what goes wrong.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::account::AmazonAccount;
use super::amazon::Amazon;
use super::happening::{Happening, What};
use crate::order::{OrderId, ShippedBy};
use crate::sku::{ItemCode, Sku};

mod builder;
mod files;
mod incident;
mod listing_plan;
mod shelf;
mod shop;

pub use builder::{WorldBuilder, WorldError};
pub use incident::Incident;
pub use listing_plan::ListingPlan;
pub use shop::{ShopMove, ShopSees};

use incident::Script;
pub(super) use incident::refresh_token;
use shelf::RealShelf;
use shop::Shop;

/// Amazon with its sellers, the merchant's real shelf, and the merchant's own shop, from an instant
/// on. Nothing happens in it but by the seed and by what it is asked.
///
/// ```
/// use amazon_sync::seller::Region;
/// use amazon_sync::simulator::{AmazonAccount, ListingPlan, World};
/// use amazon_sync::sku::Sku;
/// let seller = AmazonAccount::parse("A2NEXAMPLETF53", Region::NorthAmerica)?;
/// let mug = ListingPlan::merchant(Sku::parse("MUG")?, 20).wanted(6.0);
/// let mut world = World::builder("2026-01-05T09:00:00Z".parse()?)
///     .seed(7)
///     .seller(&seller, ["ATVPDKIKX0DER"])
///     .listing(&seller, mug)
///     .build()?;
/// world.advance("2026-01-06T09:00:00Z".parse()?);
/// assert_eq!(world.shown(&seller, &Sku::parse("MUG")?), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct World {
    pub(super) amazon: Amazon,
    shelf: RealShelf,
    shop: Shop,
    script: Script,
    tally: Tally,
    /// What happened, where somebody wants to know.
    record: Option<Vec<Happening>>,
}

/// Counts of what became of demand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) wanted: u64,
    pub(super) sold: u64,
    pub(super) sold_by_amazon: u64,
    pub(super) shipped: u64,
    pub(super) cancelled: u64,
    pub(super) oversold: u64,
    pub(super) shop_wanted: u64,
    pub(super) shop_sold: u64,
    pub(super) flipped: u64,
}

impl World {
    /// A world that begins at an instant.
    pub fn builder(begins_at: DateTime<Utc>) -> WorldBuilder {
        WorldBuilder::new(begins_at)
    }

    /// The instant that it is there.
    pub const fn now(&self) -> DateTime<Utc> {
        self.amazon.now()
    }

    /// When something happens next by itself.
    pub fn next_at(&self) -> Option<DateTime<Utc>> {
        [self.amazon.next_at(), self.shop.next_at(), self.script.next_at()].into_iter().flatten().min()
    }

    /// Lets everything happen that is due by an instant. Time never goes back.
    pub fn advance(&mut self, to: DateTime<Utc>) {
        while let Some(at) = self.next_at().filter(|at| *at <= to) {
            if self.script.next_at() == Some(at) {
                self.follow_script(at);
            } else if self.amazon.next_at() == Some(at) {
                self.amazon.step(at);
            } else {
                self.amazon.pass_to(at);
                self.shop_opens(at);
            }
            self.take_note();
        }
        self.amazon.pass_to(to);
    }

    /// What buyers see of a listing: the number of its channel, or what lies on Amazon's shelf.
    pub fn shown(&self, account: &AmazonAccount, sku: &Sku) -> Option<u32> {
        self.amazon.listing(account, sku).map(super::amazon::Listing::available)
    }

    /// What lies on the shelf, whoever it may be promised to, and how much of it is promised.
    pub fn on_shelf(&self, item: &ItemCode) -> Option<(u32, u32)> {
        self.shelf.pile(item).map(|pile| (pile.on_hand, pile.promised))
    }

    /// What happened since it was asked last, oldest first; nothing unless the world was built
    /// with [`WorldBuilder::record`].
    pub fn take_happenings(&mut self) -> Vec<Happening> {
        self.record.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Notifications that have come since it was asked last, as JSON envelopes, in order; nothing
    /// unless the world was built with [`WorldBuilder::subscribe`].
    pub fn take_notices(&mut self) -> Vec<Bytes> {
        self.amazon.take_notices()
    }

    /// Units of each listing that orders hold and have not cancelled, by account and SKU: what a
    /// ledger should have come to. Orders that Amazon ships are not among them.
    pub fn units_sold(&self) -> BTreeMap<(AmazonAccount, Sku), u64> {
        let mut units = BTreeMap::new();
        for account in self.amazon.accounts() {
            let orders = self.amazon.true_orders(account);
            for order in orders.filter(|order| order.shipped_by == ShippedBy::Merchant) {
                for line in &order.lines {
                    let kept = line.ordered.saturating_sub(line.cancelled);
                    *units.entry((account.clone(), line.sku.clone())).or_default() += u64::from(kept);
                }
            }
        }
        units
    }

    /// The names of all orders of an account.
    pub fn orders(&self, account: &AmazonAccount) -> Vec<OrderId> {
        self.amazon.true_orders(account).map(|order| order.id.clone()).collect()
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What just happened on Amazon is told to the shelf.
    pub(super) fn take_note(&mut self) {
        while let Some(happening) = self.amazon.next_happening() {
            self.note(&happening);
            if let Some(record) = &mut self.record {
                record.push(happening);
            }
        }
    }

    fn note(&mut self, happening: &Happening) {
        let account = &happening.account;
        match &happening.what {
            What::Wanted { wanted, taken, .. } => {
                // What was taken is counted with the order.
                self.tally.wanted += u64::from(wanted - taken);
            }
            What::Ordered { order, line, sku, units, shipped_by } => {
                let units_sold = u64::from(*units);
                self.tally.wanted += units_sold;
                if *shipped_by == ShippedBy::Amazon {
                    self.tally.sold_by_amazon += units_sold;
                    return;
                }
                self.tally.sold += units_sold;
                let short = self.shelf.promise(account, sku, order, line, *units);
                if 0 < short {
                    self.tally.oversold += u64::from(short);
                    self.amazon.mark_unshippable(account, order, line, short);
                    self.script.give_up_later(happening.at, account, order);
                }
            }
            What::Shipped { order, line, units, shipped_by: ShippedBy::Merchant, .. } => {
                self.tally.shipped += u64::from(*units);
                self.shelf.ship(account, order, line, *units);
            }
            What::Cancelled { order, line, units, unshippable, shipped_by: ShippedBy::Merchant, .. } => {
                self.tally.cancelled += u64::from(*units);
                self.shelf.release(account, order, line, units.saturating_sub(*unshippable));
            }
            What::Flipped { .. } => self.tally.flipped += 1,
            What::Shipped { .. } | What::Cancelled { .. } | What::Shown { .. } => {}
        }
    }
}
