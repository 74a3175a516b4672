//! Values and pure functions. Nothing here reads a clock, waits, or knows a store.

pub mod code;
pub mod fault;
pub mod id;
pub mod key;
pub mod tenant;

pub mod ballot;
pub mod explanation;
pub mod fact;
pub mod registry;
pub mod rule;
pub mod rule_book;
pub mod rule_set;
pub mod subscription;
pub mod verdict;
