//! The event log on every store of this crate.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::any::Any;
use std::sync::Arc;

use rules_core::conformance::events::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::events::EventLog;
use rules_core::work::tenants::{FixedTenants, Tenants};

async fn subject(events: impl EventLog, keep: impl Any + Send + Sync) -> Subject {
    let [a, b] = ["a", "b"].map(|name| TenantId::parse(name).unwrap());
    let tenants = Tenants::new(FixedTenants::new([a.clone(), b.clone()].map(TenantRecord::new)));
    let (a, b) = (tenants.enter(&a).await.unwrap(), tenants.enter(&b).await.unwrap());
    Subject { events: Arc::new(events), a, b, keep: Box::new(keep) }
}

mod memory {
    use rules_core::store::memory::Memory;

    use super::*;

    async fn new() -> Subject {
        subject(Memory::new(), ()).await
    }

    rules_core::events_conformance!(new);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use rules_core::store::sqlite::Sqlite;

    use super::*;

    async fn new() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("events.db")).await.unwrap();
        subject(store, folder).await
    }

    rules_core::events_conformance!(new);
}
