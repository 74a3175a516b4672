//! The suite on Redis behind a hostile proxy.

use async_trait::async_trait;
use rules_core::work::StoreError;
use rules_core::work::quota::{Admission, Admitted, Charge, Crowd, Granted, Meter, Refund, Usage};

use super::hostile::Hostile;
use super::*;

/// Repeats every call until it is answered.
#[derive(Debug)]
struct Insistent(Arc<Hostile>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Quota for Insistent {
    async fn charge(&self, charges: &[Charge]) -> Result<Vec<Granted>, StoreError> {
        self.0.repeat(|| self.0.store.charge(charges), PartialEq::eq).await
    }

    async fn refund(&self, refunds: &[Refund]) -> Result<(), StoreError> {
        self.0.repeat(|| self.0.store.refund(refunds), PartialEq::eq).await
    }

    async fn usage(&self, meters: &[Meter]) -> Result<Vec<Usage>, StoreError> {
        self.0.ask(|| self.0.store.usage(meters)).await
    }

    async fn admit(&self, admissions: &[Admission]) -> Result<Vec<Admitted>, StoreError> {
        self.0.repeat(|| self.0.store.admit(admissions), PartialEq::eq).await
    }

    async fn crowds(&self, crowds: &[Crowd]) -> Result<Vec<Usage>, StoreError> {
        self.0.ask(|| self.0.store.crowds(crowds)).await
    }
}

async fn new() -> Subject {
    let clock = clock();
    let hostile = Hostile::start(Arc::<ManualClock>::clone(&clock), |config| config).await;
    subject(Insistent(hostile), clock, ()).await
}

rules_core::quota_conformance!(new);
