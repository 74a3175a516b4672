use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::fault::{SkuMapError, SkuMapProblem};
use super::{SkuMap, Unresolved};
use crate::listing::Channel;
use crate::sku::{Asin, ItemCode, Sku};

mod assemble;
mod resolve;

/// One unit of something is made of at most so many units of one other: a larger number is a
/// broken export, such as a barcode in the column of units.
pub(super) const MOST_UNITS: u32 = 1_000_000;

/// Makes a [`SkuMap`] from rows, wherever a host has them.
///
/// Rows may come in any order. Everything that is wrong is collected: [`SkuMapBuilder::build`]
/// refuses a map with faults, [`SkuMapBuilder::build_rest`] makes one of the rest.
#[derive(Clone, Debug, Default)]
pub struct SkuMapBuilder {
    places: HashMap<Sku, usize>,
    definitions: Vec<Definition>,
    error: SkuMapError,
}

/// A row about a SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuRow {
    /// Which.
    pub sku: Sku,
    /// The channels through which it is listed; empty for something that is only part of others.
    pub channels: Vec<Channel>,
    /// What it is made of.
    pub made_of: MadeOf,
    /// Amazon's name of the product.
    pub asin: Option<Asin>,
    /// Amazon's product type, needed for writing; `PRODUCT` does where none is known.
    pub product_type: Option<String>,
}

/// What one unit of a SKU is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeOf {
    /// Units of an item on the shelf, 1 as a rule.
    Item {
        /// Which.
        item: ItemCode,
        /// How many.
        units: u32,
    },
    /// One unit of another SKU: another name for the same thing.
    Alias {
        /// Which.
        of: Sku,
    },
    /// Several units of another SKU.
    Pack {
        /// Which.
        of: Sku,
        /// How many, 2 or more.
        units: u32,
    },
    /// Units of another SKU, among other things: a bundle has a row for each of its components.
    BundleOf {
        /// Which.
        of: Sku,
        /// How many.
        units: u32,
    },
}

impl MadeOf {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Item { .. } => "item",
            Self::Alias { .. } => "alias",
            Self::Pack { .. } => "pack",
            Self::BundleOf { .. } => "bundle",
        }
    }

    /// The units, and the least that they can be.
    const fn units(&self) -> (u32, u32) {
        match self {
            Self::Alias { .. } => (1, 1),
            Self::Item { units, .. } | Self::BundleOf { units, .. } => (*units, 1),
            Self::Pack { units, .. } => (*units, 2),
        }
    }
}

/// What all rows together say about a SKU.
#[derive(Clone, Debug)]
struct Definition {
    sku: Sku,
    line: u64,
    channels: Vec<Channel>,
    /// One element but for bundles, with the line of each.
    made_of: Vec<(MadeOf, u64)>,
    asin: Option<Asin>,
    product_type: Option<String>,
    refused: Option<Unresolved>,
    /// What it comes down to, once it is resolved.
    parts: Option<resolve::Parts>,
}

impl SkuMapBuilder {
    /// Adds a row. `line` is its place, for the message if something is wrong with it.
    pub fn add(&mut self, line: u64, row: SkuRow) {
        let SkuRow { sku, mut channels, made_of, asin, product_type } = row;
        let (units, least) = made_of.units();
        if !(least..=MOST_UNITS).contains(&units) {
            let problem = SkuMapProblem::Units {
                sku: sku.to_string(),
                kind: made_of.kind(),
                units: units.to_string(),
                least,
            };
            return self.refuse(line, Some(sku), problem);
        }
        let place = match self.places.entry(sku) {
            Slot::Occupied(slot) => *slot.get(),
            Slot::Vacant(slot) => {
                channels.sort_unstable();
                channels.dedup();
                self.definitions.push(Definition {
                    sku: slot.key().clone(),
                    line,
                    channels,
                    made_of: vec![(made_of, line)],
                    asin,
                    product_type,
                    refused: None,
                    parts: None,
                });
                slot.insert(self.definitions.len() - 1);
                return;
            }
        };
        if let Some(known) = self.definitions.get_mut(place) {
            known.channels.append(&mut channels);
            known.channels.sort_unstable();
            known.channels.dedup();
            known.extend(line, made_of, &mut self.error);
            known.fill("asin", line, &mut self.error, asin, |known| &mut known.asin);
            known.fill("product_type", line, &mut self.error, product_type, |known| &mut known.product_type);
        }
    }

