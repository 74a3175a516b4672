use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::Message;
use crate::json::{Literal, hidden, words};
use crate::phone::PhoneNumber;
use crate::template::Category;

/// The body of a POST to `/messages` or `/marketing_messages`: an envelope and a message.
///
/// ```
/// use whatsapp_dispatch::content::{Message, Request};
/// use whatsapp_dispatch::phone::PhoneNumber;
/// let number = PhoneNumber::parse("+919876543210").unwrap();
/// let request = Request::to(number, Message::text("Hello")).token("7f");
/// assert_eq!(serde_json::to_value(&request)?["to"], "+919876543210");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// To whom it goes.
    pub envelope: Envelope,
    /// What it says.
    pub message: Message,
    /// True when `type` is left out, as in some of Meta's own examples.
    pub without_type: bool,
}

/// What stands in a request beside the message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Always `whatsapp`.
    pub messaging_product: String,
    /// A person or a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_type: Option<RecipientType>,
    /// The number or the group. Goes before `recipient` when both are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<To>,
    /// The person's user id of this business, if the number is not known (Business-scoped user
    /// ids, 2026).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Comes back in the status webhooks, to every app that the account has: no personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<String>,
    /// Sends free content as a message of this category, without a template that was made before
    /// (Direct Send, 2026: for accounts on a list).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// With `category`: for how long WhatsApp tries to deliver it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<Literal>,
    /// `/marketing_messages` only: what happens when the message can't go out as a marketing
    /// message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_policy: Option<ProductPolicy>,
    /// `/marketing_messages` only: whether Meta may use what people do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_activity_sharing: Option<bool>,
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            messaging_product: "whatsapp".to_owned(),
            recipient_type: None,
            to: None,
            recipient: None,
            context: None,
            biz_opaque_callback_data: None,
            category: None,
            ttl_seconds: None,
            product_policy: None,
            message_activity_sharing: None,
        }
    }
}

impl Request {
    fn new(envelope: Envelope, message: Message) -> Self {
        Self { envelope, message, without_type: false }
    }

    /// A message to a number.
    pub fn to(number: PhoneNumber, message: Message) -> Self {
        let (recipient_type, to) = (Some(RecipientType::Individual), Some(To::Number(number)));
        Self::new(Envelope { recipient_type, to, ..Envelope::default() }, message)
    }

    /// A message to a person whose number is not known, by their user id.
    pub fn to_user(user_id: impl Into<String>, message: Message) -> Self {
        let (recipient_type, recipient) = (Some(RecipientType::Individual), Some(user_id.into()));
        Self::new(Envelope { recipient_type, recipient, ..Envelope::default() }, message)
    }

    /// A message to a group.
    pub fn to_group(group_id: impl Into<String>, message: Message) -> Self {
        let (recipient_type, to) = (Some(RecipientType::Group), Some(To::Group(group_id.into())));
        Self::new(Envelope { recipient_type, to, ..Envelope::default() }, message)
    }

    /// The same as an answer to a message.
    #[must_use]
    pub fn answering(mut self, message_id: impl Into<String>) -> Self {
        self.envelope.context = Some(Context { message_id: message_id.into() });
        self
    }

    /// The same with a text that comes back in its webhooks.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.envelope.biz_opaque_callback_data = Some(token.into());
        self
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(flatten)]
            envelope: &'a Envelope,
            #[serde(flatten)]
            members: Members<'a>,
        }
        struct Members<'a>(&'a Request);
        impl Serialize for Members<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if !self.0.without_type {
                    return self.0.message.serialize(serializer);
                }
                let mut members = serializer.serialize_map(Some(1))?;
                self.0.message.write_object(&mut members)?;
                members.end()
            }
        }
        Body { envelope: &self.envelope, members: Members(self) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let without_type = !members.contains_key("type");
        let message = Message::take_from(&mut members).map_err(D::Error::custom)?;
        let envelope = serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)?;
        Ok(Self { envelope, message, without_type })
    }
}

/// Where a message goes.
#[derive(Clone, PartialEq, Eq)]
pub enum To {
    /// A person's number, written with `+`: without it Meta would put the country of the business
    /// before it.
    Number(PhoneNumber),
    /// A group's id.
    Group(String),
}

impl Serialize for To {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_str(&number.to_e164()),
            Self::Group(id) => serializer.serialize_str(id),
        }
    }
}

/// Reads what Meta reads: `+`, blanks, hyphens and brackets may stand in a number.
impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: String =
            text.chars().filter(|c| !matches!(c, '+' | ' ' | '-' | '(' | ')' | '.')).collect();
        let number = digits.parse().ok().and_then(PhoneNumber::from_digits);
        Ok(number.map_or(Self::Group(text), Self::Number))
    }
}

words! {
    /// A person or a group.
    pub enum RecipientType {
        /// One person.
        Individual = "individual",
        /// A group.
        Group = "group",
    }
}

words! {
    /// What happens to a marketing message that can't go out as one.
    pub enum ProductPolicy {
        /// It goes out as an ordinary message.
        CloudApiFallback = "CLOUD_API_FALLBACK",
        /// It fails.
        Strict = "STRICT",
    }
}

/// Which message is answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Its id.
    pub message_id: String,
}

hidden! { Request Envelope To Context }
