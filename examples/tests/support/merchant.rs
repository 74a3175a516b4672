//! A small merchant on a simulated Amazon behind HTTP, as `sync-stock --live` meets it.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use amazon_sync::seller::Region;
use amazon_sync::simulator::{
    AmazonAccount, CancelledBy, Faults, Incident, ListingPlan, ScriptedOrder, Simulator, Step, World,
    WorldBuilder,
};
use amazon_sync::sku::{ItemCode, Sku};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use secrecy::ExposeSecret;

pub(crate) const MARKETPLACE: &str = "A1PA6795UKMFR9";

/// Everything that the program reads from its environment.
pub(crate) const VARIABLES: [&str; 8] = [
    "AMAZON_CLIENT_ID",
    "AMAZON_CLIENT_SECRET",
    "AMAZON_REFRESH_TOKEN",
    "AMAZON_SELLER_ID",
    "AMAZON_MARKETPLACES",
    "AMAZON_REGION",
    "AMAZON_ENDPOINT",
    "AMAZON_ENDPOINT_CLOCK",
];

pub(crate) const SKUS: &str = "\
sku,channel,kind,of,units
MUG,DEFAULT,item,mug,
CUP,DEFAULT,item,cup,
PEN,DEFAULT,item,pen,
MUG-6,DEFAULT,pack,MUG,6
GIFT,DEFAULT,bundle,MUG,1
GIFT,,bundle,PEN,2
MUG-FBA,AMAZON_EU,alias,MUG,
";

pub(crate) const SHELF: &str = "item,on_hand\nmug,200\ncup,200\npen,200\n";

pub(crate) fn seller() -> AmazonAccount {
    AmazonAccount::parse("A2NEXAMPLETF53", Region::Europe).unwrap()
}

pub(crate) fn sku(name: &str) -> Sku {
    Sku::parse(name).unwrap()
}

pub(crate) fn item(code: &str) -> ItemCode {
    ItemCode::parse(code).unwrap()
}

/// The listings of [`SKUS`] over the shelf of [`SHELF`]. All show what is there, but MUG shows more.
pub(crate) fn world(begins_at: DateTime<Utc>, seed: u64) -> WorldBuilder {
    world_of(begins_at, seed, 200)
}

/// The same with so many of each item.
pub(crate) fn world_of(begins_at: DateTime<Utc>, seed: u64, each: u32) -> WorldBuilder {
    let of = |name: &str, shown: u32, parts: &[(&str, u32)]| {
        let parts = parts.iter().map(|(code, units)| (item(code), *units));
        ListingPlan::merchant(sku(name), shown).made_of(parts)
    };
    World::builder(begins_at)
        .seed(seed)
        .seller(&seller(), [MARKETPLACE])
        .item(item("mug"), each)
        .item(item("cup"), each)
        .item(item("pen"), each)
        .listing(&seller(), of("MUG", each + 10, &[("mug", 1)]))
        .listing(&seller(), of("CUP", each, &[("cup", 1)]))
        .listing(&seller(), of("PEN", each, &[("pen", 1)]))
        .listing(&seller(), of("MUG-6", each / 6, &[("mug", 6)]))
        .listing(&seller(), of("GIFT", each / 2, &[("mug", 1), ("pen", 2)]))
        .listing(&seller(), ListingPlan::amazon(sku("MUG-FBA"), 50))
        .faults(Faults::none())
}

