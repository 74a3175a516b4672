use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::judge::id::{ChargeId, RefundId};
use crate::judge::key::MeterKey;
use crate::work::StoreError;
use crate::work::clock::Clock;
use crate::work::quota::crowd::Crowds;
use crate::work::quota::tally::{self, FORGOTTEN_AT_ONCE, Reading, Tally};
use crate::work::quota::{Admission, Admitted, Charge, Crowd, Granted, Meter, Quota, Refund, Usage};

/// Quota in the memory of this process.
#[derive(Debug)]
pub struct MemoryQuota {
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    tallies: HashMap<(MeterKey, u8), Tally>,
    charges: HashMap<ChargeId, Charged>,
    forget: BTreeSet<(DateTime<Utc>, ChargeId)>,
    crowds: Crowds,
}

#[derive(Debug)]
struct Charged {
    granted: Granted,
    refunded: u64,
    refunds: HashSet<RefundId>,
    /// The meters, each with the start of the window that was charged.
    windows: HashMap<(MeterKey, u8), DateTime<Utc>>,
}

impl MemoryQuota {
    /// Quota of which nothing is used yet, with windows by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Quota for MemoryQuota {
    async fn charge(&self, charges: &[Charge]) -> Result<Vec<Granted>, StoreError> {
        let mut books = self.books();
        let now = self.clock.now();
        Ok(charges.iter().map(|charge| books.charge(charge, now)).collect())
    }

    async fn refund(&self, refunds: &[Refund]) -> Result<(), StoreError> {
        let mut books = self.books();
        for refund in refunds {
            books.refund(refund);
            books.crowds.refund(refund.charge);
        }
        Ok(())
    }

    async fn usage(&self, meters: &[Meter]) -> Result<Vec<Usage>, StoreError> {
        let books = self.books();
        let now = self.clock.now();
        Ok(meters.iter().map(|meter| books.reading(meter, now).usage()).collect())
    }

    async fn admit(&self, admissions: &[Admission]) -> Result<Vec<Admitted>, StoreError> {
        let mut books = self.books();
        let now = self.clock.now();
        Ok(admissions.iter().map(|admission| books.crowds.admit(admission, now)).collect())
    }

    async fn crowds(&self, crowds: &[Crowd]) -> Result<Vec<Usage>, StoreError> {
        let books = self.books();
        let now = self.clock.now();
        Ok(crowds.iter().map(|crowd| books.crowds.usage(crowd, now)).collect())
    }
}

impl Books {
    fn charge(&mut self, charge: &Charge, now: DateTime<Utc>) -> Granted {
        if let Some(known) = self.charges.get(&charge.id) {
            return known.granted.clone();
        }
        self.forget(now);
        let readings: Vec<Reading> = charge.meters.iter().map(|meter| self.reading(meter, now)).collect();
        let granted = tally::grant(charge, &readings);
        if granted.units == 0 {
            return granted;
        }
        let mut windows = HashMap::new();
        for (meter, Reading { tally, .. }) in charge.meters.iter().zip(&readings) {
            let used = tally.used + granted.units;
            self.tallies.insert(address(meter), Tally { used, ..*tally });
            windows.insert(address(meter), tally.opened.start);
        }
        if let Some(at) = tally::forget_at(&readings) {
            self.forget.insert((at, charge.id));
        }
        let charged = Charged { granted: granted.clone(), refunded: 0, refunds: HashSet::new(), windows };
        self.charges.insert(charge.id, charged);
        granted
    }

    fn refund(&mut self, refund: &Refund) {
        let Some(charged) = self.charges.get_mut(&refund.charge) else { return };
        if !charged.refunds.insert(refund.id) {
            return;
        }
        let units = refund.units.min(charged.granted.units - charged.refunded);
        charged.refunded += units;
        for (address, start) in &charged.windows {
            if let Some(tally) = self.tallies.get_mut(address)
                && tally.opened.start == *start
            {
                tally.used -= units;
            }
        }
    }

    fn reading(&self, meter: &Meter, now: DateTime<Utc>) -> Reading {
        Reading::of(meter, self.tallies.get(&address(meter)).copied(), now)
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.forget.first() {
                Some(&(at, id)) if at < now => {
                    self.forget.pop_first();
                    self.charges.remove(&id);
                }
                _ => return,
            }
        }
    }
}

fn address(meter: &Meter) -> (MeterKey, u8) {
    (meter.key.clone(), tally::kind(meter.window))
}

#[cfg(test)]
mod tests;
