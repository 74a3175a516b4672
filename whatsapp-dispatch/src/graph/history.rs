//! The history of messages (`GET /{phone}/message_history`): an optional diagnostic that no page of
//! Meta's documents.

use serde::{Deserialize, Serialize};

use super::Page;
use crate::json::{Literal, hidden, words};

/// What became of one message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHistory {
    /// The history's own id.
    pub id: String,
    /// WhatsApp's id of the message (wamid).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What happened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Page<HistoryEvent>>,
}

/// One thing that happened to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Its id.
    pub id: String,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<DeliveryStatus>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Literal>,
    /// When it happened: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurrence_timestamp: Option<Literal>,
    /// When it was known: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_timestamp: Option<Literal>,
    /// Whether the webhook about it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_update_state: Option<WebhookUpdateState>,
    /// Whose webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// Where the webhook went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_uri: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// An event in a list of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEdge {
    /// Where it stands in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The event.
    pub node: HistoryEvent,
}

/// An app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

words! {
    /// What happened to a message.
    pub enum DeliveryStatus {
        /// It was taken.
        Accepted = "ACCEPTED",
        /// It left.
        Sent = "SENT",
        /// It arrived.
        Delivered = "DELIVERED",
        /// It was read.
        Read = "READ",
        /// It was listened to.
        Played = "PLAYED",
        /// It did not arrive.
        Failed = "FAILED",
        /// It was refused.
        Error = "ERROR",
        /// It waits.
        Pending = "PENDING",
        /// It was taken back.
        Deleted = "DELETED",
        /// Something about it.
        Warning = "WARNING",
    }
}

words! {
    /// Whether a webhook arrived.
    pub enum WebhookUpdateState {
        /// It did.
        Delivered = "DELIVERED",
        /// It did not.
        Failed = "FAILED",
        /// It was sent.
        Sent = "SENT",
        /// It waits.
        Pending = "PENDING",
        /// It is tried again.
        Retrying = "RETRYING",
    }
}

hidden! { MessageHistory }
