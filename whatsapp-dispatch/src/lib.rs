//! A campaign reaches each person at most as often as its policy says, and everybody's outcome
//! is known.

pub mod columns;
pub mod fact;
pub mod gateway;
pub mod message;
pub mod phone;
pub mod reaction;
pub mod recipients;
pub mod region;
pub mod sender;
pub mod template;
pub mod webhook;

pub mod adapters;

#[cfg(feature = "simulator")]
pub mod simulator;
