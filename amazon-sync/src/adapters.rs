//! What knows a technology. Nothing of it leaves the module named after it.

pub mod host;
