//! What somebody should look at.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use serde::{Deserialize, Serialize};

/// Something that could not be dealt with, for somebody to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLetter {
    /// What it is about, such as an order's id. A second letter about the same subject with the
    /// same code replaces the first and is counted; the very same letter again is not.
    pub subject: String,
    /// Why, such as `sku.unmapped`.
    pub code: Code,
    /// What is wrong and what to do, in one sentence. Nothing personal.
    pub text: String,
    /// When it was found.
    pub at: DateTime<Utc>,
}

/// A letter that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its number.
    pub number: u64,
    /// What it says.
    pub letter: NewLetter,
    /// How often it was put.
    pub times: u32,
    /// When it was put first.
    pub first_at: DateTime<Utc>,
}
