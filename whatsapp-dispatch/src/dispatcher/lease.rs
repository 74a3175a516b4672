//! A lease while its records are worked on.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rules_core::judge::id::LeaseToken;
use rules_core::work::queue::{Outcome, Settlement};

/// Settlements that are gathered before they are told to the queue.
const GROUP: usize = 128;

/// Records of one lease, and what came of them.
#[derive(Debug)]
pub(super) struct OpenLease {
    pub(super) token: LeaseToken,
    deadline_us: AtomicI64,
    unsettled: AtomicUsize,
    gathered: Mutex<Vec<Settlement>>,
}

impl OpenLease {
    pub(super) fn new(token: LeaseToken, deadline: DateTime<Utc>, records: usize) -> Self {
        Self {
            token,
            deadline_us: AtomicI64::new(deadline.timestamp_micros()),
            unsettled: AtomicUsize::new(records),
            gathered: Mutex::default(),
        }
    }

    /// Gathers what came of one record; a group of them when it is time to tell the queue.
    pub(super) fn settle(&self, receipt: u32, outcome: Outcome) -> Option<Vec<Settlement>> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.push(Settlement { receipt, outcome });
        let rest = self.unsettled.fetch_sub(1, Ordering::AcqRel) - 1;
        (rest == 0 || GROUP <= gathered.len()).then(|| std::mem::take(&mut *gathered))
    }

    /// What was gathered and not told yet.
    pub(super) fn take(&self) -> Vec<Settlement> {
        std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_settled(&self) -> bool {
        self.unsettled.load(Ordering::Acquire) == 0
    }

    pub(super) fn deadline(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.deadline_us.load(Ordering::Acquire)).unwrap_or_default()
    }

    pub(super) fn extended(&self, deadline: DateTime<Utc>) {
        self.deadline_us.store(deadline.timestamp_micros(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_hears_of_groups_and_of_the_last_record() {
        let lease = OpenLease::new(LeaseToken::of(&[b"lease"]), DateTime::<Utc>::MIN_UTC, 129);
        let told: Vec<usize> = (0..129)
            .filter_map(|receipt| lease.settle(receipt, Outcome::Done))
            .map(|group| group.len())
            .collect();
        assert_eq!(told, [128, 1]);
        assert!(lease.is_settled());
        assert!(lease.take().is_empty());
    }
}
