use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;

use crate::judge::id::LeaseToken;
use crate::judge::key::Lane;
use crate::store::memory::{Memory, Part};
use crate::work::StoreError;
use crate::work::clock::Clock;
use crate::work::lanes::{DeadLetter, Dropped, Hold, HoldOn, LaneDepth, Lanes, Weight};
use crate::work::queue::{
    Enqueued, Extended, Lease, LeaseRequest, MemoryQueue, Parcel, Queue, QueueLimits, Settled, Settlement,
};

#[derive(Debug)]
struct Queued {
    clock: Arc<dyn Clock>,
    queue: OnceLock<MemoryQueue>,
}

impl Queued {
    fn queue(&self, limits: QueueLimits) -> &MemoryQueue {
        self.queue.get_or_init(|| MemoryQueue::new(Arc::clone(&self.clock), limits))
    }

    fn get(&self) -> &MemoryQueue {
        self.queue(QueueLimits::default())
    }
}

impl Part for Queued {
    fn new(store: &Memory) -> Self {
        Self { clock: Arc::clone(store.clock()), queue: OnceLock::new() }
    }
}

impl Memory {
    /// The same store with other limits of its queue. They count from before the queue's first
    /// use; later they change nothing.
    #[must_use]
    pub fn with_queue_limits(self, limits: QueueLimits) -> Self {
        self.part::<Queued>().queue(limits);
        self
    }
}

#[async_trait]
impl Queue for Memory {
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError> {
        self.part::<Queued>().get().enqueue(parcels).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError> {
        self.part::<Queued>().get().lease(request).await
    }

    async fn extend(&self, tokens: &[LeaseToken], ttl: Duration) -> Result<Vec<Extended>, StoreError> {
        self.part::<Queued>().get().extend(tokens, ttl).await
    }

    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError> {
        self.part::<Queued>().get().settle(token, outcomes).await
    }

    fn limits(&self) -> QueueLimits {
        self.part::<Queued>().get().limits()
    }
}

#[async_trait]
impl Lanes for Memory {
    async fn hold(&self, holds: &[Hold]) -> Result<(), StoreError> {
        self.part::<Queued>().get().hold(holds).await
    }

    async fn release(&self, on: &[HoldOn]) -> Result<(), StoreError> {
        self.part::<Queued>().get().release(on).await
    }

    async fn weigh(&self, weights: &[Weight]) -> Result<(), StoreError> {
        self.part::<Queued>().get().weigh(weights).await
    }

    async fn drop_lane(&self, lane: &Lane, max: usize) -> Result<Dropped, StoreError> {
        self.part::<Queued>().get().drop_lane(lane, max).await
    }

    async fn depths(&self, after: Option<Lane>, max: usize) -> Result<Vec<LaneDepth>, StoreError> {
        self.part::<Queued>().get().depths(after, max).await
    }

    async fn dead(&self, after: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.part::<Queued>().get().dead(after, max).await
    }
}
