//! The suites of the queue and its lanes on every store, and a model of both under random use.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "a test stops at its first surprise"
)]

use std::sync::Arc;

use rules_core::conformance::queue::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::store::memory::Memory;
use rules_core::work::clock::ManualClock;
use rules_core::work::ids::SeededIds;
use rules_core::work::queue::QueueLimits;
use rules_core::work::tenants::{FixedTenants, Tenants};

fn limits() -> QueueLimits {
    let mut limits = QueueLimits::default().with_high_water(250);
    limits.max_records = 100;
    limits.max_payload = 1_000;
    limits.max_recoveries = 2;
    limits
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()))
}

async fn scopes() -> [Arc<TenantScope>; 2] {
    let id = |name| TenantId::parse(name).unwrap();
    let tenants = Tenants::new(FixedTenants::new(["a", "b"].map(|name| TenantRecord::new(id(name)))));
    [tenants.enter(&id("a")).await.unwrap(), tenants.enter(&id("b")).await.unwrap()]
}

#[path = "queue/model.rs"]
mod model;

#[path = "support/redis.rs"]
mod redis_server;

#[path = "support/hostile.rs"]
mod hostile;

#[path = "queue/hostile_redis.rs"]
mod hostile_redis;

mod memory {
    use super::*;

    // ANCHOR: subject
    pub(super) async fn subject() -> Subject {
        let clock = clock();
        let store =
            Arc::new(Memory::with(clock.clone(), Arc::new(SeededIds::new(1))).with_queue_limits(limits()));
        Subject {
            queue: store.clone(),
            lanes: store,
            clock: clock.clone(),
            advance: Box::new(move |duration| clock.advance(duration)),
            scopes: scopes().await,
            keep: Box::new(()),
            made: 0.into(),
        }
    }

    rules_core::queue_conformance!(subject);
    rules_core::lanes_conformance!(subject);
    // ANCHOR_END: subject
}

mod sqlite {
    use rules_core::store::sqlite::{Sqlite, SqliteConfig};

    use super::*;

    pub(super) async fn subject() -> Subject {
        let (clock, dir) = (clock(), tempfile::tempdir().unwrap());
        let config = SqliteConfig::default().with_clock(clock.clone()).with_queue_limits(limits());
        let store = Arc::new(Sqlite::open_with(dir.path().join("queue.db"), config).await.unwrap());
        Subject {
            queue: store.clone(),
            lanes: store,
            clock: clock.clone(),
            advance: Box::new(move |duration| clock.advance(duration)),
            scopes: scopes().await,
            keep: Box::new(dir),
            made: 0.into(),
        }
    }

    rules_core::queue_conformance!(subject);
    rules_core::lanes_conformance!(subject);
}

mod redis {
    use rules_core::store::redis::{Guarantee, Redis, RedisConfig};

    use super::redis_server::{key_prefix, shared_url};
    use super::*;

    pub(super) async fn store(clock: Arc<ManualClock>, limits: QueueLimits) -> Arc<Redis> {
        let config = RedisConfig::parse(&shared_url()).unwrap().accepting(Guarantee::Nothing);
        let config = config.named(&key_prefix()).with_clock(clock).with_queue_limits(limits);
        Arc::new(Redis::connect(config).await.unwrap())
    }

    pub(super) async fn subject() -> Subject {
        let clock = clock();
        let store = store(clock.clone(), limits()).await;
        Subject {
            queue: store.clone(),
            lanes: store,
            clock: clock.clone(),
            advance: Box::new(move |duration| clock.advance(duration)),
            scopes: scopes().await,
            keep: Box::new(()),
            made: 0.into(),
        }
    }

    rules_core::queue_conformance!(subject);
    rules_core::lanes_conformance!(subject);
}

/// One tenant with much and 49 with little: the small ones are done after their fair share.
mod fairness {
    use std::time::Duration;

    use bytes::Bytes;
    use rules_core::judge::id::{BatchId, LeaseToken};
    use rules_core::judge::key::{Lane, Outlet};
    use rules_core::store::sqlite::{Sqlite, SqliteConfig};
    use rules_core::work::queue::{Allowance, LeaseRequest, Outcome, Parcel, Queue, Settlement};

    use super::*;

    async fn small_tenants_are_not_kept_waiting(queue: &dyn Queue) {
        let ids: Vec<_> =
            (0..50).map(|number| TenantId::parse(&format!("tenant-{number}")).unwrap()).collect();
        let tenants = Tenants::new(FixedTenants::new(ids.iter().cloned().map(TenantRecord::new)));
        for (number, id) in ids.iter().enumerate() {
            let outlet = Outlet::new(&tenants.enter(id).await.unwrap(), "n").unwrap();
            // The big one comes first and spreads its work over many lanes.
            for part in 0..if number == 0 { 100 } else { 1 } {
                let lane = Lane::new(&outlet, &format!("topic-{part}")).unwrap();
                let batch = BatchId::of(&[id.as_str().as_bytes(), lane.topic().as_bytes()]);
                let records = vec![Bytes::from_static(b"payload"); if number == 0 { 1_000 } else { 100 }];
                queue.enqueue(&[Parcel { batch, lane, due: None, records }]).await.unwrap();
            }
        }
        let (mut small, mut leased) = (0, 0);
        while small < 49 * 100 {
            let token = LeaseToken::of(&[format!("{leased}").as_bytes()]);
            let request = LeaseRequest {
                token,
                max: 500,
                ttl: Duration::from_secs(30),
                allowance: Allowance::Unlimited,
            };
            let lease = queue.lease(&request).await.unwrap();
            leased += lease.records.len();
            small += lease.records.iter().filter(|record| *record.lane.tenant() != ids[0]).count();
            let done = |receipt| Settlement { receipt, outcome: Outcome::Done };
            let outcomes: Vec<_> = lease.records.iter().map(|record| done(record.receipt)).collect();
            queue.settle(token, &outcomes).await.unwrap();
        }
        assert!(leased * 100 <= 5_000 * 115, "the small tenants were done after {leased} records");
    }

    #[tokio::test]
    async fn on_memory() {
        small_tenants_are_not_kept_waiting(&Memory::new()).await;
    }

    #[tokio::test]
    async fn on_sqlite() {
        let dir = tempfile::tempdir().unwrap();
        let config = SqliteConfig::default().with_clock(clock());
        let store = Sqlite::open_with(dir.path().join("queue.db"), config).await.unwrap();
        small_tenants_are_not_kept_waiting(&store).await;
    }

    #[tokio::test]
    async fn on_redis() {
        small_tenants_are_not_kept_waiting(&*redis::store(clock(), QueueLimits::default()).await).await;
    }
}
