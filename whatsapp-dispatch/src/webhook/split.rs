use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::payload::text;
use super::text::Text;
use super::wire::Reader;
use super::{Change, Payload, WebhookError};
use crate::sender::NumberId;

/// One change of a webhook, still as bytes: to be queued alone and read by
/// [`Change::decode`] later.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawChange {
    /// The WhatsApp business account; empty if it was not said.
    pub waba: String,
    /// What changed, in Meta's word.
    pub field: String,
    /// The number that it is about, if it is about one.
    pub number_id: Option<NumberId>,
    /// The change with its account, as JSON.
    pub bytes: Bytes,
}

impl fmt::Debug for RawChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawChange").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The changes of a webhook, each on its own, in Meta's order; what they say is not looked at.
///
/// # Errors
/// [`WebhookError::Unreadable`] when the body is not JSON or has no list called `entry`.
pub fn split(body: &[u8]) -> Result<Vec<RawChange>, WebhookError> {
    let body = text(body)?;
    match serde_json::from_str::<Body<'_>>(body).and_then(|body| body.changes()) {
        Ok(changes) => Ok(changes),
        // Some part has an unexpected shape: the slow way, which reads everything.
        Err(_) => Ok(Payload::decode(body.as_bytes())?.changes().map(RawChange::from).collect()),
    }
}

impl From<&Change> for RawChange {
    fn from(change: &Change) -> Self {
        Self {
            waba: change.waba.clone(),
            field: change.field.clone(),
            number_id: change.number_id.clone(),
            bytes: change.encode().to_string().into(),
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default, deserialize_with = "label")]
    id: String,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    changes: Vec<&'a RawValue>,
}

/// As much of a change as says where it goes.
#[derive(Deserialize)]
struct Address {
    #[serde(default, deserialize_with = "label")]
    field: String,
    #[serde(default)]
    value: Place,
}

#[derive(Default, Deserialize)]
struct Place {
    #[serde(default)]
    metadata: Number,
    #[serde(default)]
    recipient: Number,
    #[serde(default)]
    phone_number_settings: Number,
}

#[derive(Default, Deserialize)]
struct Number {
    #[serde(default, deserialize_with = "label")]
    phone_number_id: String,
}

impl Body<'_> {
    fn changes(&self) -> Result<Vec<RawChange>, serde_json::Error> {
        let mut all = Vec::with_capacity(self.entry.iter().map(|entry| entry.changes.len()).sum());
        for entry in &self.entry {
            for change in &entry.changes {
                all.push(entry.raw(change)?);
            }
        }
        Ok(all)
    }
}

impl Entry<'_> {
    fn raw(&self, change: &RawValue) -> Result<RawChange, serde_json::Error> {
        let Address { field, value } = serde_json::from_str(change.get())?;
        let numbers = [&value.metadata, &value.recipient, &value.phone_number_settings];
        let number_id = numbers.into_iter().find_map(|number| NumberId::parse(&number.phone_number_id).ok());
        let waba = Value::from(self.id.as_str()).to_string();
        let time = self.time.map_or("null", RawValue::get);
        let bytes = format!(r#"{{"waba":{waba},"time":{time},"change":{}}}"#, change.get());
        Ok(RawChange { waba: self.id.clone(), field, number_id, bytes: bytes.into() })
    }
}

/// A text or a number, as text.
fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Reader::<Text>::new().deserialize(deserializer)? {
        Ok(text) => Ok(text.as_str().to_owned()),
        Err(_) => Err(D::Error::custom("not a text or a number")),
    }
}
