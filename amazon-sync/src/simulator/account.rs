use std::fmt::{self, Display, Formatter};

use crate::seller::{Region, SellerAccount, SellerError, SellerId};

/// A seller in a region, as Amazon knows it: without our tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmazonAccount {
    seller: SellerId,
    region: Region,
}

impl AmazonAccount {
    /// The seller's account in the region.
    pub const fn new(seller: SellerId, region: Region) -> Self {
        Self { seller, region }
    }

    /// The account of the seller with this name.
    ///
    /// # Errors
    /// [`SellerError`] when the text names no seller.
    pub fn parse(seller: &str, region: Region) -> Result<Self, SellerError> {
        Ok(Self::new(SellerId::parse(seller)?, region))
    }

    /// Amazon's name of the seller.
    pub const fn seller(&self) -> &SellerId {
        &self.seller
    }

    /// The code of Amazon's own shipping there.
    pub(super) const fn amazon_channel(&self) -> &'static str {
        match self.region {
            Region::NorthAmerica => "AMAZON_NA",
            Region::Europe => "AMAZON_EU",
            Region::FarEast => "AMAZON_JP",
        }
    }

    /// Where.
    pub const fn region(&self) -> Region {
        self.region
    }
}

impl From<&SellerAccount> for AmazonAccount {
    fn from(account: &SellerAccount) -> Self {
        Self::new(account.seller().clone(), account.region())
    }
}

impl Display for AmazonAccount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.seller, self.region)
    }
}
