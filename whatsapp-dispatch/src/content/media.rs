use serde::{Deserialize, Serialize};

use crate::json::{Literal, hidden};

/// A text message.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text, at most 4,096 characters.
    pub body: String,
    /// True to show a preview of the first link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<bool>,
}

impl Text {
    /// A text without a preview.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), preview_url: None }
    }

    /// The same, with a preview of its first link.
    #[must_use]
    pub fn with_preview(self) -> Self {
        Self { preview_url: Some(true), ..self }
    }
}

/// A picture, video, sound, file or sticker: uploaded before, or fetched by Meta from a link.
///
/// What is sent often is best uploaded: Meta keeps a fetched link for ten minutes only (Send
/// messages, 2026).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The id that the upload gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where Meta fetches it, `https` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The text below it, at most 1,024 characters. Not for sounds and stickers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The name of a file as people see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// True for a sound that is shown as a voice message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<bool>,
    /// Which of the account's providers fetches the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

impl Media {
    /// Something that was uploaded.
    pub fn id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// Something that Meta fetches.
    pub fn link(link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..Self::default() }
    }

    /// The same with a text below it.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: Some(caption.into()), ..self }
    }

    /// The same file under this name.
    #[must_use]
    pub fn filename(self, filename: impl Into<String>) -> Self {
        Self { filename: Some(filename.into()), ..self }
    }

    /// The same, fetched by this provider.
    #[must_use]
    pub fn provider(self, name: impl Into<String>) -> Self {
        Self { provider: Some(Provider { name: name.into() }), ..self }
    }
}

/// Who fetches a link, by the name under which the account knows it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The provider's name.
    pub name: String,
}

/// A place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north, -90 to 90.
    pub latitude: Literal,
    /// Degrees east, -180 to 180.
    pub longitude: Literal,
    /// What the place is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address; shown only with a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Location {
    /// A place without a name.
    pub fn new(latitude: f64, longitude: f64) -> Self {
        Self { latitude: latitude.into(), longitude: longitude.into(), name: None, address: None }
    }

    /// The same place with name and address.
    #[must_use]
    pub fn named(self, name: impl Into<String>, address: impl Into<String>) -> Self {
        Self { name: Some(name.into()), address: Some(address.into()), ..self }
    }
}

/// An emoji on an earlier message.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The message, at most 30 days old.
    pub message_id: String,
    /// The emoji; an empty text takes the reaction back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// Pins a message of a group, or takes the pin off.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// `pin` or `unpin`.
    #[serde(rename = "type")]
    pub action: String,
    /// The message.
    pub message_id: String,
    /// For how many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_days: Option<Literal>,
}

hidden! { Text Media Provider Location Reaction Pin }
