use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rules_core::work::StoreError;
use rules_core::work::clock::Clock;

use super::{Count, HostChange, HostChanges, HostMark, HostStock};
use crate::ledger::{Bucket, Cause, MovementKey, Seq};
use crate::quantity::{Quantity, Units};
use crate::sku::ItemCode;

/// A host's stock in the memory of the process: for tests, simulations, and as the pattern for a
/// host's own. Clones share it.
///
/// ```
/// use std::sync::Arc;
/// use amazon_sync::host_stock::{HostStock, MemoryStock};
/// use amazon_sync::quantity::Quantity;
/// use amazon_sync::sku::ItemCode;
/// use rules_core::work::clock::SystemClock;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let stock = MemoryStock::new(Arc::new(SystemClock));
/// stock.set(&ItemCode::parse("mug")?, Quantity::new(12)?);
/// assert_eq!(stock.changes(None, 100).await?.changes.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStock {
    clock: Arc<dyn Clock>,
    held: Arc<Mutex<Held>>,
}

/// What is there, and what changed, by number. A count drops the older count of its item.
#[derive(Debug, Default)]
struct Held {
    last: u64,
    changes: BTreeMap<u64, HostChange>,
    counts: BTreeMap<ItemCode, (u64, Count)>,
}

impl MemoryStock {
    /// Nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, held: Arc::default() }
    }

    /// There are so many; none of Amazon's orders is deducted from the number.
    pub fn set(&self, item: &ItemCode, quantity: Quantity) {
        self.count(item, quantity, None);
    }

    /// There are so many, with Amazon's orders deducted up to this movement of the ledger.
    pub fn count(&self, item: &ItemCode, quantity: Quantity, includes: Option<Seq>) {
        let count = Count { item: item.clone(), quantity, includes, at: self.clock.now() };
        let mut held = self.lock();
        let number = held.put(HostChange::Counted(count.clone()));
        if let Some((older, _)) = held.counts.insert(item.clone(), (number, count)) {
            held.changes.remove(&older);
        }
    }

    /// So many were sold in the host's own shop; `key` makes it repeatable.
    pub fn sell(&self, key: &str, item: &ItemCode, units: Quantity) {
        let by = Units::new(-units.units().get());
        self.book(key, item, Bucket::OnHand, by, Cause::SoldElsewhere);
    }

    /// So many came in; `key` makes it repeatable.
    pub fn receive(&self, key: &str, item: &ItemCode, units: Quantity) {
        self.book(key, item, Bucket::OnHand, units.units(), Cause::Received);
    }

    fn book(&self, key: &str, item: &ItemCode, bucket: Bucket, by: Units, cause: Cause) {
        let (key, item, at) = (MovementKey(key.to_owned()), item.clone(), self.clock.now());
        let mut held = self.lock();
        if let Some((_, count)) = held.counts.get_mut(&item) {
            let left = count.quantity.units().checked_add(by).unwrap_or_default();
            *count = Count { quantity: Quantity::clamped(left), at, ..count.clone() };
        }
        held.put(HostChange::Moved { key, item, bucket, by, cause, at });
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put(&mut self, change: HostChange) -> u64 {
        self.last += 1;
        self.changes.insert(self.last, change);
        self.last
    }
}

#[async_trait]
impl HostStock for MemoryStock {
    async fn read(&self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, StoreError> {
        let held = self.lock();
        Ok(items.iter().map(|item| held.counts.get(item).map(|(_, count)| count.clone())).collect())
    }

    async fn changes(&self, since: Option<HostMark>, max: usize) -> Result<HostChanges, StoreError> {
        // A mark of another origin begins anew: what comes again is recognised.
        let since: u64 = since.and_then(|mark| mark.0.parse().ok()).unwrap_or_default();
        let held = self.lock();
        let page: Vec<_> = held.changes.range(since.saturating_add(1)..).take(max).collect();
        let mark = page.last().map(|(number, _)| HostMark(number.to_string()));
        let changes = page.into_iter().map(|(_, change)| change.clone()).collect();
        Ok(HostChanges { changes, refused: Vec::new(), mark })
    }
}
