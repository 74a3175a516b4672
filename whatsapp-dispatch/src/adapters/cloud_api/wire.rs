//! Meta's JSON. Its names stop here.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use crate::gateway::Wamid;
use crate::people::Name;

mod template;

pub(super) use template::WireTemplate;

/// The answer to a send. Either part may be missing.
#[derive(Deserialize)]
pub(super) struct Answer<'a> {
    #[serde(borrow, default)]
    pub(super) messages: Vec<Taken<'a>>,
    /// Read as far as it can be: the message was taken, whatever stands here.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) contacts: Vec<Contact>,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
}

/// What Meta calls the recipient.
#[derive(Default, Deserialize)]
pub(super) struct Contact {
    #[serde(default, deserialize_with = "or_default")]
    wa_id: String,
    #[serde(default, deserialize_with = "or_default")]
    user_id: String,
}

impl Contact {
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        [Name::wa_id(&self.wa_id), Name::user_id(&self.user_id)].into_iter().flatten()
    }
}

#[derive(Deserialize)]
pub(super) struct Taken<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) message_status: Option<Cow<'a, str>>,
}

impl Taken<'_> {
    /// True when Meta waits with it, to see how people take the template.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.message_status.as_deref(), Some("held_for_quality_assessment" | "paused"))
    }
}

#[derive(Deserialize)]
pub(super) struct Refusal {
    #[serde(deserialize_with = "number")]
    pub(super) code: i64,
    #[serde(default, deserialize_with = "number")]
    pub(super) error_subcode: i64,
    #[serde(default)]
    pub(super) is_transient: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) error_data: ErrorData,
}

/// What is said beyond the number.
#[derive(Default, Deserialize)]
pub(super) struct ErrorData {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) details: String,
}

/// A value of the expected kind; the default for anything else.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Expected(T),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Expected(value) => value,
        Either::Other(_) => T::default(),
    })
}

/// A number, also one written as a text; 0 when there is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Number(number) => number,
        Either::Text(text) => text.parse().unwrap_or_default(),
        Either::Other(_) => 0,
    })
}

/// One account's usage in the header `X-Business-Use-Case-Usage`.
#[derive(Deserialize)]
pub(super) struct Usage {
    /// Minutes.
    #[serde(default)]
    pub(super) estimated_time_to_regain_access: u64,
}

/// The answer to a question about templates.
#[derive(Deserialize)]
pub(super) struct Templates {
    #[serde(default)]
    pub(super) data: Option<Vec<WireTemplate>>,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
}

/// The answer to an upload or to a receipt.
#[derive(Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) success: bool,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
}

/// Says that an inbound message was read.
pub(super) fn read_receipt(inbound: &Wamid) -> Bytes {
    #[derive(Serialize)]
    struct Receipt<'a> {
        messaging_product: &'static str,
        status: &'static str,
        message_id: &'a str,
    }
    let receipt = Receipt { messaging_product: "whatsapp", status: "read", message_id: inbound.expose() };
    serde_json::to_vec(&receipt).unwrap_or_default().into()
}
