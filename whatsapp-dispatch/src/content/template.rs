use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::order::{OrderDetails, OrderStatus};
use super::{Location, Media, Product, ProductSection};
use crate::json::{Literal, hidden, words};

/// A template and what fills it.
///
/// ```
/// use whatsapp_dispatch::content::{Media, Message, Parameter, TemplateMessage};
/// let offer = TemplateMessage::new("diwali_offer", "en_US")
///     .header(Parameter::image(Media::id("1013859600285441")))
///     .body([Parameter::text("Asha"), Parameter::text("20 %").named("discount")])
///     .url_button(0, "diwali-7f3");
/// assert!(Message::from(offer).check().is_ok());
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateMessage {
    /// Only of accounts that came from the old API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The template's name.
    pub name: String,
    /// Its language.
    pub language: Language,
    /// What fills its parts; a part without variables needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<Component>>,
}

impl TemplateMessage {
    /// A template that nothing fills yet.
    pub fn new(name: impl Into<String>, language: impl Into<String>) -> Self {
        let language = Language { code: language.into(), policy: None };
        Self { namespace: None, name: name.into(), language, components: None }
    }

    /// The same with one more component.
    #[must_use]
    pub fn component(mut self, component: Component) -> Self {
        self.components.get_or_insert_default().push(component);
        self
    }

    /// What fills the header.
    #[must_use]
    pub fn header(self, parameter: Parameter) -> Self {
        self.component(Component::with(ComponentKind::Header, [parameter]))
    }

    /// What fills the body, in order.
    #[must_use]
    pub fn body(self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.component(Component::with(ComponentKind::Body, parameters))
    }

    /// The ending of a button's link.
    #[must_use]
    pub fn url_button(self, index: u8, ending: impl Into<String>) -> Self {
        self.component(Component::button(index, ButtonKind::Url, Parameter::text(ending.into())))
    }

    /// What a button sends back.
    #[must_use]
    pub fn quick_reply_button(self, index: u8, payload: impl Into<String>) -> Self {
        let payload = ParameterValue::Payload { payload: payload.into().into() };
        self.component(Component::button(index, ButtonKind::QuickReply, payload.into()))
    }

    /// The code that a button copies.
    #[must_use]
    pub fn copy_code_button(self, index: u8, code: impl Into<String>) -> Self {
        let code = ParameterValue::CouponCode { coupon_code: code.into() };
        self.component(Component::button(index, ButtonKind::CopyCode, code.into()))
    }

    /// Until when an offer is good, in milliseconds since 1970.
    #[must_use]
    pub fn offer_until(self, expiration_time_ms: i64) -> Self {
        let offer = Offer { expiration_time_ms: expiration_time_ms.into() };
        let offer = ParameterValue::LimitedTimeOffer { limited_time_offer: offer };
        self.component(Component::with(ComponentKind::LimitedTimeOffer, [offer.into()]))
    }

    /// The cards of a carousel, each with its components.
    #[must_use]
    pub fn carousel<C: IntoIterator<Item = Component>>(self, cards: impl IntoIterator<Item = C>) -> Self {
        let card = |(index, components): (i64, C)| TemplateCard {
            card_index: index.into(),
            components: components.into_iter().collect(),
        };
        let cards = Some((0..).zip(cards).map(card).collect());
        self.component(Component { cards, ..Component::of(ComponentKind::Carousel) })
    }
}

/// The language of a template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// `en`, `en_US`, `pt_BR`.
    pub code: String,
    /// Only `deterministic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// What fills one part of a template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Which part.
    #[serde(rename = "type")]
    pub kind: ComponentKind,
    /// With a button: its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_type: Option<ButtonKind>,
    /// With a button: where it stands, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Literal>,
    /// The values, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
    /// With a carousel: its cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cards: Option<Vec<TemplateCard>>,
}

impl Component {
    const fn of(kind: ComponentKind) -> Self {
        Self { kind, sub_type: None, index: None, parameters: None, cards: None }
    }

    /// A part with these values.
    pub fn with(kind: ComponentKind, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        Self { parameters: Some(parameters.into_iter().collect()), ..Self::of(kind) }
    }

    /// A button with its value.
    pub fn button(index: u8, kind: ButtonKind, parameter: Parameter) -> Self {
        let index = Some(index.to_string().into());
        Self { sub_type: Some(kind), index, ..Self::with(ComponentKind::Button, [parameter]) }
    }
}

words! {
    /// A part of a template.
    pub enum ComponentKind {
        /// Above the text.
        Header = "header",
        /// The text.
        Body = "body",
        /// Below the text; it has no variables.
        Footer = "footer",
        /// A button.
        Button = "button",
        /// Cards side by side.
        Carousel = "carousel",
        /// A countdown.
        LimitedTimeOffer = "limited_time_offer",
        /// News of an order.
        OrderStatus = "order_status",
        /// A bill.
        OrderDetails = "order_details",
        /// What a tap on the whole message opens.
        TapTargetConfiguration = "tap_target_configuration",
        /// Asks whether the business may call.
        CallPermissionRequest = "call_permission_request",
    }
}

