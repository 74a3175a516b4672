use std::time::Duration;

use reqwest::Url;
use rules_core::judge::fault::{Classify, Fault};
use serde::Deserialize;

/// Where the Cloud API is and how long to wait for it.
///
/// ```
/// use whatsapp_dispatch::adapters::cloud_api::CloudApiConfig;
/// let config = CloudApiConfig::default().with_version("v27.0").unwrap();
/// assert!(CloudApiConfig::default().with_base_url("graph.facebook.com").is_err());
/// # drop(config);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct CloudApiConfig {
    pub(super) base_url: Url,
    pub(super) version: String,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) pool_idle_timeout: Duration,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    base_url: String,
    version: String,
    connect_timeout_ms: u64,
    timeout_ms: u64,
    pool_idle_timeout_ms: u64,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            version: "v26.0".to_owned(),
            connect_timeout_ms: 3_000,
            timeout_ms: 15_000,
            pool_idle_timeout_ms: 25_000,
        }
    }
}

impl TryFrom<Fields> for CloudApiConfig {
    type Error = CloudApiError;

    fn try_from(fields: Fields) -> Result<Self, CloudApiError> {
        Ok(Self {
            base_url: base_url(&fields.base_url)?,
            version: version(&fields.version)?,
            connect_timeout: Duration::from_millis(fields.connect_timeout_ms),
            timeout: Duration::from_millis(fields.timeout_ms),
            pool_idle_timeout: Duration::from_millis(fields.pool_idle_timeout_ms),
        })
    }
}

impl Default for CloudApiConfig {
    /// - `https://graph.facebook.com`, version `v26.0`, the newest ("Graph API changelog",
    ///   introduced 2026-07-29).
    /// - 3 s for a connection and 15 s for an answer: a send takes about 1 s, and Meta expects
    ///   less than 5 s; a longer wait means fewer messages in doubt, never more duplicates.
    /// - An idle connection is given up after 25 s, before the far side closes it: a POST that
    ///   races with a closing connection is a message in doubt.
    #[expect(clippy::expect_used, reason = "constants, held by a test")]
    fn default() -> Self {
        Self::try_from(Fields::default()).expect("the defaults are valid")
    }
}

impl CloudApiConfig {
    /// The same at another address, such as that of a proxy or a simulator.
    ///
    /// # Errors
    /// [`CloudApiError::BaseUrl`] unless it is an `http` or `https` URL without query and
    /// credentials.
    pub fn with_base_url(self, url: &str) -> Result<Self, CloudApiError> {
        Ok(Self { base_url: base_url(url)?, ..self })
    }

    /// The same in another version of the Graph API, such as `v26.0`.
    ///
    /// # Errors
    /// [`CloudApiError::Version`] for a text of another form.
    pub fn with_version(self, text: &str) -> Result<Self, CloudApiError> {
        Ok(Self { version: version(text)?, ..self })
    }

    /// The same with other waits: for a connection, and for a whole request with its answer.
    #[must_use]
    pub fn with_timeouts(self, connect: Duration, total: Duration) -> Self {
        Self { connect_timeout: connect, timeout: total, ..self }
    }

    /// The address of something below an object: `{base}/{version}/{id}/{edge}`.
    pub(super) fn url(&self, id: &str, edge: &str) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([self.version.as_str(), id, edge]);
        }
        url
    }
}

fn base_url(text: &str) -> Result<Url, CloudApiError> {
    let wrong = |reason| CloudApiError::BaseUrl { reason };
    let url = Url::parse(text).map_err(|_| wrong("write it as https://host"))?;
    match url.scheme() {
        _ if url.host().is_none() => Err(wrong("there is no host in it")),
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err(wrong("credentials come from the secret source"))
        }
        _ if url.query().is_some() || url.fragment().is_some() => {
            Err(wrong("leave out what follows the path"))
        }
        "http" | "https" => Ok(url),
        _ => Err(wrong("only http and https are spoken")),
    }
}

fn version(text: &str) -> Result<String, CloudApiError> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    if parts.is_some_and(|(major, minor)| number(major) && number(minor)) {
        Ok(text.to_owned())
    } else {
        Err(CloudApiError::Version { text: text.to_owned() })
    }
}

/// Why the adapter cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloudApiError {
    /// The base URL cannot be used. It is not shown, because it may hold credentials.
    #[error("the Cloud API's base_url cannot be used: {reason}")]
    BaseUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not a version.
    #[error("{text:?} is not a version of the Graph API: write it as v26.0")]
    Version {
        /// What was given.
        text: String,
    },
    /// The HTTP client cannot speak TLS.
    #[error(
        "https needs the feature `tls` of whatsapp-dispatch, or a client of your own in CloudApi::with_client"
    )]
    NoTls,
    /// The HTTP client cannot be made.
    #[error("making the HTTP client of the Cloud API")]
    Client {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Classify for CloudApiError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_put_together_without_double_slashes() {
        let config = CloudApiConfig::default();
        assert_eq!(config.url("1", "messages").as_str(), "https://graph.facebook.com/v26.0/1/messages");
        for base in ["http://127.0.0.1:9/meta", "http://127.0.0.1:9/meta/"] {
            let config = config.clone().with_base_url(base).unwrap();
            assert_eq!(config.url("1", "messages").as_str(), "http://127.0.0.1:9/meta/v26.0/1/messages");
        }
    }

    #[test]
    fn a_wrong_address_or_version_is_refused() {
        for url in ["", "graph.facebook.com", "ftp://x", "https://u:hunter2@x", "https://x?token=hunter2"] {
            let error = CloudApiConfig::default().with_base_url(url).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        for version in ["26.0", "v26", "v26.", "v26.0/../v1.0", ""] {
            assert!(CloudApiConfig::default().with_version(version).is_err(), "{version:?}");
        }
    }

    #[test]
    fn it_is_read_from_configuration_and_unknown_keys_are_refused() {
        let read =
            serde_json::from_str::<CloudApiConfig>(r#"{"version": "v25.0", "timeout_ms": 9000}"#).unwrap();
        assert_eq!((read.version.as_str(), read.timeout), ("v25.0", Duration::from_secs(9)));
        assert!(serde_json::from_str::<CloudApiConfig>(r#"{"timeout": 9}"#).is_err());
    }
}
