//! Everything into its columns, in the order of the names.

use std::collections::HashMap;

use super::Definition;
use super::resolve::Resolved;
use crate::sku_map::fault::{SkuMapError, SkuMapProblem};
use crate::sku_map::{Entry, ItemId, Listed, ListingId, SkuMap, Unresolved};

pub(super) fn assemble(definitions: Vec<Definition>, resolved: Resolved, error: &mut SkuMapError) -> SkuMap {
    let Resolved { items, parts } = resolved;
    let (items, renumbered) = in_order(items);
    let mut map = SkuMap { items, ..SkuMap::default() };
    map.item_ids = (0..).map(ItemId).zip(&map.items).map(|(id, code)| (code.clone(), id)).collect();
    map.entries = HashMap::with_capacity(definitions.len());
    map.starts.push(0);

    let mut definitions: Vec<_> = definitions.into_iter().zip(parts).collect();
    definitions.sort_unstable_by(|(one, _), (other, _)| one.sku.cmp(&other.sku));
    let (listed, unlisted): (Vec<_>, Vec<_>) =
        definitions.into_iter().partition(|(definition, _)| !definition.channels.is_empty());
    for (definition, parts) in listed.into_iter().chain(unlisted) {
        let (sku, line) = (definition.sku.clone(), definition.line);
        let entry = match (definition.refused, parts) {
            (None, Some(parts)) => {
                let mut parts: Vec<(ItemId, u32)> = parts
                    .iter()
                    .filter_map(|(item, units)| Some((*renumbered.get(*item as usize)?, *units)))
                    .collect();
                parts.sort_unstable();
                map.take(definition, &parts).unwrap_or_else(|| {
                    error.add(line, SkuMapProblem::Full);
                    Entry::Refused(Unresolved::Refused)
                })
            }
            (refused, _) => Entry::Refused(refused.unwrap_or(Unresolved::Refused)),
        };
        map.entries.insert(sku, entry);
    }
    map.index_uses();
    map
}

/// The items in the order of their codes, and for each number as they were met the id.
fn in_order<T: Ord>(items: Vec<T>) -> (Vec<T>, Vec<ItemId>) {
    let mut met: Vec<(T, usize)> = items.into_iter().zip(0..).collect();
    met.sort_unstable();
    let mut renumbered = vec![ItemId(0); met.len()];
    for (id, (_, number)) in (0..).map(ItemId).zip(&met) {
        if let Some(place) = renumbered.get_mut(*number) {
            *place = id;
        }
    }
    (met.into_iter().map(|(item, _)| item).collect(), renumbered)
}

impl SkuMap {
    /// Takes in a definition with its parts; `None` when there are no numbers left for them.
    fn take(&mut self, definition: Definition, parts: &[(ItemId, u32)]) -> Option<Entry> {
        let Definition { sku, channels, asin, product_type, .. } = definition;
        let recipe = u32::try_from(self.starts.len() - 1).ok()?;
        let listings = u32::try_from(channels.len()).ok()?;
        let rows = listings.max(1) as usize;
        let last = self.part_items.len().checked_add(parts.len().checked_mul(rows)?)?;
        u32::try_from(last).ok().filter(|last| *last < u32::MAX)?;
        for _ in 0..rows {
            self.part_items.extend(parts.iter().map(|(item, _)| *item));
            self.part_units.extend(parts.iter().map(|(_, units)| *units));
            self.starts.push(u32::try_from(self.part_items.len()).ok()?);
        }
        self.listings.extend(channels.into_iter().map(|channel| Listed {
            sku: sku.clone(),
            channel,
            asin: asin.clone(),
            product_type: product_type.clone(),
        }));
        Some(Entry::Known { recipe, listings })
    }

    /// Listings by item: counted, then placed.
    fn index_uses(&mut self) {
        let listed = self.starts.get(self.listings.len()).map_or(0, |end| *end as usize);
        let parts = self.part_items.get(..listed).unwrap_or_default();
        let mut starts = vec![0_u32; self.items.len() + 1];
        for item in parts {
            if let Some(count) = starts.get_mut(item.index() + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut uses = vec![ListingId(0); listed];
        for (listing, ends) in (0..).map(ListingId).zip(self.starts.windows(2).take(self.listings.len())) {
            let [from, to] = ends else { continue };
            for item in self.part_items.get(*from as usize..*to as usize).unwrap_or_default() {
                let Some(place) = next.get_mut(item.index()) else { continue };
                if let Some(slot) = uses.get_mut(*place as usize) {
                    *slot = listing;
                }
                *place += 1;
            }
        }
        self.use_starts = starts;
        self.uses = uses;
    }
}
