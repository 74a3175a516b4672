use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::drift::Drift;
use crate::telemetry;

/// What this process did so far, for its report.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<Counts>,
}

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) orders: u64,
    pub(crate) orders_missed: u64,
    pub(crate) poison: u64,
    pub(crate) events: u64,
    pub(crate) events_dead: u64,
    pub(crate) windows: u64,
    pub(crate) windows_restarted: u64,
    pub(crate) fenced: u64,
    pub(crate) writes: u64,
    pub(crate) writes_saved: u64,
    pub(crate) writes_refused: u64,
    pub(crate) writes_lost: u64,
    pub(crate) drift: BTreeMap<Drift, u64>,
    /// How long intents took from the decision to the effect, in milliseconds.
    pub(crate) effects_ms: Vec<u64>,
}

/// Effects whose times are kept.
const EFFECTS: usize = 100_000;

impl Tally {
    pub(crate) fn add(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.lock());
    }

    pub(crate) fn drift(&self, class: Drift) {
        telemetry::count("sync_drift_total", Some(("class", class.as_str())), 1);
        *self.lock().drift.entry(class).or_default() += 1;
    }

    pub(crate) fn effect(&self, after: Duration) {
        let mut counts = self.lock();
        if counts.effects_ms.len() < EFFECTS {
            counts.effects_ms.push(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
