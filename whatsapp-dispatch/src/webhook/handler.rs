use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;
use rules_core::judge::fault::{Classify, Fault};

use crate::webhook::Handshake;

/// Receives webhooks, whichever way they come in.
#[async_trait]
pub trait WebhookHandler: Debug + Send + Sync + 'static {
    /// The answer to the question that Meta asks when an endpoint is registered.
    ///
    /// # Errors
    /// [`WebhookError::Handshake`] when the question comes from somebody else.
    fn handshake(&self, question: &Handshake) -> Result<String, WebhookError>;

    /// Takes one webhook: `signature` is the value of `X-Hub-Signature-256`, `body` the raw
    /// bytes. Returns when its content is safe; a repeat changes nothing.
    ///
    /// # Errors
    /// [`WebhookError`]. Meta sends the webhook again after any of them, for up to 7 days.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it unknown whether the content was stored; Meta repeats it.
    async fn receive(&self, signature: Option<&str>, body: &[u8]) -> Result<(), WebhookError>;
}
const _: fn(&dyn WebhookHandler) = |_| {};

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// There is no readable `X-Hub-Signature-256`.
    #[error("the webhook has no readable X-Hub-Signature-256 header")]
    Unsigned,
    /// No app secret of ours made the signature.
    #[error("the webhook's signature fits none of the app secrets; check them in Meta's app dashboard")]
    Forged,
    /// The question at registration has another verify token or mode than ours.
    #[error("the webhook registration does not show our verify token")]
    Handshake,
    /// The body is larger than a webhook can be.
    #[error("the webhook's body is larger than {} bytes", super::MAX_BODY_BYTES)]
    TooLarge,
    /// The body is signed but is not a webhook.
    #[error("the webhook's body cannot be read")]
    Unreadable {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Its content could not be stored now.
    #[error("storing the webhook's content")]
    Unavailable {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl WebhookError {
    /// The HTTP status that tells Meta.
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Unsigned | Self::Forged => 401,
            Self::Handshake => 403,
            Self::TooLarge => 413,
            Self::Unreadable { .. } => 400,
            Self::Unavailable { .. } => 503,
        }
    }
}

impl Classify for WebhookError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unavailable { .. } => Fault::Transient,
            _ => Fault::Rejected,
        }
    }
}
