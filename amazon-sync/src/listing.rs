//! Listings: what a seller offers on Amazon, and what Amazon says of it.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;
use crate::seller::SellerAccount;
use crate::sku::{Asin, Sku};

/// From whose shelf an offer ships, as Amazon's `fulfillment_channel_code` says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Channel {
    /// `DEFAULT`: the merchant's.
    Merchant,
    /// `AMAZON_NA`, `AMAZON_EU`, `AMAZON_JP` ...: Amazon's. Such a listing never gets a quantity.
    Amazon(String),
    /// Any other code: a supply source of the merchant's.
    SupplySource(String),
}

impl Channel {
    /// Amazon's code of the channel.
    pub fn code(&self) -> &str {
        match self {
            Self::Merchant => "DEFAULT",
            Self::Amazon(code) | Self::SupplySource(code) => code,
        }
    }

    /// The channel with this code.
    pub fn of(code: &str) -> Self {
        match code {
            "DEFAULT" => Self::Merchant,
            _ if code.starts_with("AMAZON") => Self::Amazon(code.to_owned()),
            _ => Self::SupplySource(code.to_owned()),
        }
    }

    /// True when Amazon ships it.
    pub const fn is_amazon(&self) -> bool {
        matches!(self, Self::Amazon(_))
    }
}

impl From<String> for Channel {
    fn from(code: String) -> Self {
        Self::of(&code)
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> Self {
        channel.code().to_owned()
    }
}

impl Display for Channel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// One number at Amazon: seller, region, SKU and channel. Not the marketplace: a merchant's
/// quantity is one number for all stores of a region that share it (selling-partner-api-models
/// issue 2845).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListingKey {
    account: SellerAccount,
    sku: Sku,
    channel: Channel,
}

impl ListingKey {
    /// The account's listing.
    pub const fn new(account: SellerAccount, sku: Sku, channel: Channel) -> Self {
        Self { account, sku, channel }
    }

    /// Whose listing it is.
    pub const fn account(&self) -> &SellerAccount {
        &self.account
    }

    /// The seller's name for it.
    pub const fn sku(&self) -> &Sku {
        &self.sku
    }

    /// From whose shelf it ships.
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }
}

impl Display for ListingKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) of {}", self.sku, self.channel, self.account)
    }
}

/// What Amazon showed of a listing when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingState {
    /// The seller's name for it.
    pub sku: Sku,
    /// The channel that Amazon says it ships through.
    pub channel: Channel,
    /// What the stored attribute says (`attributes.fulfillment_availability`).
    pub declared: Option<Quantity>,
    /// What buyers can have (`fulfillmentAvailability`). It may differ from the declared number
    /// for a while, and by Amazon's design (selling-partner-api-models issue 5327): this is the
    /// one that counts.
    pub effective: Option<Quantity>,
    /// Amazon's product type, needed for writing; `PRODUCT` does for offers.
    pub product_type: Option<String>,
    /// Amazon's name of the product.
    pub asin: Option<Asin>,
    /// Whether buyers can have it at all; `None` when the answer did not say.
    pub buyable: Option<bool>,
    /// When it was read, by Amazon's clock where the answer told it.
    pub as_of: DateTime<Utc>,
}
