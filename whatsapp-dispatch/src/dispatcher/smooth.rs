//! Spreads the permits of a tick evenly, so that a number is not hit by all of them at once. The
//! rate itself is the business of the Pacer.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use rules_core::work::clock::{Clock, ClockExt};

use crate::sender::{NumberId, Sender};

type Limiter = RateLimiter<NotKeyed, InMemoryState, PortClock, NoOpMiddleware<Nanos>>;

/// One limiter per number.
#[derive(Debug)]
pub(super) struct Smoother {
    clock: Arc<dyn Clock>,
    limiters: Mutex<HashMap<(NumberId, u32), Arc<Limiter>>>,
}

impl Smoother {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, limiters: Mutex::default() }
    }

    /// Returns when `messages` may leave through the number.
    pub(super) async fn wait(&self, sender: &Sender, rate: u32, messages: usize) {
        let limiter = self.limiter(sender, rate);
        for _ in 0..messages {
            while let Err(not_until) = limiter.check() {
                let wait = not_until.wait_time_from(GovernorClock::now(&PortClock(Arc::clone(&self.clock))));
                self.clock.sleep(wait.max(Duration::from_millis(1))).await;
            }
        }
    }

    fn limiter(&self, sender: &Sender, rate: u32) -> Arc<Limiter> {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = limiters.entry((sender.number_id.clone(), rate.get())).or_insert_with(|| {
            // A twentieth of a second's messages at once: even enough, and few sleeps.
            let burst = NonZeroU32::new(rate.get() / 20).unwrap_or(NonZeroU32::MIN);
            let quota = Quota::per_second(rate).allow_burst(burst);
            Arc::new(RateLimiter::direct_with_clock(quota, PortClock(Arc::clone(&self.clock))))
        });
        Arc::clone(limiter)
    }
}

/// The clock port as governor wants it.
#[derive(Clone, Debug)]
pub(super) struct PortClock(pub(super) Arc<dyn Clock>);

impl GovernorClock for PortClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let nanos = self.0.now().timestamp_nanos_opt().and_then(|nanos| u64::try_from(nanos).ok());
        Nanos::new(nanos.unwrap_or(u64::MAX))
    }
}

const _: fn(Nanos) = |nanos| {
    fn reference(_: impl Reference) {}
    reference(nanos);
};
