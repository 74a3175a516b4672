//! Campaigns end to end, on every store, against a gateway with a script.

mod house;
mod campaign;
