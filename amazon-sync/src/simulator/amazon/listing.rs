//! A listing: what the seller wrote, and what buyers see.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::seller::MarketplaceId;
use crate::sku::{Asin, Sku};

/// Amazon's code of the merchant's own channel.
pub(in super::super) const MERCHANT: &str = "DEFAULT";

#[derive(Clone, Debug)]
pub(in super::super) struct Listing {
    pub(in super::super) sku: Sku,
    pub(in super::super) asin: Asin,
    pub(in super::super) title: String,
    pub(in super::super) product_type: String,
    pub(in super::super) marketplaces: Vec<MarketplaceId>,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) updated_at: DateTime<Utc>,
    /// The attribute `fulfillment_availability` as it is stored.
    pub(in super::super) stored: Vec<Entry>,
    /// What buyers see of the merchant's channels.
    pub(in super::super) shown: BTreeMap<String, u32>,
    /// Amazon's shelf, when Amazon ships it.
    pub(in super::super) amazon: Option<AmazonShelf>,
    /// How often it was written to and read: these number the events whose fate is drawn.
    pub(super) n_writes: u64,
    pub(super) n_reads: u64,
    pub(super) writing: BTreeMap<u64, Writing>,
}

/// Units of a listing on Amazon's own shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct AmazonShelf {
    /// `AMAZON_NA`, `AMAZON_EU` ...
    pub(in super::super) code: String,
    pub(in super::super) fulfillable: u32,
    /// Promised to orders that have not shipped.
    pub(in super::super) reserved: u32,
}

/// One entry of the stored attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Entry {
    pub(in super::super) code: String,
    pub(in super::super) quantity: Option<u32>,
    pub(in super::super) lead_time_days: Option<u32>,
}

/// What a write does to the entries that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Change {
    /// Sets what is given and keeps the rest.
    Merge,
    /// Sets what is given and wipes the rest; entries of other channels stay
    /// (selling-partner-api-models issue 2061).
    Replace,
    /// Takes the entries away.
    Delete,
}

/// One operation of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Patch {
    pub(in super::super) change: Change,
    pub(in super::super) entries: Vec<Entry>,
}

/// A write that was accepted and has not reached buyers.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub(super) patches: Vec<Patch>,
    pub(super) accepted_at: DateTime<Utc>,
    /// False for one that changes the stored attribute and nothing else.
    pub(super) reaches_buyers: bool,
}

impl Listing {
    pub(in super::super) fn new(sku: Sku, asin: Asin, at: DateTime<Utc>) -> Self {
        Self {
            sku,
            asin,
            title: String::new(),
            product_type: String::new(),
            marketplaces: Vec::new(),
            created_at: at,
            updated_at: at,
            stored: Vec::new(),
            shown: BTreeMap::new(),
            amazon: None,
            n_writes: 0,
            n_reads: 0,
            writing: BTreeMap::new(),
        }
    }

    pub(in super::super) fn called(
        self,
        title: String,
        product_type: String,
        marketplaces: Vec<MarketplaceId>,
    ) -> Self {
        Self { title, product_type, marketplaces, ..self }
    }

    pub(in super::super) fn holding(
        self,
        stored: Entry,
        shown: Option<(String, u32)>,
        amazon: Option<AmazonShelf>,
    ) -> Self {
        Self { stored: vec![stored], shown: shown.into_iter().collect(), amazon, ..self }
    }

    /// What buyers can have.
    pub(in super::super) fn available(&self) -> u32 {
        self.amazon.as_ref().map_or_else(|| self.shown.values().sum(), |stock| stock.fulfillable)
    }

    /// The codes of the channels that it is sold through.
    pub(in super::super) fn channels(&self) -> Vec<&str> {
        match &self.amazon {
            Some(stock) => vec![&stock.code],
            None => self.shown.keys().map(String::as_str).collect(),
        }
    }

    pub(in super::super) fn stored_quantity(&self, code: &str) -> Option<u32> {
        self.stored.iter().find(|entry| entry.code == code)?.quantity
    }

