//! The door to WhatsApp as the dispatcher sees it.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rules_core::judge::fault::{Classify, Fault};

use crate::phone::PhoneNumber;
use crate::reaction::Reaction;
use crate::sender::Sender;
use crate::template::{Template, TemplateDefinition};

/// Sends messages.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MessageGateway: Debug + Send + Sync + 'static {
    /// Hands one message to WhatsApp, once: a gateway never tries again by itself.
    ///
    /// # Errors
    /// [`GatewayError`], which says whether it is certain that nothing was sent.
    ///
    /// # Cancel safety
    /// None: dropping the future leaves it unknown whether the message was sent.
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError>;

    /// The definition of a template as approved for the sender's account; `None` if there is
    /// none of that name and language.
    ///
    /// # Errors
    /// [`GatewayError`] when WhatsApp does not say.
    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError>;
}
const _: fn(&dyn MessageGateway) = |_| {};

/// One attempt, ready to leave.
#[derive(Clone)]
pub struct Outgoing {
    /// Towards whom.
    pub to: PhoneNumber,
    /// What is the same for every message of the campaign.
    pub content: Arc<Content>,
    /// The values of the template's parameters, as encoded when the message was planned.
    pub parameters: Bytes,
    /// Comes back in the webhooks of this attempt.
    pub token: String,
}

/// Without the parameters, which may say anything about the person.
impl Debug for Outgoing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("to", &self.to)
            .field("content", &self.content)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// What is the same for every message of a campaign.
#[derive(Debug)]
pub struct Content {
    /// Which template.
    pub template: Template,
    /// Names of the parameters, if they are named; else they go by position.
    pub parameter_names: Option<Vec<String>>,
    /// True when a message's parameters are the members of the request that say what it is, as
    /// JSON without the outer braces: `"type":"text","text":{"body":"Hi"}`.
    pub verbatim: bool,
    prepared: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Content {
    /// The content of one template.
    pub const fn new(template: Template, parameter_names: Option<Vec<String>>) -> Self {
        Self { template, parameter_names, verbatim: false, prepared: OnceLock::new() }
    }

    /// Messages that bring their whole content themselves.
    pub const fn verbatim(template: Template) -> Self {
        Self { template, parameter_names: None, verbatim: true, prepared: OnceLock::new() }
    }

    /// What an adapter builds once per campaign, such as the constant parts of a request body.
    /// `None` if another adapter has prepared its own on this content already.
    pub fn prepared<T: Any + Send + Sync>(&self, make: impl FnOnce(&Self) -> T) -> Option<&T> {
        self.prepared.get_or_init(|| Box::new(make(self))).downcast_ref()
    }
}

/// WhatsApp took the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// WhatsApp's id of the message. It contains the recipient's number, so it is personal data.
    pub wamid: Wamid,
    /// True when WhatsApp holds the message back to see how the template is received.
    pub held: bool,
}

impl Receipt {
    /// A message taken under this id.
    pub const fn new(wamid: Wamid) -> Self {
        Self { wamid, held: false }
    }

    /// The same, held back.
    #[must_use]
    pub fn held(self) -> Self {
        Self { held: true, ..self }
    }
}

/// WhatsApp's id of a message. Shown as a few characters only, because it contains the number of
/// the person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wamid(String);

impl Wamid {
    /// The id as WhatsApp wrote it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id in clear: for the store and the wire, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Debug for Wamid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Wamid(hidden)")
    }
}

/// Why a message was not certainly sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// WhatsApp answered with an error: the message was certainly not taken.
    #[error("whatsapp refused the message with {0}")]
    Refused(ApiError),
    /// Nothing was sent: no connection, no credential.
    #[error("the request did not leave: {what}")]
    NotSent {
        /// What was missing.
        what: &'static str,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The edge of WhatsApp's network asked to slow down.
    #[error("whatsapp asked to slow down")]
    Throttled {
        /// For how long, if it said so.
        retry_after: Option<Duration>,
    },
    /// The request left and no readable answer came: it is unknown whether it was taken.
    #[error("no answer that says whether the message was taken: {what}")]
    InDoubt {
        /// What came instead of an answer.
        what: &'static str,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl Classify for GatewayError {
    fn fault(&self) -> Fault {
        match self {
            Self::Refused(error) => error.fault(),
            Self::NotSent { .. } => Fault::Transient,
            Self::Throttled { retry_after } => Fault::Throttled { retry_after: *retry_after },
            Self::InDoubt { .. } => Fault::InDoubt,
        }
    }
}

/// An error as the Graph API describes it, without the parts that may hold personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("code {code} (HTTP {http_status})")]
#[non_exhaustive]
pub struct ApiError {
    /// `error.code`: what decisions are made on.
    pub code: i64,
    /// `error.error_subcode`, 0 if there is none.
    pub subcode: i64,
    /// The HTTP status, 0 when the error came in a webhook.
    pub http_status: u16,
    /// `error.is_transient`, if it was there.
    pub transient: Option<bool>,
    /// How long WhatsApp wants to be left alone, if it said so.
    pub retry_after: Option<Duration>,
}

impl Classify for ApiError {
    fn fault(&self) -> Fault {
        Reaction::to(self).fault()
    }
}

impl ApiError {
    /// An error with this code and status.
    pub const fn new(code: i64, http_status: u16) -> Self {
        Self { code, subcode: 0, http_status, transient: None, retry_after: None }
    }
}
