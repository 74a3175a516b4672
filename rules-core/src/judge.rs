//! Values and pure functions. Nothing here reads a clock, waits, or knows a store.

pub mod code;
pub mod fault;
pub mod id;
pub mod tenant;
pub mod key;

pub mod fact;
pub mod verdict;
pub mod ballot;
pub mod rule;
pub mod rule_set;
pub mod rule_book;
pub mod explanation;
pub mod registry;

pub mod subscription;
pub mod window;
pub mod gcra;
pub mod learned_rate;
pub mod retry;
