//! Values and pure functions. Nothing here reads a clock, waits, or knows a store.

pub mod code;
pub mod fault;
pub mod gcra;
pub mod id;
pub mod key;
pub mod retry;
pub mod tenant;
pub mod window;
