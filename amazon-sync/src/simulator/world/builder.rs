//! Setting a world up.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, Fault};

use super::super::account::AmazonAccount;
use super::super::amazon::{Amazon, AmazonShelf, Demand, Entry, Listing, MERCHANT};
use super::super::behaviour::Behaviour;
use super::super::draw::Draw;
use super::super::faults::Faults;
use super::super::plan::UsagePlan;
use super::incident::{Incident, Kind, Meddling, Script, refresh_token};
use super::listing_plan::ListingPlan;
use super::shelf::RealShelf;
use super::shop::{Shop, ShopSees};
use super::{Tally, World};
use crate::ledger::Cause;
use crate::seller::{MarketplaceId, SellerError};
use crate::sku::{Asin, ItemCode, Sku, SkuError};

/// A world that has not been made.
#[derive(Debug)]
#[must_use = "nothing is there before build()"]
pub struct WorldBuilder {
    begins_at: DateTime<Utc>,
    seed: u64,
    behaviour: Behaviour,
    faults: Faults,
    plan: UsagePlan,
    sellers: BTreeMap<AmazonAccount, Vec<String>>,
    listings: Vec<(AmazonAccount, ListingPlan)>,
    items: Vec<(ItemCode, u32)>,
    shop: Vec<(ItemCode, f64)>,
    shop_sees: ShopSees,
    incidents: Vec<(DateTime<Utc>, Incident)>,
    meddling: Vec<Meddling>,
    gives_up_after: Duration,
    records: bool,
    subscribes: bool,
}

impl WorldBuilder {
    pub(super) fn new(begins_at: DateTime<Utc>) -> Self {
        Self {
            begins_at,
            seed: 1,
            behaviour: Behaviour::default(),
            faults: Faults::mild(),
            plan: UsagePlan::published(),
            sellers: BTreeMap::new(),
            listings: Vec::new(),
            items: Vec::new(),
            shop: Vec::new(),
            shop_sees: ShopSees::default(),
            incidents: Vec::new(),
            meddling: Vec::new(),
            gives_up_after: Duration::from_hours(4),
            records: false,
            subscribes: false,
        }
    }

    /// What decides everything that is left to chance. Default: 1.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How Amazon behaves when all is well. Default: [`Behaviour::default`].
    pub fn behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// How often things go wrong. Default: [`Faults::mild`].
    pub fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// What may be called how often. Default: [`UsagePlan::published`].
    pub fn usage_plan(self, plan: UsagePlan) -> Self {
        Self { plan, ..self }
    }

    /// A seller with its marketplaces, who has authorised the application.
    pub fn seller(
        mut self,
        account: &AmazonAccount,
        marketplaces: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let marketplaces = marketplaces.into_iter().map(Into::into).collect();
        self.sellers.insert(account.clone(), marketplaces);
        self
    }

    /// A listing of a seller.
    pub fn listing(mut self, account: &AmazonAccount, listing: ListingPlan) -> Self {
        self.listings.push((account.clone(), listing));
        self
    }

    /// An item of which so many lie on the merchant's shelf.
    pub fn item(mut self, item: ItemCode, on_hand: u32) -> Self {
        self.items.push((item, on_hand));
        self
    }

    /// So many buyers an hour come to the merchant's own shop for the item, each for one.
    pub fn shop_wants(mut self, item: ItemCode, per_hour: f64) -> Self {
        self.shop.push((item, per_hour));
        self
    }

    /// What the shop knows of Amazon's orders. Default: [`ShopSees::Shelf`].
    pub fn shop_sees(self, shop_sees: ShopSees) -> Self {
        Self { shop_sees, ..self }
    }

    /// Makes something happen at an instant.
    pub fn at(mut self, at: DateTime<Utc>, incident: Incident) -> Self {
        self.incidents.push((at, incident));
        self
    }

    /// Somebody else writes numbers into the merchant's listings, so often an hour.
    pub fn foreign_writes(mut self, per_hour: f64) -> Self {
        self.meddling.push(Meddling { per_hour, kind: Kind::ForeignWrite });
        self
    }

    /// Somebody else hands listings over to Amazon's shipping, so often an hour.
    pub fn flips(mut self, per_hour: f64) -> Self {
        self.meddling.push(Meddling { per_hour, kind: Kind::Flip });
        self
    }

    /// After so long the merchant cancels units that it cannot ship. Default: 4 hours.
    pub fn gives_up_after(self, duration: Duration) -> Self {
        Self { gives_up_after: duration, ..self }
    }

    /// Keeps what happens until [`World::take_happenings`] asks for it.
    pub fn record(self) -> Self {
        Self { records: true, ..self }
    }

