//! The WhatsApp Business Cloud API, over HTTP.
//!
//! One request per message and never a second one: whoever calls decides about trying again. The
//! adapter decides only what is certain, "not taken", "taken" or "nobody knows".

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Url, redirect, retry};
use rules_core::work::secrets::SecretSource;

use self::answer::Read;
use self::credentials::Credentials;
use crate::gateway::{GatewayError, MessageGateway, Outgoing, Receipt, Route, Wamid};
use crate::media::{Media, MediaId};
use crate::phone::PhoneNumber;
use crate::sender::{NumberId, Sender};
use crate::template::{Template, TemplateDefinition};

mod answer;
mod body;
mod config;
mod credentials;
mod pieces;
mod skeleton;
mod upload;
mod wire;

pub use config::{CloudApiConfig, CloudApiError};

/// The largest answer to a send that is read; a real one has a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The largest list of templates that is read.
const MAX_TEMPLATES_BYTES: usize = 4 * 1024 * 1024;

/// Sends template messages through Meta's Cloud API. Clones share connections and credentials.
///
/// ```no_run
/// use std::sync::Arc;
/// use rules_core::work::secrets::FixedSecrets;
/// use whatsapp_dispatch::adapters::cloud_api::{CloudApi, CloudApiConfig};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secrets = FixedSecrets::new().with("meta", "the access token");
/// let gateway = CloudApi::new(CloudApiConfig::default(), Arc::new(secrets))?;
/// # drop(gateway);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CloudApi {
    client: Client,
    config: Arc<CloudApiConfig>,
    credentials: Arc<Credentials>,
    urls: Arc<RwLock<HashMap<(NumberId, Route), Url>>>,
}

impl CloudApi {
    /// An adapter with an HTTP client of its own: no proxy from the environment, no redirects
    /// (they would carry the token elsewhere), no second tries.
    ///
    /// # Errors
    /// [`CloudApiError::NoTls`] for an `https` address without the feature `tls`;
    /// [`CloudApiError::Client`] when the machine's TLS roots cannot be read.
    pub fn new(config: CloudApiConfig, secrets: Arc<dyn SecretSource>) -> Result<Self, CloudApiError> {
        if cfg!(not(feature = "tls")) && config.base_url.scheme() == "https" {
            return Err(CloudApiError::NoTls);
        }
        let client = Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.timeout)
            .pool_idle_timeout(config.pool_idle_timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(retry::never())
            .tcp_nodelay(true)
            .build()
            .map_err(|source| CloudApiError::Client { source: source.into() })?;
        Ok(Self::with_client(client, config, secrets))
    }

    /// An adapter over the host's client, for proxies, roots and TLS of its own. The client must
    /// not retry and should follow no redirect; of `config`, the wait for a connection and the
    /// life of idle ones are the client's business.
    pub fn with_client(client: Client, config: CloudApiConfig, secrets: Arc<dyn SecretSource>) -> Self {
        Self {
            client,
            config: Arc::new(config),
            credentials: Arc::new(Credentials::new(secrets)),
            urls: Arc::default(),
        }
    }

    /// The body of the request for a message.
    pub fn body(message: &Outgoing) -> Bytes {
        body::body(message)
    }

    /// What an answer to a send to a number means, without its headers: for tests and for other
    /// transports.
    ///
    /// # Errors
    /// [`GatewayError`] as from [`MessageGateway::send`].
    pub fn read_answer(to: PhoneNumber, http_status: u16, body: &[u8]) -> Result<Receipt, GatewayError> {
        Read::of(http_status, body).receipt(to)
    }

    /// What an answer to a question about templates says about one of them.
    ///
    /// # Errors
    /// [`GatewayError`] as from [`MessageGateway::template`].
    pub fn read_templates(
        http_status: u16,
        body: &[u8],
        wanted: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        Read::of(http_status, body).template(wanted)
    }

    /// How long an answer's headers ask to be left alone: `Retry-After` in seconds or as an instant,
    /// compared with `Date`; else the longest wait of `X-Business-Use-Case-Usage`, in minutes.
    /// `None` for no wait, never more than an hour.
    pub fn read_wait(retry_after: Option<&str>, date: Option<&str>, usage: Option<&str>) -> Option<Duration> {
        answer::wait(retry_after, date, usage)
    }

    fn messages_url(&self, number: &NumberId, route: Route) -> Url {
        let key = (number.clone(), route);
        if let Some(url) = self.urls.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return url.clone();
        }
        let edge = match route {
            Route::Messages => "messages",
            Route::Marketing => "marketing_messages",
        };
        let url = self.config.url(number.as_str(), edge);
        let mut urls = self.urls.write().unwrap_or_else(PoisonError::into_inner);
        urls.insert(key, url.clone());
        url
    }

    fn post(&self, sender: &Sender, route: Route, body: Bytes) -> RequestBuilder {
        let json = HeaderValue::from_static("application/json");
        self.client.post(self.messages_url(&sender.number_id, route)).header(CONTENT_TYPE, json).body(body)
    }

    async fn exchange<T>(
        &self,
        sender: &Sender,
        request: RequestBuilder,
        timeout: Duration,
        max_bytes: usize,
        read: impl FnOnce(&Read) -> Result<T, GatewayError> + Send,
    ) -> Result<T, GatewayError> {
        let authorization = self.credentials.header(&sender.secret).await?;
        let request = request.header(AUTHORIZATION, authorization.clone()).timeout(timeout);
        let response = request.send().await.map_err(answer::failure)?;
        let outcome = Read::from(response, max_bytes).await.and_then(|answer| read(&answer));
        if let Err(GatewayError::Refused(error)) = &outcome
            && Credentials::are_doubted(error)
        {
            self.credentials.refused(&sender.secret, &authorization);
        }
        outcome
    }
}

#[async_trait]
impl MessageGateway for CloudApi {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let request = self.post(sender, message.content.route(), body::body(message));
        let read = |answer: &Read| answer.receipt(message.to);
        self.exchange(sender, request, self.config.timeout, MAX_ANSWER_BYTES, read).await
    }

    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        let mut url = self.config.url(&sender.waba, "message_templates");
        url.query_pairs_mut()
            .append_pair("name", &template.name)
            .append_pair("language", &template.language)
            .append_pair("limit", "100");
        let request = self.client.get(url);
        let read = |answer: &Read| answer.template(template);
        self.exchange(sender, request, self.config.timeout, MAX_TEMPLATES_BYTES, read).await
    }

    async fn upload(&self, sender: &Sender, media: &Media) -> Result<MediaId, GatewayError> {
        let (content_type, body) = upload::form(media);
        let request = self
            .client
            .post(self.config.url(sender.number_id.as_str(), "media"))
            .header(CONTENT_TYPE, content_type)
            .body(body);
        let timeout = self.config.timeout + upload::time_for(media.bytes.len());
        self.exchange(sender, request, timeout, MAX_ANSWER_BYTES, Read::uploaded).await
    }

    async fn mark_read(&self, sender: &Sender, inbound: &Wamid) -> Result<(), GatewayError> {
        let request = self.post(sender, Route::Messages, wire::read_receipt(inbound));
        self.exchange(sender, request, self.config.timeout, MAX_ANSWER_BYTES, Read::done).await
    }
}

impl std::fmt::Debug for CloudApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudApi").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
