//! Everything in the memory of this process: for tests, and as the readable reference of what
//! each port promises. When the process ends, all of it is gone.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use crate::work::clock::{Clock, SystemClock};
use crate::work::ids::{Ids, RandomIds};

mod archive;
mod events;
mod pacer;
mod quota;
mod queue;

/// The memory handle. Clones share what they hold.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use rules_core::store::memory::Memory;
/// use rules_core::work::outbox::Outbox;
/// let store = Memory::new();
/// assert!(store.pending(10).await.unwrap().is_empty());
/// # });
/// ```
#[derive(Clone)]
pub struct Memory {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    parts: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Memory {
    /// An empty store on the machine's clock.
    pub fn new() -> Self {
        Self::with(Arc::new(SystemClock), Arc::new(RandomIds))
    }

    /// An empty store with the given clock and source of ids.
    pub fn with(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { clock, ids, parts: Arc::default() }
    }

    /// The store's clock.
    pub const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The store's source of ids.
    pub const fn ids(&self) -> &Arc<dyn Ids> {
        &self.ids
    }

    /// The one `T` of this store, made by `T`'s [`Part::new`] when it is first asked for.
    ///
    /// This is how the ports of this crate and of its siblings keep their state on one handle.
    pub fn part<T: Part>(&self) -> Arc<T> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let part = parts.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::new(self)));
        Arc::clone(part).downcast().unwrap_or_else(|_| Arc::new(T::new(self)))
    }
}

/// State that lives on a [`Memory`] handle.
pub trait Part: Any + Send + Sync {
    /// The empty state. It may use the store's clock and ids, and must not ask for other parts.
    fn new(store: &Memory) -> Self
    where
        Self: Sized;
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Debug for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
