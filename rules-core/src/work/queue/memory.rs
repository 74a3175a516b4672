//! The queue in the memory of this process: the readable reference of what the ports promise.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::state::{Live, State};
use super::{
    Enqueued, Extended, Lease, LeaseRequest, Parcel, Queue, QueueLimits, REAPED_PER_LEASE, Settled,
    Settlement,
};
use crate::judge::id::LeaseToken;
use crate::work::StoreError;
use crate::work::clock::{Clock, after};

mod lanes;
mod state;

/// [`Queue`] and [`crate::work::lanes::Lanes`] in memory.
#[derive(Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    limits: QueueLimits,
    state: Mutex<State>,
}

impl MemoryQueue {
    /// An empty queue.
    pub fn new(clock: Arc<dyn Clock>, limits: QueueLimits) -> Self {
        Self { clock, limits, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError> {
        self.limits.check(parcels)?;
        let now = self.clock.now();
        let mut state = self.state();
        state.forget_batches(now);
        Ok(parcels.iter().map(|parcel| state.enqueue(parcel, self.limits.high_water, now)).collect())
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let max_recoveries = self.limits.max_recoveries;
        state.release_expired(now);
        state.promote(now);
        if state.leases.get(&request.token).is_some_and(|lease| lease.deadline <= now) {
            state.reap(request.token, max_recoveries, now);
        }
        for _ in 0..REAPED_PER_LEASE {
            let Some(token) = state.expired(now) else { break };
            state.reap(token, max_recoveries, now);
        }
        if !state.leases.contains_key(&request.token) {
            let max = request.max.min(self.limits.max_records);
            let records = state.take(max, &request.allowance);
            if records.is_empty() {
                return Ok(state.answer(request.token, after(now, request.ttl), Vec::new()));
            }
            let deadline = after(now, request.ttl);
            state.leases.insert(request.token, Live { deadline, records });
        }
        let Some(lease) = state.leases.get(&request.token) else {
            return Ok(state.answer(request.token, after(now, request.ttl), Vec::new()));
        };
        Ok(state.answer(request.token, lease.deadline, lease.leased()))
    }

    async fn extend(&self, tokens: &[LeaseToken], ttl: Duration) -> Result<Vec<Extended>, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        Ok(tokens
            .iter()
            .map(|token| match state.leases.get_mut(token) {
                Some(lease) if now < lease.deadline => {
                    lease.deadline = after(now, ttl);
                    Extended::Until(lease.deadline)
                }
                _ => Extended::Gone,
            })
            .collect())
    }

    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError> {
        Ok(self.state().settle(token, outcomes, self.clock.now()))
    }

    fn limits(&self) -> QueueLimits {
        self.limits
    }
}
