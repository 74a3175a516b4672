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

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use amazon_sync::merge::{Context, Flight, Mapping, Pending, Row, Ships, Table};
use amazon_sync::policy::DriftPolicy;
use amazon_sync::quantity::{Quantity, Units};
use amazon_sync::sku_map::{ItemId, ListingId, SkuMap};
use chrono::{DateTime, Utc};

/// A map's CSV with so many listings: of ten, seven are an item, one is another name for one, one
/// a pack and one a bundle of three.
pub fn sku_map_csv(listings: usize) -> String {
    let mut csv = Vec::new();
    write_sku_map(&mut csv, listings).expect("writing to memory");
    String::from_utf8(csv).expect("text")
}

/// Writes that CSV.
pub fn write_sku_map(to: &mut impl Write, listings: usize) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    writeln!(to, "sku,channel,kind,of,units")?;
    for n in 0..listings {
        let item = |back: usize| format!("SKU-{:07}", (n - n % 10).wrapping_add(back));
        match n % 10 {
            7 => writeln!(to, "SKU-{n:07},DEFAULT,alias,{},", item(0)),
            8 => writeln!(to, "SKU-{n:07},DEFAULT,pack,{},6", item(1)),
            9 => (2..5).try_for_each(|back| writeln!(to, "SKU-{n:07},DEFAULT,bundle,{},{back}", item(back))),
            _ => writeln!(to, "SKU-{n:07},DEFAULT,item,item-{n:07},"),
        }?;
    }
    to.flush()
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

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")
}

/// What the decisions depend on.
pub fn context() -> Context {
    Context { now: now(), policy: DriftPolicy::default() }
}

/// A listing on which everybody agrees.
pub fn quiet(listing: ListingId) -> Row {
    let number = Some(quantity(listing.index() % 50));
    Row {
        base: number,
        sold: Units::ZERO,
        sold_since_read: Units::ZERO,
        ours: number,
        theirs: number,
        declared: number,
        times: 2,
        absent: 0,
        mapping: Mapping::Known,
        ships: Ships::Merchant,
        is_covered: true,
        is_frozen: false,
        pending: None,
    }
}

/// Of a hundred listings on a busy day, one each has a change of ours, an unseen sale, a foreign
/// write, a number on its way, or is missing; ten sold something that both have counted.
pub fn busy(listing: ListingId) -> Row {
    let row = quiet(listing);
    let number = listing.index() % 50;
    match listing.index() % 100 {
        3 => Row { ours: Some(quantity(number + 4)), ..row },
        11 => Row { base: Some(quantity(number + 1)), is_covered: false, ..row },
        23 => Row { base: Some(quantity(number + 7)), ours: Some(quantity(number + 7)), ..row },
        37 => {
            let flight = Flight {
                quantity: quantity(number + 2),
                sold: Units::ZERO,
                at: now() - Duration::from_secs(60),
                deadline: now() + Duration::from_secs(600),
                read_at: Some(now()),
                attempts: 1,
            };
            Row { ours: Some(flight.quantity), pending: Some(Pending::InFlight(flight)), ..row }
        }
        41 => Row { absent: 1, ..row },
        50..60 => Row { base: Some(quantity(number + 1)), sold: Units::new(1), ..row },
        _ => row,
    }
}

/// What is known of so many listings.
pub fn table(listings: u32, row: impl Fn(ListingId) -> Row) -> Table {
    let mut table = Table::new(listings as usize);
    for listing in (0..listings).map(ListingId::new) {
        table.put(listing, &row(listing));
    }
    table
}

/// What lies free of each item, as the host's file has it: in an order of its own.
pub fn of_the_host(items: u32) -> Vec<(ItemId, Units)> {
    let ids = (0..items).map(|n| ItemId::new(elsewhere(n, items)));
    ids.map(|item| (item, quantity(item.index() % 50).units())).collect()
}

/// What Amazon's report shows of each listing, in another order.
pub fn of_amazon(listings: u32) -> Vec<(ListingId, Quantity)> {
    let ids = (0..listings).map(|n| ListingId::new(elsewhere(n, listings)));
    ids.map(|listing| (listing, quantity(listing.index() % 50))).collect()
}

/// 7,919 is prime, so each comes once, as long as there are not as many as a multiple of it.
fn elsewhere(n: u32, of: u32) -> u32 {
    (u64::from(n) * 7_919 % u64::from(of)) as u32
}
