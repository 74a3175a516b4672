//! What the Graph API answers with, and the objects that it takes beside messages: typed, and
//! written again without loss.
//!
//! Everything here is what stands on the wire. What an answer means for a message is decided by
//! the gateway's adapter; what a campaign knows of a template is [`crate::template`].
//!
//! ```
//! use whatsapp_dispatch::graph::ErrorBody;
//! let body = r#"{"error": {"message": "…", "type": "OAuthException", "code": 131056}}"#;
//! let refused: ErrorBody = serde_json::from_str(body)?;
//! assert_eq!(refused.code(), Some(131056));
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::{Deserialize, Serialize};

mod error;
mod history;
mod number;
mod sent;
mod template;

pub use crate::json::{Literal, undecoded};
pub use error::{ErrorBody, ErrorData, ErrorDetails, ErrorMeta, GraphError, Refusal};
pub use history::{
    Application, DeliveryStatus, HistoryEdge, HistoryEvent, MessageHistory, WebhookUpdateState,
};
pub use number::{
    CodeVerificationStatus, NameStatus, NumberStatus, PhoneNumberInfo, QualityRating, QualityScore,
    SubscribedApp, SubscribedAppData, Throughput, WebhookConfiguration,
};
pub use sent::{MessageStatus, Sent, SentContact, SentMessage, Success};
pub use template::{
    AppLink, ButtonType, ComponentFormat, ComponentType, LibraryButton, LibraryLink, LimitedTimeOffer,
    MessageTemplate, NamedSample, NewTemplate, OtpType, ParameterFormat, Samples, SupportedApp,
    TemplateButton, TemplateCard, TemplateCategory, TemplateComponent, TemplateCreated, TemplateExample,
    TemplateQuality, TemplateStatus,
};

use crate::json::hidden;

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// Totals, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<serde_json::Value>,
}

impl<T> Page<T> {
    /// The cursor with which the next page is asked for, if there is one.
    pub fn next(&self) -> Option<&str> {
        let paging = self.paging.as_ref()?;
        paging.next.as_ref().and(paging.cursors.as_ref()?.after.as_deref())
    }
}

/// How many entries there are, and none of them.
impl<T> std::fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Page({} entries)", self.data.len())
    }
}

/// Where a list goes on.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// Where this page begins and ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursors: Option<Cursors>,
    /// The next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The page before, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// Where a page begins and ends.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursors {
    /// Its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

hidden! { Paging Cursors }

#[cfg(test)]
mod tests;
