use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::header::HeaderValue;
use rules_core::work::secrets::{SecretRef, SecretSource};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use crate::gateway::{ApiError, GatewayError};
use crate::reaction::{Action, Reaction};
use crate::template::Category;

/// The `Authorization` header of each secret, ready to send.
#[derive(Debug)]
pub(super) struct Credentials {
    secrets: Arc<dyn SecretSource>,
    headers: RwLock<HashMap<SecretRef, HeaderValue>>,
}

impl Credentials {
    pub(super) fn new(secrets: Arc<dyn SecretSource>) -> Self {
        Self { secrets, headers: RwLock::default() }
    }

    pub(super) async fn header(&self, name: &SecretRef) -> Result<HeaderValue, GatewayError> {
        if let Some(header) = self.headers.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(header.clone());
        }
        let secret = self.secrets.secret(name).await.map_err(|error| GatewayError::NotSent {
            what: "the access token is not to be had",
            source: Some(error.into()),
        })?;
        let text = Zeroizing::new(format!("Bearer {}", secret.expose_secret().trim()));
        // The parser's error is left out: it has nothing to say but that a character is wrong.
        let mut header = HeaderValue::from_str(&text).map_err(|_| GatewayError::NotSent {
            what: "the access token holds characters that no header can carry",
            source: None,
        })?;
        header.set_sensitive(true);
        let mut headers = self.headers.write().unwrap_or_else(PoisonError::into_inner);
        headers.insert(name.clone(), header.clone());
        Ok(header)
    }

    /// True when the error is about the credential, so that a fresh one may help.
    pub(super) fn are_doubted(error: &ApiError) -> bool {
        let action = Reaction::to(error, Category::Marketing).action;
        matches!(action, Action::RefreshCredential | Action::StopTenant)
    }

    /// The far side refused this header: fetch the secret anew next time. Does nothing when
    /// another task has fetched a newer one already.
    pub(super) fn refused(&self, name: &SecretRef, header: &HeaderValue) {
        let mut headers = self.headers.write().unwrap_or_else(PoisonError::into_inner);
        if headers.get(name) == Some(header) {
            headers.remove(name);
            self.secrets.forget(name);
        }
    }
}
