use std::sync::Arc;

use async_trait::async_trait;

use crate::judge::key::Outlet;
use crate::store::memory::{Memory, Part};
use crate::work::StoreError;
use crate::work::pacer::{Ask, MemoryPacer, Observation, Pacer, Permit, Rate};

impl Part for MemoryPacer {
    fn new(store: &Memory) -> Self {
        Self::new(Arc::clone(store.clock()))
    }
}

#[async_trait]
impl Pacer for Memory {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Permit>, StoreError> {
        self.part::<MemoryPacer>().take(asks).await
    }

    async fn observe(&self, observations: &[Observation]) -> Result<(), StoreError> {
        self.part::<MemoryPacer>().observe(observations).await
    }

    async fn rates(&self, outlets: &[Outlet]) -> Result<Vec<Option<Rate>>, StoreError> {
        self.part::<MemoryPacer>().rates(outlets).await
    }
}
