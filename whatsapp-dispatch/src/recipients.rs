//! placeholder, replaced
use serde::{Deserialize, Serialize};
/// m
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// p
    pub phone: String,
}
