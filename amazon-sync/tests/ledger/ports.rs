//! The suite of the sync store on every store.

use std::sync::Arc;

use amazon_sync::conformance::sync_store::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::work::clock::ManualClock;
use rules_core::work::ids::SeededIds;
use rules_core::work::tenants::{FixedTenants, Tenants};

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-02T09:00:00Z".parse().unwrap()))
}

pub(crate) async fn scopes() -> [Arc<TenantScope>; 2] {
    let id = |name| TenantId::parse(name).unwrap();
    let tenants = Tenants::new(FixedTenants::new(["a", "b"].map(|name| TenantRecord::new(id(name)))));
    [tenants.enter(&id("a")).await.unwrap(), tenants.enter(&id("b")).await.unwrap()]
}

/// A tenant for tests that are not async.
pub(crate) fn scope() -> Arc<TenantScope> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let [scope, _] = runtime.block_on(scopes());
    scope
}

mod memory {
    use rules_core::store::memory::Memory;

    use super::*;

    async fn subject() -> Subject {
        let clock = clock();
        let store = Arc::new(Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1))));
        Subject {
            store: Arc::<Memory>::clone(&store),
            outbox: store,
            scopes: scopes().await,
            clock: Arc::<ManualClock>::clone(&clock),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(()),
        }
    }

    amazon_sync::sync_store_conformance!(subject);
}

mod sqlite {
    use rules_core::store::sqlite::{Sqlite, SqliteConfig};

    use super::*;

    async fn subject() -> Subject {
        let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
        let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(&clock));
        let store = Arc::new(Sqlite::open_with(folder.path().join("sync.db"), config).await.unwrap());
        Subject {
            store: Arc::<Sqlite>::clone(&store),
            outbox: store,
            scopes: scopes().await,
            clock: Arc::<ManualClock>::clone(&clock),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(folder),
        }
    }

    amazon_sync::sync_store_conformance!(subject);
}
