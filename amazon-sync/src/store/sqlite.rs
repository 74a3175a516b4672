//! The sync store on the SQLite handle.
//!
//! Shelves, accounts, items, orders and listings have integer keys inside; a movement's row key is
//! its shelf and its number, so a page of orders is appended to the end of one table.

use rules_core::store::sqlite::Schema;

mod account;
mod books;
mod history;
mod items;
mod letters;
mod listings;
mod packed;
mod sync_store;

pub(crate) static SCHEMA: Schema =
    Schema { name: "amazon-sync", steps: &[include_str!("sqlite/schema.sql")] };
