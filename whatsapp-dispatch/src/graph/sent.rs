use serde::{Deserialize, Serialize};

use crate::json::{hidden, words};

/// The answer to a message that was taken, by `/messages` and `/marketing_messages`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Always `whatsapp`.
    pub messaging_product: String,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<SentContact>>,
    /// Under which id.
    pub messages: Vec<SentMessage>,
    /// Only from `/marketing_messages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
}

/// To whom a message went.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentContact {
    /// What stood in `to` or `recipient`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The digits under which WhatsApp knows the person; another number than `input` in Brazil and
    /// Mexico. Missing when the message went to a user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The person's user id of this business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The person's user id of the portfolio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_user_id: Option<String>,
}

/// One message that was taken.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// WhatsApp's id (wamid). It contains the recipient's number.
    pub id: String,
    /// Only while a template is being paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_status: Option<MessageStatus>,
    /// With a group: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
}

words! {
    /// What WhatsApp does with a message of a template that it watches.
    pub enum MessageStatus {
        /// Goes out.
        Accepted = "accepted",
        /// Waits until it is known how people take the template.
        HeldForQualityAssessment = "held_for_quality_assessment",
        /// The template is paused.
        Paused = "paused",
    }
}

/// An answer that says only whether it was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// True when it was done.
    pub success: bool,
}

hidden! { Sent SentContact SentMessage }