    /// Has notifications sent. [`Simulator::deliver_notices_to`](crate::simulator::Simulator::deliver_notices_to) does so too.
    pub fn subscribe(self) -> Self {
        Self { subscribes: true, ..self }
    }

    /// The world.
    ///
    /// # Errors
    /// [`WorldError`] when something in it has no valid name, or a listing no seller.
    pub fn build(self) -> Result<World, WorldError> {
        let mut amazon = Amazon::new(self.seed, self.plan, self.begins_at);
        amazon.behaviour = self.behaviour;
        amazon.faults = self.faults;
        if self.subscribes {
            amazon.subscribe();
        }
        for (account, marketplaces) in self.sellers {
            let marketplaces: Result<Vec<_>, _> =
                marketplaces.iter().map(|marketplace| MarketplaceId::parse(marketplace)).collect();
            amazon.tokens.authorise(refresh_token(&account), account.clone());
            amazon.add_seller(account, marketplaces?);
        }
        let mut world = World {
            amazon,
            shelf: RealShelf::default(),
            shop: Shop::new(self.seed, self.shop_sees),
            script: Script::new(self.gives_up_after),
            tally: Tally::default(),
            record: self.records.then(Vec::new),
        };
        for (item, on_hand) in self.items {
            world.stock(item, on_hand);
        }
        for (account, listing) in self.listings {
            world.list(&account, listing)?;
        }
        for (item, per_hour) in self.shop {
            world.shop.want(item, per_hour, self.begins_at);
        }
        for (at, incident) in self.incidents {
            world.script.plan(at, incident);
        }
        for meddling in self.meddling {
            world.script.meddle(meddling, self.seed, self.begins_at, 1);
        }
        Ok(world)
    }
}

impl World {
    fn stock(&mut self, item: ItemCode, on_hand: u32) {
        let at = self.now();
        self.shelf.put(item.clone(), on_hand);
        self.shop.note(at, item, on_hand.into(), Cause::Received);
    }

    fn list(&mut self, account: &AmazonAccount, plan: ListingPlan) -> Result<(), WorldError> {
        let at = self.now();
        let unknown = || WorldError::NoSeller { account: account.to_string() };
        let marketplaces = self.amazon.seller(account).ok_or_else(unknown)?.marketplaces.clone();
        let code = plan.channel.as_ref().map_or(account.amazon_channel(), |_| MERCHANT).to_owned();
        let is_merchant = plan.channel.is_some();
        let asin = plan.asin.map_or_else(|| asin(self.amazon.seed, &plan.sku), Ok)?;
        if is_merchant {
            let parts = if plan.made_of.is_empty() {
                let item = ItemCode::parse(plan.sku.as_str())?;
                if self.shelf.pile(&item).is_none() {
                    self.stock(item.clone(), plan.quantity);
                }
                vec![(item, 1)]
            } else {
                plan.made_of
            };
            self.shelf.makes(account.clone(), plan.sku.clone(), parts);
        }
        let stored = Entry {
            code: code.clone(),
            quantity: is_merchant.then_some(plan.quantity),
            lead_time_days: plan.lead_time_days,
        };
        let shown = is_merchant.then(|| (code.clone(), plan.quantity));
        let on_amazon = AmazonShelf { code, fulfillable: plan.quantity, reserved: 0 };
        let listing = Listing::new(plan.sku.clone(), asin, at)
            .called(plan.title, plan.product_type, marketplaces)
            .holding(stored, shown, (!is_merchant).then_some(on_amazon));
        self.amazon.add_listing(account, listing);
        let demand = Demand { per_hour: plan.per_hour, most_units: plan.most_units };
        self.amazon.want(account, &plan.sku, demand);
        Ok(())
    }
}

fn asin(seed: u64, sku: &Sku) -> Result<Asin, SkuError> {
    let mut draw = Draw::new(seed, &["asin", sku.as_str()], 0);
    let letters = (0..8).map(|_| {
        let digit = u32::try_from(draw.between(0, 35)).unwrap_or(0);
        char::from_digit(digit, 36).unwrap_or('0').to_ascii_uppercase()
    });
    Asin::parse(&format!("B0{}", letters.collect::<String>()))
}

/// Why a world cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// A marketplace has no valid name.
    #[error("reading the name of a marketplace")]
    Seller(#[from] SellerError),
    /// An item has no valid name.
    #[error("naming an item after its listing; say what the listing is made of")]
    Item(#[from] SkuError),
    /// A row of a file cannot be read.
    #[error("line {line}: {reason}")]
    Row {
        /// The line; the header is line 1.
        line: u64,
        /// What is wrong, and in which column.
        reason: String,
    },
    /// A listing belongs to nobody.
    #[error("no seller {account} was added; add it before its listings")]
    NoSeller {
        /// Whose it should be.
        account: String,
    },
}

impl Classify for WorldError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
