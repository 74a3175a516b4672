//! Credentials by name, so that a configuration holds names and a rotation needs no restart.

use std::collections::HashMap;
use std::fmt::Debug;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::work::StoreError;

/// Where credentials come from.
#[async_trait]
pub trait SecretSource: Debug + Send + Sync + 'static {
    /// The secret with this name, as it is now.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when there is none; the error names it and never shows a value.
    async fn secret(&self, name: &SecretRef) -> Result<SecretString, StoreError>;

    /// Drops what is remembered of a secret that the far side refused, so that the next call
    /// fetches it anew.
    fn forget(&self, name: &SecretRef);
}
const _: fn(&dyn SecretSource) = |_| {};

/// The name of a secret; not a secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretRef(String);

impl SecretRef {
    /// The secret called `name`.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Secrets that the host hands over once.
#[derive(Clone, Debug, Default)]
pub struct FixedSecrets {
    secrets: HashMap<SecretRef, SecretString>,
}

impl FixedSecrets {
    /// No secrets yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.secrets.insert(SecretRef::named(name), secret.into());
        self
    }
}

#[async_trait]
impl SecretSource for FixedSecrets {
    async fn secret(&self, name: &SecretRef) -> Result<SecretString, StoreError> {
        self.secrets.get(name).cloned().ok_or_else(|| StoreError::Refused {
            doing: format!("looking up the secret {:?}", name.as_str()).into(),
            reason: "there is no secret of that name; add it to the secret source".into(),
        })
    }

    fn forget(&self, _: &SecretRef) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_secret_is_named_and_a_present_one_is_never_shown() {
        let secrets = FixedSecrets::new().with("meta", "hunter2");
        assert!(!format!("{secrets:?}").contains("hunter2"));
        let error = secrets.secret(&SecretRef::named("other")).await.unwrap_err();
        assert!(error.to_string().contains("\"other\""));
    }
}
