//! What is to be booked for a line of an order: most lines come again and move nothing.
//!
//! `cargo bench -p benches --bench delta`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;

use amazon_sync::ledger::Bucket;
use amazon_sync::ledger::delta::delta;
use amazon_sync::quantity::Units;
use amazon_sync::sku::ItemCode;
use amazon_sync::sync_store::Part;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn parts(items: usize, bucket: Bucket, units: i64) -> Vec<Part> {
    let item = |n| ItemCode::parse(&format!("item-{n:07}")).unwrap();
    (0..items).map(|n| Part { item: item(n), bucket, units: Units::new(units) }).collect()
}

fn deltas(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("delta");
    group.throughput(Throughput::Elements(1));
    for items in [1, 5] {
        let committed = parts(items, Bucket::Committed, 2);
        let shipped = parts(items, Bucket::OnHand, -2);
        group.bench_function(format!("a line of {items}, again"), |bencher| {
            bencher.iter(|| delta(black_box(&committed), black_box(&committed)).unwrap());
        });
        group.bench_function(format!("a line of {items} that shipped"), |bencher| {
            bencher.iter(|| delta(black_box(&shipped), black_box(&committed)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, deltas);
criterion_main!(benches);
