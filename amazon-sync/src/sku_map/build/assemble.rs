//! Everything into its columns, in the order of the names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Definition;
use crate::listing::Channel;
use crate::sku::ItemCode;
use crate::sku_map::fault::{SkuMapError, SkuMapProblem};
use crate::sku_map::{Entry, ItemId, Listed, ListingId, SkuMap, Unresolved};

pub(super) fn assemble(
    mut definitions: Vec<Definition>,
    items: Vec<ItemCode>,
    error: &mut SkuMapError,
) -> SkuMap {
    let (items, renumbered) = in_order(items);
    let mut map = SkuMap { items, ..SkuMap::default() };
    map.item_ids = (0..).map(ItemId).zip(&map.items).map(|(id, code)| (code.clone(), id)).collect();
    map.entries = HashMap::with_capacity(definitions.len());
    map.listings = Vec::with_capacity(definitions.len());
    map.starts = Vec::with_capacity(definitions.len() + 1);
    map.starts.push(0);

    // Listings first, since a listing's id is the place of its recipe.
    let place = |definition: &Definition| definition.channels.is_empty();
    definitions.sort_unstable_by(|one, other| (place(one), &one.sku).cmp(&(place(other), &other.sku)));
    let mut names = Names::default();
    for mut definition in definitions {
        let (sku, line) = (definition.sku.clone(), definition.line);
        let entry = match (definition.refused, definition.parts.take()) {
            (None, Some(parts)) => {
                let mut parts: Vec<(ItemId, u32)> = parts
                    .iter()
                    .filter_map(|(item, units)| Some((*renumbered.get(*item as usize)?, *units)))
                    .collect();
                parts.sort_unstable();
                map.take(definition, &parts, &mut names).unwrap_or_else(|| {
                    error.add(line, SkuMapProblem::Full);
                    Entry::Refused(Unresolved::Refused)
                })
            }
            (refused, _) => Entry::Refused(refused.unwrap_or(Unresolved::Refused)),
        };
        map.entries.insert(sku, entry);
    }
    let mut channels: Vec<_> = names.channels.into_iter().collect();
    channels.sort_unstable_by_key(|(_, place)| *place);
    map.channels = channels.into_iter().map(|(channel, _)| channel).collect();
    map.listings.shrink_to_fit();
    map.index_uses();
    map
}

/// What many listings name, kept once.
#[derive(Default)]
struct Names {
    channels: HashMap<Channel, u32>,
    product_types: HashSet<Arc<str>>,
}

impl Names {
    fn channel(&mut self, channel: Channel) -> Option<u32> {
        let next = u32::try_from(self.channels.len()).ok()?;
        Some(*self.channels.entry(channel).or_insert(next))
    }

    fn product_type(&mut self, name: String) -> Arc<str> {
        if let Some(known) = self.product_types.get(name.as_str()) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.product_types.insert(Arc::clone(&name));
        name
    }
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
    fn take(&mut self, definition: Definition, parts: &[(ItemId, u32)], names: &mut Names) -> Option<Entry> {
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
        let product_type = product_type.map(|name| names.product_type(name));
        for channel in channels {
            self.listings.push(Listed {
                sku: sku.clone(),
                channel: names.channel(channel)?,
                asin: asin.clone(),
                product_type: product_type.clone(),
            });
        }
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
