//! What knows a technology. Nothing of it leaves the module named after it.

pub mod host;
#[cfg(feature = "sp-api")]
pub mod sp_api;
