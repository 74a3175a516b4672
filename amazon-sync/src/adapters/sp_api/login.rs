//! Login with Amazon: access tokens for refresh tokens, each fetched once however many ask.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use reqwest::{Client, Response, StatusCode};
use rules_core::work::clock::{Clock, after};
use rules_core::work::secrets::{SecretRef, SecretSource};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use super::SpApiConfig;
use super::answer::bounded;
use crate::marketplace::MarketError;
use crate::seller::SellerAccount;

/// What this is called in errors.
pub(super) const OPERATION: &str = "getAccessToken";

/// A token counts as old so long before it is, as in Amazon's own cache (`LWAAccessTokenCacheImpl`).
const MARGIN: Duration = Duration::from_secs(60);
/// A token that is younger was not refused for its age: another one would be refused as well.
const FRESH: Duration = Duration::from_secs(60);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// For whom a token acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Grant {
    /// For a seller.
    Seller(SellerAccount),
    /// For the application itself.
    Application(&'static str),
}

impl Grant {
    fn seller(&self) -> &str {
        match self {
            Self::Seller(account) => account.seller().as_str(),
            Self::Application(scope) => scope,
        }
    }
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    fetched_at: DateTime<Utc>,
    old_at: DateTime<Utc>,
}

impl Token {
    /// True when it cannot have been refused for its age.
    pub(super) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now < after(self.fetched_at, FRESH)
    }
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// Fetches access tokens and keeps them until they are nearly old.
pub(super) struct LoginWithAmazon {
    client: Client,
    secrets: Arc<dyn SecretSource>,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<Grant, Slot>>,
}

impl LoginWithAmazon {
    pub(super) fn new(client: Client, secrets: Arc<dyn SecretSource>, clock: Arc<dyn Clock>) -> Self {
        Self { client, secrets, clock, slots: Mutex::default() }
    }

    /// A token that is good for a while. `refused` is one that Amazon refused: it is not given
    /// again.
    pub(super) async fn token(
        &self,
        config: &SpApiConfig,
        grant: &Grant,
        refresh_token: &SecretRef,
        refused: Option<&Token>,
    ) -> Result<Token, MarketError> {
        let slot = self.slot(grant);
        // Whoever comes while it is being fetched waits here and finds it.
        let mut kept = slot.lock().await;
        let good = kept.as_ref().filter(|token| self.clock.now() < token.old_at);
        if let Some(token) = good.filter(|token| refused.is_none_or(|refused| refused.header != token.header))
        {
            return Ok(token.clone());
        }
        *kept = None;
        let token = self.fetch(config, grant, refresh_token).await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// Forgets the tokens of an account.
    pub(super) fn forget(&self, account: &SellerAccount) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(&Grant::Seller(account.clone()));
    }

    fn slot(&self, grant: &Grant) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(grant.clone()).or_default())
    }

    async fn fetch(
        &self,
        config: &SpApiConfig,
        grant: &Grant,
        refresh_token: &SecretRef,
    ) -> Result<Token, MarketError> {
        let asked_at = self.clock.now();
        let body = self.form(config, grant, refresh_token).await?;
        let request = self
            .client
            .post(config.login_url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, config.user_agent.clone())
            .timeout(config.timeout)
            .body(body);
        let response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let body = Zeroizing::new(read(response).await?);
        if status.is_success() {
            return token(&body, asked_at);
        }
        let error = refusal(status, &body, grant);
        // A secret that was rotated meanwhile is fetched anew by the next who asks.
        match error {
            MarketError::Revoked { .. } => self.secrets.forget(refresh_token),
            MarketError::Application { .. } => self.secrets.forget(&config.client_secret),
            _ => {}
        }
        Err(error)
    }

    async fn form(
        &self,
        config: &SpApiConfig,
        grant: &Grant,
        refresh_token: &SecretRef,
    ) -> Result<String, MarketError> {
        let secret = async |name: &SecretRef| {
            let secret = self.secrets.secret(name).await;
            secret.map_err(|source| MarketError::Store { operation: OPERATION, source })
        };
        let client_secret = secret(&config.client_secret).await?;
        let refresh_token = match grant {
            Grant::Seller(_) => Some(secret(refresh_token).await?),
            Grant::Application(_) => None,
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        match (grant, &refresh_token) {
            (Grant::Application(scope), _) => {
                form.append_pair("grant_type", "client_credentials").append_pair("scope", scope);
            }
            (Grant::Seller(_), token) => {
                let token = token.as_ref().map_or("", |token| token.expose_secret().trim());
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
            }
        }
        form.append_pair("client_id", &config.client_id);
        form.append_pair("client_secret", client_secret.expose_secret().trim());
        Ok(form.finish())
    }
}

impl Debug for LoginWithAmazon {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginWithAmazon").finish_non_exhaustive()
    }
}

