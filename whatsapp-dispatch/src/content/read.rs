use serde::{Deserialize, Serialize};

use crate::json::hidden;

/// Tells a person that their message was read, and that an answer is being written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReceipt {
    /// Always `whatsapp`.
    pub messaging_product: String,
    /// Always `read`.
    pub status: String,
    /// The message that came in.
    pub message_id: String,
    /// Shown until the answer comes, 25 seconds at most (Typing indicators, 2026).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing_indicator: Option<TypingIndicator>,
}

impl ReadReceipt {
    /// The message with this id was read.
    pub fn new(message_id: impl Into<String>) -> Self {
        Self {
            messaging_product: "whatsapp".to_owned(),
            status: "read".to_owned(),
            message_id: message_id.into(),
            typing_indicator: None,
        }
    }

    /// The same, and an answer is being written.
    #[must_use]
    pub fn typing(self) -> Self {
        Self { typing_indicator: Some(TypingIndicator { kind: "text".to_owned() }), ..self }
    }
}

/// Shows that an answer is being written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingIndicator {
    /// Always `text`.
    #[serde(rename = "type")]
    pub kind: String,
}

hidden! { ReadReceipt TypingIndicator }
