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

mod memory {
    use super::*;

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
