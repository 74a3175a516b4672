//! What the example programs are made of. Each program's file in `bin/` is its table of contents.

pub mod conformance;
pub mod fleet;
pub mod send_campaign;
pub mod sync_stock;
