//! Listings: what a seller declared, and what buyers can have.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::access::SellerAccess;
use super::{Answered, SpApi};
use crate::listing::{Channel, ListingState};
use crate::marketplace::MarketError;
use crate::quantity::Quantity;
use crate::seller::{MarketplaceId, SellerAccount};
use crate::sku::{Asin, Sku};
use crate::wire::{FulfillmentAttribute, GetListingsItem, ListingsItem, SearchListingsItems};

/// SKUs that one search may name.
const AT_ONCE: usize = 20;
const INCLUDED: [&str; 4] = ["summaries", "attributes", "fulfillmentAvailability", "productTypes"];

impl SpApi {
    pub(super) async fn read_listings(
        &self,
        account: &SellerAccount,
        skus: &[Sku],
    ) -> Result<Vec<Vec<ListingState>>, MarketError> {
        let access = self.access::<SearchListingsItems>(account)?;
        let mut found: HashMap<&str, Vec<ListingState>> = HashMap::with_capacity(skus.len());
        // A comma would end a name in a list of names, however it is written.
        let (alone, together): (Vec<&Sku>, Vec<&Sku>) =
            skus.iter().partition(|sku| sku.as_str().contains(','));
        for skus in together.chunks(AT_ONCE) {
            let Answered { answer, server_now, .. } = self.call(account, &search(&access, skus)).await?;
            let as_of = server_now.unwrap_or_else(|| self.inner.clock.now());
            let items = answer.items.into_option().unwrap_or_default();
            for sku in skus {
                let is_it = |item: &&ListingsItem| item.sku.get().is_some_and(|name| name == sku.as_str());
                let states = items.iter().filter(is_it).flat_map(|item| states(&access, sku, item, as_of));
                found.insert(sku.as_str(), states.collect());
            }
        }
        for sku in alone {
            match self.call(account, &get(&access, sku)).await {
                Err(MarketError::Rejected { status: 404, .. }) => {}
                answered => {
                    let Answered { answer, server_now, .. } = answered?;
                    let as_of = server_now.unwrap_or_else(|| self.inner.clock.now());
                    found.insert(sku.as_str(), states(&access, sku, &answer, as_of));
                }
            }
        }
        Ok(skus.iter().map(|sku| found.get(sku.as_str()).cloned().unwrap_or_default()).collect())
    }
}

fn included() -> Vec<String> {
    INCLUDED.map(str::to_owned).to_vec()
}

fn search(access: &SellerAccess, skus: &[&Sku]) -> SearchListingsItems {
    SearchListingsItems {
        seller_id: access.account.seller().as_str().into(),
        marketplace_ids: access.home().into(),
        included_data: included().into(),
        identifiers: skus.iter().map(|sku| sku.as_str().to_owned()).collect::<Vec<_>>().into(),
        identifiers_type: "SKU".into(),
        page_size: 20.into(),
        ..SearchListingsItems::default()
    }
}

fn get(access: &SellerAccess, sku: &Sku) -> GetListingsItem {
    GetListingsItem {
        seller_id: access.account.seller().as_str().into(),
        sku: sku.as_str().into(),
        marketplace_ids: access.home().into(),
        included_data: included().into(),
        ..GetListingsItem::default()
    }
}

/// One state for each channel that is named on either side.
fn states(access: &SellerAccess, sku: &Sku, item: &ListingsItem, as_of: DateTime<Utc>) -> Vec<ListingState> {
    let summaries = item.summaries.get().map(Vec::as_slice).unwrap_or_default();
    let home = access.marketplaces.first().map(MarketplaceId::as_str);
    let summary = summaries.iter().find(|summary| summary.marketplace_id.get().map(String::as_str) == home);
    let summary = summary.or_else(|| summaries.first());
    let product_type = summary.and_then(|summary| summary.product_type.get()).or_else(|| {
        let types = item.product_types.get().map(Vec::as_slice).unwrap_or_default();
        types.first().and_then(|product_type| product_type.product_type.get())
    });
    let is_buyable = |status: &Vec<String>| status.iter().any(|word| word == "BUYABLE");
    let state = |(channel, (declared, effective)): (Channel, Numbers)| ListingState {
        sku: sku.clone(),
        channel,
        declared,
        effective,
        product_type: product_type.cloned(),
        asin: summary.and_then(|summary| Asin::parse(summary.asin.get()?).ok()),
        buyable: summary.and_then(|summary| summary.status.get()).map(is_buyable),
        as_of,
    };
    channels(item).into_iter().map(state).collect()
}

/// What was declared, and what is in effect.
type Numbers = (Option<Quantity>, Option<Quantity>);

fn channels(item: &ListingsItem) -> Vec<(Channel, Numbers)> {
    let mut channels: Vec<(Channel, Numbers)> = Vec::new();
    let mut numbers = |code: &str, put: &dyn Fn(&mut Numbers)| {
        let channel = Channel::of(code);
        let at = channels.iter().position(|(known, _)| *known == channel).unwrap_or(channels.len());
        if at == channels.len() {
            channels.push((channel, (None, None)));
        }
        if let Some((_, numbers)) = channels.get_mut(at) {
            put(numbers);
        }
    };
    for available in item.fulfillment_availability.get().into_iter().flatten() {
        if let Some(code) = available.fulfillment_channel_code.get() {
            let number = available.quantity.get().and_then(|number| Quantity::new(*number).ok());
            numbers(code, &|numbers| numbers.1 = number);
        }
    }
    for declared in item.attributes.get().map(declared).unwrap_or_default() {
        if let Some(code) = declared.fulfillment_channel_code.get() {
            let number = declared.quantity.get().and_then(serde_json::Number::as_f64).and_then(whole);
            numbers(code, &|numbers| numbers.0 = number);
        }
    }
    channels
}

fn declared(attributes: &Map<String, Value>) -> Vec<FulfillmentAttribute> {
    let values = attributes.get("fulfillment_availability").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(|value| FulfillmentAttribute::deserialize(value).ok()).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from float to integer ends at the integer's limits"
)]
fn whole(number: f64) -> Option<Quantity> {
    if number.fract() == 0.0 { Quantity::new(number as i64).ok() } else { None }
}

#[cfg(test)]
mod tests;
