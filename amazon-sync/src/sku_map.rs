//! The SKU map: what each listing is made of.
//!
//! A listing is one or several units of one or several items on the shelf. Other SKUs for the same
//! thing, packs and bundles are resolved once, when the map is built, into flat recipes over items;
//! after that a map is immutable. Items and listings have dense ids, so that a million of them are
//! columns and not a table of strings.
//!
//! A map is about one seller account: SKUs are that account's names. Items are the shelf's, and
//! several maps may name the same ones.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rules_core::judge::code::Code;

use crate::listing::{Channel, ListingKey};
use crate::seller::SellerAccount;
use crate::sku::{Asin, ItemCode, Sku};

mod build;
mod csv;
mod fault;

pub use build::{MadeOf, SkuMapBuilder, SkuRow};
pub use fault::{SkuMapError, SkuMapFault, SkuMapProblem};

/// The dense id of an item within one map, in the order of the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(u32);

/// The dense id of a listing within one map, in the order of SKU and channel: the order in which a
/// [`SyncStore`](crate::sync_store::SyncStore) lists an account's listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListingId(u32);

macro_rules! dense {
    ($name:ident) => {
        impl $name {
            /// The id with this place in columns.
            pub const fn new(index: u32) -> Self {
                Self(index)
            }

            /// Its place in columns.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

dense!(ItemId);
dense!(ListingId);

/// What each listing of a seller account is made of.
///
/// ```
/// use amazon_sync::sku::Sku;
/// use amazon_sync::sku_map::SkuMap;
/// let map = SkuMap::from_csv("\
/// sku,channel,kind,of,units
/// MUG,DEFAULT,item,mug,
/// MUG-FBA,AMAZON_EU,alias,MUG,
/// MUG-6,DEFAULT,pack,MUG,6
/// SPOON,,item,spoon,
/// GIFT,DEFAULT,bundle,MUG,1
/// GIFT,,bundle,SPOON,2
/// ".as_bytes())?;
/// let gift = map.recipe(&Sku::parse("GIFT")?)?;
/// let parts: Vec<_> = gift.iter().map(|(item, units)| (map.item_code(item).unwrap().as_str(), units)).collect();
/// assert_eq!(parts, [("mug", 1), ("spoon", 2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SkuMap {
    items: Vec<ItemCode>,
    item_ids: HashMap<ItemCode, ItemId>,
    entries: HashMap<Sku, Entry>,
    listings: Vec<Listed>,
    /// All channels; there are few.
    channels: Vec<Channel>,
    /// Recipes by listing, and behind those of all listings the recipes of SKUs that are not
    /// listed: where each begins in the two columns of parts.
    starts: Vec<u32>,
    part_items: Vec<ItemId>,
    part_units: Vec<u32>,
    /// Listings by item: where those of each item begin.
    use_starts: Vec<u32>,
    uses: Vec<ListingId>,
}

/// What a SKU stands for.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// The recipe's place among the recipes, and how many listings begin there.
    Known {
        recipe: u32,
        listings: u32,
    },
    Refused(Unresolved),
}

#[derive(Clone, Debug)]
struct Listed {
    sku: Sku,
    /// The place among the channels.
    channel: u32,
    asin: Option<Asin>,
    product_type: Option<Arc<str>>,
}

/// Why a SKU stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unresolved {
    /// The map does not have it.
    #[error("the SKU map does not have it; add a row for it")]
    Unmapped,
    /// The map says two things about it.
    #[error("the SKU map defines it twice; remove one of the definitions")]
    Ambiguous,
    /// The map says something impossible about it, or about a part of it.
    #[error("the SKU map's definition of it, or of a part of it, was refused; correct it")]
    Refused,
}

impl Unresolved {
    /// The reason code.
    pub const fn code(self) -> Code {
        match self {
            Self::Unmapped => Code::known("sku.unmapped"),
            Self::Ambiguous => Code::known("sku.ambiguous"),
            Self::Refused => Code::known("sku.refused"),
        }
    }
}

/// What something is made of: items, each once and in the order of their ids, with the units of
/// each in one unit of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe<'a> {
    items: &'a [ItemId],
    units: &'a [u32],
}

impl<'a> Recipe<'a> {
    /// The parts.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ItemId, u32)> + use<'a> {
        self.items.iter().copied().zip(self.units.iter().copied())
    }
}

/// A listing, as the map has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedListing<'a> {
    /// The seller's name for it.
    pub sku: &'a Sku,
    /// The channel through which it should ship.
    pub channel: &'a Channel,
    /// Amazon's name of the product, where the map knows it.
    pub asin: Option<&'a Asin>,
    /// Amazon's product type, where the map knows it.
    pub product_type: Option<&'a str>,
}

