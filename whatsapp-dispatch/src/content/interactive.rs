use serde::{Deserialize, Serialize};

use super::Media;
use super::order::{OrderDetails, OrderStatus};
use crate::json::hidden;

mod action;
mod ask;

pub use action::{
    Button, ButtonReply, Buttons, Card, CardAction, Cards, CatalogCover, LinkButton, List, ListRow,
    ListSection, Product, ProductItem, ProductList, ProductSection,
};
pub use ask::{AddressRequest, CallButton, Flow, FlowScreen, NamedAction, NoParameters, SavedAddress};

/// Something to tap: header, text, footer and an action.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interactive {
    /// What stands above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text, at most 1,024 characters; a list may have 4,096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Label>,
    /// Small print, at most 60 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<Label>,
    /// What can be tapped.
    #[serde(flatten)]
    pub action: Action,
}

/// What can be tapped: Meta's `type` and its `action`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "action", rename_all = "snake_case")]
pub enum Action {
    /// One to three buttons.
    Button(Buttons),
    /// A menu.
    List(List),
    /// One product of a catalogue.
    Product(Product),
    /// Up to 30 products of a catalogue.
    ProductList(ProductList),
    /// The whole catalogue.
    CatalogMessage(NamedAction<CatalogCover>),
    /// A form.
    Flow(NamedAction<Flow>),
    /// A button that opens a link.
    CtaUrl(NamedAction<LinkButton>),
    /// Asks where the person is.
    LocationRequestMessage(NamedAction<NoParameters>),
    /// Asks for an address (India).
    AddressMessage(NamedAction<AddressRequest>),
    /// A bill that can be paid.
    OrderDetails(Box<NamedAction<OrderDetails>>),
    /// News of an order.
    OrderStatus(NamedAction<OrderStatus>),
    /// Two to ten cards side by side.
    Carousel(Cards),
    /// Asks whether the business may call.
    CallPermissionRequest(NamedAction<NoParameters>),
    /// A button that calls the business.
    VoiceCall(NamedAction<CallButton>),
    /// Asks for the person's number.
    RequestContactInfo(NamedAction<NoParameters>),
}

impl Interactive {
    fn new(body: impl Into<String>, action: Action) -> Self {
        Self { header: None, body: Some(Label::new(body)), footer: None, action }
    }

    /// A text with one to three buttons.
    pub fn buttons(body: impl Into<String>, buttons: impl IntoIterator<Item = Button>) -> Self {
        Self::new(body, Action::Button(Buttons { buttons: buttons.into_iter().collect() }))
    }

    /// A text with a menu that opens when `button` is tapped.
    pub fn list(
        body: impl Into<String>,
        button: impl Into<String>,
        sections: impl IntoIterator<Item = ListSection>,
    ) -> Self {
        let sections = sections.into_iter().collect();
        Self::new(body, Action::List(List { button: button.into(), sections }))
    }

    /// A text with a button that opens a link.
    pub fn link(body: impl Into<String>, text: impl Into<String>, url: impl Into<String>) -> Self {
        let button = LinkButton { display_text: text.into(), url: url.into() };
        Self::new(body, Action::CtaUrl(NamedAction::with("cta_url", button)))
    }

    /// A text with a button that opens a form.
    pub fn flow(body: impl Into<String>, flow: Flow) -> Self {
        Self::new(body, Action::Flow(NamedAction::with("flow", flow)))
    }

    /// One product of a catalogue.
    pub fn product(catalog_id: impl Into<String>, product_retailer_id: impl Into<String>) -> Self {
        let product =
            Product { catalog_id: catalog_id.into(), product_retailer_id: product_retailer_id.into() };
        Self { header: None, body: None, footer: None, action: Action::Product(product) }
    }

    /// Products of a catalogue under a header, which WhatsApp wants here.
    pub fn products(
        header: impl Into<String>,
        body: impl Into<String>,
        catalog_id: impl Into<String>,
        sections: impl IntoIterator<Item = ProductSection>,
    ) -> Self {
        let sections = sections.into_iter().collect();
        let list = ProductList { catalog_id: catalog_id.into(), sections };
        Self::new(body, Action::ProductList(list)).header(Header::text(header))
    }

    /// The whole catalogue, behind the picture of its first product.
    pub fn catalog(body: impl Into<String>) -> Self {
        Self::new(body, Action::CatalogMessage(NamedAction::named("catalog_message")))
    }

    /// Asks where the person is.
    pub fn location_request(body: impl Into<String>) -> Self {
        Self::new(body, Action::LocationRequestMessage(NamedAction::named("send_location")))
    }

    /// Asks for an address (India).
    pub fn address_request(body: impl Into<String>, request: AddressRequest) -> Self {
        Self::new(body, Action::AddressMessage(NamedAction::with("address_message", request)))
    }

    /// Asks whether the business may call.
    pub fn call_permission(body: impl Into<String>) -> Self {
        Self::new(body, Action::CallPermissionRequest(NamedAction::named("call_permission_request")))
    }

    /// A text with a button that calls the business.
    pub fn call(body: impl Into<String>, button: CallButton) -> Self {
        Self::new(body, Action::VoiceCall(NamedAction::with("voice_call", button)))
    }

    /// A bill that can be paid.
    pub fn order_details(body: impl Into<String>, order: OrderDetails) -> Self {
        Self::new(body, Action::OrderDetails(Box::new(NamedAction::with("review_and_pay", order))))
    }

    /// News of an order.
    pub fn order_status(body: impl Into<String>, status: OrderStatus) -> Self {
        Self::new(body, Action::OrderStatus(NamedAction::with("review_order", status)))
    }

    /// Cards side by side.
    pub fn carousel(body: impl Into<String>, cards: impl IntoIterator<Item = Card>) -> Self {
        Self::new(body, Action::Carousel(Cards { cards: cards.into_iter().collect() }))
    }

    /// The same with this header.
    #[must_use]
    pub fn header(self, header: Header) -> Self {
        Self { header: Some(header), ..self }
    }

    /// The same with this footer.
    #[must_use]
    pub fn footer(self, footer: impl Into<String>) -> Self {
        Self { footer: Some(Label::new(footer)), ..self }
    }
}

/// A text in its own object, as Meta wants bodies and footers.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The text.
    pub text: String,
}

impl Label {
    /// This text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

/// What stands above the text of an interactive message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Header {
    /// A text, at most 60 characters.
    Text {
        /// The text.
        text: String,
        /// A second, smaller line, for products only.
        #[serde(skip_serializing_if = "Option::is_none")]
        sub_text: Option<String>,
    },
    /// A picture.
    Image {
        /// The picture.
        image: Media,
    },
    /// A video.
    Video {
        /// The video.
        video: Media,
    },
    /// A moving picture.
    Gif {
        /// The moving picture.
        gif: Media,
    },
    /// A file.
    Document {
        /// The file.
        document: Media,
    },
}

impl Header {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), sub_text: None }
    }

    /// A picture.
    pub const fn image(image: Media) -> Self {
        Self::Image { image }
    }

    /// A video.
    pub const fn video(video: Media) -> Self {
        Self::Video { video }
    }

    /// A file.
    pub const fn document(document: Media) -> Self {
        Self::Document { document }
    }
}

hidden! { Interactive Action Label Header }
