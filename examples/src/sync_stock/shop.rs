//! A shop from three files: what listings are made of, what lies on the shelf, who wants what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use amazon_sync::simulator::{
    AmazonAccount, Behaviour, Faults, Incident, Life, ListingPlan, Span, World, WorldBuilder,
};
use amazon_sync::sku::{ItemCode, Sku};
use amazon_sync::sku_map::{ListingId, Recipe, SkuMap};
use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::Options;
use super::rows::{Row, read};

/// The shop's marketplace.
pub(super) const MARKETPLACE: &str = "A1PA6795UKMFR9";

pub(super) struct Shop {
    pub(super) map: SkuMap,
    pub(super) world: World,
}

/// What a row of the shelf says.
struct Pile {
    item: ItemCode,
    on_hand: u32,
    shop_per_hour: f64,
}

impl Pile {
    fn of(row: &Row<'_>) -> Result<Self, String> {
        Ok(Self {
            item: ItemCode::parse(row.text("item")).map_err(|error| error.to_string())?,
            on_hand: row.units("on_hand")?.ok_or("on_hand is empty; write 0 when there are none")?,
            shop_per_hour: row.per_hour("shop_per_hour")?,
        })
    }
}

/// What a row of the demand says.
struct Wanted {
    per_hour: f64,
    most_units: u32,
    on_amazons_shelf: u32,
}

impl Wanted {
    fn of(row: &Row<'_>) -> Result<(Sku, Self), String> {
        let sku = Sku::parse(row.text("sku")).map_err(|error| error.to_string())?;
        let wanted = Self {
            per_hour: row.per_hour("per_hour")?,
            most_units: row.units("most_units")?.unwrap_or(1).max(1),
            on_amazons_shelf: row.units("on_amazons_shelf")?.unwrap_or(0),
        };
        Ok((sku, wanted))
    }
}

/// The SKU map of the options.
pub(super) fn sku_map(options: &Options) -> anyhow::Result<SkuMap> {
    let path = path_of(options.skus.as_ref(), "skus.csv");
    let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
    SkuMap::from_csv(file).with_context(|| format!("the SKU map {}", path.display()))
}

impl Shop {
    /// Reads the files and builds a world that begins at an instant.
    pub(super) fn read(
        options: &Options,
        account: &AmazonAccount,
        begins_at: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let map = sku_map(options)?;
        let path = path_of(options.shelf.as_ref(), "shelf.csv");
        let shelf: Vec<Pile> = read(&path, &["item", "on_hand"], &["shop_per_hour"], Pile::of)?;
        let on_hand: BTreeMap<ItemCode, u32> =
            shelf.iter().map(|pile| (pile.item.clone(), pile.on_hand)).collect();
        let lacking: Vec<&ItemCode> =
            map.items().map(|(_, code)| code).filter(|code| !on_hand.contains_key(*code)).collect();
        if let Some(first) = lacking.first() {
            bail!(
                "{} has no row for {} of the items that the SKU map names, such as {first}; add them, with 0 on hand when there are none",
                path.display(),
                lacking.len()
            );
        }
        let path = path_of(options.demand.as_ref(), "demand.csv");
        let optional = ["most_units", "on_amazons_shelf"];
        let demand = read(&path, &["sku", "per_hour"], &optional, Wanted::of)?;
        let demand: BTreeMap<Sku, Wanted> = demand.into_iter().collect();
        let listed: BTreeSet<&Sku> = map.listings().map(|(_, listing)| listing.sku).collect();
        if let Some(stranger) = demand.keys().find(|sku| !listed.contains(sku)) {
            bail!(
                "{}: the SKU map does not have {stranger}; add it there, or remove its row",
                path.display()
            );
        }

        let mut world = World::builder(begins_at)
            .seed(options.seed)
            .behaviour(behaviour())
            .faults(Faults::mild())
            .gives_up_after(Duration::from_hours(1))
            .foreign_writes(1.0)
            .flips(0.05)
            .subscribe()
            .seller(account, [MARKETPLACE]);
        for (place, pile) in shelf.iter().enumerate() {
            world = world.item(pile.item.clone(), pile.on_hand);
            world = world.shop_wants(pile.item.clone(), pile.shop_per_hour);
            world = restocked(world, pile, place, begins_at);
        }
        for (id, listing) in map.listings() {
            let wanted = demand.get(listing.sku);
            let plan = listed_as(&map, id, listing.sku, wanted, &on_hand);
            world = world.listing(account, plan);
        }
        Ok(Self { world: world.build().context("making the simulated world")?, map })
    }
}

/// Every fifth item comes in again during the day.
fn restocked(world: WorldBuilder, pile: &Pile, place: usize, begins_at: DateTime<Utc>) -> WorldBuilder {
    let (turn, rest) = (place / 5, place % 5);
    if rest != 0 {
        return world;
    }
    let minutes = 60 + i64::try_from(turn % 18).unwrap_or(0) * 67;
    let by = i64::from(pile.on_hand / 2 + 5);
    world.at(begins_at + TimeDelta::minutes(minutes), Incident::Restock(pile.item.clone(), by))
}

/// Amazon as it is, in a hurry: what is ordered in the morning has left by the evening.
fn behaviour() -> Behaviour {
    let mut life = Life::default();
    life.payment = Span::seconds(30, 900);
    life.shipping = Span::seconds(1_800, 3 * 3_600);
    life.replaced = 0.0;
    let mut behaviour = Behaviour::default();
    behaviour.life = life;
    behaviour
}

fn listed_as(
    map: &SkuMap,
    id: ListingId,
    sku: &Sku,
    wanted: Option<&Wanted>,
    on_hand: &BTreeMap<ItemCode, u32>,
) -> ListingPlan {
    let is_amazons = map.mapped(id).is_some_and(|listing| listing.channel.is_amazon());
    let plan = if is_amazons {
        ListingPlan::amazon(sku.clone(), wanted.map_or(0, |wanted| wanted.on_amazons_shelf))
    } else {
        let parts = parts(map, map.recipe_of(id));
        let full =
            parts.iter().map(|(item, units)| on_hand.get(item).unwrap_or(&0) / units).min().unwrap_or(0);
        ListingPlan::merchant(sku.clone(), as_found(id, full)).made_of(parts).lead_time(2)
    };
    match wanted {
        Some(wanted) => plan.wanted(wanted.per_hour).up_to(wanted.most_units),
        None => plan,
    }
}

/// What a listing is made of, by the codes of its items.
pub(super) fn parts(map: &SkuMap, recipe: Option<Recipe<'_>>) -> Vec<(ItemCode, u32)> {
    let parts = recipe.iter().flat_map(Recipe::iter);
    parts.filter_map(|(item, units)| Some((map.item_code(item)?.clone(), units))).collect()
}

/// What Amazon shows before the synchroniser first runs: one number in twelve is what somebody once
/// typed.
const fn as_found(id: ListingId, full: u32) -> u32 {
    match id.index() % 24 {
        7 => full + 3,
        19 => full / 2,
        _ => full,
    }
}

fn path_of(given: Option<&PathBuf>, name: &str) -> PathBuf {
    given.cloned().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("data/shop").join(name))
}