impl MappedListing<'_> {
    /// Its key in an account.
    pub fn key(&self, account: &SellerAccount) -> ListingKey {
        ListingKey::new(account.clone(), self.sku.clone(), self.channel.clone())
    }
}

impl SkuMap {
    /// How many items there are.
    pub const fn item_count(&self) -> usize {
        self.items.len()
    }

    /// How many listings there are.
    pub const fn listing_count(&self) -> usize {
        self.listings.len()
    }

    /// The item with this code; `None` when no recipe of this map needs it.
    pub fn item(&self, code: &ItemCode) -> Option<ItemId> {
        self.item_ids.get(code).copied()
    }

    /// The code of an item.
    pub fn item_code(&self, item: ItemId) -> Option<&ItemCode> {
        self.items.get(item.index())
    }

    /// All items with their ids, in order.
    pub fn items(&self) -> impl Iterator<Item = (ItemId, &ItemCode)> {
        (0..).map(ItemId).zip(&self.items)
    }

    /// The listing of a SKU through a channel.
    ///
    /// # Errors
    /// [`Unresolved`]; [`Unresolved::Unmapped`] as well when the SKU is listed through other
    /// channels only.
    pub fn listing(&self, sku: &Sku, channel: &Channel) -> Result<ListingId, Unresolved> {
        self.listings_of(sku)?
            .find(|(_, listing)| listing.channel == channel)
            .map(|(id, _)| id)
            .ok_or(Unresolved::Unmapped)
    }

    /// All listings of a SKU, one for each channel.
    ///
    /// # Errors
    /// [`Unresolved`].
    pub fn listings_of(
        &self,
        sku: &Sku,
    ) -> Result<impl Iterator<Item = (ListingId, MappedListing<'_>)>, Unresolved> {
        let (first, count) = self.entry(sku)?;
        Ok((first..first.saturating_add(count)).map(ListingId).filter_map(|id| Some((id, self.mapped(id)?))))
    }

    /// All listings with their ids, in order.
    pub fn listings(&self) -> impl Iterator<Item = (ListingId, MappedListing<'_>)> {
        (0..).map(ListingId).zip(&self.listings).filter_map(|(id, listed)| Some((id, self.view(listed)?)))
    }

    /// A listing; `None` for an id of another map.
    pub fn mapped(&self, listing: ListingId) -> Option<MappedListing<'_>> {
        self.listings.get(listing.index()).and_then(|listed| self.view(listed))
    }

    /// What one unit of a SKU is made of.
    ///
    /// # Errors
    /// [`Unresolved`].
    pub fn recipe(&self, sku: &Sku) -> Result<Recipe<'_>, Unresolved> {
        let (recipe, _) = self.entry(sku)?;
        self.recipe_at(recipe as usize).ok_or(Unresolved::Refused)
    }

    /// What one unit of a listing is made of; `None` for an id of another map.
    pub fn recipe_of(&self, listing: ListingId) -> Option<Recipe<'_>> {
        self.listings.get(listing.index()).and_then(|_| self.recipe_at(listing.index()))
    }

    /// The listings that an item is part of: those to look at again when it moves. In order.
    pub fn uses(&self, item: ItemId) -> &[ListingId] {
        span(&self.use_starts, item.index()).and_then(|span| self.uses.get(span)).unwrap_or_default()
    }

    fn entry(&self, sku: &Sku) -> Result<(u32, u32), Unresolved> {
        match self.entries.get(sku) {
            Some(Entry::Known { recipe, listings }) => Ok((*recipe, *listings)),
            Some(Entry::Refused(why)) => Err(*why),
            None => Err(Unresolved::Unmapped),
        }
    }

    fn view<'a>(&'a self, listed: &'a Listed) -> Option<MappedListing<'a>> {
        Some(MappedListing {
            sku: &listed.sku,
            channel: self.channels.get(listed.channel as usize)?,
            asin: listed.asin.as_ref(),
            product_type: listed.product_type.as_deref(),
        })
    }

    /// The parts of a listing, and where they are among those of all listings.
    pub(crate) fn parts_of(&self, listing: ListingId) -> Option<(Range<usize>, &[ItemId], &[u32])> {
        let span = span(&self.starts, listing.index())?;
        Some((span.clone(), self.part_items.get(span.clone())?, self.part_units.get(span)?))
    }

    fn recipe_at(&self, at: usize) -> Option<Recipe<'_>> {
        let span = span(&self.starts, at)?;
        Some(Recipe { items: self.part_items.get(span.clone())?, units: self.part_units.get(span)? })
    }
}

/// From where to where the rows of `at` go in a column that is cut at `starts`.
fn span(starts: &[u32], at: usize) -> Option<Range<usize>> {
    Some(*starts.get(at)? as usize..*starts.get(at + 1)? as usize)
}

#[cfg(test)]
mod tests;
