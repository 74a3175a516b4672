//! What it costs to commit pages of 100 orders to the ledger: with new orders, with orders that
//! have shipped since, and with orders that are known already, as polling with an overlap brings
//! most of them. Each page also moves its cursor under its fence and puts out one entry of evidence.
//! On SQLite every page is on disk before the answer.
//!
//! `cargo bench -p benches --bench ledger`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_sync::ledger::Bucket;
use amazon_sync::order::{LineId, OrderId, OrderStatus, OrderVersion, ShippedBy};
use amazon_sync::quantity::Units;
use amazon_sync::seller::{Region, SellerAccount, SellerId, Shelf};
use amazon_sync::sku::{ItemCode, Sku};
use amazon_sync::sync_store::{
    Commit, Committed, Cursor, CursorStep, Fence, Lateness, LineTarget, OrderOutcome, OrderReport, Part,
    SyncStore,
};
use chrono::{DateTime, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::ChainKey;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::Sqlite;
use rules_core::work::events::Entry;
use rules_core::work::tenants::{FixedTenants, Tenants};
use tokio::runtime::Runtime;

const PAGE: u64 = 100;
/// SKUs of the shop, and as many items.
const SKUS: u64 = 2_000;

/// A shop whose pages are committed.
struct Shop {
    store: Arc<dyn SyncStore>,
    shelf: Shelf,
    account: SellerAccount,
    /// Pages of new orders so far.
    pages: u64,
    revision: u64,
}

impl Shop {
    async fn open(store: Arc<dyn SyncStore>) -> Self {
        let id = TenantId::parse("shop").unwrap();
        let scope =
            Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap();
        let account = SellerAccount::new(&scope, SellerId::parse("A2NEXAMPLETF53").unwrap(), Region::Europe);
        Self { store, shelf: Shelf::new(&scope, "main").unwrap(), account, pages: 0, revision: 0 }
    }

    /// Order `number`: every third has two lines, every fifth line is a bundle of two items.
    fn report(&self, number: u64, shipped: bool) -> OrderReport {
        let digest = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let lines = (0..=u64::from(number.is_multiple_of(3))).map(|line| {
            let place = digest.rotate_left(8 * u32::try_from(line).unwrap()) % SKUS;
            let (bucket, units) = if shipped { (Bucket::OnHand, -1) } else { (Bucket::Committed, 1) };
            let part = |item: u64| Part {
                item: ItemCode::parse(&format!("ITEM-{:05}", item % SKUS)).unwrap(),
                bucket,
                units: Units::new(units),
            };
            let parts: Vec<Part> =
                (0..=u64::from(place.is_multiple_of(5))).map(|more| part(place + more)).collect();
            LineTarget {
                line: LineId::parse(&format!("{:014}", digest % 100_000_000_000 + line)).unwrap(),
                sku: Some(Sku::parse(&format!("SKU-{place:05}")).unwrap()),
                sold: Units::new(1),
                shipped_parts: if shipped { parts.clone() } else { Vec::new() },
                parts: Some(parts),
            }
        });
        let seconds = i64::try_from(number).unwrap() + if shipped { 86_400 } else { 0 };
        OrderReport {
            account: self.account.clone(),
            order: OrderId::parse(&format!("902-{:07}-{number:07}", digest % 10_000_000)).unwrap(),
            version: OrderVersion { updated_at: instant(seconds), digest },
            status: if shipped { OrderStatus::Shipped } else { OrderStatus::Unshipped },
            shipped_by: ShippedBy::Merchant,
            lines: lines.collect(),
        }
    }

    /// The page of these orders.
    fn page(&self, number: u64, shipped: bool) -> Commit {
        let orders = (number * PAGE..(number + 1) * PAGE).map(|order| self.report(order, shipped));
        let closed_to = Some(instant(i64::try_from(self.revision).unwrap()));
        let entry = Entry {
            id: EntryId::of(&[&self.revision.to_be_bytes()]),
            chain: ChainKey::of(self.shelf.tenant()),
            at: instant(0),
            kind: Code::known("orders.committed"),
            body: format!(r#"{{"page":{number}}}"#),
        };
        Commit {
            fence: Some(Fence { account: self.account.clone(), revision: self.revision }),
            orders: orders.collect(),
            cursor: Some(CursorStep { closed_to, open: None, lateness: Lateness::default() }),
            evidence: vec![entry],
            ..Commit::default()
        }
    }

    /// Commits a page and says how long that took; making it is not counted.
    async fn commit(&mut self, number: u64, shipped: bool) -> (Duration, OrderOutcome) {
        let page = self.page(number, shipped);
        let started = Instant::now();
        let done = self.store.commit(&self.shelf, &page).await.unwrap();
        let took = started.elapsed();
        let Committed::Done(mut receipt) = done else { unreachable!("nobody else polls") };
        self.revision += 1;
        (took, receipt.orders.remove(0))
    }

    async fn new_page(&mut self) -> Duration {
        self.pages += 1;
        let (took, outcome) = self.commit(self.pages, false).await;
        assert!(matches!(outcome, OrderOutcome::Applied { first: true, .. }), "{outcome:?}");
        took
    }

    async fn shipped_page(&mut self) -> Duration {
        self.new_page().await;
        let (took, outcome) = self.commit(self.pages, true).await;
        assert!(matches!(outcome, OrderOutcome::Applied { first: false, .. }), "{outcome:?}");
        took
    }

    async fn known_page(&mut self) -> Duration {
        if self.pages == 0 {
            self.new_page().await;
        }
        let (took, outcome) = self.commit(self.pages, false).await;
        assert!(matches!(outcome, OrderOutcome::Repeated | OrderOutcome::Stale), "{outcome:?}");
        took
    }
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_613_600 + seconds, 0).unwrap()
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &Arc<dyn SyncStore>) {
    let mut shop = runtime.block_on(Shop::open(Arc::clone(store)));
    let cursors = store.cursors(&shop.shelf, std::slice::from_ref(&shop.account));
    assert_eq!(runtime.block_on(cursors).unwrap().accounts, [Cursor::default()]);
    let mut group = criterion.benchmark_group("ledger");
    group.throughput(Throughput::Elements(PAGE)).sample_size(20).measurement_time(Duration::from_secs(4));
    group.bench_function(format!("{name}/page of 100 new orders"), |bencher| {
        bencher.iter_custom(|pages| (0..pages).map(|_| runtime.block_on(shop.new_page())).sum::<Duration>());
    });
    group.bench_function(format!("{name}/page of 100 orders that shipped"), |bencher| {
        bencher
            .iter_custom(|pages| (0..pages).map(|_| runtime.block_on(shop.shipped_page())).sum::<Duration>());
    });
    group.bench_function(format!("{name}/page of 100 known orders"), |bencher| {
        bencher
            .iter_custom(|pages| (0..pages).map(|_| runtime.block_on(shop.known_page())).sum::<Duration>());
    });
    group.finish();
}

fn ledger(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let memory: Arc<dyn SyncStore> = Arc::new(Memory::new());
    measure(criterion, &runtime, "memory", &memory);
    let folder = tempfile::tempdir().unwrap();
    let sqlite = runtime.block_on(Sqlite::open(folder.path().join("ledger.db"))).unwrap();
    let sqlite: Arc<dyn SyncStore> = Arc::new(sqlite);
    measure(criterion, &runtime, "sqlite", &sqlite);
}

criterion_group!(benches, ledger);
criterion_main!(benches);
