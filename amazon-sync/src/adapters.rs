//! What knows a vendor's technology. Nothing of a vendor leaves the module named after it.

#[cfg(feature = "sp-api")]
pub mod sp_api;
