//! Amazon's Selling Partner API, over HTTP.
//!
//! One request per call and never a second one, but for a token that turns out to be old: whoever
//! calls decides about trying again. Every call keeps within Amazon's budgets, or is not made.
//! Nothing personal is asked for.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect, retry};
use rules_core::work::clock::Clock;
use rules_core::work::pacer::Pacer;
use rules_core::work::secrets::SecretSource;

use self::answer::Read;
use self::budget::{Budgets, Stack};
use self::login::{Grant, LoginWithAmazon, Token};
use self::request::Parts;
use crate::marketplace::MarketError;
use crate::seller::SellerAccount;
use crate::wire::Call;

mod access;
mod answer;
mod budget;
mod config;
mod document;
mod feed_sink;
mod listings;
mod login;
mod market;
mod misread;
mod orders;
mod patch_sink;
mod rates;
mod report;
mod request;
mod write;

pub use access::SellerAccess;
pub use config::{SecretName, SpApiConfig, SpApiError};
pub use feed_sink::FeedSink;
pub use patch_sink::PatchSink;
pub use rates::{Budget, RATES, RatePlan, rate_plan};
pub use report::{Column, ColumnNames};

/// The largest answer that is read: a page of 100 orders has some 400 KB.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-amz-access-token");

/// Operations that the application asks for itself, and the scope of the token that they need
/// ("Grantless operations", 2026-08).
const GRANTLESS: [(&str, &str); 7] = [
    ("getSubscriptionById", "sellingpartnerapi::notifications"),
    ("deleteSubscriptionById", "sellingpartnerapi::notifications"),
    ("sendTestNotification", "sellingpartnerapi::notifications"),
    ("getDestinations", "sellingpartnerapi::notifications"),
    ("createDestination", "sellingpartnerapi::notifications"),
    ("getDestination", "sellingpartnerapi::notifications"),
    ("deleteDestination", "sellingpartnerapi::notifications"),
];

/// The Selling Partner API for one application and its sellers. Clones share connections, tokens
/// and budgets.
///
/// ```no_run
/// use std::sync::Arc;
/// use amazon_sync::adapters::sp_api::{SpApi, SpApiConfig};
/// use rules_core::work::clock::SystemClock;
/// use rules_core::work::pacer::MemoryPacer;
/// use rules_core::work::secrets::FixedSecrets;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secrets = FixedSecrets::new().with("lwa", "the client secret").with("anna", "her refresh token");
/// let pacer = MemoryPacer::new(Arc::new(SystemClock));
/// let config = SpApiConfig::new("shop-sync", "amzn1.application-oa2-client.x", "lwa")?;
/// let amazon = SpApi::new(config, Arc::new(secrets), Arc::new(pacer), Arc::new(SystemClock))?;
/// # drop(amazon);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SpApi {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    config: SpApiConfig,
    login: LoginWithAmazon,
    budgets: Budgets,
    clock: Arc<dyn Clock>,
    sellers: RwLock<HashMap<SellerAccount, Arc<SellerAccess>>>,
}

/// An answer of the Selling Partner API.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answered<T> {
    /// What was answered.
    pub answer: T,
    /// Amazon's name of the request, which its support asks for.
    pub request: Option<String>,
    /// Amazon's clock when it answered.
    pub server_now: Option<DateTime<Utc>>,
}

