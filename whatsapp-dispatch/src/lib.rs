//! placeholder

pub mod columns;
pub mod phone;
pub mod recipients;
pub mod region;
pub mod template;
