//! What knows a vendor's technology. Nothing of a vendor leaves the module named after it.

#[cfg(feature = "cloud-api")]
pub mod cloud_api;