impl SpApi {
    /// An adapter with an HTTP client of its own: no proxy from the environment, no redirects
    /// (they would carry the token elsewhere), no second tries.
    ///
    /// # Errors
    /// [`SpApiError::NoTls`] for an `https` address without the feature `tls`;
    /// [`SpApiError::Client`] when the machine's TLS roots cannot be read.
    pub fn new(
        config: SpApiConfig,
        secrets: Arc<dyn SecretSource>,
        pacer: Arc<dyn Pacer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpApiError> {
        if cfg!(not(feature = "tls")) && config.needs_tls() {
            return Err(SpApiError::NoTls);
        }
        let client = Client::builder()
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(config.pool_idle_timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(retry::never())
            .tcp_nodelay(true)
            .build()
            .map_err(|source| SpApiError::Client { source: source.into() })?;
        Ok(Self::with_client(client, config, secrets, pacer, clock))
    }

    /// An adapter over the host's client, for proxies, roots and TLS of its own. The client must
    /// not retry and should follow no redirect; of `config`, the wait for a connection is the
    /// client's business.
    pub fn with_client(
        client: Client,
        config: SpApiConfig,
        secrets: Arc<dyn SecretSource>,
        pacer: Arc<dyn Pacer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let login = LoginWithAmazon::new(client.clone(), secrets, Arc::clone(&clock));
        let budgets = Budgets::new(pacer, Arc::clone(&clock), config.application.clone());
        let inner = Inner { client, config, login, budgets, clock, sellers: RwLock::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Lets the adapter act for a seller, or with another refresh token from here on.
    pub fn authorise(&self, access: SellerAccess) {
        self.inner.login.forget(&access.account);
        let mut sellers = self.inner.sellers.write().unwrap_or_else(PoisonError::into_inner);
        sellers.insert(access.account.clone(), Arc::new(access));
    }

    /// Ends what [`SpApi::authorise`] allowed.
    pub fn withdraw(&self, account: &SellerAccount) {
        self.inner.login.forget(account);
        self.inner.sellers.write().unwrap_or_else(PoisonError::into_inner).remove(account);
    }

    /// Asks Amazon something for a seller: any operation that has its types in [`crate::wire`].
    /// It waits for its permits for as long as the configuration says, and no longer.
    ///
    /// # Errors
    /// [`MarketError`].
    ///
    /// # Cancel safety
    /// Dropping the future loses a permit, and leaves it unknown whether a write was carried out.
    pub async fn call<C: Call>(
        &self,
        account: &SellerAccount,
        call: &C,
    ) -> Result<Answered<C::Answer>, MarketError> {
        let access = self.access::<C>(account)?;
        let stack = self.inner.budgets.stack(&access, C::NAME, &[])?;
        self.inner.budgets.permit(&stack, self.inner.config.patience).await?;
        self.asked(&access, &stack, call).await
    }

    fn access<C: Call>(&self, account: &SellerAccount) -> Result<Arc<SellerAccess>, MarketError> {
        let sellers = self.inner.sellers.read().unwrap_or_else(PoisonError::into_inner);
        sellers.get(account).cloned().ok_or_else(|| MarketError::Forbidden {
            operation: C::NAME,
            seller: account.seller().as_str().to_owned(),
            reason: "SpApi::authorise was not called for this account".to_owned(),
            request: None,
        })
    }

    /// Asks with a permit that was taken, and learns from the answer.
    async fn asked<C: Call>(
        &self,
        access: &SellerAccess,
        stack: &Stack,
        call: &C,
    ) -> Result<Answered<C::Answer>, MarketError> {
        let Inner { config, login, budgets, clock, .. } = &*self.inner;
        let parts = Parts::of(call).map_err(|reason| MarketError::Rejected {
            operation: C::NAME,
            status: 0,
            code: reason,
            request: None,
        })?;
        let grant = GRANTLESS.iter().find(|(name, _)| *name == C::NAME);
        let grant = grant
            .map_or_else(|| Grant::Seller(access.account.clone()), |(_, scope)| Grant::Application(scope));
        let token = login.token(config, &grant, &access.refresh_token, None).await?;
        let mut read = self.exchange::<C>(access, &parts, &token).await?;
        budgets.learn(stack, &read).await;
        // An old token is answered with 403, too ("airbyte" and Amazon's own SDK refresh then).
        let is_refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&read.status);
        if is_refused && !token.is_fresh(clock.now()) {
            let token = login.token(config, &grant, &access.refresh_token, Some(&token)).await?;
            budgets.permit(stack, config.patience).await?;
            read = self.exchange::<C>(access, &parts, &token).await?;
            budgets.learn(stack, &read).await;
        }
        if read.status.is_success() {
            let answer = read.answer::<C>()?;
            return Ok(Answered { answer, request: read.request, server_now: read.server_now });
        }
        Err(read.refused::<C>(access.account.seller().as_str()))
    }

    async fn exchange<C: Call>(
        &self,
        access: &SellerAccess,
        parts: &Parts,
        token: &Token,
    ) -> Result<Read, MarketError> {
        let request = self.request::<C>(access, parts).header(TOKEN_HEADER, token.header.clone());
        let response = request.send().await.map_err(answer::failure::<C>)?;
        Read::from(response, MAX_ANSWER_BYTES).await.map_err(answer::cut::<C>)
    }

    fn request<C: Call>(&self, access: &SellerAccess, parts: &Parts) -> RequestBuilder {
        let Inner { client, config, .. } = &*self.inner;
        let json = HeaderValue::from_static("application/json");
        let method = match C::METHOD {
            crate::wire::Method::Get => Method::GET,
            crate::wire::Method::Post => Method::POST,
            crate::wire::Method::Put => Method::PUT,
            crate::wire::Method::Patch => Method::PATCH,
            crate::wire::Method::Delete => Method::DELETE,
        };
        let url = config.endpoint(access.account.region()) + &parts.path;
        let request = client.request(method, url).timeout(config.timeout);
        let request = request.header(USER_AGENT, config.user_agent.clone()).header(ACCEPT, json.clone());
        match &parts.body {
            Some(body) => request.header(CONTENT_TYPE, json).body(body.clone()),
            None => request,
        }
    }
}

impl Debug for SpApi {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpApi").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
