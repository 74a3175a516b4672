//! What it takes to plan 5,000 records: read, resolved to people, judged by six rules, filled in
//! and frozen in batches of 500, each durable.
//!
//! `cargo bench -p benches --bench planning`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::time::{Duration, Instant};

use benches::inputs::{self, Accepting};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::Sqlite;
use tokio::runtime::Runtime;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore};
use whatsapp_dispatch::recipients::{Csv, Recipients};

const RECORDS: usize = 5_000;
/// Plans on one store, before it is thrown away.
const PLANS: u64 = 20;

/// Plans a campaign of its own `times` times; the time that planning took.
async fn plan<R: Recipients>(store: &impl DispatchStore, times: u64, source: impl Fn() -> R) -> Duration {
    let dispatch = Dispatch::builder(store, Accepting)
        .tenants(inputs::tenants(u64::MAX))
        .rules(inputs::rules(inputs::never_quiet()))
        .build()
        .unwrap();
    let mut took = Duration::ZERO;
    for time in 0..times {
        let (campaign, source) = (inputs::campaign(&format!("plan {time}")), source());
        let started = Instant::now();
        let plan = dispatch.plan(campaign, source).await.unwrap();
        took += started.elapsed();
        assert_eq!(plan.progress().planned(), RECORDS as u64);
    }
    took
}

async fn on_memory<R: Recipients>(times: u64, source: impl Fn() -> R) -> Duration {
    let mut took = Duration::ZERO;
    for first in (0..times).step_by(PLANS as usize) {
        took += plan(&Memory::new(), PLANS.min(times - first), &source).await;
    }
    took
}

async fn on_sqlite<R: Recipients>(times: u64, source: impl Fn() -> R) -> Duration {
    let mut took = Duration::ZERO;
    for first in (0..times).step_by(PLANS as usize) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("planning.db")).await.unwrap();
        took += plan(&store, PLANS.min(times - first), &source).await;
    }
    took
}

fn planning(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.csv");
    inputs::write_csv(&file, 0..RECORDS).unwrap();
    let (listed, csv) = (inputs::people(RECORDS), || Csv::open(&file).unwrap());

    let mut group = criterion.benchmark_group("planning");
    group
        .throughput(Throughput::Elements(RECORDS as u64))
        .sample_size(10)
        .measurement_time(Duration::from_secs(5));
    group.bench_function("memory/listed", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(on_memory(times, || listed.clone())));
    });
    group.bench_function("memory/csv", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(on_memory(times, csv)));
    });
    group.bench_function("sqlite/listed", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(on_sqlite(times, || listed.clone())));
    });
    group.bench_function("sqlite/csv", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(on_sqlite(times, csv)));
    });
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
