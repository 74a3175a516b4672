//! The three-way merge of 1,000,000 listings: at most 20 ms. And reconciling two snapshots of
//! 1,000,000, the host's by items and Amazon's by listings, into decisions: at most a second.
//!
//! `cargo bench -p benches --bench merge`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::time::Duration;

use amazon_sync::available::{Available, StockPolicy};
use amazon_sync::drift::Drift;
use amazon_sync::merge::{
    Action, Context, Decision, Flight, Mapping, Pending, Row, Ships, Table, decide_all,
};
use amazon_sync::policy::DriftPolicy;
use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::sku_map::{ItemId, ListingId};
use benches::stock;
use chrono::{DateTime, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const LISTINGS: u32 = 1_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn context() -> Context {
    Context { now: now(), policy: DriftPolicy::default() }
}

/// A listing on which everybody agrees.
fn quiet(listing: ListingId) -> Row {
    let number = Some(stock::quantity(listing.index() % 50));
    Row {
        base: number,
        sold: Units::ZERO,
        sold_since_read: Units::ZERO,
        ours: number,
        theirs: number,
        declared: number,
        times: 2,
        absent: 0,
        mapping: Mapping::Known,
        ships: Ships::Merchant,
        is_covered: true,
        is_frozen: false,
        pending: None,
    }
}

/// Of a hundred listings on a busy day, one each has a change of ours, an unseen sale, a foreign
/// write, a number on its way, or is missing; ten sold something that both have counted.
fn busy(listing: ListingId) -> Row {
    let row = quiet(listing);
    let number = listing.index() % 50;
    match listing.index() % 100 {
        3 => Row { ours: Some(stock::quantity(number + 4)), ..row },
        11 => Row { base: Some(stock::quantity(number + 1)), is_covered: false, ..row },
        23 => Row { base: Some(stock::quantity(number + 7)), ours: Some(stock::quantity(number + 7)), ..row },
        37 => {
            let flight = Flight {
                quantity: stock::quantity(number + 2),
                sold: Units::ZERO,
                at: now() - Duration::from_secs(60),
                deadline: now() + Duration::from_secs(600),
                read_at: Some(now()),
                attempts: 1,
            };
            Row { ours: Some(flight.quantity), pending: Some(Pending::InFlight(flight)), ..row }
        }
        41 => Row { absent: 1, ..row },
        50..60 => Row { base: Some(stock::quantity(number + 1)), sold: Units::new(1), ..row },
        _ => row,
    }
}

fn table(row: impl Fn(ListingId) -> Row) -> Table {
    let mut table = Table::new(LISTINGS as usize);
    for listing in (0..LISTINGS).map(ListingId::new) {
        table.put(listing, &row(listing));
    }
    table
}

fn merging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge");
    group.measurement_time(Duration::from_secs(5)).sample_size(20);
    group.throughput(Throughput::Elements(u64::from(LISTINGS)));
    let mut decisions: Vec<Decision> = Vec::with_capacity(LISTINGS as usize);
    for (name, table) in [("1,000,000 in sync", table(quiet)), ("1,000,000 on a busy day", table(busy))] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| decide_all(black_box(&table), &context(), &mut decisions));
        });
    }
    let foreign = decisions.iter().filter(|decision| decision.class == Drift::ForeignWrite).count();
    assert_eq!(foreign, LISTINGS as usize / 100, "one of a hundred is a foreign write");
    group.finish();
}

/// The host's file says what lies free, in the order of its rows, and Amazon's report what is shown,
/// in another. Both are read and interned already.
fn reconciling(criterion: &mut Criterion) {
    let map = stock::sku_map(LISTINGS as usize);
    let items = u32::try_from(map.item_count()).unwrap();
    // 7,919 is prime, so each comes once.
    let host: Vec<(ItemId, Units)> = (0..items)
        .map(|n| ItemId::new((u64::from(n) * 7_919 % u64::from(items)) as u32))
        .map(|item| (item, stock::quantity(item.index() % 50).units()))
        .collect();
    let mut available = Available::new(map.clone(), &StockPolicy::default());
    let mut table = table(quiet);
    let amazon: Vec<(ListingId, Quantity)> = (0..LISTINGS)
        .map(|n| ListingId::new((u64::from(n) * 7_919 % u64::from(LISTINGS)) as u32))
        .map(|listing| (listing, stock::quantity(listing.index() % 50)))
        .collect();
    let mut decisions = Vec::with_capacity(LISTINGS as usize);

    let mut group = criterion.benchmark_group("merge");
    group.measurement_time(Duration::from_secs(5)).sample_size(10);
    group.throughput(Throughput::Elements(u64::from(LISTINGS)));
    group.bench_function("two snapshots of 1,000,000 reconciled", |bencher| {
        bencher.iter(|| {
            for (item, free) in black_box(&host) {
                available.set(*item, *free, Quantity::ZERO);
            }
            available.all(table.ours_mut());
            table.take_in(black_box(&amazon).iter().copied(), true);
            decide_all(&table, &context(), &mut decisions);
            decisions.iter().filter(|decision| decision.action != Action::Nothing).count()
        });
    });
    assert_eq!(decisions.len(), LISTINGS as usize, "each listing is decided");
    group.finish();
}

criterion_group!(benches, merging, reconciling);
criterion_main!(benches);
