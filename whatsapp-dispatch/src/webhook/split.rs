use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
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
    match serde_json::from_str::<Object<Body<'_>>>(body).and_then(|body| body.0.changes()) {
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
    entry: Vec<Object<Entry<'a>>>,
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
    value: Object<Place>,
}

#[derive(Default, Deserialize)]
struct Place {
    #[serde(default)]
    metadata: Object<Number>,
    #[serde(default)]
    recipient: Object<Number>,
    #[serde(default)]
    phone_number_settings: Object<Number>,
}

#[derive(Default, Deserialize)]
struct Number {
    #[serde(default, deserialize_with = "label")]
    phone_number_id: String,
}

impl Body<'_> {
    fn changes(&self) -> Result<Vec<RawChange>, serde_json::Error> {
        let mut all = Vec::with_capacity(self.entry.iter().map(|entry| entry.0.changes.len()).sum());
        for Object(entry) in &self.entry {
            for change in &entry.changes {
                all.push(entry.raw(change)?);
            }
        }
        Ok(all)
    }
}

impl Entry<'_> {
    fn raw(&self, change: &RawValue) -> Result<RawChange, serde_json::Error> {
        let Object(Address { field, value: Object(value) }) = serde_json::from_str(change.get())?;
        let numbers = [&value.metadata, &value.recipient, &value.phone_number_settings];
        let number_id =
            numbers.into_iter().find_map(|number| NumberId::parse(&number.0.phone_number_id).ok());
        let waba = Value::from(self.id.as_str()).to_string();
        let time = self.time.map_or("null", RawValue::get);
        let bytes = format!(r#"{{"waba":{waba},"time":{time},"change":{}}}"#, change.get());
        Ok(RawChange { waba: self.id.clone(), field, number_id, bytes: bytes.into() })
    }
}

/// An object and nothing else: serde would take a list for it, too.
#[derive(Default)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, parts: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(parts))
            }
        }
        deserializer.deserialize_map(Parts(PhantomData)).map(Self)
    }
}

/// A text or a number, as text.
fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Reader::<Text>::new().deserialize(deserializer)? {
        Ok(text) => Ok(text.as_str().to_owned()),
        Err(_) => Err(D::Error::custom("not a text or a number")),
    }
}
