//! Kills `sync-stock --live` with SIGKILL at random instants of a simulated day, again and again, while
//! Amazon and the merchant's shop live on in this process, and compares what is left with a day on which
//! nobody was killed.
//!
//! 15 kills by default; `SYNC_KILLS=200 cargo test --release -p examples --test kill_sync` for the long
//! run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_sync::ledger::{Bucket, Cause, Seq};
use amazon_sync::seller::{SellerAccount, Shelf};
use amazon_sync::simulator::{Faults, Incident, Simulator};
use amazon_sync::sync::ONLY_TENANT;
use amazon_sync::sync_store::{History, Items, Listings, SyncStore};
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::sqlite::{Sqlite, SqliteConfig};
use rules_core::work::clock::{Clock, ScaledClock, SystemClock, after};
use rules_core::work::tenants::{FixedTenants, Tenants};
use tokio::runtime::Runtime;

#[path = "support/merchant.rs"]
mod merchant;

use merchant::{Files, Killed, Merchant, item, next, seller, sku};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Parcels leave and numbers settle for so long, at most so often. The last parcel leaves in the first
/// evening, so nothing depends on how many there are.
const EVENING: Duration = Duration::from_secs(4 * 3_600);
const EVENINGS: u32 = 12;
const ORDERS: u64 = 150;
const EACH: u32 = 1_000;
const ITEMS: [&str; 3] = ["mug", "cup", "pen"];
const LISTINGS: [&str; 5] = ["MUG", "CUP", "PEN", "MUG-6", "GIFT"];

/// Amazon, the merchant's shop and files, and the program that keeps them true.
struct House {
    runtime: Arc<Runtime>,
    amazon: Simulator,
    clock: Arc<ScaledClock>,
    merchant: Merchant,
    folder: tempfile::TempDir,
    files: Files,
    told: Vec<(amazon_sync::sku::ItemCode, i64)>,
}

/// What is left of a day.
#[derive(Debug, PartialEq, Eq)]
struct Rest {
    /// Orders on Amazon.
    orders: u64,
    /// On hand, reserved and committed of each item.
    positions: BTreeMap<String, [i64; 3]>,
    /// What the ledger moved for each order's line, by item and bucket: their targets.
    targets: BTreeMap<String, i64>,
    /// What buyers see.
    shown: BTreeMap<&'static str, u32>,
    /// Listings with a number that is not settled.
    open: Vec<String>,
}

impl House {
    fn new(runtime: &Arc<Runtime>, begins_at: DateTime<Utc>, seed: u64, factor: u32) -> Self {
        let world = merchant::world_of(begins_at, seed, EACH).faults(Faults::mild());
        let world = merchant::busy_day(world, begins_at, seed, ORDERS);
        let world = world.at(after(begins_at, DAY), Incident::Close).build().unwrap();
        let since = SystemClock.now();
        let clock = Arc::new(ScaledClock::starting_at(begins_at, factor));
        let builder = Simulator::builder(world).clock(Arc::<ScaledClock>::clone(&clock));
        let amazon = runtime.block_on(builder.start()).unwrap();
        let merchant = Merchant::of(&amazon, begins_at, since, factor);
        let folder = tempfile::tempdir().unwrap();
        let files = merchant::files(folder.path());
        let runtime = Arc::clone(runtime);
        let mut house = Self { runtime, amazon, clock, merchant, folder, files, told: Vec::new() };
        house.tell_stock();
        house
    }

    /// The merchant's own system writes its file when something has moved in it.
    fn tell_stock(&mut self) {
        let counts = self.amazon.world(|world| world.shop_counts());
        if counts != self.told {
            let mut text = "item,on_hand\n".to_owned();
            for (item, on_hand) in &counts {
                writeln!(text, "{item},{on_hand}").unwrap();
            }
            self.files.write_shelf(&text);
            self.told = counts;
        }
    }

