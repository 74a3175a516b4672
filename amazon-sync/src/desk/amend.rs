use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};

use rules_core::work::StoreError;

use super::Desk;
use crate::listing::ListingKey;
use crate::sync_store::{Commit, Committed, ListingChange, ListingOutcome, ListingRecord, Listings};

/// Somebody else changed the record each time: the rest is met again by whoever looks next.
const ROUNDS: usize = 8;

/// A change of a listing's record that holds whatever else is changed in it meanwhile.
pub(crate) struct Amendment {
    pub(crate) key: ListingKey,
    /// Changes the record; false when there is nothing to change any more.
    pub(crate) change: Box<dyn Fn(&mut ListingRecord) -> bool + Send + Sync>,
}

impl Amendment {
    pub(crate) fn new(
        key: ListingKey,
        change: impl Fn(&mut ListingRecord) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { key, change: Box::new(change) }
    }

    /// The same as long as the listing has the intent of this generation.
    pub(crate) fn of_intent(
        key: ListingKey,
        generation: u64,
        change: impl Fn(&mut ListingRecord) + Send + Sync + 'static,
    ) -> Self {
        Self::new(key, move |record| {
            let is_same = record.intent.as_ref().is_some_and(|intent| intent.generation == generation);
            if is_same {
                change(record);
            }
            is_same
        })
    }
}

impl Debug for Amendment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amendment").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Desk {
    /// The records of listings, new ones for those that nothing is known of.
    pub(crate) async fn records(&self, keys: &[ListingKey]) -> Result<Vec<ListingRecord>, StoreError> {
        let known = self.store.listings(&self.shelf, &Listings::Named(keys.to_vec())).await?;
        let mut known: HashMap<ListingKey, ListingRecord> =
            known.into_iter().map(|record| (record.key.clone(), record)).collect();
        Ok(keys
            .iter()
            .map(|key| known.remove(key).unwrap_or_else(|| ListingRecord::new(key.clone())))
            .collect())
    }

    /// Makes changes of listings, with the letters and the evidence of `with`, and says which were
    /// made.
    pub(crate) async fn amend(
        &self,
        mut amendments: Vec<Amendment>,
        with: Commit,
    ) -> Result<Vec<ListingKey>, StoreError> {
        let mut made = Vec::new();
        let mut with = Some(with).filter(|commit| *commit != Commit::default());
        for _ in 0..ROUNDS {
            if amendments.is_empty() && with.is_none() {
                break;
            }
            let keys: Vec<ListingKey> = amendments.iter().map(|amendment| amendment.key.clone()).collect();
            let found = if keys.is_empty() { Vec::new() } else { self.records(&keys).await? };
            let (mut commit, mut tried) = (with.take().unwrap_or_default(), Vec::new());
            for (amendment, mut record) in amendments.into_iter().zip(found) {
                if (amendment.change)(&mut record) {
                    commit.listings.push(ListingChange { record });
                    tried.push(amendment);
                }
            }
            amendments = Vec::new();
            if let Committed::Done(receipt) = self.commit(&commit).await? {
                for (amendment, outcome) in tried.into_iter().zip(receipt.listings) {
                    match outcome {
                        ListingOutcome::Made(_) => made.push(amendment.key),
                        ListingOutcome::Changed => amendments.push(amendment),
                    }
                }
            }
        }
        Ok(made)
    }
}