words! {
    /// A kind of button.
    pub enum ButtonKind {
        /// Sends a payload back.
        QuickReply = "quick_reply",
        /// Opens a link.
        Url = "url",
        /// Copies a code.
        CopyCode = "copy_code",
        /// Opens the catalogue.
        Catalog = "catalog",
        /// Opens a list of products.
        Mpm = "mpm",
        /// Opens a product.
        Spm = "spm",
        /// Opens a form.
        Flow = "flow",
        /// Gives a one-time code.
        Otp = "otp",
        /// Calls a number.
        PhoneNumber = "phone_number",
        /// Calls the business on WhatsApp.
        VoiceCall = "voice_call",
        /// Opens a bill.
        OrderDetails = "order_details",
        /// Sets a reminder.
        Reminder = "reminder",
        /// Opens an app.
        App = "app",
        /// Asks for the person's number.
        RequestContactInfo = "request_contact_info",
    }
}

/// One value, with the name of its variable if the template names them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The variable's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_name: Option<String>,
    /// The value.
    #[serde(flatten)]
    pub value: ParameterValue,
}

impl Parameter {
    /// A text.
    pub fn text(text: impl Into<Literal>) -> Self {
        ParameterValue::Text { text: text.into() }.into()
    }

    /// A picture.
    pub fn image(image: Media) -> Self {
        ParameterValue::Image { image }.into()
    }

    /// A video.
    pub fn video(video: Media) -> Self {
        ParameterValue::Video { video }.into()
    }

    /// A file.
    pub fn document(document: Media) -> Self {
        ParameterValue::Document { document }.into()
    }

    /// A place.
    pub fn location(location: Location) -> Self {
        ParameterValue::Location { location }.into()
    }

    /// The same for the variable of this name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { parameter_name: Some(name.into()), ..self }
    }
}

impl From<ParameterValue> for Parameter {
    fn from(value: ParameterValue) -> Self {
        Self { parameter_name: None, value }
    }
}

/// A value of a template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each field is the object that is named like the variant")]
pub enum ParameterValue {
    /// A text.
    Text { text: Literal },
    /// A sum of money.
    Currency { currency: Currency },
    /// A day and time.
    DateTime { date_time: DateTime },
    /// A picture.
    Image { image: Media },
    /// A video.
    Video { video: Media },
    /// A moving picture.
    Gif { gif: Media },
    /// A file.
    Document { document: Media },
    /// A place.
    Location { location: Location },
    /// A product.
    Product { product: Product },
    /// What a button sends back.
    Payload { payload: Literal },
    /// The code that a button copies.
    CouponCode { coupon_code: String },
    /// What a button opens.
    Action { action: FlowAction },
    /// A countdown.
    LimitedTimeOffer { limited_time_offer: Offer },
    /// News of an order.
    OrderStatus { order_status: OrderStatus },
    /// What a tap on the whole message opens.
    TapTargetConfiguration { tap_target_configuration: Vec<TapTarget> },
    /// For how many minutes a call button works.
    TtlMinutes { ttl_minutes: Literal },
}

/// A sum of money.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// What is shown where it cannot be localized.
    pub fallback_value: String,
    /// Three letters.
    pub code: String,
    /// The sum in thousandths.
    pub amount_1000: Literal,
}

/// A day and time. WhatsApp shows the fallback and localizes nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is what its name says, as a number")]
pub struct DateTime {
    /// What is shown.
    pub fallback_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<Literal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Literal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_of_month: Option<Literal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_of_week: Option<Literal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<Literal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute: Option<Literal>,
    /// `GREGORIAN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Literal>,
}

/// What a button opens: a form, products, a bill.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowAction {
    /// With a form: comes back with the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<String>,
    /// With a form: what its first screen shows, as its author defined it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action_data: Option<Value>,
    /// With products: whose picture stands for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_product_retailer_id: Option<String>,
    /// With products: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sections: Option<Vec<ProductSection>>,
    /// With a bill: the bill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_details: Option<Box<OrderDetails>>,
}

/// How long an offer is good.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Milliseconds since 1970.
    pub expiration_time_ms: Literal,
}

/// What a tap on the whole message opens.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapTarget {
    /// The link.
    pub url: String,
    /// What stands for it.
    pub title: String,
}

/// One card of a template's carousel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCard {
    /// Where it stands, from 0.
    pub card_index: Literal,
    /// What fills its parts.
    pub components: Vec<Component>,
}

hidden! {
    TemplateMessage Language Component Parameter ParameterValue Currency DateTime FlowAction Offer TapTarget
    TemplateCard
}
