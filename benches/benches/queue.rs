//! What one record costs: into the queue, out of it in leases of 500, settled in groups of 64.
//!
//! `cargo bench -p benches --bench queue`; with `REDIS_URL=redis://127.0.0.1:6379` on that server,
//! too.
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rules_core::judge::id::{BatchId, LeaseToken};
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::store::sqlite::Sqlite;
use rules_core::work::ids::{Ids, RandomIds};
use rules_core::work::queue::{Allowance, LeaseRequest, Outcome, Parcel, Queue, Settlement};
use rules_core::work::tenants::{FixedTenants, Tenants};
use tokio::runtime::Runtime;

const BATCH: usize = 500;
const SETTLED_TOGETHER: usize = 64;
const ROUND: u64 = 100;

/// What is put into the queue: one batch for each lane.
struct Load {
    queue: Arc<dyn Queue>,
    lanes: Vec<Lane>,
    payload: usize,
}

impl Load {
    async fn new(queue: Arc<dyn Queue>, tenants: usize, payload: usize) -> Self {
        let ids = (0..tenants).map(|number| TenantId::parse(&format!("tenant-{number}")).unwrap());
        let ids: Vec<TenantId> = ids.collect();
        let source = Tenants::new(FixedTenants::new(ids.iter().cloned().map(TenantRecord::new)));
        let mut lanes = Vec::new();
        for id in &ids {
            let scope = source.enter(id).await.unwrap();
            lanes.push(Lane::new(&Outlet::new(&scope, "number").unwrap(), "campaign").unwrap());
        }
        Self { queue, lanes, payload }
    }

    async fn enqueue(&self, batches: u64) {
        for (_, lane) in (0..batches).zip(self.lanes.iter().cycle()) {
            let records = vec![Bytes::from(vec![0xA5; self.payload]); BATCH];
            let parcel =
                Parcel { batch: BatchId::from(RandomIds.next()), lane: lane.clone(), due: None, records };
            self.queue.enqueue(&[parcel]).await.unwrap();
        }
    }

    async fn drain(&self, batches: u64) {
        for _ in 0..batches {
            let request = LeaseRequest {
                token: LeaseToken::from(RandomIds.next()),
                max: BATCH,
                ttl: Duration::from_mins(1),
                allowance: Allowance::Unlimited,
            };
            let lease = self.queue.lease(&request).await.unwrap();
            assert_eq!(lease.records.len(), BATCH);
            let done = |receipt| Settlement { receipt, outcome: Outcome::Done };
            let outcomes: Vec<_> = lease.records.iter().map(|record| done(record.receipt)).collect();
            let mut settled = Vec::new();
            for group in outcomes.chunks(SETTLED_TOGETHER) {
                // As a dispatcher does: several groups are on their way at a time.
                let (queue, token, group) = (Arc::clone(&self.queue), lease.token, group.to_vec());
                settled.push(tokio::spawn(async move { queue.settle(token, &group).await.unwrap() }));
            }
            for settled in settled {
                settled.await.unwrap();
            }
        }
    }
}

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Time spent on enqueueing and on draining, `ROUND` batches at a time.
async fn run(load: &Load, batches: u64) -> (Duration, Duration) {
    let (mut enqueueing, mut draining) = (Duration::ZERO, Duration::ZERO);
    let mut left = batches;
    while 0 < left {
        let round = left.min(ROUND);
        let started = Instant::now();
        load.enqueue(round).await;
        let enqueued = Instant::now();
        load.drain(round).await;
        enqueueing += enqueued - started;
        draining += enqueued.elapsed();
        left -= round;
    }
    (enqueueing, draining)
}

fn measure(group: &mut Group<'_>, runtime: &Runtime, name: &str, load: &Load) {
    let parameter = format!("{} tenants, {} bytes", load.lanes.len(), load.payload);
    group.bench_function(BenchmarkId::new(format!("{name}/enqueue"), &parameter), |bencher| {
        bencher.iter_custom(|batches| runtime.block_on(run(load, batches)).0);
    });
    group.bench_function(BenchmarkId::new(format!("{name}/lease and settle"), &parameter), |bencher| {
        bencher.iter_custom(|batches| runtime.block_on(run(load, batches)).1);
    });
}

fn queue(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let server = std::env::var("REDIS_URL").ok();
    if server.is_none() {
        println!("REDIS_URL is not set: nothing is measured on Redis");
    }
    let mut group = criterion.benchmark_group("queue");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(10)
        .measurement_time(Duration::from_secs(3));
    for (tenants, payload) in [(1, 32), (1, 291), (50, 32)] {
        let load = runtime.block_on(Load::new(Arc::new(Memory::new()), tenants, payload));
        measure(&mut group, &runtime, "memory", &load);
        let dir = tempfile::tempdir().unwrap();
        let sqlite = runtime.block_on(Sqlite::open(dir.path().join("queue.db"))).unwrap();
        let load = runtime.block_on(Load::new(Arc::new(sqlite), tenants, payload));
        measure(&mut group, &runtime, "sqlite", &load);
        if let Some(url) = &server {
            let config = RedisConfig::parse(url).unwrap().accepting(Guarantee::Nothing);
            let config = config.named(&format!("bench-{}", RandomIds.next().simple()));
            let redis = runtime.block_on(Redis::connect(config)).unwrap();
            let name = format!("redis, {}", redis.promises().as_str());
            let load = runtime.block_on(Load::new(Arc::new(redis), tenants, payload));
            measure(&mut group, &runtime, &name, &load);
        }
    }
    group.finish();
}

criterion_group!(benches, queue);
criterion_main!(benches);
