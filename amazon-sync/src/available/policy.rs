use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Share;
use crate::demand::LagBuffer;
use crate::listing::Channel;
use crate::quantity::Quantity;
use crate::sku::{ItemCode, Sku};
use crate::sku_map::SkuMap;

/// How much of what lies free is offered: for everything, and for items and SKUs of their own.
///
/// Everything has a default under which all of it is offered, but for the lag buffer. In TOML:
///
/// ```toml
/// safety = 1
/// shares = { DEFAULT = 0.8 }
/// cap = 999
///
/// [items.mug]
/// safety = 5
///
/// [skus."MUG-6"]
/// cap = 20
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StockPolicy {
    /// Units of each item that are never offered. 0.
    pub safety: Quantity,
    /// Which part of each item a channel may offer, by the channel's code. All of it.
    pub shares: BTreeMap<String, Share>,
    /// The highest number that a listing shows. None.
    pub cap: Option<Quantity>,
    /// What is held back for sales that are not seen yet.
    pub lag_buffer: LagBuffer,
    /// What is otherwise for items.
    pub items: BTreeMap<ItemCode, ItemPolicy>,
    /// What is otherwise for SKUs.
    pub skus: BTreeMap<Sku, SkuPolicy>,
}

/// What is otherwise for an item. What is left out is as for everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemPolicy {
    /// Units that are never offered.
    pub safety: Option<Quantity>,
    /// Which part a channel may offer, by the channel's code.
    pub shares: BTreeMap<String, Share>,
    /// What is held back for sales that are not seen yet.
    pub lag_buffer: Option<LagBuffer>,
}

/// What is otherwise for the listings of a SKU. What is left out is as for everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkuPolicy {
    /// Which part of its items it may offer, through any channel.
    pub share: Option<Share>,
    /// The highest number that it shows.
    pub cap: Option<Quantity>,
}

impl StockPolicy {
    /// Units of an item that are never offered.
    pub fn safety_of(&self, item: &ItemCode) -> Quantity {
        self.items.get(item).and_then(|own| own.safety).unwrap_or(self.safety)
    }

    /// Which part of an item a listing may offer: by its SKU, by the item, or for everything, in
    /// this order.
    pub fn share_of(&self, sku: &Sku, item: &ItemCode, channel: &Channel) -> Share {
        let by_item = || self.items.get(item).and_then(|own| own.shares.get(channel.code()));
        self.skus
            .get(sku)
            .and_then(|own| own.share)
            .or_else(|| by_item().copied())
            .or_else(|| self.shares.get(channel.code()).copied())
            .unwrap_or_default()
    }

    /// The highest number that the listings of a SKU show.
    pub fn cap_of(&self, sku: &Sku) -> Quantity {
        self.skus.get(sku).and_then(|own| own.cap).or(self.cap).unwrap_or(Quantity::MOST)
    }

    /// What is held back of an item for sales that are not seen yet.
    pub fn lag_buffer_of(&self, item: &ItemCode) -> LagBuffer {
        self.items.get(item).and_then(|own| own.lag_buffer).unwrap_or(self.lag_buffer)
    }

    /// Items, SKUs and channels that the policy names and the map does not have: misspelt, or of
    /// another account.
    pub fn unknown_to(&self, map: &SkuMap) -> Vec<String> {
        let items = self.items.keys().filter(|item| map.item(item).is_none());
        let skus = self.skus.keys().filter(|sku| map.recipe(sku).is_err());
        items
            .map(|item| format!("item {:?}", item.as_str()))
            .chain(skus.map(|sku| format!("SKU {:?}", sku.as_str())))
            .collect()
    }
}
