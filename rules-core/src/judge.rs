//! Values and pure functions. Nothing here reads a clock, waits, or knows a store.

pub mod code;
pub mod fault;
pub mod id;
pub mod key;
pub mod tenant;
