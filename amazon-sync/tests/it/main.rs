//! The synchroniser end to end, and the suites of its ports.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at its first surprise and says what it saw"
)]

mod virtual_time;
mod house;
mod day;
mod host_stock;
