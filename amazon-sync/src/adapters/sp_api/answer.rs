//! What an answer of the Selling Partner API means. Only this module decides whether "nothing was
//! done" is certain.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use crate::marketplace::MarketError;
use crate::wire::{Call, ErrorBody};

type Source = Box<dyn Error + Send + Sync>;

/// An answer, read as far as we are willing to.
pub(super) struct Read {
    pub(super) status: StatusCode,
    pub(super) request: Option<String>,
    pub(super) server_now: Option<DateTime<Utc>>,
    /// What the answer says of its budget, in calls per second.
    pub(super) limit: Option<f64>,
    pub(super) retry_after: Option<Duration>,
    body: Bytes,
}

impl Read {
    /// Reads an answer whole; the error is what broke.
    pub(super) async fn from(response: Response, max_bytes: usize) -> Result<Self, (Option<String>, Source)> {
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let request = text("x-amzn-requestid").filter(|id| is_plain(id, 100));
        let mut read = Self {
            status: response.status(),
            server_now: date(headers),
            limit: text("x-amzn-ratelimit-limit").and_then(|limit| limit.trim().parse().ok()),
            retry_after: text(RETRY_AFTER.as_str())
                .and_then(|wait| wait.trim().parse().ok())
                .map(Duration::from_secs),
            request: request.clone(),
            body: Bytes::new(),
        };
        read.body = bounded(response, max_bytes).await.map_err(|source| (request, source))?;
        Ok(read)
    }

    /// The answer to a call that was not refused.
    pub(super) fn answer<C: Call>(&self) -> Result<C::Answer, MarketError> {
        // Some operations answer nothing at all.
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| {
            if C::METHOD.only_reads() {
                // Line and column, never the content.
                let place = format!("line {}, column {}", error.line(), error.column());
                let reason = "it is no JSON of the kind that this operation answers".to_owned();
                MarketError::Unreadable { operation: C::NAME, place, reason, request: self.request.clone() }
            } else {
                MarketError::InDoubt { operation: C::NAME, source: Some("the answer cannot be read".into()) }
            }
        })
    }

    /// What a refusal says.
    pub(super) fn refusal(&self) -> Refusal {
        let body: ErrorBody = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = body.code().filter(|code| is_plain(code, 60)).unwrap_or("without a code").to_owned();
        let texts = body.errors.get().into_iter().flatten();
        let texts = texts.flat_map(|error| [error.message.get(), error.details.get()]).flatten();
        Refusal { code, texts: texts.map(|text| text.to_ascii_lowercase()).collect() }
    }

    /// What a refusal means, apart from those for which another token may help.
    pub(super) fn refused<C: Call>(&self, seller: &str) -> MarketError {
        let (operation, request) = (C::NAME, self.request.clone());
        let Refusal { code, .. } = self.refusal();
        match self.status.as_u16() {
            429 => MarketError::Throttled { operation, retry_after: self.retry_after, request },
            401 | 403 => {
                MarketError::Forbidden { operation, seller: seller.to_owned(), reason: code, request }
            }
            // Amazon says of 503 that nothing was begun; of other failures of a write nobody knows.
            503 => MarketError::Unavailable { operation, request, source: None },
            500.. if C::METHOD.only_reads() => MarketError::Unavailable { operation, request, source: None },
            500.. => {
                MarketError::InDoubt { operation, source: Some(format!("status {}", self.status).into()) }
            }
            status => MarketError::Rejected { operation, status, code, request },
        }
    }
}

/// What a refusal says.
pub(super) struct Refusal {
    code: String,
    texts: Vec<String>,
}

impl Refusal {
    /// True when its texts name something, whatever the case.
    pub(super) fn says(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.texts.iter().any(|text| text.contains(&word))
    }
}

/// What a failed exchange means: before there was a connection, nothing can have been done.
pub(super) fn failure<C: Call>(error: reqwest::Error) -> MarketError {
    let nothing_was_done = error.is_builder() || error.is_connect() || C::METHOD.only_reads();
    broken::<C>(nothing_was_done, None, error.without_url().into())
}

/// What it means that an answer broke off.
pub(super) fn cut<C: Call>((request, source): (Option<String>, Source)) -> MarketError {
    broken::<C>(C::METHOD.only_reads(), request, source)
}

fn broken<C: Call>(nothing_was_done: bool, request: Option<String>, source: Source) -> MarketError {
    let (operation, source) = (C::NAME, Some(source));
    if nothing_was_done {
        MarketError::Unavailable { operation, request, source }
    } else {
        MarketError::InDoubt { operation, source }
    }
}

/// The body, if it is not too long.
pub(super) async fn bounded(mut response: Response, max_bytes: usize) -> Result<Bytes, Source> {
    let mut whole = BytesMut::new();
    while let Some(next) = response.chunk().await.map_err(|error| Source::from(error.without_url()))? {
        if max_bytes < whole.len() + next.len() {
            return Err("an answer that is too long to read".into());
        }
        if whole.is_empty() {
            whole = next.into();
        } else {
            whole.extend_from_slice(&next);
        }
    }
    Ok(whole.freeze())
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.with_timezone(&Utc))
}

/// A short text of visible ASCII: what may stand in an error.
fn is_plain(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