    /// Notes that a row cannot be used. What it is about, if that much is known, has no definition
    /// then, whatever other rows say: half a bundle would be sold twice.
    pub fn refuse(&mut self, line: u64, sku: Option<Sku>, problem: SkuMapProblem) {
        self.error.add(line, problem);
        let Some(sku) = sku else { return };
        match self.places.entry(sku) {
            Slot::Occupied(slot) => {
                if let Some(known) = self.definitions.get_mut(*slot.get()) {
                    known.refused.get_or_insert(Unresolved::Refused);
                }
            }
            Slot::Vacant(slot) => {
                self.definitions.push(Definition {
                    sku: slot.key().clone(),
                    line,
                    channels: Vec::new(),
                    made_of: Vec::new(),
                    asin: None,
                    product_type: None,
                    refused: Some(Unresolved::Refused),
                    parts: None,
                });
                slot.insert(self.definitions.len() - 1);
            }
        }
    }

    /// The map.
    ///
    /// # Errors
    /// [`SkuMapError`] with everything that is wrong, each with its line and what would be right.
    pub fn build(self) -> Result<SkuMap, SkuMapError> {
        let (map, error) = self.build_rest();
        if error.is_empty() { Ok(map) } else { Err(error) }
    }

    /// The map of what is right, and everything that is wrong. SKUs with a fault, and those that
    /// are made of them, stand for nothing in it: looking one up says why.
    pub fn build_rest(mut self) -> (SkuMap, SkuMapError) {
        let items = resolve::resolve(&self.places, &mut self.definitions, &mut self.error);
        // A million names: they are indexed anew.
        drop(self.places);
        let map = assemble::assemble(self.definitions, items, &mut self.error);
        self.error.sort();
        (map, self.error)
    }
}

impl Definition {
    /// A further row about what it is made of.
    fn extend(&mut self, line: u64, made_of: MadeOf, error: &mut SkuMapError) {
        let sku = || self.sku.to_string();
        let is_bundle = |made_of: &MadeOf| matches!(made_of, MadeOf::BundleOf { .. });
        let same = self.made_of.iter().find(|(known, _)| known.of() == made_of.of());
        match same {
            Some((known, first)) if is_bundle(known) && is_bundle(&made_of) => {
                let of = made_of.of().unwrap_or_default().to_owned();
                error.add(line, SkuMapProblem::Again { sku: sku(), of, first: *first });
                self.refused = Some(Unresolved::Ambiguous);
            }
            Some((known, _)) if *known == made_of => {}
            None if is_bundle(&made_of) && self.made_of.iter().all(|(known, _)| is_bundle(known)) => {
                self.made_of.push((made_of, line));
            }
            _ => {
                error.add(line, SkuMapProblem::Twice { sku: sku(), first: self.line });
                self.refused = Some(Unresolved::Ambiguous);
            }
        }
    }

    /// A further row with an ASIN or a product type.
    fn fill<T: PartialEq>(
        &mut self,
        column: &'static str,
        line: u64,
        error: &mut SkuMapError,
        value: Option<T>,
        place: impl Fn(&mut Self) -> &mut Option<T>,
    ) {
        let Some(value) = value else { return };
        match place(self) {
            Some(known) if *known == value => {}
            Some(_) => {
                let (sku, first) = (self.sku.to_string(), self.line);
                error.add(line, SkuMapProblem::Differs { sku, column, first });
            }
            empty => *empty = Some(value),
        }
    }
}

impl MadeOf {
    /// The other SKU; `None` for an item.
    fn of(&self) -> Option<&str> {
        match self {
            Self::Item { .. } => None,
            Self::Alias { of } | Self::Pack { of, .. } | Self::BundleOf { of, .. } => Some(of.as_str()),
        }
    }
}
