use std::collections::{BTreeSet, HashSet};

use rules_core::judge::fault::chain;
use rules_core::work::StoreError;

use super::Positions;
use crate::desk::Desk;
use crate::sku::ItemCode;
use crate::sku_map::{ListingId, SkuMap};
use crate::sync_store::Items;

/// What lies on the shelf, as far as somebody said so.
///
/// An item of which nothing is on hand may be one that the host has never heard of: then the ledger
/// only knows what was sold of it. Absent is not zero, so the host is asked.
#[derive(Debug, Default)]
pub(crate) struct ShelfView {
    /// Items that the host knows, among those that were asked for.
    known: HashSet<ItemCode>,
}

/// The items of some listings.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) known: Positions,
}

impl View {
    /// True when nobody said how many there are of a part of the listing.
    pub(crate) fn is_unknown(&self, map: &SkuMap, listing: ListingId) -> bool {
        let mut items = map.recipe_of(listing).into_iter().flat_map(|recipe| recipe.iter());
        items.any(|(item, _)| map.item_code(item).is_none_or(|code| !self.known.contains_key(code)))
    }
}

impl ShelfView {
    /// The items that the listings are made of.
    pub(crate) async fn items(
        &mut self,
        desk: &Desk,
        map: &SkuMap,
        listings: &BTreeSet<ListingId>,
    ) -> Result<View, StoreError> {
        let parts = listings.iter().filter_map(|id| map.recipe_of(*id)).flat_map(|recipe| recipe.iter());
        let codes: BTreeSet<ItemCode> = parts.filter_map(|(item, _)| map.item_code(item)).cloned().collect();
        let named = Items::Named(codes.into_iter().collect());
        let records = desk.store.positions(&desk.shelf, &named).await?;
        let mut known: Positions = records.into_iter().map(|record| (record.item.clone(), record)).collect();
        let doubtful: Vec<ItemCode> = known
            .values()
            .filter(|record| record.position.on_hand.get() <= 0 && !self.known.contains(&record.item))
            .map(|record| record.item.clone())
            .collect();
        if !doubtful.is_empty() {
            match desk.host.read(&doubtful).await {
                Ok(counts) => {
                    for (item, count) in doubtful.into_iter().zip(counts) {
                        if count.is_some() {
                            self.known.insert(item);
                        } else {
                            known.remove(&item);
                        }
                    }
                }
                Err(error) => {
                    // They are looked at again when they move, or with the next pass.
                    tracing::warn!(error = %chain(&error), items = doubtful.len(), "the host did not say what it has");
                    for item in &doubtful {
                        known.remove(item);
                    }
                }
            }
        }
        Ok(View { known })
    }
}
