//! Who sells, where, and from which shelf.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::{TenantId, TenantScope};
use serde::{Deserialize, Serialize};

/// One of Amazon's three regions of the Selling Partner API. Each has its own end point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// United States, Canada, Mexico, Brazil.
    NorthAmerica,
    /// Europe, the Middle East, Africa, India.
    Europe,
    /// Japan, Australia, Singapore.
    FarEast,
}

impl Region {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NorthAmerica, Self::Europe, Self::FarEast];

    /// The word for it in keys and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NorthAmerica => "north_america",
            Self::Europe => "europe",
            Self::FarEast => "far_east",
        }
    }

    /// The region with this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.as_str() == text)
    }
}

impl Display for Region {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Amazon's name of a marketplace, such as `ATVPDKIKX0DER` for amazon.com.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MarketplaceId(Arc<str>);

/// Amazon's name of a seller, such as `A2NEXAMPLETF53`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SellerId(Arc<str>);

macro_rules! amazon_name {
    ($name:ident, $what:literal) => {
        impl $name {
            /// Reads a name: 1 to 32 letters and digits.
            ///
            /// # Errors
            /// [`SellerError`] for any other text.
            pub fn parse(text: &str) -> Result<Self, SellerError> {
                let fits =
                    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if fits {
                    Ok(Self(text.into()))
                } else {
                    Err(SellerError::Name { what: $what, text: text.to_owned() })
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

        impl TryFrom<String> for $name {
            type Error = SellerError;

            fn try_from(text: String) -> Result<Self, SellerError> {
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

amazon_name!(MarketplaceId, "marketplace");
amazon_name!(SellerId, "seller");

impl MarketplaceId {
    /// The region that the marketplace belongs to; `None` for one that this version does not know.
    ///
    /// Source: SP-API documentation, "Marketplace IDs", 2026-08.
    pub fn region(&self) -> Option<Region> {
        Some(match self.as_str() {
            "ATVPDKIKX0DER" | "A2EUQ1WTGCTBG2" | "A1AM78C64UM0Y8" | "A2Q3Y263D00KWC" => Region::NorthAmerica,
            "A1F83G8C2ARO7P" | "A1PA6795UKMFR9" | "A13V1IB3VIYZZH" | "APJ6JRA9NG5V4" | "A1RKKUPIHCS9HS"
            | "A1805IZSGTT6HS" | "AMEN7PMS3EDWL" | "A2NODRKZP88ZB9" | "A1C3SOZRARQ6R3" | "A28R8C7NBKEWEA"
            | "A33AVAJ2PDY3EV" | "A2VIGQ35RCS4UG" | "A17E79C6D8DWNP" | "ARBP9OOSHTCHU" | "A21TJRUUN4KGV"
            | "AE08WJ6YKNBMC" => Region::Europe,
            "A1VC38T7YXB528" | "A39IBJ37TRP1C6" | "A19VAU5U5O7RUS" => Region::FarEast,
            _ => return None,
        })
    }
}

/// A tenant's seller account in one region: what SP-API budgets, orders and listings belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SellerAccount {
    tenant: TenantId,
    seller: SellerId,
    region: Region,
}

impl SellerAccount {
    /// The tenant's account.
    pub fn new(scope: &TenantScope, seller: SellerId, region: Region) -> Self {
        Self { tenant: scope.id().clone(), seller, region }
    }

    /// Whose account it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Amazon's name of the seller.
    pub const fn seller(&self) -> &SellerId {
        &self.seller
    }

    /// Where.
    pub const fn region(&self) -> Region {
        self.region
    }
}

impl Display for SellerAccount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} of {}", self.seller, self.region, self.tenant)
    }
}

/// A tenant's pool of stock: one ledger. Several seller accounts and the host's own shop may sell
/// from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shelf {
    tenant: TenantId,
    name: Arc<str>,
}

impl Shelf {
    /// The tenant's shelf `name`.
    ///
    /// # Errors
    /// [`SellerError`] when the name is empty, longer than 64 bytes or holds a control character.
    pub fn new(scope: &TenantScope, name: &str) -> Result<Self, SellerError> {
        let fits = (1..=64).contains(&name.len()) && !name.chars().any(char::is_control);
        if fits {
            Ok(Self { tenant: scope.id().clone(), name: name.into() })
        } else {
            Err(SellerError::Shelf { text: name.to_owned() })
        }
    }

    /// Whose shelf it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Its name, unique within its tenant.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A text that names no seller, marketplace or shelf.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SellerError {
    /// Not one of Amazon's names.
    #[error("{text:?} is no {what} id: use 1 to 32 letters and digits, as Seller Central shows it")]
    Name {
        /// What it should name.
        what: &'static str,
        /// What was given.
        text: String,
    },
    /// Not a shelf's name.
    #[error("{text:?} cannot name a shelf: use 1 to 64 bytes without control characters")]
    Shelf {
        /// What was given.
        text: String,
    },
}

impl Classify for SellerError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