/// A day of orders by a seed: paid, shipped, cancelled in part or whole, at instants of their own,
/// whatever the number is that Amazon shows. The shelf is never short.
pub(crate) fn busy_day(
    mut world: WorldBuilder,
    begins_at: DateTime<Utc>,
    seed: u64,
    orders: u64,
) -> WorldBuilder {
    let mut random = seed;
    let mut between = |least: u64, most: u64| least + next(&mut random) % (most - least + 1);
    for _ in 0..orders {
        let listings = ["MUG", "CUP", "PEN", "MUG-6", "GIFT", "MUG-FBA"];
        let name = listings[usize::try_from(between(0, 5)).unwrap()];
        let mut order = ScriptedOrder::of(sku(name), u32::try_from(between(1, 2)).unwrap());
        if between(0, 4) == 0 {
            order = order.and(sku("CUP"), 1);
        }
        let pay = Duration::from_secs(between(10, 1_200));
        let later = pay + Duration::from_secs(between(600, 3 * 3_600));
        order = match between(0, 9) {
            0 => order.then(pay, Step::Cancel(None, CancelledBy::Amazon)),
            1 => order.then(pay, Step::Pay).then(later, Step::Cancel(None, CancelledBy::Buyer)),
            2 => order.then(pay, Step::Pay).then(later, Step::Cancel(Some(1), CancelledBy::Merchant)),
            3 => order.then(pay, Step::Pay).then(later, Step::Ship(Some(1))),
            _ => order.then(pay, Step::Pay).then(later, Step::Ship(None)),
        };
        let at = begins_at + TimeDelta::seconds(between(60, 86_400).cast_signed());
        world = world.at(at, Incident::Place(seller(), order));
    }
    // Somebody else raises numbers now and then, and goods come in.
    for _ in 0..12 {
        let name = ["MUG", "CUP", "PEN", "GIFT"][usize::try_from(between(0, 3)).unwrap()];
        let at = begins_at + TimeDelta::seconds(between(3_600, 86_400).cast_signed());
        world = world.at(at, Incident::ForeignWrite(seller(), sku(name), 2_000));
        let code = ["mug", "cup", "pen"][usize::try_from(between(0, 2)).unwrap()];
        let at = begins_at + TimeDelta::seconds(between(3_600, 86_400).cast_signed());
        world = world.at(at, Incident::Restock(item(code), between(1, 30).cast_signed()));
    }
    world.shop_wants(item("mug"), 1.0).shop_wants(item("cup"), 0.5)
}

/// What the program is told of a simulator.
pub(crate) struct Merchant {
    pub(crate) variables: BTreeMap<&'static str, String>,
}

impl Merchant {
    /// The seller of a simulator whose clock shows `shown` at that instant of the machine's and runs
    /// so many times as fast.
    pub(crate) fn of(amazon: &Simulator, shown: DateTime<Utc>, since: DateTime<Utc>, factor: u32) -> Self {
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Nanos, true);
        let variables = [
            ("AMAZON_CLIENT_ID", amazon.client_id().to_owned()),
            ("AMAZON_CLIENT_SECRET", amazon.client_secret().expose_secret().to_owned()),
            ("AMAZON_REFRESH_TOKEN", amazon.refresh_token(&seller()).expose_secret().to_owned()),
            ("AMAZON_SELLER_ID", seller().seller().to_string()),
            ("AMAZON_MARKETPLACES", MARKETPLACE.to_owned()),
            ("AMAZON_ENDPOINT", amazon.url().to_owned()),
            ("AMAZON_ENDPOINT_CLOCK", format!("{} {factor} {}", instant(shown), instant(since))),
        ];
        Self { variables: variables.into() }
    }
}

/// The merchant's files, in a folder.
pub(crate) struct Files {
    pub(crate) skus: PathBuf,
    pub(crate) shelf: PathBuf,
    pub(crate) store: PathBuf,
}

pub(crate) fn files(folder: &Path) -> Files {
    let files = Files {
        skus: folder.join("skus.csv"),
        shelf: folder.join("shelf.csv"),
        store: folder.join("sync.db"),
    };
    std::fs::write(&files.skus, SKUS).unwrap();
    files.write_shelf(SHELF);
    files
}

impl Files {
    /// What `--live` needs of them: four arguments of files and two of the ledger.
    pub(crate) fn arguments(&self) -> [String; 6] {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        [
            "--skus",
            &path(&self.skus),
            "--shelf",
            &path(&self.shelf),
            "--store",
            &format!("sqlite:{}", path(&self.store)),
        ]
        .map(str::to_owned)
    }

    /// Nobody reads half of it.
    pub(crate) fn write_shelf(&self, text: &str) {
        let half = self.shelf.with_extension("half");
        std::fs::write(&half, text).unwrap();
        std::fs::rename(half, &self.shelf).unwrap();
    }
}

pub(crate) fn next(random: &mut u64) -> u64 {
    // SplitMix64: any sequence will do, and this one repeats.
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *random;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A program that does not outlive the test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed any more.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks a program to end, as whoever stops a service does.
pub(crate) fn stop(child: &Child) {
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
}
