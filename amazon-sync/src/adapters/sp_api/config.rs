use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::secrets::SecretRef;
use serde::Deserialize;

use super::report::ColumnNames;
use crate::seller::{MarketplaceId, Region};

/// Which application asks, where the Selling Partner API is, and how long to wait for it.
///
/// ```
/// use amazon_sync::adapters::sp_api::SpApiConfig;
/// let config = SpApiConfig::new("shop-sync", "amzn1.application-oa2-client.x", "lwa-secret").unwrap();
/// assert!(config.clone().with_base_url("sellingpartnerapi-eu.amazon.com").is_err());
/// assert!(SpApiConfig::new("", "x", "lwa-secret").is_err());
/// # drop(config);
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Fields")]
pub struct SpApiConfig {
    /// The application's name, as budgets and the user agent know it.
    pub(super) application: String,
    pub(super) user_agent: HeaderValue,
    pub(super) client_id: String,
    pub(super) client_secret: SecretRef,
    /// Instead of the regions' own end points.
    base_url: Option<Url>,
    sandbox: bool,
    pub(super) login_url: Url,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) document_timeout: Duration,
    pub(super) pool_idle_timeout: Duration,
    pub(super) patience: Duration,
    pub(super) column_names: ColumnNames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    application: String,
    client_id: String,
    client_secret: SecretRef,
    base_url: Option<String>,
    #[serde(default)]
    sandbox: bool,
    login_url: Option<String>,
    connect_timeout_ms: Option<u64>,
    timeout_ms: Option<u64>,
    document_timeout_ms: Option<u64>,
    patience_ms: Option<u64>,
    #[serde(default)]
    column_names: ColumnNames,
}

impl TryFrom<Fields> for SpApiConfig {
    type Error = SpApiError;

    fn try_from(fields: Fields) -> Result<Self, SpApiError> {
        let mut config = Self::new(&fields.application, &fields.client_id, fields.client_secret)?;
        config.sandbox = fields.sandbox;
        config.column_names = fields.column_names;
        if let Some(url) = fields.base_url {
            config = config.with_base_url(&url)?;
        }
        if let Some(url) = fields.login_url {
            config = config.with_login_url(&url)?;
        }
        let millis = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        config.connect_timeout = millis(fields.connect_timeout_ms, config.connect_timeout);
        config.timeout = millis(fields.timeout_ms, config.timeout);
        config.document_timeout = millis(fields.document_timeout_ms, config.document_timeout);
        config.patience = millis(fields.patience_ms, config.patience);
        Ok(config)
    }
}

impl SpApiConfig {
    /// The application `application` with its client id, and the name of its client secret.
    ///
    /// - The regions' end points, and `https://api.amazon.com/auth/o2/token` for tokens ("Connecting to
    ///   the Selling Partner API", 2026-08).
    /// - 3 s for a connection, 30 s for an answer, 10 min for a document: a snapshot of a million
    ///   listings is some 200 MB.
    /// - 2 s of patience: a call whose permit comes later is throttled instead of waiting for it.
    ///
    /// # Errors
    /// [`SpApiError::Application`] for a name that no header can carry.
    pub fn new(
        application: &str,
        client_id: &str,
        client_secret: impl Into<SecretName>,
    ) -> Result<Self, SpApiError> {
        let refused = || SpApiError::Application { text: application.to_owned() };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !(1..=40).contains(&application.len()) || !application.chars().all(is_name) {
            return Err(refused());
        }
        // "Include a User-Agent header in all requests": AppId/Version (Language=...; Platform=...).
        let agent = format!(
            "{application}/{} (Language=Rust; Platform={})",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS
        );
        Ok(Self {
            application: application.to_owned(),
            user_agent: HeaderValue::from_str(&agent).map_err(|_| refused())?,
            client_id: client_id.to_owned(),
            client_secret: client_secret.into().0,
            base_url: None,
            sandbox: false,
            login_url: url("https://api.amazon.com/auth/o2/token")?,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(30),
            document_timeout: Duration::from_mins(10),
            pool_idle_timeout: Duration::from_secs(25),
            patience: Duration::from_secs(2),
            column_names: ColumnNames::default(),
        })
    }

    /// The same with every region at one address, such as that of a simulator.
    ///
    /// # Errors
    /// [`SpApiError::Address`] unless it is an `http` or `https` URL without query and credentials.
    pub fn with_base_url(self, text: &str) -> Result<Self, SpApiError> {
        Ok(Self { base_url: Some(url(text)?), ..self })
    }

    /// The same with tokens from another address.
    ///
    /// # Errors
    /// As [`SpApiConfig::with_base_url`].
    pub fn with_login_url(self, text: &str) -> Result<Self, SpApiError> {
        Ok(Self { login_url: url(text)?, ..self })
    }

    /// The same at the regions' sandboxes.
    #[must_use]
    pub fn in_the_sandbox(self) -> Self {
        Self { sandbox: true, ..self }
    }

