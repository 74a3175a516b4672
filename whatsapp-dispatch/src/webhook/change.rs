use chrono::{DateTime, Utc};

use crate::gateway::{ApiError, Wamid};
use crate::sender::NumberId;

/// One change that a webhook tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What changed, in Meta's word: `messages`, `message_template_status_update` ...
    pub field: String,
    /// The WhatsApp business account; empty if it was not said.
    pub waba: String,
    /// The number that it is about, if it is about one.
    pub number_id: Option<NumberId>,
    /// What became of messages that we sent.
    pub statuses: Vec<StatusUpdate>,
    /// Messages that people sent to us.
    pub inbound: usize,
    /// Statuses that lacked an id or a status, and so could not be read.
    pub unread: usize,
}

/// What became of one message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusUpdate {
    /// WhatsApp's id of the message.
    pub wamid: Wamid,
    /// What happened.
    pub status: Status,
    /// When it happened, to the second; `None` if it was not said.
    pub at: Option<DateTime<Utc>>,
    /// The text that we sent along with the message (`biz_opaque_callback_data`).
    pub callback: Option<String>,
    /// Why it failed.
    pub errors: Vec<ApiError>,
}

impl std::fmt::Debug for StatusUpdate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusUpdate")
            .field("status", &self.status)
            .field("at", &self.at)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// WhatsApp's servers sent it on.
    Sent,
    /// It reached a device.
    Delivered,
    /// It was shown to the person.
    Read,
    /// A voice message was played.
    Played,
    /// WhatsApp gave up on it.
    Failed,
    /// A word that did not exist when this was written.
    Other(String),
}

impl From<&str> for Status {
    fn from(word: &str) -> Self {
        match word {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "played" => Self::Played,
            "failed" => Self::Failed,
            other => Self::Other(other.to_owned()),
        }
    }
}
