use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::judge::id::LeaseToken;
use crate::work::clock::{Clock, after};

/// Whose turn it is to relay, in the memory of one process: for a store that only one process
/// writes, see [`super::Outbox::claim`].
#[derive(Debug)]
pub struct Turn {
    clock: Arc<dyn Clock>,
    holder: Mutex<Option<(LeaseToken, DateTime<Utc>)>>,
}

impl Turn {
    /// Nobody's.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, holder: Mutex::default() }
    }

    /// Takes the turn for `ttl`, or gives it back with a `ttl` of zero. False while it is
    /// somebody else's.
    pub fn claim(&self, holder: LeaseToken, ttl: Duration) -> bool {
        let now = self.clock.now();
        let mut held = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some_and(|(other, until)| other != holder && now < until) {
            return false;
        }
        *held = (!ttl.is_zero()).then(|| (holder, after(now, ttl)));
        true
    }
}
