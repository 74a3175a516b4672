//! The three-way merge of 1,000,000 listings: at most 20 ms. And reconciling two snapshots of
//! 1,000,000, the host's by items and Amazon's by listings, into decisions: at most a second.
//!
//! `cargo bench -p benches --bench merge`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::time::Duration;

use amazon_sync::available::{Available, StockPolicy};
use amazon_sync::drift::Drift;
use amazon_sync::merge::{Action, Decision, decide_all};
use amazon_sync::quantity::Quantity;
use benches::stock;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const LISTINGS: u32 = 1_000_000;

fn merging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge");
    group.measurement_time(Duration::from_secs(5)).sample_size(20);
    group.throughput(Throughput::Elements(u64::from(LISTINGS)));
    let mut decisions: Vec<Decision> = Vec::with_capacity(LISTINGS as usize);
    for (name, table) in [
        ("1,000,000 in sync", stock::table(LISTINGS, stock::quiet)),
        ("1,000,000 on a busy day", stock::table(LISTINGS, stock::busy)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| decide_all(black_box(&table), &stock::context(), &mut decisions));
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
    let host = stock::of_the_host(items);
    let mut available = Available::new(map.clone(), &StockPolicy::default());
    let mut table = stock::table(LISTINGS, stock::quiet);
    let amazon = stock::of_amazon(LISTINGS);
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
            decide_all(&table, &stock::context(), &mut decisions);
            decisions.iter().filter(|decision| decision.action != Action::Nothing).count()
        });
    });
    assert_eq!(decisions.len(), LISTINGS as usize, "each listing is decided");
    group.finish();
}

criterion_group!(benches, merging, reconciling);
criterion_main!(benches);