/// A question for a token changes nothing, so it is never in doubt.
fn unavailable(error: reqwest::Error) -> MarketError {
    let source = Some(error.without_url().into());
    MarketError::Unavailable { operation: OPERATION, request: None, source }
}

async fn read(response: Response) -> Result<Vec<u8>, MarketError> {
    let unavailable = |source| MarketError::Unavailable { operation: OPERATION, request: None, source };
    bounded(response, MAX_ANSWER_BYTES).await.map(Vec::from).map_err(|source| unavailable(Some(source)))
}

fn token(body: &[u8], asked_at: DateTime<Utc>) -> Result<Token, MarketError> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        access_token: std::borrow::Cow<'a, str>,
        expires_in: u64,
    }
    let unreadable = |place: &str, reason: &str| MarketError::Unreadable {
        operation: OPERATION,
        place: place.to_owned(),
        reason: reason.to_owned(),
        request: None,
    };
    // The parser's error may quote a token, so it is left out.
    let answer: Answer<'_> =
        serde_json::from_slice(body).map_err(|_| unreadable("the answer", "it holds no token"))?;
    let mut header = HeaderValue::from_str(&answer.access_token)
        .map_err(|_| unreadable("access_token", "no header can carry it"))?;
    header.set_sensitive(true);
    let life = Duration::from_secs(answer.expires_in).saturating_sub(MARGIN);
    Ok(Token { header, fetched_at: asked_at, old_at: after(asked_at, life) })
}

/// What a refusal means (`LWAExceptionErrorCode` of Amazon's SDK lists the words).
fn refusal(status: StatusCode, body: &[u8], grant: &Grant) -> MarketError {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    let word = serde_json::from_slice::<Answer>(body).map(|answer| answer.error).unwrap_or_default();
    let reason = || {
        let is_word =
            (1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_word { word.clone() } else { format!("status {}", status.as_u16()) }
    };
    match (word.as_str(), grant) {
        ("invalid_grant", Grant::Seller(_)) => MarketError::Revoked { seller: grant.seller().to_owned() },
        ("server_error" | "temporarily_unavailable", _) => {
            MarketError::Unavailable { operation: OPERATION, request: None, source: None }
        }
        _ if status == StatusCode::TOO_MANY_REQUESTS => {
            MarketError::Throttled { operation: OPERATION, retry_after: None, request: None }
        }
        _ if status.is_server_error() => {
            MarketError::Unavailable { operation: OPERATION, request: None, source: None }
        }
        _ => MarketError::Application { reason: reason() },
    }
}

#[cfg(test)]
mod tests {
    use rules_core::judge::fault::{Classify, Fault};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_counts_as_old_a_minute_before_it_is() {
        let asked = at("2026-11-02T10:00:00Z");
        let read =
            token(br#"{"access_token":"Atza|x","token_type":"bearer","expires_in":3600}"#, asked).unwrap();
        assert_eq!(read.old_at, at("2026-11-02T10:59:00Z"));
        assert!(read.is_fresh(at("2026-11-02T10:00:59Z")) && !read.is_fresh(at("2026-11-02T10:01:00Z")));
        assert!(format!("{:?}", read.header).contains("Sensitive"));
        let short = token(br#"{"access_token":"Atza|x","expires_in":5}"#, asked).unwrap();
        assert_eq!(short.old_at, asked);
    }

    #[test]
    fn refusals_say_what_comes_next() {
        let refused = |status: u16, word: &str| {
            let body = format!(r#"{{"error":"{word}","error_description":"hunter2"}}"#);
            refusal(
                StatusCode::from_u16(status).unwrap(),
                body.as_bytes(),
                &Grant::Application("sellingpartnerapi::notifications"),
            )
        };
        for word in ["invalid_client", "unauthorized_client", "invalid_grant", "access_denied"] {
            let error = refused(400, word);
            assert!(matches!(&error, MarketError::Application { reason } if reason == word), "{error:?}");
        }
        for (status, word) in [(400, "server_error"), (400, "temporarily_unavailable"), (503, "x"), (500, "")]
        {
            assert_eq!(refused(status, word).fault(), Fault::Transient, "{word}");
        }
        assert_eq!(refused(429, "x").fault(), Fault::Throttled { retry_after: None });
        let odd = refused(400, "Hunter 2!").to_string();
        assert!(odd.contains("status 400") && !odd.contains("unter"), "{odd}");
    }

    #[test]
    fn an_answer_without_a_token_is_told_without_its_content() {
        for body in [r#"{"access_token":7}"#, "hunter2", r#"{"access_token":"hun\nter2","expires_in":1}"#] {
            let error = token(body.as_bytes(), at("2026-11-02T10:00:00Z")).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hun"), "{error:?}");
        }
    }
}
