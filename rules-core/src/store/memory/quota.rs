use std::sync::Arc;

use async_trait::async_trait;

use crate::store::memory::{Memory, Part};
use crate::work::StoreError;
use crate::work::quota::{
    Admission, Admitted, Charge, Crowd, Granted, MemoryQuota, Meter, Quota, Refund, Usage,
};

impl Part for MemoryQuota {
    fn new(store: &Memory) -> Self {
        Self::new(Arc::clone(store.clock()))
    }
}

#[async_trait]
impl Quota for Memory {
    async fn charge(&self, charges: &[Charge]) -> Result<Vec<Granted>, StoreError> {
        self.part::<MemoryQuota>().charge(charges).await
    }

    async fn refund(&self, refunds: &[Refund]) -> Result<(), StoreError> {
        self.part::<MemoryQuota>().refund(refunds).await
    }

    async fn usage(&self, meters: &[Meter]) -> Result<Vec<Usage>, StoreError> {
        self.part::<MemoryQuota>().usage(meters).await
    }

    async fn admit(&self, admissions: &[Admission]) -> Result<Vec<Admitted>, StoreError> {
        self.part::<MemoryQuota>().admit(admissions).await
    }

    async fn crowds(&self, crowds: &[Crowd]) -> Result<Vec<Usage>, StoreError> {
        self.part::<MemoryQuota>().crowds(crowds).await
    }
}
