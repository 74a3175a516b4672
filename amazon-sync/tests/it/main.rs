//! The synchroniser end to end, and the suites of its ports.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at its first surprise and says what it saw"
)]

mod dice;
mod virtual_time;
mod witness;
mod house;
mod day;
mod planning;
mod host_stock;
