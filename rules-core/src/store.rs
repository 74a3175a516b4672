//! One handle per technology. A handle is cheap to clone, implements every port of this crate,
//! and lets sibling crates implement theirs on it. Only files are for one port alone, the archive.

pub mod memory;

pub mod files;

#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "redis")]
pub mod redis;
