//! The ledger and its stores: the suite of the port on each of them, what holds for every order and
//! every repetition of what is told, and what is left after a crash.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at its first surprise")]

mod ports;
mod told;
mod reports;
mod counts;
mod histories;
mod crash;
mod travel;
