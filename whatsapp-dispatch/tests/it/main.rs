//! Campaigns end to end, on every store, against a gateway with a script; and the suites of the
//! ports.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at its first surprise"
)]

mod house;
mod again;
mod campaign;
mod direct;
mod steer;
mod planning;
mod loss;
mod privacy;
mod trips;
mod ports;
mod props;
