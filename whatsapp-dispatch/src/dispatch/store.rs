use std::fmt::Debug;
use std::sync::Arc;

use rules_core::store::memory::Memory;
use rules_core::work::clock::Clock;
use rules_core::work::events::EventLog;
use rules_core::work::ids::Ids;
use rules_core::work::lanes::Lanes;
use rules_core::work::outbox::Outbox;
use rules_core::work::pacer::Pacer;
use rules_core::work::queue::Queue;
use rules_core::work::quota::Quota;

use crate::campaigns::Campaigns;
use crate::delivery::DeliveryLog;
use crate::people::People;
use crate::quarantine::Quarantine;
use crate::register::Register;

/// A store handle that carries everything a dispatcher needs, apart from evidence, which some keep
/// elsewhere.
pub trait DispatchStore:
    Campaigns + DeliveryLog + People + Register + Quarantine + Queue + Lanes + Quota + Outbox + Clone + Debug
{
    /// The store's clock.
    fn dispatch_clock(&self) -> Arc<dyn Clock>;

    /// The store's source of ids.
    fn dispatch_ids(&self) -> Arc<dyn Ids>;

    /// The pacer that belongs to the store.
    fn dispatch_pacer(&self) -> Arc<dyn Pacer>;

    /// The event log that belongs to the store; `None` for a store that keeps no evidence.
    fn dispatch_events(&self) -> Option<Arc<dyn EventLog>>;

    /// True when nobody else can dispatch from the store, so that what a dead process left behind
    /// may be taken up at once.
    fn dispatches_alone(&self) -> bool;
}

impl DispatchStore for Memory {
    fn dispatch_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.clock())
    }

    fn dispatch_ids(&self) -> Arc<dyn Ids> {
        Arc::clone(self.ids())
    }

    fn dispatch_pacer(&self) -> Arc<dyn Pacer> {
        Arc::new(self.clone())
    }

    fn dispatch_events(&self) -> Option<Arc<dyn EventLog>> {
        Some(Arc::new(self.clone()))
    }

    fn dispatches_alone(&self) -> bool {
        false
    }
}

#[cfg(feature = "sqlite")]
impl DispatchStore for rules_core::store::sqlite::Sqlite {
    fn dispatch_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.clock())
    }

    fn dispatch_ids(&self) -> Arc<dyn Ids> {
        Arc::clone(self.ids())
    }

    /// One machine, one process: the rates are kept in memory.
    fn dispatch_pacer(&self) -> Arc<dyn Pacer> {
        Arc::new(rules_core::work::pacer::MemoryPacer::new(Arc::clone(self.clock())))
    }

    fn dispatch_events(&self) -> Option<Arc<dyn EventLog>> {
        Some(Arc::new(self.clone()))
    }

    fn dispatches_alone(&self) -> bool {
        true
    }
}

#[cfg(feature = "redis")]
impl DispatchStore for rules_core::store::redis::Redis {
    fn dispatch_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.clock())
    }

    fn dispatch_ids(&self) -> Arc<dyn Ids> {
        Arc::clone(self.ids())
    }

    fn dispatch_pacer(&self) -> Arc<dyn Pacer> {
        Arc::new(self.clone())
    }

    /// Evidence must outlive a server whose memory is its limit: it goes into an archive.
    fn dispatch_events(&self) -> Option<Arc<dyn EventLog>> {
        None
    }

    fn dispatches_alone(&self) -> bool {
        false
    }
}
