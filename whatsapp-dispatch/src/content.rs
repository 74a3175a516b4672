//! What a message says: typed values of every kind that a business can send.
//!
//! A [`Message`] is the content alone, a [`Request`] adds to whom it goes. Both are written as the
//! Cloud API wants them and read back without loss. [`Message::check`] refuses what WhatsApp would
//! refuse, before anything is sent. Which campaign sends it, when and to whom is not known here;
//! the text of an approved template is [`crate::template`].
//!
//! ```
//! use whatsapp_dispatch::content::{Button, Media, Message};
//! let picture = Message::image(Media::link("https://example.com/menu.jpg").caption("Today's menu"));
//! let question = Message::buttons("Shall we deliver?", [Button::reply("y", "Yes"), Button::reply("n", "No")]);
//! assert!(picture.check().is_ok() && question.check().is_ok());
//! assert!(Message::text("").check().is_err());
//! ```

use std::fmt::{self, Debug, Formatter};

use bytes::Bytes;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

mod check;
mod contact;
mod interactive;
mod media;
mod order;
mod read;
mod request;
mod template;

pub use crate::json::{Literal, undecoded};
pub use check::ContentError;
pub use contact::{Contact, ContactAddress, ContactEmail, ContactName, ContactOrg, ContactPhone, ContactUrl};
pub use interactive::{
    Action, AddressRequest, Button, ButtonReply, Buttons, CallButton, Card, CardAction, Cards, CatalogCover,
    Flow, FlowScreen, Header, Interactive, Label, LinkButton, List, ListRow, ListSection, NamedAction,
    NoParameters, Product, ProductItem, ProductList, ProductSection, SavedAddress,
};
pub use media::{Location, Media, Pin, Provider, Reaction, Text};
pub use order::{
    Amount, Beneficiary, Importer, Order, OrderDetails, OrderExpiry, OrderItem, OrderNews, OrderStatus,
    PaymentNews, PaymentSetting,
};
pub use read::{ReadReceipt, TypingIndicator};
pub use request::{Context, Envelope, ProductPolicy, RecipientType, Request, To};
pub use template::{
    ButtonKind, Component, ComponentKind, Currency, DateTime, FlowAction, Language, Offer, Parameter,
    ParameterValue, TapTarget, TemplateCard, TemplateMessage,
};

/// The content of one message.
///
/// Written as the two members that Meta wants beside the envelope: `"type": "text"` and
/// `"text": {…}`. `Debug` tells the kind and nothing of what is said.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(Text),
    /// A picture.
    Image(Media),
    /// A video.
    Video(Media),
    /// A sound or a voice message.
    Audio(Media),
    /// A file.
    Document(Media),
    /// A sticker.
    Sticker(Media),
    /// A place.
    Location(Location),
    /// Cards of people to get in touch with.
    Contacts(Vec<Contact>),
    /// An emoji on an earlier message.
    Reaction(Reaction),
    /// Buttons, lists, products, flows and what else a person can tap.
    Interactive(Box<Interactive>),
    /// A filled template.
    Template(TemplateMessage),
    /// Pins a message of a group, or takes the pin off.
    Pin(Pin),
    /// A kind that this version does not know: sent as it is, never checked.
    Other {
        /// What stands in `type`.
        kind: String,
        /// The object that is named like the kind.
        object: Value,
    },
}

