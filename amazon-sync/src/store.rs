//! This crate's ports on the store handles of rules-core.

#[cfg(feature = "sqlite")]
mod sqlite;
