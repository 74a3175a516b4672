//! Available to sell: how many of each listing can ship, by what lies free on the shelf.
//!
//! Listings share items: bundles, packs and other SKUs for the same thing draw on one pool. So
//! items are columns, and each listing is computed from the same columns over its recipe:
//!
//! `clamp(floor(min over its items of (free - safety - lag buffer) x share / units), 0, cap)`

use std::sync::Arc;

use crate::quantity::{Cell, Quantity, Units};
use crate::sku_map::{ItemId, ListingId, SkuMap};

mod policy;
mod share;

pub use policy::{ItemPolicy, SkuPolicy, StockPolicy};
pub use share::{Share, ShareError};

/// What can ship of each listing of a map, under a policy.
///
/// ```
/// use std::sync::Arc;
/// use amazon_sync::available::{Available, StockPolicy};
/// use amazon_sync::listing::Channel;
/// use amazon_sync::quantity::{Quantity, Units};
/// use amazon_sync::sku::{ItemCode, Sku};
/// use amazon_sync::sku_map::SkuMap;
/// let csv = "sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\nMUG-6,DEFAULT,pack,MUG,6\n";
/// let map = Arc::new(SkuMap::from_csv(csv.as_bytes())?);
/// let policy = StockPolicy { safety: Quantity::new(2)?, ..StockPolicy::default() };
/// let mut available = Available::new(Arc::clone(&map), &policy);
/// let mug = map.item(&ItemCode::parse("mug")?).unwrap();
/// available.set(mug, Units::new(21), Quantity::ZERO);
/// let six = map.listing(&Sku::parse("MUG-6")?, &Channel::Merchant)?;
/// assert_eq!(available.of(six), Some(Quantity::new(3)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Available {
    map: Arc<SkuMap>,
    /// By item: what is free less what is kept back.
    sellable: Vec<i32>,
    /// By item: what is kept back always.
    safety: Vec<Quantity>,
    /// By place in the recipes of listings.
    shares: Vec<Share>,
    /// By listing; none for one that Amazon ships.
    caps: Vec<Cell>,
}

impl Available {
    /// With nothing on the shelf yet.
    pub fn new(map: Arc<SkuMap>, policy: &StockPolicy) -> Self {
        let safety: Vec<_> = map.items().map(|(_, code)| policy.safety_of(code)).collect();
        let mut shares = Vec::new();
        let mut caps = Vec::with_capacity(map.listing_count());
        for (id, listing) in map.listings() {
            let items = map.recipe_of(id).into_iter().flat_map(|recipe| recipe.iter());
            let codes = items.filter_map(|(item, _)| map.item_code(item));
            shares.extend(codes.map(|code| policy.share_of(listing.sku, code, listing.channel)));
            let cap = (!listing.channel.is_amazon()).then(|| policy.cap_of(listing.sku));
            caps.push(cap.into());
        }
        let sellable = vec![0; map.item_count()];
        Self { map, sellable, safety, shares, caps }
    }

    /// The map that it goes by.
    pub const fn map(&self) -> &Arc<SkuMap> {
        &self.map
    }

    /// Takes note that so many units of an item are free ([`Position::free`]), of which so many are
    /// held back for sales that are not seen yet ([`LagBuffer`]). An id of another map changes
    /// nothing. The listings to look at again are the [`uses`](SkuMap::uses) of the item.
    ///
    /// [`Position::free`]: crate::ledger::Position::free
    /// [`LagBuffer`]: crate::demand::LagBuffer
    pub fn set(&mut self, item: ItemId, free: Units, lag_buffer: Quantity) {
        let (Some(sellable), Some(safety)) =
            (self.sellable.get_mut(item.index()), self.safety.get(item.index()))
        else {
            return;
        };
        let kept = safety.units().get() + lag_buffer.units().get();
        // In four bytes. Saturates far above what a listing can show, and far below nothing.
        let rest = free.get().saturating_sub(kept).clamp(0, i64::from(i32::MAX));
        *sellable = i32::try_from(rest).unwrap_or_default();
    }

    /// What can ship of a listing; `None` for one that Amazon ships, or of another map.
    pub fn of(&self, listing: ListingId) -> Option<Quantity> {
        let cap = self.caps.get(listing.index())?.get()?;
        let (span, items, units) = self.map.parts_of(listing)?;
        Some(self.least(items, units, self.shares.get(span)?, cap))
    }

    /// The same for some listings, such as those that an item is part of; one cell each, in order.
    pub fn some(&self, listings: &[ListingId], available: &mut Vec<Cell>) {
        available.clear();
        available.extend(listings.iter().map(|listing| Cell::from(self.of(*listing))));
    }

    /// The same for all listings, into a column by their ids. Cells beyond the map are left alone.
    pub fn all(&self, available: &mut [Cell]) {
        for (cell, id) in available.iter_mut().zip(0..self.map.listing_count()) {
            let listing = u32::try_from(id).map(ListingId::new);
            *cell = listing.ok().and_then(|listing| self.of(listing)).into();
        }
    }

    fn least(&self, items: &[ItemId], units: &[u32], shares: &[Share], cap: Quantity) -> Quantity {
        let mut least = cap.get();
        for ((item, units), share) in items.iter().zip(units).zip(shares) {
            let sellable = self.sellable.get(item.index()).copied().unwrap_or_default();
            least = least.min(share.of(sellable.unsigned_abs(), *units));
        }
        Quantity::clamped(Units::new(i64::from(if items.is_empty() { 0 } else { least })))
    }
}

#[cfg(test)]
mod tests;
