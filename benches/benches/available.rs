//! What can ship of 1,000,000 listings over shared items, of those that one item is part of, and
//! how long a SKU map takes to read.
//!
//! `cargo bench -p benches --bench available`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::time::Duration;

use amazon_sync::available::{Available, Share, StockPolicy};
use amazon_sync::quantity::{Cell, Quantity, Units};
use amazon_sync::sku_map::{ItemId, SkuMap};
use benches::stock;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const LISTINGS: usize = 1_000_000;

fn available(criterion: &mut Criterion) {
    let map = stock::sku_map(LISTINGS);
    let mut cells = vec![Cell::NONE; LISTINGS];
    let mut group = criterion.benchmark_group("available");
    group.measurement_time(Duration::from_secs(5)).sample_size(20);
    let shared = StockPolicy {
        safety: stock::quantity(2),
        shares: [("DEFAULT".to_owned(), Share::new(0.8).unwrap())].into(),
        ..StockPolicy::default()
    };
    for (name, policy) in [("all of 1,000,000", StockPolicy::default()), ("the same with shares", shared)] {
        let mut available = Available::new(map.clone(), &policy);
        for (item, free) in map.items().map(|(item, _)| item).zip((0..50).cycle()) {
            available.set(item, Units::new(free), Quantity::ZERO);
        }
        group.throughput(Throughput::Elements(LISTINGS as u64));
        group.bench_function(name, |bencher| bencher.iter(|| available.all(black_box(&mut cells))));
    }

    let mut available = Available::new(map.clone(), &StockPolicy::default());
    let mut changed = Vec::new();
    let items = u32::try_from(map.item_count()).unwrap();
    let mut item = 0;
    group.throughput(Throughput::Elements(1));
    group.bench_function("an item moves, its listings follow", |bencher| {
        bencher.iter(|| {
            item = (item + 7_919) % items;
            let item = ItemId::new(item);
            available.set(item, Units::new(black_box(40)), Quantity::ZERO);
            available.some(map.uses(item), &mut changed);
            black_box(changed.len())
        });
    });
    group.finish();

    let csv = stock::sku_map_csv(100_000);
    let mut group = criterion.benchmark_group("sku_map");
    group.sample_size(10).throughput(Throughput::Elements(100_000));
    group.bench_function("read 100,000 listings", |bencher| {
        bencher.iter_batched(
            || csv.as_bytes(),
            |csv| SkuMap::from_csv(csv).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, available);
criterion_main!(benches);
