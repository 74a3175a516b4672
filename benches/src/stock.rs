//! The inputs of measurements of `amazon-sync`, made in one place.
//!
//! What a regression means:
//! - `merge`: after each snapshot all listings are decided anew. A million at 20 ms are no pause;
//!   reconciling two snapshots of a million in more than a second holds up what is urgent.
//! - `available`: each order changes some items, and all their listings are computed anew. Above
//!   100 ns a listing a sale of many lines shows between a sale and its number.
//! - `delta`: each line of each order that is polled goes through it, repeats included. Above 1 us
//!   it shows beside the store's commit.
#![expect(clippy::missing_panics_doc, reason = "constants that are known to be right")]

use std::fmt::Write as _;
use std::sync::Arc;

use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::sku_map::SkuMap;

/// A map's CSV with so many listings: of ten, seven are an item, one is another name for one, one
/// a pack and one a bundle of three.
pub fn sku_map_csv(listings: usize) -> String {
    let mut csv = String::from("sku,channel,kind,of,units\n");
    for n in 0..listings {
        let item = |back: usize| format!("SKU-{:07}", (n - n % 10).wrapping_add(back));
        let written = match n % 10 {
            7 => writeln!(csv, "SKU-{n:07},DEFAULT,alias,{},", item(0)),
            8 => writeln!(csv, "SKU-{n:07},DEFAULT,pack,{},6", item(1)),
            9 => (2..5).try_for_each(|back| writeln!(csv, "SKU-{n:07},DEFAULT,bundle,{},{back}", item(back))),
            _ => writeln!(csv, "SKU-{n:07},DEFAULT,item,item-{n:07},"),
        };
        written.expect("writing to a string");
    }
    csv
}

/// The map of it.
pub fn sku_map(listings: usize) -> Arc<SkuMap> {
    // Whole groups of ten, so that no listing is made of one that is cut off.
    assert!(listings.is_multiple_of(10), "a multiple of ten");
    Arc::new(SkuMap::from_csv(sku_map_csv(listings).as_bytes()).expect("a map"))
}

/// A quantity that is known to be one.
pub fn quantity(number: usize) -> Quantity {
    Quantity::clamped(Units::new(i64::try_from(number).expect("a small number")))
}
