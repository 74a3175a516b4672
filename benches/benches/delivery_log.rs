//! What one `begin` and one `record` cost when 128 tasks call at once, each with one message: the
//! hardest case, because the dispatcher asks for groups. On SQLite every answer is on disk; the
//! writer may put calls that wait into one transaction.
//!
//! At least 20,000 begins a second on SQLite: `cargo bench -p benches --bench delivery_log`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use benches::inputs::{self, Accepting};
use chrono::Utc;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules_core::judge::id::LeaseToken;
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::store::sqlite::Sqlite;
use rules_core::work::archive::MemoryArchive;
use rules_core::work::events::{ChainSecret, Segments};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use whatsapp_dispatch::delivery::DeliveryLog;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore};
use whatsapp_dispatch::fact::{Begin, Begun, Fact, Recorded, Subject, What};
use whatsapp_dispatch::gateway::Wamid;
use whatsapp_dispatch::message::{CampaignKey, MessageKey};

const TASKS: usize = 128;
/// Messages of one campaign at most; a longer measurement uses several.
const ROUND: u64 = 20_000;

/// Time spent on beginning and on recording.
#[derive(Clone, Copy, Default)]
struct Took {
    begin: Duration,
    record: Duration,
}

async fn begin(log: Arc<dyn DeliveryLog>, message: MessageKey) {
    let wish = Begin::new(message, LeaseToken::of(&[b"bench"]));
    assert_eq!(log.begin(&[wish]).await.unwrap(), [Begun::Attempt(1)]);
}

async fn record(log: Arc<dyn DeliveryLog>, message: MessageKey) {
    let wamid = Wamid::new(format!("wamid.HBgMOTE5ODc2NTQzMjEwFQIAERgS{:016X}AA==", message.record()));
    let fact = Fact { of: Subject::Attempt(message, 1), at: Utc::now(), what: What::Accepted { wamid } };
    assert_eq!(log.record(&[fact]).await.unwrap(), [Recorded::Applied]);
}

/// Makes one call for each message, from [`TASKS`] tasks.
async fn each<F>(
    log: &Arc<dyn DeliveryLog>,
    campaign: &CampaignKey,
    messages: u32,
    call: fn(Arc<dyn DeliveryLog>, MessageKey) -> F,
) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let next = Arc::new(AtomicU32::new(0));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (log, campaign, next) = (Arc::clone(log), campaign.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let record = next.fetch_add(1, Ordering::Relaxed);
                if messages <= record {
                    return;
                }
                call(Arc::clone(&log), campaign.message(record)).await;
            }
        });
    }
    tasks.join_all().await;
    started.elapsed()
}

/// Begins and records so many messages of released campaigns; planning is not counted.
async fn run(store: &impl DispatchStore, messages: u64) -> Took {
    static CAMPAIGNS: AtomicU32 = AtomicU32::new(0);
    let log: Arc<dyn DeliveryLog> = Arc::new(store.clone());
    // What is evidence of is not measured here.
    let evidence = Segments::new(Arc::new(MemoryArchive::default()), ChainSecret::of("bench"));
    let dispatch = Dispatch::builder(store, Accepting)
        .tenants(inputs::tenants(u64::MAX))
        .events(evidence)
        .build()
        .unwrap();
    let (mut took, mut left) = (Took::default(), messages);
    while 0 < left {
        let count = left.min(ROUND);
        let name = format!("log {}", CAMPAIGNS.fetch_add(1, Ordering::Relaxed));
        let people = inputs::people(usize::try_from(count).unwrap());
        let plan = dispatch.plan(inputs::campaign(&name), people).await.unwrap();
        dispatch.release(&plan).await.unwrap();
        let count = u32::try_from(count).unwrap();
        took.begin += each(&log, plan.key(), count, begin).await;
        took.record += each(&log, plan.key(), count, record).await;
        left -= u64::from(count);
    }
    took
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &impl DispatchStore) {
    let mut group = criterion.benchmark_group("delivery_log");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function(format!("{name}/begin, 128 tasks"), |bencher| {
        bencher.iter_custom(|messages| runtime.block_on(run(store, messages)).begin);
    });
    group.bench_function(format!("{name}/record, 128 tasks"), |bencher| {
        bencher.iter_custom(|messages| runtime.block_on(run(store, messages)).record);
    });
    group.finish();
}

fn delivery_log(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = runtime.block_on(Sqlite::open(folder.path().join("log.db"))).unwrap();
    measure(criterion, &runtime, "sqlite", &sqlite);
    measure(criterion, &runtime, "memory", &Memory::new());
    if let Ok(url) = std::env::var("REDIS_URL") {
        let config = RedisConfig::parse(&url).unwrap().accepting(Guarantee::Nothing);
        let config = config.named(&uuid::Uuid::new_v4().simple().to_string());
        let redis = runtime.block_on(Redis::connect(config)).unwrap();
        let name = format!("redis, {}", redis.promises().as_str());
        measure(criterion, &runtime, &name, &redis);
    } else {
        println!("REDIS_URL is not set: nothing is measured on Redis");
    }
}

criterion_group!(benches, delivery_log);
criterion_main!(benches);
