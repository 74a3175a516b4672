//! The suite on Redis behind a hostile proxy.

use async_trait::async_trait;
use rules_core::judge::key::Outlet;
use rules_core::work::StoreError;
use rules_core::work::pacer::{Ask, Observation, Permit, Rate};

use super::hostile::Hostile;
use super::*;

/// Repeats every call until it is answered. Permits whose answer was lost are lost, and what was
/// consumed would count twice: those calls meet no trouble that leaves a doubt.
#[derive(Debug)]
struct Insistent(Arc<Hostile>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Pacer for Insistent {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Permit>, StoreError> {
        self.0.once(|| self.0.patient.take(asks)).await
    }

    async fn observe(&self, observations: &[Observation]) -> Result<(), StoreError> {
        if observations.iter().any(|seen| matches!(seen, Observation::Consumed { .. })) {
            return self.0.once(|| self.0.patient.observe(observations)).await;
        }
        self.0.repeat(|| self.0.store.observe(observations), PartialEq::eq).await
    }

    async fn rates(&self, outlets: &[Outlet]) -> Result<Vec<Option<Rate>>, StoreError> {
        self.0.ask(|| self.0.store.rates(outlets)).await
    }
}

async fn new() -> Subject {
    let clock = clock();
    let hostile = Hostile::start(Arc::<ManualClock>::clone(&clock), |config| config).await;
    subject(Insistent(hostile), clock).await
}

rules_core::pacer_conformance!(new);
