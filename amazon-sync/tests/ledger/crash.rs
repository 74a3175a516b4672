//! A process that commits pages is killed again and again, and what is left is what the pages up to
//! the cursor say.
//!
//! 20 kills by default; `KILLS=200 cargo test -p amazon-sync --test ledger crash` for the long run.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use amazon_sync::host_stock::Count;
use amazon_sync::ledger::{Booked, Bucket, Cause, Movement, MovementKey, Position, Seq};
use amazon_sync::order::{LineId, OrderId, OrderStatus, OrderVersion, ShippedBy};
use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::sku::Sku;
use amazon_sync::sync_store::{
    Commit, Committed, CursorStep, Fence, History, Items, Lateness, LineTarget, Listings, OrderReport, Part,
    SyncStore,
};
use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::ChainKey;
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::Sqlite;
use rules_core::work::events::Entry;
use rules_core::work::outbox::Outbox;

use super::ports::{clock, scope};
use super::reports::{Sums, add, even, expected};
use super::told::{House, ITEMS, Version, at, item};

/// Names the file for the process that is killed. Its tests are this one.
const FILE: &str = "AMAZON_SYNC_CRASH_FILE";
const TEST: &str = "crash::what_is_left_after_a_kill_is_what_was_committed";

#[expect(clippy::disallowed_methods, reason = "a test takes its size, and its part, from outside")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Numbers that look random and repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn units(&mut self, most: u64) -> i64 {
        self.below(most).cast_signed()
    }
}

/// A version of an order that some page tells.
fn version(random: &mut Random) -> Version {
    let number = random.units(6);
    let line = |index: usize, open: i64, shipped: i64| {
        let part = |bucket, units| Part { item: item(index), bucket, units: Units::new(units) };
        LineTarget {
            line: LineId::parse(&index.to_string()).unwrap(),
            sku: Some(Sku::parse(ITEMS[index]).unwrap()),
            sold: Units::new(open + shipped),
            parts: Some(vec![part(Bucket::Committed, open), part(Bucket::OnHand, -shipped)]),
            shipped_parts: vec![part(Bucket::OnHand, -shipped)],
        }
    };
    Version {
        by: OrderVersion { updated_at: at(number), digest: random.below(1 << 31) },
        status: if random.below(6) == 0 { OrderStatus::Cancelled } else { OrderStatus::Unshipped },
        shipped_by: ShippedBy::Merchant,
        lines: (0..ITEMS.len()).map(|index| line(index, random.units(4), random.units(3))).collect(),
    }
}

/// The page of a revision: always the same one.
fn page(house: &House, revision: u64) -> Commit {
    let mut random = Random(revision);
    // Half of the orders are new ones, the others were told on pages before.
    let orders = (0..10).map(|order: u64| {
        let order = if order < 5 { revision * 5 + order } else { random.below(revision * 5 + 1) };
        house.report(order, &version(&mut random))
    });
    let orders = orders.collect();
    let count = Count {
        item: item(0),
        quantity: Quantity::new(random.units(500)).unwrap(),
        includes: Some(Seq(random.below(revision * 10 + 1))),
        at: at(revision.cast_signed()),
    };
    let movement = Movement {
        key: MovementKey(format!("receipt {}", random.below(revision + 1))),
        item: item(1),
        bucket: Bucket::OnHand,
        by: Units::new(random.units(20) + 1),
        cause: Cause::Received,
        at: at(revision.cast_signed()),
    };
    let entry = Entry {
        id: EntryId::of(&[&revision.to_be_bytes()]),
        chain: ChainKey::of(house.shelf.tenant()),
        at: at(0),
        kind: Code::known("test.committed"),
        body: format!(r#"{{"page":{revision}}}"#),
    };
    Commit {
        fence: Some(Fence { account: house.account.clone(), revision }),
        orders,
        movements: vec![movement],
        counts: vec![count],
        cursor: Some(CursorStep {
            closed_to: Some(at(revision.cast_signed())),
            open: None,
            lateness: Lateness::default(),
        }),
        evidence: vec![entry],
        ..Commit::default()
    }
}

async fn revision(store: &dyn SyncStore, house: &House) -> u64 {
    let cursors = store.cursors(&house.shelf, std::slice::from_ref(&house.account)).await.unwrap();
    cursors.accounts[0].revision
}

async fn commit(store: &dyn SyncStore, house: &House, revision: u64) {
    let done = store.commit(&house.shelf, &page(house, revision)).await.unwrap();
    assert!(matches!(done, Committed::Done(_)), "{done:?}");
}

/// Commits page after page and tells each, until it is killed.
async fn commit_until_killed(file: &Path, house: &House) {
    let store = Sqlite::open(file).await.unwrap();
    let mut next = revision(&store, house).await;
    loop {
        commit(&store, house, next).await;
        next += 1;
        let mut out = std::io::stdout().lock();
        writeln!(out, "committed {next}").unwrap();
        out.flush().unwrap();
    }
}

/// Lets a process commit for a while, kills it, and says how many pages it said were committed.
#[expect(clippy::disallowed_methods, reason = "a kill comes at no particular instant")]
fn kill_once(file: &Path, random: &mut Random) -> Option<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = lines.map_while(Result::ok).filter_map(|line| {
        let (_, number) = line.split_once("committed ")?;
        number.parse().ok()
    });
    let wanted = random.below(12);
    let last: Option<u64> = told.by_ref().take(usize::try_from(wanted).unwrap()).last();
    std::thread::sleep(Duration::from_micros(random.below(8_000)));
    child.kill().unwrap();
    let last = told.last().or(last);
    child.wait().unwrap();
    last
}

