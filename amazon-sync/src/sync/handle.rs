use std::fmt::Debug;
use std::sync::Arc;

use rules_core::store::memory::Memory;
use rules_core::work::clock::Clock;
use rules_core::work::events::EventLog;
use rules_core::work::ids::Ids;
use rules_core::work::outbox::Outbox;
use rules_core::work::queue::Queue;

use crate::sync_store::SyncStore;

/// A store handle that carries everything a synchroniser needs.
pub trait SyncHandle: SyncStore + Queue + Outbox + Clone + Debug {
    /// The store's clock.
    fn sync_clock(&self) -> Arc<dyn Clock>;

    /// The store's source of ids.
    fn sync_ids(&self) -> Arc<dyn Ids>;

    /// The event log that belongs to the store.
    fn sync_events(&self) -> Arc<dyn EventLog>;
}

impl SyncHandle for Memory {
    fn sync_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.clock())
    }

    fn sync_ids(&self) -> Arc<dyn Ids> {
        Arc::clone(self.ids())
    }

    fn sync_events(&self) -> Arc<dyn EventLog> {
        Arc::new(self.clone())
    }
}

#[cfg(feature = "sqlite")]
impl SyncHandle for rules_core::store::sqlite::Sqlite {
    fn sync_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.clock())
    }

    fn sync_ids(&self) -> Arc<dyn Ids> {
        Arc::clone(self.ids())
    }

    fn sync_events(&self) -> Arc<dyn EventLog> {
        Arc::new(self.clone())
    }
}