impl Message {
    /// A text, without a preview of its links.
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text(Text::new(body))
    }

    /// A picture.
    pub const fn image(media: Media) -> Self {
        Self::Image(media)
    }

    /// A video.
    pub const fn video(media: Media) -> Self {
        Self::Video(media)
    }

    /// A sound.
    pub const fn audio(media: Media) -> Self {
        Self::Audio(media)
    }

    /// A file. Give it a filename, or people see none.
    pub const fn document(media: Media) -> Self {
        Self::Document(media)
    }

    /// A sticker.
    pub const fn sticker(media: Media) -> Self {
        Self::Sticker(media)
    }

    /// A place.
    pub fn location(latitude: f64, longitude: f64) -> Self {
        Self::Location(Location::new(latitude, longitude))
    }

    /// Cards of people.
    pub fn contacts(contacts: impl IntoIterator<Item = Contact>) -> Self {
        Self::Contacts(contacts.into_iter().collect())
    }

    /// An emoji on the message with this id; an empty one takes the reaction back.
    pub fn reaction(message_id: impl Into<String>, emoji: impl Into<String>) -> Self {
        Self::Reaction(Reaction { message_id: message_id.into(), emoji: Some(emoji.into()) })
    }

    /// A text with one to three buttons.
    pub fn buttons(body: impl Into<String>, buttons: impl IntoIterator<Item = Button>) -> Self {
        Interactive::buttons(body, buttons).into()
    }

    /// A filled template.
    pub const fn template(template: TemplateMessage) -> Self {
        Self::Template(template)
    }

    /// The kind as it stands in `type`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Interactive(_) => "interactive",
            Self::Template(_) => "template",
            Self::Pin(_) => "pin",
            Self::Other { kind, .. } => kind,
        }
    }

    /// The members `"type":"text","text":{…}` as JSON, without braces: what is stored of a message
    /// whose envelope is written when it leaves. [`Self::from_fragment`] is the way back.
    ///
    /// ```
    /// use whatsapp_dispatch::content::Message;
    /// let message = Message::text("Hello");
    /// assert_eq!(message.fragment(), r#""type":"text","text":{"body":"Hello"}"#);
    /// assert_eq!(Message::from_fragment(&message.fragment())?, message);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn fragment(&self) -> Bytes {
        // Writing into memory cannot fail, and every key is a text.
        let whole = Bytes::from(serde_json::to_vec(self).unwrap_or_default());
        whole.get(1..whole.len().saturating_sub(1)).map_or_else(Bytes::new, |inner| whole.slice_ref(inner))
    }

    /// The message of which this is the [`Self::fragment`].
    ///
    /// # Errors
    /// [`serde_json::Error`] when it is not one.
    pub fn from_fragment(fragment: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&[b"{", fragment, b"}"].concat())
    }

    /// Whether WhatsApp takes such a message, as far as that can be known here: lengths, counts,
    /// ids and links. A kind that this version does not know is taken to be right.
    ///
    /// # Errors
    /// [`ContentError`] names the place and what to do.
    pub fn check(&self) -> Result<(), ContentError> {
        check::message(self)
    }

    /// Takes the members of a message out of an object.
    fn take_from(members: &mut Map<String, Value>) -> Result<Self, serde_json::Error> {
        let kind = match members.remove("type") {
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(serde_json::Error::custom("`type` is not a text")),
            None => KINDS
                .iter()
                .find(|kind| members.contains_key(**kind))
                .map(|kind| (*kind).to_owned())
                .ok_or_else(|| serde_json::Error::custom("neither `type` nor the object of a known kind"))?,
        };
        let object = members
            .remove(&kind)
            .ok_or_else(|| serde_json::Error::custom(format_args!("the object `{kind}` is missing")))?;
        Ok(match kind.as_str() {
            "text" => Self::Text(serde_json::from_value(object)?),
            "image" => Self::Image(serde_json::from_value(object)?),
            "video" => Self::Video(serde_json::from_value(object)?),
            "audio" => Self::Audio(serde_json::from_value(object)?),
            "document" => Self::Document(serde_json::from_value(object)?),
            "sticker" => Self::Sticker(serde_json::from_value(object)?),
            "location" => Self::Location(serde_json::from_value(object)?),
            "contacts" => Self::Contacts(serde_json::from_value(object)?),
            "reaction" => Self::Reaction(serde_json::from_value(object)?),
            "interactive" => Self::Interactive(serde_json::from_value(object)?),
            "template" => Self::Template(serde_json::from_value(object)?),
            "pin" => Self::Pin(serde_json::from_value(object)?),
            _ => Self::Other { kind, object },
        })
    }

    /// Writes the object under the name of the kind.
    fn write_object<M: SerializeMap>(&self, members: &mut M) -> Result<(), M::Error> {
        let kind = self.kind();
        match self {
            Self::Text(text) => members.serialize_entry(kind, text),
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio(media)
            | Self::Document(media)
            | Self::Sticker(media) => members.serialize_entry(kind, media),
            Self::Location(location) => members.serialize_entry(kind, location),
            Self::Contacts(contacts) => members.serialize_entry(kind, contacts),
            Self::Reaction(reaction) => members.serialize_entry(kind, reaction),
            Self::Interactive(interactive) => members.serialize_entry(kind, interactive),
            Self::Template(template) => members.serialize_entry(kind, template),
            Self::Pin(pin) => members.serialize_entry(kind, pin),
            Self::Other { object, .. } => members.serialize_entry(kind, &Unmodelled(object)),
        }
    }
}

/// Everything that may stand in `type`, for requests that leave it out.
const KINDS: [&str; 12] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
    "pin",
];

struct Unmodelled<'a>(&'a Value);

impl Serialize for Unmodelled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::json::unknown_object(self.0, serializer)
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        members.serialize_entry("type", self.kind())?;
        self.write_object(&mut members)?;
        members.end()
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::take_from(&mut Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The kind alone: what is said may be about a person.
impl Debug for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.kind())
    }
}

impl From<Interactive> for Message {
    fn from(interactive: Interactive) -> Self {
        Self::Interactive(Box::new(interactive))
    }
}

impl From<TemplateMessage> for Message {
    fn from(template: TemplateMessage) -> Self {
        Self::Template(template)
    }
}

#[cfg(test)]
mod tests;
