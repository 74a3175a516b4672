use serde::{Deserialize, Serialize};

use crate::json::{Literal, words};

/// A part of a template: which fields there are depends on its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateComponent {
    /// Which part.
    #[serde(rename = "type")]
    pub kind: ComponentType,
    /// With a header: what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ComponentFormat>,
    /// Its text, with `{{1}}` or `{{name}}` for each variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What its variables may be, for whoever approves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<TemplateExample>,
    /// With a code's body: adds "don't share this code".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_security_recommendation: Option<bool>,
    /// With a code's footer: after how many minutes the code is void.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_expiration_minutes: Option<Literal>,
    /// With buttons: the buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<TemplateButton>>,
    /// With a carousel: its cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cards: Option<Vec<TemplateCard>>,
    /// With an offer: how it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_time_offer: Option<LimitedTimeOffer>,
}

impl TemplateComponent {
    /// A part of this type with nothing in it.
    pub const fn new(kind: ComponentType) -> Self {
        Self {
            kind,
            format: None,
            text: None,
            example: None,
            add_security_recommendation: None,
            code_expiration_minutes: None,
            buttons: None,
            cards: None,
            limited_time_offer: None,
        }
    }
}

words! {
    /// A part of a template.
    pub enum ComponentType {
        /// Above the text.
        Header = "HEADER",
        /// The text.
        Body = "BODY",
        /// Below the text.
        Footer = "FOOTER",
        /// Buttons.
        Buttons = "BUTTONS",
        /// Cards side by side.
        Carousel = "CAROUSEL",
        /// A countdown.
        LimitedTimeOffer = "LIMITED_TIME_OFFER",
        /// Asks whether the business may call.
        CallPermissionRequest = "CALL_PERMISSION_REQUEST",
        /// What a tap on the whole message opens.
        TapTargetConfiguration = "TAP_TARGET_CONFIGURATION",
        /// News of an order.
        OrderStatus = "ORDER_STATUS",
    }
}

words! {
    /// What a header is.
    pub enum ComponentFormat {
        /// A text.
        Text = "TEXT",
        /// A picture.
        Image = "IMAGE",
        /// A video.
        Video = "VIDEO",
        /// A moving picture.
        Gif = "GIF",
        /// A file.
        Document = "DOCUMENT",
        /// A place.
        Location = "LOCATION",
        /// A product.
        Product = "PRODUCT",
    }
}

/// What the variables of a part may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateExample {
    /// Of a header's variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_text: Option<Samples>,
    /// Of a body's variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_text: Option<Samples>,
    /// Of a header's picture, by the handle of an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_handle: Option<Samples>,
    /// Of a header's picture, by link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_url: Option<Samples>,
    /// Of a header's named variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_text_named_params: Option<Vec<NamedSample>>,
    /// Of a body's named variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_text_named_params: Option<Vec<NamedSample>>,
}

/// Examples: one, one per variable, or several such rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Samples {
    /// One.
    One(Literal),
    /// One per variable.
    Row(Vec<Literal>),
    /// Several rows.
    Rows(Vec<Vec<Literal>>),
}

/// An example of a named variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSample {
    /// The variable.
    pub param_name: String,
    /// The example.
    pub example: Literal,
}

/// One card of a carousel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCard {
    /// Its parts.
    pub components: Vec<TemplateComponent>,
}

/// How an offer is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedTimeOffer {
    /// At most 16 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// True with a countdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_expiration: Option<bool>,
}

/// A button: which fields there are depends on its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateButton {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ButtonType,
    /// What people read, at most 25 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The number that is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The link, with a variable at its end if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// An example of the link or the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Samples>,
    /// How a one-time code gets into the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_type: Option<OtpType>,
    /// What people read on the button that fills the code in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autofill_text: Option<String>,
    /// The app that reads the code (before 2024; else `supported_apps`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
    /// The app's signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_hash: Option<String>,
    /// The apps that read the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_apps: Option<Vec<SupportedApp>>,
    /// True when the business accepted the terms of codes that nobody taps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_tap_terms_accepted: Option<bool>,
    /// A form, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<Literal>,
    /// A form, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_name: Option<String>,
    /// A form, as JSON in a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_json: Option<String>,
    /// `navigate` or `data_exchange`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action: Option<String>,
    /// The form's first screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub navigate_screen: Option<String>,
    /// The sign on a form's button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// For how many minutes a call button works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<Literal>,
    /// The app that a link opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_deep_link: Option<AppLink>,
}

words! {
    /// A kind of button.
    pub enum ButtonType {
        /// Sends its text back.
        QuickReply = "QUICK_REPLY",
        /// Opens a link.
        Url = "URL",
        /// Calls a number.
        PhoneNumber = "PHONE_NUMBER",
        /// Copies a code.
        CopyCode = "COPY_CODE",
        /// Gives a one-time code.
        Otp = "OTP",
        /// Opens the catalogue.
        Catalog = "CATALOG",
        /// Opens a list of products.
        Mpm = "MPM",
        /// Opens a product.
        Spm = "SPM",
        /// Opens a form.
        Flow = "FLOW",
        /// Calls the business on WhatsApp.
        VoiceCall = "VOICE_CALL",
        /// Opens a bill.
        OrderDetails = "ORDER_DETAILS",
        /// Opens an app.
        App = "APP",
        /// Asks whether the business may call.
        CallPermissionRequest = "CALL_PERMISSION_REQUEST",
        /// Asks for the person's number.
        RequestContactInfo = "REQUEST_CONTACT_INFO",
        /// Pays by PIX.
        Pix = "PIX",
    }
}

words! {
    /// How a one-time code gets into the app.
    pub enum OtpType {
        /// People copy it.
        CopyCode = "COPY_CODE",
        /// People tap once.
        OneTap = "ONE_TAP",
        /// Nobody taps.
        ZeroTap = "ZERO_TAP",
    }
}

/// An app that reads one-time codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportedApp {
    /// Its package.
    pub package_name: String,
    /// Its signature.
    pub signature_hash: String,
}

/// The app that a link opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppLink {
    /// Meta's id of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta_app_id: Option<Literal>,
    /// The link on Android.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android_deep_link: Option<String>,
    /// Where Android goes without the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android_fallback_playstore_url: Option<String>,
}