    /// Takes units away from what buyers see and from what is stored; says which channel it was.
    pub(super) fn take(&mut self, units: u32) -> Option<String> {
        if let Some(stock) = &mut self.amazon {
            stock.fulfillable = stock.fulfillable.saturating_sub(units);
            stock.reserved = stock.reserved.saturating_add(units);
            return None;
        }
        let (code, shown) = self.shown.iter_mut().find(|(_, shown)| units <= **shown)?;
        *shown -= units;
        let code = code.clone();
        self.store_also(&code, |quantity| quantity.saturating_sub(units));
        Some(code)
    }

    /// Puts units back where [`Listing::take`] took them from.
    pub(super) fn put_back(&mut self, units: u32) -> Option<String> {
        let (code, shown) = self.shown.iter_mut().next()?;
        *shown = shown.saturating_add(units);
        let code = code.clone();
        self.store_also(&code, |quantity| quantity.saturating_add(units));
        Some(code)
    }

    fn store_also(&mut self, code: &str, change: impl Fn(u32) -> u32) {
        if let Some(entry) = self.stored.iter_mut().find(|entry| entry.code == code) {
            entry.quantity = entry.quantity.map(change);
        }
    }

    /// The number that the channel is going to show when all writes have arrived.
    pub(super) fn heading_for(&self, code: &str) -> Option<u32> {
        let entries = self.writing.values().rev().flat_map(|writing| writing.patches.iter().rev());
        let written = entries.flat_map(|patch| &patch.entries).find(|entry| entry.code == code);
        written.and_then(|entry| entry.quantity).or_else(|| self.shown.get(code).copied())
    }

    /// Carries a patch out on the stored attribute.
    pub(super) fn store(&mut self, patch: &Patch) {
        for new in &patch.entries {
            let known = self.stored.iter().position(|entry| entry.code == new.code);
            match (patch.change, known) {
                (Change::Delete, Some(place)) => {
                    self.stored.remove(place);
                }
                (Change::Delete, None) => {}
                (_, None) => self.stored.push(new.clone()),
                (change, Some(place)) => {
                    let Some(entry) = self.stored.get_mut(place) else { continue };
                    let keeps = change == Change::Merge;
                    let (quantity, lead_time) = (entry.quantity, entry.lead_time_days);
                    entry.quantity = new.quantity.or(if keeps { quantity } else { None });
                    entry.lead_time_days = new.lead_time_days.or(if keeps { lead_time } else { None });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mug() -> Listing {
        let at = "2026-01-05T09:00:00Z".parse().unwrap();
        let (sku, asin) = (Sku::parse("MUG").unwrap(), Asin::parse("B000000001").unwrap());
        Listing::new(sku, asin, at).holding(
            entry(MERCHANT, Some(7), Some(3)),
            Some((MERCHANT.into(), 7)),
            None,
        )
    }

    fn entry(code: &str, quantity: Option<u32>, lead_time_days: Option<u32>) -> Entry {
        Entry { code: code.into(), quantity, lead_time_days }
    }

    #[test]
    fn merge_keeps_the_lead_time_and_replace_wipes_it() {
        let mut listing = mug();
        listing.store(&Patch { change: Change::Merge, entries: vec![entry(MERCHANT, Some(4), None)] });
        assert_eq!(listing.stored, [entry(MERCHANT, Some(4), Some(3))]);
        listing.store(&Patch { change: Change::Replace, entries: vec![entry(MERCHANT, Some(5), None)] });
        assert_eq!(listing.stored, [entry(MERCHANT, Some(5), None)]);
    }

    #[test]
    fn replace_with_another_channel_leaves_a_second_entry() {
        let mut listing = mug();
        listing.store(&Patch { change: Change::Replace, entries: vec![entry("AMAZON_NA", None, None)] });
        assert_eq!(listing.stored, [entry(MERCHANT, Some(7), Some(3)), entry("AMAZON_NA", None, None)]);
    }

    #[test]
    fn selling_lowers_what_is_shown_and_what_is_stored() {
        let mut listing = mug();
        assert_eq!(listing.take(2).as_deref(), Some(MERCHANT));
        assert_eq!((listing.available(), listing.stored_quantity(MERCHANT)), (5, Some(5)));
        assert_eq!(listing.take(6), None);
        listing.put_back(1);
        assert_eq!((listing.available(), listing.stored_quantity(MERCHANT)), (6, Some(6)));
    }
}
