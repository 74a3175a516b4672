use serde::{Deserialize, Serialize};

use super::{Header, Label};
use crate::json::{Literal, hidden};

/// One to three buttons.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buttons {
    /// The buttons.
    pub buttons: Vec<Button>,
}

/// A button that sends its title back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Button {
    /// Below a text.
    Reply {
        /// What comes back.
        reply: ButtonReply,
    },
    /// On a card of a carousel.
    QuickReply {
        /// What comes back.
        quick_reply: ButtonReply,
    },
}

impl Button {
    /// A button below a text.
    pub fn reply(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self::Reply { reply: ButtonReply { id: id.into(), title: title.into() } }
    }

    /// A button on a card of a carousel.
    pub fn quick_reply(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self::QuickReply { quick_reply: ButtonReply { id: id.into(), title: title.into() } }
    }

    pub(in crate::content) const fn answer(&self) -> &ButtonReply {
        match self {
            Self::Reply { reply } => reply,
            Self::QuickReply { quick_reply } => quick_reply,
        }
    }
}

/// What a button says and sends back.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonReply {
    /// Comes back in the webhook, at most 256 characters; each button its own.
    pub id: String,
    /// What people read, at most 20 characters.
    pub title: String,
}

/// A menu behind a button.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// What opens the menu, at most 20 characters.
    pub button: String,
    /// One to ten sections with ten rows together.
    pub sections: Vec<ListSection>,
}

/// A part of a menu.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSection {
    /// At most 24 characters; needed when there is more than one section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What can be chosen.
    pub rows: Vec<ListRow>,
}

impl ListSection {
    /// A section with a title.
    pub fn new(title: impl Into<String>, rows: impl IntoIterator<Item = ListRow>) -> Self {
        Self { title: Some(title.into()), rows: rows.into_iter().collect() }
    }
}

/// One choice.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    /// Comes back in the webhook, at most 200 characters; each row its own.
    pub id: String,
    /// What people read, at most 24 characters.
    pub title: String,
    /// A second line, at most 72 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl ListRow {
    /// A choice without a second line.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), description: None }
    }

    /// The same with a second line.
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }
}

/// One product of a catalogue.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The catalogue.
    pub catalog_id: String,
    /// The business's own id of the product.
    pub product_retailer_id: String,
}

/// Products of a catalogue.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductList {
    /// The catalogue.
    pub catalog_id: String,
    /// One to ten sections with 30 products together.
    pub sections: Vec<ProductSection>,
}

/// A part of a list of products.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductSection {
    /// At most 24 characters; needed when there is more than one section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The products.
    pub product_items: Vec<ProductItem>,
}

impl ProductSection {
    /// A section with these products, by the business's own ids.
    pub fn new<I: Into<String>>(title: impl Into<String>, ids: impl IntoIterator<Item = I>) -> Self {
        let item = |id: I| ProductItem { product_retailer_id: id.into() };
        Self { title: Some(title.into()), product_items: ids.into_iter().map(item).collect() }
    }
}

/// One product of a section.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductItem {
    /// The business's own id of the product.
    pub product_retailer_id: String,
}

/// Which product's picture stands for the catalogue.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogCover {
    /// The business's own id of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_product_retailer_id: Option<String>,
}

/// A button that opens a link.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkButton {
    /// What people read, at most 20 characters.
    pub display_text: String,
    /// Where it leads.
    pub url: String,
}

/// Cards side by side.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cards {
    /// Two to ten, all built alike.
    pub cards: Vec<Card>,
}

/// One card of a carousel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Where it stands, from 0.
    pub card_index: Literal,
    /// `cta_url`, `button` or `product`.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A picture or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// At most 160 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Label>,
    /// What can be tapped.
    pub action: CardAction,
}

impl Card {
    /// A card whose button opens a link.
    pub fn link(index: u8, header: Header, text: impl Into<String>, url: impl Into<String>) -> Self {
        let button = LinkButton { display_text: text.into(), url: url.into() };
        Self {
            card_index: i64::from(index).into(),
            kind: Some("cta_url".to_owned()),
            header: Some(header),
            body: None,
            action: CardAction {
                name: Some("cta_url".to_owned()),
                parameters: Some(button),
                ..CardAction::default()
            },
        }
    }

    /// A card with buttons that send their title back.
    pub fn buttons(index: u8, header: Header, buttons: impl IntoIterator<Item = Button>) -> Self {
        Self {
            card_index: i64::from(index).into(),
            kind: None,
            header: Some(header),
            body: None,
            action: CardAction { buttons: Some(buttons.into_iter().collect()), ..CardAction::default() },
        }
    }

    /// The same card with a text.
    #[must_use]
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(Label::new(body)), ..self }
    }
}

/// What can be tapped on a card: a link, buttons or a product.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardAction {
    /// `cta_url` with a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<LinkButton>,
    /// Buttons that send their title back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<Button>>,
    /// With a product: the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// With a product: the business's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_retailer_id: Option<String>,
}

hidden! {
    Buttons Button ButtonReply List ListSection ListRow Product ProductList ProductSection ProductItem
    CatalogCover LinkButton Cards Card CardAction
}
