//! Names of what is sold and of what lies on the shelf.

use std::borrow::Borrow;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

/// A seller's own name for something listed on Amazon: 1 to 40 characters (SP-API documentation,
/// "Listings Items API v2021-08-01", 2026-08). Amazon keeps its case and compares it as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(Arc<str>);

/// Amazon's own name of a product: 10 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Asin(Arc<str>);

/// The host's name of one thing on the shelf: what is counted, picked and packed. A listing is
/// made of one or more of them. 1 to 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemCode(Arc<str>);

/// No control characters, and no white space at either end, which nobody can see.
fn is_clean(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.trim() == text
}

macro_rules! name {
    ($name:ident, $what:literal, $rule:literal, |$text:ident| $fits:expr) => {
        impl $name {
            /// Reads a name.
            ///
            /// # Errors
            /// [`SkuError`] when the text is none.
            pub fn parse($text: &str) -> Result<Self, SkuError> {
                if $fits {
                    Ok(Self($text.into()))
                } else {
                    Err(SkuError { what: $what, rule: $rule, text: $text.chars().take(80).collect() })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = SkuError;

            fn try_from(text: String) -> Result<Self, SkuError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}

name!(Sku, "SKU", "1 to 40 characters, none of them a control character, no space at the ends", |text| {
    (1..=40).contains(&text.chars().count()) && is_clean(text)
});
name!(Asin, "ASIN", "10 capital letters and digits", |text| {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
});
name!(
    ItemCode,
    "item code",
    "1 to 64 bytes, none of them a control character, no space at the ends",
    |text| (1..=64).contains(&text.len()) && is_clean(text)
);

/// A text that is no such name.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is no {what}: use {rule}")]
pub struct SkuError {
    /// What it should be.
    pub what: &'static str,
    /// What would be one.
    pub rule: &'static str,
    /// What was given, its first 80 characters.
    pub text: String,
}

impl Classify for SkuError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_they_are_or_refused() {
        assert_eq!(Sku::parse("Mug / blue,11oz").unwrap().as_str(), "Mug / blue,11oz");
        assert!(Sku::parse(&"x".repeat(41)).is_err());
        assert!(Sku::parse(" mug").is_err());
        assert!(Asin::parse("B07N4M94X4").is_ok());
        assert!(Asin::parse("b07n4m94x4").is_err());
        let error = ItemCode::parse("a\nb").unwrap_err().to_string();
        assert!(error.starts_with("\"a\\nb\" is no item code: use 1 to 64 bytes"), "{error}");
    }
}
