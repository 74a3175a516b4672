//! What the benches and the load runs share.

pub mod inputs;
pub mod process;
pub mod server;
pub mod stock;
