//! The suites on Redis behind a hostile proxy.

use std::time::Duration;

use async_trait::async_trait;
use rules_core::judge::id::LeaseToken;
use rules_core::judge::key::Lane;
use rules_core::work::StoreError;
use rules_core::work::lanes::{DeadLetter, Dropped, Hold, HoldOn, LaneDepth, Lanes, Weight};
use rules_core::work::queue::{Enqueued, Extended, Lease, LeaseRequest, Parcel, Queue, Settled, Settlement};

use super::hostile::Hostile;
use super::*;

/// Repeats every call until it is answered.
#[derive(Debug)]
struct Insistent {
    hostile: Arc<Hostile>,
    twin: Memory,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Queue for Insistent {
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError> {
        self.hostile.insist(|| self.hostile.store.enqueue(parcels), || self.twin.enqueue(parcels)).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError> {
        self.twin.lease(request).await?;
        let same =
            |one: &Lease, other: &Lease| one.records == other.records && one.deadline == other.deadline;
        self.hostile.repeat(|| self.hostile.store.lease(request), same).await
    }

    async fn extend(&self, tokens: &[LeaseToken], ttl: Duration) -> Result<Vec<Extended>, StoreError> {
        self.twin.extend(tokens, ttl).await?;
        self.hostile.repeat(|| self.hostile.store.extend(tokens, ttl), PartialEq::eq).await
    }

    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError> {
        let settle = || self.hostile.store.settle(token, outcomes);
        self.hostile.insist(settle, || self.twin.settle(token, outcomes)).await
    }

    fn limits(&self) -> QueueLimits {
        self.hostile.store.limits()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Lanes for Insistent {
    async fn hold(&self, holds: &[Hold]) -> Result<(), StoreError> {
        self.twin.hold(holds).await?;
        self.hostile.repeat(|| self.hostile.store.hold(holds), PartialEq::eq).await
    }

    async fn release(&self, on: &[HoldOn]) -> Result<(), StoreError> {
        self.twin.release(on).await?;
        self.hostile.repeat(|| self.hostile.store.release(on), PartialEq::eq).await
    }

    async fn weigh(&self, weights: &[Weight]) -> Result<(), StoreError> {
        self.twin.weigh(weights).await?;
        self.hostile.repeat(|| self.hostile.store.weigh(weights), PartialEq::eq).await
    }

    /// Each call drops some more, as its caller wants.
    async fn drop_lane(&self, lane: &Lane, max: usize) -> Result<Dropped, StoreError> {
        self.twin.drop_lane(lane, max).await?;
        self.hostile.once(|| self.hostile.patient.drop_lane(lane, max)).await
    }

    async fn depths(&self, after: Option<Lane>, max: usize) -> Result<Vec<LaneDepth>, StoreError> {
        self.hostile.ask(|| self.hostile.store.depths(after.clone(), max)).await
    }

    async fn dead(&self, after: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.hostile.ask(|| self.hostile.store.dead(after, max)).await
    }
}

async fn subject() -> Subject {
    let clock = clock();
    let hostile = Hostile::start(clock.clone(), |config| config.with_queue_limits(limits())).await;
    let twin = Memory::with(clock.clone(), Arc::new(SeededIds::new(1))).with_queue_limits(limits());
    let store = Arc::new(Insistent { hostile, twin });
    Subject {
        queue: store.clone(),
        lanes: store,
        clock: clock.clone(),
        advance: Box::new(move |duration| clock.advance(duration)),
        scopes: scopes().await,
        keep: Box::new(()),
        made: 0.into(),
    }
}

rules_core::queue_conformance!(subject);
rules_core::lanes_conformance!(subject);