/// What is in the store, but for the instants at which it was booked.
async fn contents(store: &dyn SyncStore, house: &House) -> (Vec<String>, Vec<Booked>) {
    let shelf = &house.shelf;
    let accounts = std::slice::from_ref(&house.account);
    let items = store.positions(shelf, &Items::All { after: None, max: 99 }).await.unwrap();
    let dirty = store.positions(shelf, &Items::Dirty { max: 99 }).await.unwrap();
    let account = house.account.clone();
    let listings = store.listings(shelf, &Listings::All { account, after: None, max: 99 }).await.unwrap();
    let cursors = store.cursors(shelf, accounts).await.unwrap();
    let select = History { item: None, after: Seq(0), until: None, max: usize::MAX };
    let mut history = store.history(shelf, &select).await.unwrap();
    for booked in &mut history {
        booked.booked_at = at(0);
    }
    (
        vec![format!("{items:?}"), format!("{dirty:?}"), format!("{listings:?}"), format!("{cursors:?}")],
        history,
    )
}

/// What an order holds is what its reports on these pages say.
fn sums_are_targets(house: &House, pages: u64, history: &[Booked]) {
    let mut told: BTreeMap<OrderId, Vec<Version>> = BTreeMap::new();
    for report in (0..pages).flat_map(|number| page(house, number).orders) {
        let OrderReport { order, version, status, shipped_by, lines, .. } = report;
        told.entry(order).or_default().push(Version { by: version, status, shipped_by, lines });
    }
    let mut held: BTreeMap<OrderId, Sums> = BTreeMap::new();
    for Booked { movement, .. } in history {
        if let Cause::Order { order, line, .. } = &movement.cause {
            let place = (line.clone(), movement.item.clone(), movement.bucket);
            add(held.entry(order.clone()).or_default(), place, movement.by.get());
        }
    }
    for (order, versions) in told {
        let (target, _) = expected(&versions);
        assert_eq!(even(held.remove(&order).unwrap_or_default()), target, "{order}");
    }
}

async fn check(file: &Path, house: &House, told: u64) -> u64 {
    let store = Sqlite::open(file).await.unwrap();
    let pages = revision(&store, house).await;
    assert!(told <= pages, "{told} pages were said to be committed and {pages} are there");

    // The same pages, never interrupted.
    let calm = Memory::with(clock(), Arc::new(rules_core::work::ids::SeededIds::new(1)));
    for page in 0..pages {
        commit(&calm, house, page).await;
    }
    let (ours, theirs) = (contents(&store, house).await, contents(&calm, house).await);
    assert_eq!(ours.0, theirs.0, "after {pages} pages");
    assert_eq!(ours.1, theirs.1, "after {pages} pages");

    let mut sums = BTreeMap::<_, Position>::new();
    for (seq, booked) in (1..).map(Seq).zip(&ours.1) {
        assert_eq!(booked.seq, seq, "no number is missing");
        let sum = sums.entry(booked.movement.item.clone()).or_default();
        *sum = sum.after(booked.movement.bucket, booked.movement.by, seq).unwrap();
    }
    for record in store.positions(&house.shelf, &Items::All { after: None, max: 99 }).await.unwrap() {
        assert_eq!(Some(&record.position), sums.get(&record.item));
    }
    sums_are_targets(house, pages, &ours.1);
    let evidence = store.pending(usize::MAX).await.unwrap();
    assert_eq!(evidence.len() as u64, pages, "evidence is that of the pages");
    pages
}

#[test]
fn what_is_left_after_a_kill_is_what_was_committed() {
    let house = House::of(&scope());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    if let Some(file) = variable(FILE) {
        runtime.block_on(commit_until_killed(&PathBuf::from(file), &house));
    }
    let kills = variable("KILLS").map_or(20, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sync.db");
    let (mut random, mut told, mut pages) = (Random(7), 0, 0);
    for kill in 0..kills {
        told = kill_once(&file, &mut random).unwrap_or(told);
        // The end is looked at always, the way to it now and then.
        if kill % 5 == 4 || kill + 1 == kills {
            pages = runtime.block_on(check(&file, &house, told));
        }
    }
    println!("{kills} kills, {pages} pages");
    assert!(kills <= pages, "the process gets on between kills: {pages} pages in {kills} kills");
}
