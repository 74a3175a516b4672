use std::sync::Arc;

use async_trait::async_trait;
use rules_core::judge::fault::{Classify, Fault};
use secrecy::SecretString;

use super::Dispatch;
use crate::tracker::Tracker;
use crate::webhook::{Handshake, WebhookError, WebhookHandler, verify_signature};

/// What webhooks are checked against.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// The app secrets that Meta may sign with; two while one is being rotated.
    pub app_secrets: Vec<SecretString>,
    /// The token that Meta shows when the endpoint is registered.
    pub verify_token: SecretString,
}

/// Receives the webhooks of a dispatcher's numbers.
#[derive(Clone, Debug)]
pub struct Webhooks {
    tracker: Tracker,
    config: Arc<WebhookConfig>,
}

impl Webhooks {
    /// A receiver that checks signatures with `config` and records what webhooks tell.
    ///
    /// # Errors
    /// [`WebhookConfigError`] when there is no app secret, because then nothing could be checked.
    pub fn new(dispatch: &Dispatch, config: WebhookConfig) -> Result<Self, WebhookConfigError> {
        if config.app_secrets.is_empty() {
            return Err(WebhookConfigError);
        }
        Ok(Self { tracker: Tracker::new(Arc::clone(&dispatch.desk)), config: Arc::new(config) })
    }

    /// The receiver as routes at `/` for GET and POST, to be nested where the host wants it.
    #[cfg(feature = "axum")]
    pub fn router(&self) -> axum::Router {
        crate::webhook::router(Arc::new(self.clone()))
    }
}

#[async_trait]
impl WebhookHandler for Webhooks {
    fn handshake(&self, question: &Handshake) -> Result<String, WebhookError> {
        question.answer(&self.config.verify_token)
    }

    #[tracing::instrument(name = "dispatch.webhook", skip_all, fields(bytes = body.len()))]
    async fn receive(&self, signature: Option<&str>, body: &[u8]) -> Result<(), WebhookError> {
        let verified = verify_signature(&self.config.app_secrets, signature, body)?;
        let changes = verified.changes()?;
        let tracked = self.tracker.track(&changes).await;
        let tracked = tracked.map_err(|error| WebhookError::Unavailable { source: error.into() })?;
        tracing::debug!(applied = tracked.applied, known = tracked.known, unmatched = tracked.unmatched);
        Ok(())
    }
}

/// There is no app secret to check signatures with.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("webhooks need at least one app secret: copy it from the app's basic settings in Meta's dashboard")]
pub struct WebhookConfigError;

impl Classify for WebhookConfigError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