    fn program(&self, task: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sync-stock"));
        command.arg("--live").args(task).args(self.files.arguments()).envs(&self.merchant.variables);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn start(&self) -> Killed {
        Killed(self.program(&["--publish"]).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Lets time pass in which the merchant's shop sells.
    fn pass(&mut self, until: DateTime<Utc>, child: &mut Child) {
        while self.clock.now() < until {
            self.tell_stock();
            std::thread::sleep(Duration::from_millis(5));
            assert_eq!(child.try_wait().unwrap(), None, "it ends only when it is killed or told to");
        }
    }

    /// A day with kills at random instants, and evenings until everything is settled.
    fn day(mut self, begins_at: DateTime<Utc>, kills: u64, seed: u64) -> Rest {
        let plan = self.folder.path().join("plan.tsv");
        let planned = self.program(&["--plan", plan.to_str().unwrap()]).output().unwrap();
        assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
        let mut random = seed;
        let mut instants: Vec<u64> = (0..kills).map(|_| next(&mut random) % DAY.as_secs()).collect();
        instants.sort_unstable();
        let mut killed = self.start();
        for instant in instants {
            self.pass(after(begins_at, Duration::from_secs(instant)), &mut killed.0);
            killed.0.kill().unwrap();
            killed.0.wait().unwrap();
            killed = self.start();
        }
        self.pass(after(begins_at, DAY), &mut killed.0);
        for _ in 0..EVENINGS {
            self.pass(after(self.clock.now(), EVENING), &mut killed.0);
            merchant::stop(&killed.0);
            assert!(killed.0.wait().unwrap().success(), "it ends well when it is told to");
            let rest = self.runtime.block_on(self.rest());
            if rest.open.is_empty() && rest.is_true(&self.amazon) {
                return rest;
            }
            killed = self.start();
        }
        drop(killed);
        let rest = self.runtime.block_on(self.rest());
        panic!("{EVENINGS} evenings are not enough: {rest:#?}\n{:#?}", truth(&self.amazon));
    }

    async fn rest(&self) -> Rest {
        let config = SqliteConfig::default().with_clock(Arc::<ScaledClock>::clone(&self.clock));
        let store = Sqlite::open_with(&self.files.store, config).await.unwrap();
        let tenant = TenantId::parse(ONLY_TENANT).unwrap();
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
        let scope = tenants.enter(&tenant).await.unwrap();
        let pool = Shelf::new(&scope, "main").unwrap();
        let account = SellerAccount::new(&scope, seller().seller().clone(), seller().region());
        let positions = store.positions(&pool, &Items::All { after: None, max: 100 }).await.unwrap();
        let listings = Listings::All { account, after: None, max: 100 };
        let listings = store.listings(&pool, &listings).await.unwrap();
        let mut targets = BTreeMap::new();
        let mut read = Seq::default();
        loop {
            let select = History { item: None, after: read, until: None, max: 500 };
            let page = store.history(&pool, &select).await.unwrap();
            let Some(last) = page.last() else { break };
            read = last.seq;
            for moved in page.into_iter().map(|booked| booked.movement) {
                if let Cause::Order { order, line, .. } = &moved.cause {
                    let line = format!("{order} {line} {} {}", moved.item, moved.bucket);
                    *targets.entry(line).or_insert(0) += moved.by.get();
                }
            }
        }
        targets.retain(|_, units| *units != 0);
        let world = |name: &&'static str| {
            (*name, self.amazon.world(|world| world.shown(&seller(), &sku(name))).unwrap())
        };
        Rest {
            orders: self.amazon.report().orders,
            positions: positions
                .iter()
                .map(|record| {
                    let of = |bucket: Bucket| record.position.of(bucket).get();
                    (record.item.to_string(), [Bucket::OnHand, Bucket::Reserved, Bucket::Committed].map(of))
                })
                .collect(),
            targets,
            shown: LISTINGS.iter().map(world).collect(),
            open: listings
                .iter()
                .filter(|record| record.intent.is_some() || record.frozen.is_some())
                .map(|record| format!("{record:?}"))
                .collect(),
        }
    }
}

/// On hand and promised on the real shelf, and what buyers should see.
fn truth(amazon: &Simulator) -> (BTreeMap<String, [i64; 2]>, BTreeMap<&'static str, u32>) {
    let free = |code: &str| {
        let (on_hand, promised) = amazon.world(|world| world.on_shelf(&item(code))).unwrap();
        (on_hand, promised, on_hand - promised)
    };
    let shelf = ITEMS.map(|code| {
        let (on_hand, promised, _) = free(code);
        (code.to_owned(), [i64::from(on_hand), i64::from(promised)])
    });
    let (mug, cup, pen) = (free("mug").2, free("cup").2, free("pen").2);
    let shown = [("MUG", mug), ("CUP", cup), ("PEN", pen), ("MUG-6", mug / 6), ("GIFT", mug.min(pen / 2))];
    (shelf.into(), shown.into())
}

impl Rest {
    /// True when the ledger is what lies on the shelf, and Amazon shows what can ship of that.
    fn is_true(&self, amazon: &Simulator) -> bool {
        let (there, shown) = truth(amazon);
        let ours = self
            .positions
            .iter()
            .map(|(item, [on_hand, reserved, committed])| (item.clone(), [*on_hand, reserved + committed]));
        ours.collect::<BTreeMap<_, _>>() == there && self.shown == shown
    }
}

#[test]
fn a_synchroniser_that_is_killed_again_and_again_ends_where_one_that_was_not_does() {
    let started = Instant::now();
    let kills = std::env::var("SYNC_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(15);
    // On average a process lives for half a second at least; its start takes a part of that.
    let seconds = (kills / 2).max(15);
    let factor = u32::try_from(DAY.as_secs() / seconds).unwrap();
    let runtime = Arc::new(Runtime::new().unwrap());
    // Two Amazons with one seed, whose days begin together.
    let begins_at = SystemClock.now();
    let houses = [0, kills].map(|kills| (House::new(&runtime, begins_at, 5, factor), kills));
    let [undisturbed, killed] = std::thread::scope(|scope| {
        let days = houses.map(|(house, kills)| scope.spawn(move || house.day(begins_at, kills, 9)));
        days.map(|day| day.join().unwrap())
    });
    println!(
        "{kills} kills in a day of {seconds} s, {:.0} s in all; {} orders, {} lines with a target, left {:?}, shown {:?}",
        started.elapsed().as_secs_f64(),
        killed.orders,
        killed.targets.len(),
        killed.positions,
        killed.shown
    );
    assert!(ORDERS <= undisturbed.orders, "{}", undisturbed.orders);
    assert_eq!(killed, undisturbed);
}
