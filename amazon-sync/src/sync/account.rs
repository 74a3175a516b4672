use crate::seller::{MarketplaceId, Region, SellerId};
use crate::sku_map::SkuMap;

/// A seller account that sells from the shelf, as the host names it.
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) seller: SellerId,
    pub(super) region: Region,
    pub(super) marketplaces: Vec<MarketplaceId>,
    pub(super) map: SkuMap,
}

impl Account {
    /// The seller's account in a region, with what its listings are made of. Orders of all its
    /// marketplaces are read.
    pub const fn new(seller: SellerId, region: Region, map: SkuMap) -> Self {
        Self { seller, region, marketplaces: Vec::new(), map }
    }

    /// The same with orders of these marketplaces only.
    #[must_use]
    pub fn marketplaces(self, marketplaces: impl IntoIterator<Item = MarketplaceId>) -> Self {
        Self { marketplaces: marketplaces.into_iter().collect(), ..self }
    }
}
