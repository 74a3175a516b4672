use std::sync::Arc;

use async_trait::async_trait;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::StoreError;
use secrecy::SecretString;

use super::Dispatch;
use crate::inbox::{self, Receiver};
use crate::quarantine::Quarantined;
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
///
/// A webhook is taken when its changes are durable, which is at once; `Dispatch::run` or
/// `Dispatch::start`, in this process or in another one on the same store, applies them within a
/// fraction of a second. Receiving needs a tokio runtime.
#[derive(Clone, Debug)]
pub struct Webhooks {
    receiver: Receiver,
    config: Arc<WebhookConfig>,
}

impl Webhooks {
    /// A receiver that checks signatures with `config` and keeps what webhooks tell.
    ///
    /// # Errors
    /// [`WebhookConfigError`] when there is no app secret, because then nothing could be checked.
    pub fn new(dispatch: &Dispatch, config: WebhookConfig) -> Result<Self, WebhookConfigError> {
        if config.app_secrets.is_empty() {
            return Err(WebhookConfigError);
        }
        Ok(Self { receiver: Receiver::new(Arc::clone(&dispatch.desk)), config: Arc::new(config) })
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
        self.receiver.receive(signature.unwrap_or_default(), &verified).await
    }
}

impl Dispatch {
    /// Changes of webhooks that are received and not applied yet.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn inbox_depth(&self) -> Result<u64, StoreError> {
        Ok(inbox::depths(&*self.desk.lanes).await?.1)
    }

    /// Changes of webhooks that could not be given to any tenant, in the order in which they
    /// came, `max` at a time; `after` is the last number of the page before. See
    /// [`Quarantine`](crate::quarantine::Quarantine) for how many are kept and how long.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn quarantined(&self, after: Option<u64>, max: usize) -> Result<Vec<Quarantined>, StoreError> {
        self.desk.quarantine.strays(after, max).await
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
