//! A shop from three files: what listings are made of, what lies on the shelf, who wants what.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use amazon_sync::simulator::{
    AmazonAccount, Behaviour, Faults, Incident, Life, ListingPlan, Span, World, WorldBuilder,
};
use amazon_sync::sku::{ItemCode, Sku};
use amazon_sync::sku_map::{ListingId, Recipe, SkuMap};
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::Options;

/// The shop's marketplace.
pub(super) const MARKETPLACE: &str = "A1PA6795UKMFR9";

pub(super) struct Shop {
    pub(super) map: SkuMap,
    pub(super) world: World,
}

/// What a row of the shelf says.
#[derive(Deserialize)]
struct Pile {
    item: ItemCode,
    on_hand: u32,
    shop_per_hour: Option<f64>,
}

/// What a row of the demand says.
#[derive(Deserialize)]
struct Wanted {
    sku: Sku,
    per_hour: f64,
    most_units: Option<u32>,
    on_amazons_shelf: Option<u32>,
}

impl Shop {
    /// Reads the files and builds a world that begins at an instant.
    pub(super) fn read(
        options: &Options,
        account: &AmazonAccount,
        begins_at: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let path = path_of(options.skus.as_ref(), "skus.csv");
        let map =
            SkuMap::from_csv(open(&path)?).with_context(|| format!("the SKU map {}", path.display()))?;
        let shelf: Vec<Pile> = rows(&path_of(options.shelf.as_ref(), "shelf.csv"))?;
        let demand: Vec<Wanted> = rows(&path_of(options.demand.as_ref(), "demand.csv"))?;
        let on_hand = shelf.iter().map(|pile| (pile.item.clone(), pile.on_hand)).collect();

        let mut world = World::builder(begins_at)
            .seed(options.seed)
            .behaviour(behaviour())
            .faults(Faults::mild())
            .gives_up_after(Duration::from_hours(1))
            .foreign_writes(1.0)
            .flips(0.05)
            .subscribe()
            .seller(account, [MARKETPLACE]);
        for pile in &shelf {
            world = world.item(pile.item.clone(), pile.on_hand);
            if let Some(per_hour) = pile.shop_per_hour {
                world = world.shop_wants(pile.item.clone(), per_hour);
            }
        }
        for (place, pile) in shelf.iter().enumerate() {
            world = restocked(world, pile, place, begins_at);
        }
        for wanted in &demand {
            let listings = map.listings_of(&wanted.sku).map_err(|why| {
                anyhow::anyhow!(
                    "demand for {}: {why}; the SKU map and the demand belong together",
                    wanted.sku
                )
            })?;
            let listings: Vec<_> = listings.map(|(id, listing)| (id, listing.channel.is_amazon())).collect();
            for (id, is_amazon) in listings {
                let listing = listed(&map, wanted, id, is_amazon, &on_hand);
                world = world.listing(account, listing);
            }
        }
        Ok(Self { map, world: world.build().context("making the simulated world")? })
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

fn listed(
    map: &SkuMap,
    wanted: &Wanted,
    id: ListingId,
    is_amazon: bool,
    on_hand: &BTreeMap<ItemCode, u32>,
) -> ListingPlan {
    let plan = if is_amazon {
        ListingPlan::amazon(wanted.sku.clone(), wanted.on_amazons_shelf.unwrap_or(0))
    } else {
        let recipe = map.recipe_of(id);
        let parts: Vec<(ItemCode, u32)> = recipe
            .iter()
            .flat_map(Recipe::iter)
            .filter_map(|(item, units)| Some((map.item_code(item)?.clone(), units)))
            .collect();
        let full =
            parts.iter().map(|(item, units)| on_hand.get(item).unwrap_or(&0) / units).min().unwrap_or(0);
        ListingPlan::merchant(wanted.sku.clone(), as_found(id, full)).made_of(parts).lead_time(2)
    };
    plan.wanted(wanted.per_hour).up_to(wanted.most_units.unwrap_or(1))
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

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("opening {}", path.display()))
}

fn rows<T: for<'a> Deserialize<'a>>(path: &Path) -> anyhow::Result<Vec<T>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(open(path)?);
    let rows: Result<Vec<T>, csv::Error> = reader.deserialize().collect();
    rows.with_context(|| {
        format!(
            "reading {}; each row needs the columns of the file that comes with the program",
            path.display()
        )
    })
}
