//! placeholder

pub mod phone;
pub mod region;
