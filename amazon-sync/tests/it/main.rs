//! The synchroniser end to end, and the suites of its ports.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at its first surprise")]

mod dice;
mod virtual_time;
mod witness;
mod house;
mod day;
mod planning;
mod adverse;
mod props;
mod durable;
mod over_http;
mod host_stock;
