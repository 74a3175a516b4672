//! The suites of the crate's ports on every store.

use std::sync::Arc;

use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::work::clock::ManualClock;
use rules_core::work::ids::SeededIds;
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::conformance::Subject;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()))
}

async fn scopes() -> [Arc<TenantScope>; 2] {
    let id = |name| TenantId::parse(name).unwrap();
    let tenants = Tenants::new(FixedTenants::new(["a", "b"].map(|name| TenantRecord::new(id(name)))));
    [tenants.enter(&id("a")).await.unwrap(), tenants.enter(&id("b")).await.unwrap()]
}

macro_rules! suites {
    () => {
        mod campaigns {
            whatsapp_dispatch::campaigns_conformance!(super::subject);
        }
        mod delivery_log {
            whatsapp_dispatch::delivery_log_conformance!(super::subject);
        }
        mod people {
            whatsapp_dispatch::people_conformance!(super::subject);
        }
        mod register {
            whatsapp_dispatch::register_conformance!(super::subject);
        }
        mod quarantine {
            whatsapp_dispatch::quarantine_conformance!(super::subject);
        }
    };
}

mod memory {
    use rules_core::store::memory::Memory;

    use super::*;

    pub(super) async fn subject() -> Subject {
        let clock = clock();
        let store = Arc::new(Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1))));
        Subject {
            campaigns: Arc::<Memory>::clone(&store),
            log: Arc::<Memory>::clone(&store),
            people: Arc::<Memory>::clone(&store),
            register: Arc::<Memory>::clone(&store),
            quarantine: Arc::<Memory>::clone(&store),
            outbox: store,
            scopes: scopes().await,
            clock: Arc::<ManualClock>::clone(&clock),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(()),
        }
    }

    suites!();
}

mod sqlite {
    use rules_core::store::sqlite::{Sqlite, SqliteConfig};

    use super::*;

    pub(super) async fn subject() -> Subject {
        let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
        let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(&clock));
        let store = Arc::new(Sqlite::open_with(folder.path().join("campaigns.db"), config).await.unwrap());
        Subject {
            campaigns: Arc::<Sqlite>::clone(&store),
            log: Arc::<Sqlite>::clone(&store),
            people: Arc::<Sqlite>::clone(&store),
            register: Arc::<Sqlite>::clone(&store),
            quarantine: Arc::<Sqlite>::clone(&store),
            outbox: store,
            scopes: scopes().await,
            clock: Arc::<ManualClock>::clone(&clock),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(folder),
        }
    }

    suites!();
}

#[cfg(feature = "redis")]
mod redis {
    use rules_core::store::redis::{Guarantee, Redis, RedisConfig};

    use super::*;
    use crate::redis_server::{key_prefix, shared_url};

    pub(super) async fn subject() -> Subject {
        let clock = clock();
        let config = RedisConfig::parse(&shared_url()).unwrap().accepting(Guarantee::Nothing);
        let config = config.named(&key_prefix()).with_clock(Arc::<ManualClock>::clone(&clock));
        let store = Arc::new(Redis::connect(config).await.unwrap());
        Subject {
            campaigns: Arc::<Redis>::clone(&store),
            log: Arc::<Redis>::clone(&store),
            people: Arc::<Redis>::clone(&store),
            register: Arc::<Redis>::clone(&store),
            quarantine: Arc::<Redis>::clone(&store),
            outbox: store,
            scopes: scopes().await,
            clock: Arc::<ManualClock>::clone(&clock),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(()),
        }
    }

    suites!();
}

#[cfg(feature = "redis")]
mod hostile_redis;
