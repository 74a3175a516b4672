use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a campaign gives to a button. All texts may hold columns in braces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonValue {
    /// The end of a link, in place of its variable.
    Url(String),
    /// What comes back when the person taps; at most 256 characters.
    QuickReply(String),
    /// The coupon that the person copies; at most 15 characters.
    CopyCode(String),
    /// Opens a flow.
    Flow {
        /// Comes back with the person's answers.
        token: String,
        /// What the first screen starts from.
        #[serde(default)]
        data: BTreeMap<String, String>,
    },
    /// Opens the catalog, with the picture of this product.
    Catalog {
        /// The seller's id of the product.
        thumbnail: String,
    },
    /// Opens a list of products, with the picture of one.
    Products {
        /// The seller's id of the product on the picture.
        thumbnail: String,
        /// The list: 1 to 10 sections, at most 30 products.
        sections: Vec<ProductSection>,
    },
}

/// A part of a list of products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductSection {
    /// Its title; at most 24 characters.
    pub title: String,
    /// The seller's ids of its products.
    pub products: Vec<String>,
}

impl ButtonValue {
    /// The end of a link, in place of its variable.
    pub fn url(end: impl Into<String>) -> Self {
        Self::Url(end.into())
    }

    /// What comes back when the person taps.
    pub fn quick_reply(payload: impl Into<String>) -> Self {
        Self::QuickReply(payload.into())
    }

    /// The coupon that the person copies.
    pub fn copy_code(coupon: impl Into<String>) -> Self {
        Self::CopyCode(coupon.into())
    }

    /// Opens a flow; the token comes back with the person's answers.
    pub fn flow(token: impl Into<String>) -> Self {
        Self::Flow { token: token.into(), data: BTreeMap::new() }
    }

    /// The same flow, starting from this data; nothing for other buttons.
    #[must_use]
    pub fn with_data(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Flow { data, .. } = &mut self {
            data.insert(name.into(), value.into());
        }
        self
    }

    /// `a coupon` and so on.
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Url(_) => "the end of a link",
            Self::QuickReply(_) => "a payload",
            Self::CopyCode(_) => "a coupon",
            Self::Flow { .. } => "a flow's token",
            Self::Catalog { .. } => "a catalog's product",
            Self::Products { .. } => "a list of products",
        }
    }
}
