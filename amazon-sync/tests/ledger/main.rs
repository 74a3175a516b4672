//! The ledger and its stores: the suite of the port on each of them, random histories on both, and
//! what they promise after a crash.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

mod ports;
