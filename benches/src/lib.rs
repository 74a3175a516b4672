//! What the benches and the load run share.

pub mod inputs;
