use crate::listing::Channel;
use crate::sku::{Asin, ItemCode, Sku};

/// A listing that a world begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct ListingPlan {
    pub(super) sku: Sku,
    pub(super) asin: Option<Asin>,
    pub(super) title: String,
    pub(super) product_type: String,
    /// `None`: Amazon ships it.
    pub(super) channel: Option<Channel>,
    pub(super) quantity: u32,
    pub(super) lead_time_days: Option<u32>,
    pub(super) made_of: Vec<(ItemCode, u32)>,
    pub(super) per_hour: f64,
    pub(super) most_units: u32,
}

impl ListingPlan {
    /// A listing that the merchant ships and that shows so many. Unless it is said what it is made
    /// of, a unit of it is a unit of the item that is called like it, of which so many lie there.
    pub fn merchant(sku: Sku, quantity: u32) -> Self {
        Self {
            title: format!("{sku} (simulated)"),
            sku,
            asin: None,
            product_type: "PRODUCT".to_owned(),
            channel: Some(Channel::Merchant),
            quantity,
            lead_time_days: None,
            made_of: Vec::new(),
            per_hour: 0.0,
            most_units: 1,
        }
    }

    /// A listing that Amazon ships, with so many on Amazon's shelf.
    pub fn amazon(sku: Sku, quantity: u32) -> Self {
        Self { channel: None, ..Self::merchant(sku, quantity) }
    }

    /// What a unit of it is made of.
    #[must_use]
    pub fn made_of(self, parts: impl IntoIterator<Item = (ItemCode, u32)>) -> Self {
        Self { made_of: parts.into_iter().collect(), ..self }
    }

    /// So many buyers an hour.
    #[must_use]
    pub fn wanted(self, per_hour: f64) -> Self {
        Self { per_hour, ..self }
    }

    /// One buyer takes up to so many; most take one.
    #[must_use]
    pub fn up_to(self, most_units: u32) -> Self {
        Self { most_units, ..self }
    }

    /// Amazon's product type.
    #[must_use]
    pub fn product_type(self, product_type: impl Into<String>) -> Self {
        Self { product_type: product_type.into(), ..self }
    }

    /// Amazon's name of the product. Without one it gets one.
    #[must_use]
    pub fn asin(self, asin: Asin) -> Self {
        Self { asin: Some(asin), ..self }
    }

    /// The handling time that stands beside the quantity: `merge` keeps it and `replace` wipes it.
    #[must_use]
    pub fn lead_time(self, days: u32) -> Self {
        Self { lead_time_days: Some(days), ..self }
    }
}
