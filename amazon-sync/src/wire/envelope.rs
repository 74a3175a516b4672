//! What Amazon tells without being asked. Some types of notifications write their members with a
//! capital, some without; each is written again as it came.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::field::Kept;
use super::{Payload, Timestamp};

/// A notification.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Envelope {
    /// `NotificationType`, `Payload`, ...
    Pascal(Box<PascalEnvelope>),
    /// `notificationType`, `payload`, ...
    Camel(Box<CamelEnvelope>),
}

impl Envelope {
    /// The type of the notification, such as `ORDER_CHANGE`.
    pub fn kind(&self) -> Option<&str> {
        let kind = match self {
            Self::Pascal(envelope) => &envelope.notification_type,
            Self::Camel(envelope) => &envelope.notification_type,
        };
        kind.get().map(String::as_str)
    }

    /// When it happened.
    pub fn event_time(&self) -> Option<&Timestamp> {
        match self {
            Self::Pascal(envelope) => envelope.event_time.get(),
            Self::Camel(envelope) => envelope.event_time.get(),
        }
    }

    /// Amazon's name of this notification: a repeated one has the same.
    pub fn notification_id(&self) -> Option<&str> {
        let id = match self {
            Self::Pascal(envelope) => &envelope.notification_metadata.get()?.notification_id,
            Self::Camel(envelope) => &envelope.notification_metadata.get()?.notification_id,
        };
        id.get().map(String::as_str)
    }

    /// What it tells.
    pub fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Pascal(envelope) => envelope.payload.get(),
            Self::Camel(envelope) => envelope.payload.get(),
        }
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let is_pascal = value.get("NotificationType").is_some() || value.get("Payload").is_some();
        let read = if is_pascal {
            PascalEnvelope::deserialize(&value).map(|envelope| Self::Pascal(Box::new(envelope)))
        } else {
            CamelEnvelope::deserialize(&value).map(|envelope| Self::Camel(Box::new(envelope)))
        };
        read.map_err(serde::de::Error::custom)
    }
}

impl Kept for Envelope {
    fn kept(&self, at: &str, paths: &mut Vec<String>) {
        match self {
            Self::Pascal(envelope) => envelope.kept(at, paths),
            Self::Camel(envelope) => envelope.kept(at, paths),
        }
    }
}

objects! { "PascalCase"
    /// A notification whose members begin with a capital.
    pub struct PascalEnvelope {
        /// The version of the envelope.
        notification_version: String,
        /// Its type.
        notification_type: String,
        /// The version of what it tells.
        payload_version: String,
        /// When it happened.
        event_time: Timestamp,
        /// What it tells.
        payload: Payload,
        /// About the telling.
        notification_metadata: PascalMetadata,
    }

    /// About the telling.
    pub struct PascalMetadata {
        /// Which application is told.
        application_id: String,
        /// Which subscription it belongs to.
        subscription_id: String,
        /// When it was told.
        publish_time: Timestamp,
        /// Amazon's name of this notification: a repeated one has the same.
        notification_id: String,
    }
}

objects! { "camelCase"
    /// A notification whose members begin without a capital.
    pub struct CamelEnvelope {
        /// The version of the envelope.
        notification_version: String,
        /// Its type.
        notification_type: String,
        /// The version of what it tells.
        payload_version: String,
        /// When it happened.
        event_time: Timestamp,
        /// What it tells.
        payload: Payload,
        /// About the telling.
        notification_metadata: CamelMetadata,
    }

    /// About the telling.
    pub struct CamelMetadata {
        /// Which application is told.
        application_id: String,
        /// Which subscription it belongs to.
        subscription_id: String,
        /// When it was told.
        publish_time: Timestamp,
        /// Amazon's name of this notification: a repeated one has the same.
        notification_id: String,
    }
}