    /// The same with other waits: for a connection, and for a whole request with its answer.
    #[must_use]
    pub fn with_timeouts(self, connect: Duration, total: Duration) -> Self {
        Self {
            connect_timeout: connect,
            timeout: total,
            document_timeout: total.max(self.document_timeout),
            ..self
        }
    }

    /// The same with another wait for permits. [`Duration::ZERO`] never waits.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same with further names of columns, for reports in a language that this version does not
    /// know.
    #[must_use]
    pub fn with_column_names(self, column_names: ColumnNames) -> Self {
        Self { column_names, ..self }
    }

    /// Where a region's end point is.
    pub(super) fn endpoint(&self, region: Region) -> String {
        if let Some(url) = &self.base_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let name = match region {
            Region::NorthAmerica => "na",
            Region::Europe => "eu",
            Region::FarEast => "fe",
        };
        let sandbox = if self.sandbox { "sandbox." } else { "" };
        format!("https://{sandbox}sellingpartnerapi-{name}.amazon.com")
    }

    /// True when any address needs TLS.
    pub(super) fn needs_tls(&self) -> bool {
        self.login_url.scheme() == "https" || self.base_url.as_ref().is_none_or(|url| url.scheme() == "https")
    }
}

/// The name of a secret.
#[derive(Clone, Debug)]
pub struct SecretName(SecretRef);

impl From<&str> for SecretName {
    fn from(name: &str) -> Self {
        Self(SecretRef::named(name))
    }
}

impl From<SecretRef> for SecretName {
    fn from(name: SecretRef) -> Self {
        Self(name)
    }
}

impl From<SecretName> for SecretRef {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

fn url(text: &str) -> Result<Url, SpApiError> {
    let wrong = |reason| SpApiError::Address { reason };
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

/// Why the adapter, or a seller's access, cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpApiError {
    /// A URL cannot be used. It is not shown, because it may hold credentials.
    #[error("the address of the Selling Partner API cannot be used: {reason}")]
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not the name of an application.
    #[error("{text:?} cannot name an application: use 1 to 40 of the characters a-z A-Z 0-9 . _ -")]
    Application {
        /// What was given.
        text: String,
    },
    /// The seller sells nowhere.
    #[error("seller {seller} has no marketplace: name at least one of the region")]
    NoMarketplace {
        /// Who.
        seller: String,
    },
    /// A marketplace belongs to another region than the account.
    #[error("marketplace {marketplace} is not in {region}: each region has an account of its own")]
    OtherRegion {
        /// Which.
        marketplace: MarketplaceId,
        /// The account's region.
        region: Region,
    },
    /// The HTTP client cannot speak TLS.
    #[error("https needs the feature `tls` of amazon-sync, or a client of your own in SpApi::with_client")]
    NoTls,
    /// The HTTP client cannot be made.
    #[error("making the HTTP client of the Selling Partner API")]
    Client {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Classify for SpApiError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SpApiConfig {
        SpApiConfig::new("shop-sync", "client", "lwa").unwrap()
    }

    #[test]
    fn each_region_has_its_end_point_and_its_sandbox() {
        assert_eq!(config().endpoint(Region::Europe), "https://sellingpartnerapi-eu.amazon.com");
        let sandbox = config().in_the_sandbox();
        assert_eq!(sandbox.endpoint(Region::FarEast), "https://sandbox.sellingpartnerapi-fe.amazon.com");
        let simulated = config().with_base_url("http://127.0.0.1:9/sp/").unwrap();
        assert_eq!(simulated.endpoint(Region::NorthAmerica), "http://127.0.0.1:9/sp");
        assert!(simulated.needs_tls(), "tokens still come from Amazon");
        assert!(!simulated.with_login_url("http://127.0.0.1:9/token").unwrap().needs_tls());
    }

    #[test]
    fn a_wrong_address_or_name_is_refused() {
        for url in ["", "amazon.com", "ftp://x", "https://u:hunter2@x", "https://x?token=hunter2"] {
            let error = config().with_base_url(url).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        for name in ["", "two words", "über", "x\ny", &"x".repeat(41)] {
            assert!(SpApiConfig::new(name, "client", "lwa").is_err(), "{name:?}");
        }
    }

    #[test]
    fn it_is_read_from_configuration_and_unknown_keys_are_refused() {
        let read: SpApiConfig = serde_json::from_str(
            r#"{"application": "a", "client_id": "c", "client_secret": "lwa", "timeout_ms": 9000, "sandbox": true}"#,
        )
        .unwrap();
        assert_eq!(read.timeout, Duration::from_secs(9));
        assert!(read.endpoint(Region::Europe).starts_with("https://sandbox."));
        let wrong = r#"{"application": "a", "client_id": "c", "client_secret": "lwa", "retries": 3}"#;
        assert!(serde_json::from_str::<SpApiConfig>(wrong).is_err());
    }

    #[test]
    fn the_user_agent_has_the_form_that_amazon_asks_for() {
        let agent = config().user_agent;
        let agent = agent.to_str().unwrap();
        assert!(agent.starts_with("shop-sync/") && agent.contains(" (Language=Rust; Platform="), "{agent}");
        assert!(agent.len() <= 500);
    }
}
