use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize};

use crate::json::{Literal, hidden};

/// The body of a refusal, in any of the shapes that the Graph API and what stands before it use.
///
/// Its texts may quote what was sent, so `Debug` shows codes alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
    /// What went wrong, as the old API says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<GraphError>>,
    /// The old API's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<ErrorMeta>,
    /// The login's words, when `error` is a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Always false, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
}

impl ErrorBody {
    /// `error.code`: what decisions are made on.
    pub fn code(&self) -> Option<i64> {
        self.first()?.code.as_ref()?.as_i64()
    }

    /// The first error with details.
    pub fn first(&self) -> Option<&GraphError> {
        match &self.error {
            Some(Refusal::Detailed(error)) => Some(error),
            _ => self.errors.as_ref()?.first(),
        }
    }
}

impl Debug for ErrorBody {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorBody").field("code", &self.code()).finish_non_exhaustive()
    }
}

/// An error with its details, or one word.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Refusal {
    /// With code and message.
    Detailed(Box<GraphError>),
    /// One word, such as `invalid_request`.
    Word(String),
}

/// One error.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphError {
    /// For developers; begins with the code in brackets for most of WhatsApp's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `OAuthException`, `GraphMethodException`, ...
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What decisions are made on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Literal>,
    /// Narrows the code down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_subcode: Option<Literal>,
    /// True when the same may succeed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_transient: Option<bool>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_data: Option<ErrorData>,
    /// A title for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_user_title: Option<String>,
    /// A text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_user_msg: Option<String>,
    /// Meta's support asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbtrace_id: Option<String>,
    /// The old API's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The old API's details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// A page about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

impl Debug for GraphError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let number = |literal: &Option<Literal>| literal.as_ref().and_then(Literal::as_i64);
        f.debug_struct("GraphError")
            .field("code", &number(&self.code))
            .field("subcode", &number(&self.error_subcode))
            .finish_non_exhaustive()
    }
}

/// More about an error: an object, or a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ErrorData {
    /// An object.
    Details(ErrorDetails),
    /// A text.
    Text(String),
}

/// More about an error.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetails {
    /// Always `whatsapp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_product: Option<String>,
    /// What was wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// The fields that were wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame_field_specs: Option<Vec<Vec<String>>>,
}

/// The old API's version.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMeta {
    /// `stable` or another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_status: Option<String>,
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

hidden! { Refusal ErrorData ErrorDetails ErrorMeta }
