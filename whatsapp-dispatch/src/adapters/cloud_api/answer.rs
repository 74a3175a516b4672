//! What an answer of the Cloud API means. Only this module decides whether "nothing was sent" is
//! certain.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::wire::{Answer, Done, Refusal, Templates, Usage, WireTemplate};
use crate::gateway::{ApiError, GatewayError, Receipt, Wamid};
use crate::media::MediaId;
use crate::template::{Template, TemplateDefinition};

/// An answer, read as far as we are willing to.
pub(super) struct Read {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

impl Read {
    pub(super) async fn from(response: Response, max_bytes: usize) -> Result<Self, GatewayError> {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = bounded(response, max_bytes).await?;
        Ok(Self { status, retry_after, body })
    }

    pub(super) fn of(http_status: u16, body: &[u8]) -> Self {
        let status = StatusCode::from_u16(http_status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self { status, retry_after: None, body: Bytes::copy_from_slice(body) }
    }

    /// What became of a send.
    pub(super) fn receipt(&self) -> Result<Receipt, GatewayError> {
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(&self.body) else {
            return Err(self.unreadable());
        };
        match (answer.messages.into_iter().next(), answer.error) {
            (_, Some(refusal)) => Err(self.refused(&refusal)),
            (Some(taken), None) if self.status.is_success() && !taken.id.is_empty() => {
                let held = taken.is_held();
                let receipt = Receipt::new(Wamid::new(taken.id));
                Ok(if held { receipt.held() } else { receipt })
            }
            _ => Err(self.unreadable()),
        }
    }

    /// The template that was asked for.
    pub(super) fn template(&self, wanted: &Template) -> Result<Option<TemplateDefinition>, GatewayError> {
        let Ok(answer) = serde_json::from_slice::<Templates>(&self.body) else {
            return Err(self.unreadable());
        };
        match (answer.data, answer.error) {
            (_, Some(refusal)) => Err(self.refused(&refusal)),
            (Some(found), None) if self.status.is_success() => {
                let found = found.into_iter().find(|template| template.is(wanted));
                found.map(WireTemplate::into_definition).transpose().map_err(|error| GatewayError::InDoubt {
                    what: "a template that breaks WhatsApp's own rules",
                    source: Some(error.into()),
                })
            }
            _ => Err(self.unreadable()),
        }
    }

    /// The id of a file that was uploaded.
    pub(super) fn uploaded(&self) -> Result<MediaId, GatewayError> {
        match serde_json::from_slice::<Done>(&self.body) {
            Ok(Done { error: Some(refusal), .. }) => Err(self.refused(&refusal)),
            Ok(Done { id: Some(id), .. }) if self.status.is_success() => Ok(MediaId::new(id)),
            _ => Err(self.unreadable()),
        }
    }

    /// Whether something was done.
    pub(super) fn done(&self) -> Result<(), GatewayError> {
        match serde_json::from_slice::<Done>(&self.body) {
            Ok(Done { error: Some(refusal), .. }) => Err(self.refused(&refusal)),
            Ok(Done { success: true, .. }) if self.status.is_success() => Ok(()),
            _ => Err(self.unreadable()),
        }
    }

    fn refused(&self, refusal: &Refusal) -> GatewayError {
        GatewayError::Refused(ApiError {
            subcode: refusal.error_subcode,
            transient: refusal.is_transient,
            retry_after: self.retry_after,
            ..ApiError::new(refusal.code, self.status.as_u16())
        })
    }

    /// An answer without Meta's words. Whoever wrote it, the message may have been taken before;
    /// only a 429 is given before anything is looked at.
    fn unreadable(&self) -> GatewayError {
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return GatewayError::Throttled { retry_after: self.retry_after };
        }
        let what = match self.status.as_u16() {
            200..=299 => "a success without a readable id",
            500.. => "a server's failure without a readable reason",
            _ => "a status without a readable reason",
        };
        GatewayError::InDoubt { what, source: None }
    }
}

/// What a failed exchange means: before there was a connection, nothing can have been sent.
pub(super) fn failure(error: reqwest::Error) -> GatewayError {
    let what = match () {
        () if error.is_builder() => return not_sent("the request cannot be built", error),
        () if error.is_connect() => return not_sent("no connection to the Cloud API", error),
        () if error.is_timeout() => "no answer in time",
        () => "the connection broke",
    };
    GatewayError::InDoubt { what, source: Some(error.without_url().into()) }
}

fn not_sent(what: &'static str, error: reqwest::Error) -> GatewayError {
    GatewayError::NotSent { what, source: Some(error.without_url().into()) }
}

async fn bounded(mut response: Response, max_bytes: usize) -> Result<Bytes, GatewayError> {
    let Some(first) = response.chunk().await.map_err(failure)? else {
        return Ok(Bytes::new());
    };
    let mut whole = BytesMut::from(first);
    while let Some(next) = response.chunk().await.map_err(failure)? {
        if max_bytes < whole.len() + next.len() {
            return Err(GatewayError::InDoubt { what: "an answer that is too long to read", source: None });
        }
        whole.extend_from_slice(&next);
    }
    Ok(whole.freeze())
}

/// `Retry-After` is in seconds, Meta's own header in minutes.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(seconds) = text(RETRY_AFTER.as_str()).and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_secs(seconds));
    }
    let usage = text("x-business-use-case-usage")?;
    let usage = serde_json::from_str::<HashMap<String, Vec<Usage>>>(usage).ok()?;
    let minutes = usage.values().flatten().map(|usage| usage.estimated_time_to_regain_access).max()?;
    (0 < minutes).then(|| Duration::from_secs(minutes.saturating_mul(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Read {
        Read::of(status, body.as_bytes())
    }

    fn receipt(status: u16, body: &str) -> Result<Receipt, GatewayError> {
        read(status, body).receipt()
    }

    #[test]
    fn a_message_that_is_held_back_is_marked() {
        for (status, held) in [("accepted", false), ("held_for_quality_assessment", true), ("paused", true)] {
            let body = format!(r#"{{"messages":[{{"id":"wamid.1","message_status":"{status}"}}]}}"#);
            assert_eq!(receipt(200, &body).unwrap().held, held, "{status}");
        }
        let plain = r#"{"contacts":[{"input":"1","wa_id":"1"}],"messages":[{"id":"wamid.\u0031"}]}"#;
        assert_eq!(receipt(200, plain).unwrap(), Receipt::new(Wamid::new("wamid.1")));
    }

    #[test]
    fn an_answer_in_metas_words_is_a_refusal_whatever_the_status() {
        let body = r#"{"error":{"message":"m","code":131056,"error_subcode":"7","is_transient":true,
            "fbtrace_id":"A","error_data":{"details":"d"}}}"#;
        for status in [200, 400, 429, 500] {
            let Err(GatewayError::Refused(error)) = receipt(status, body) else { panic!("{status}") };
            assert_eq!((error.code, error.subcode, error.transient), (131_056, 7, Some(true)));
            assert_eq!(error.http_status, status);
        }
    }

    #[test]
    fn any_other_answer_leaves_doubt_except_a_429() {
        let id_is_missing = r#"{"messages":[{"id":""}]}"#;
        let taken = r#"{"messages":[{"id":"wamid.1"}]}"#;
        for (status, body) in [
            (200, ""),
            (200, "<html>"),
            (200, "{}"),
            (200, r#"{"messages":[]}"#),
            (200, id_is_missing),
            (200, r#"{"error":"words"}"#),
            (302, ""),
            (400, "bad gateway says no"),
            (500, ""),
            (500, taken),
            (503, "<html>"),
        ] {
            let error = receipt(status, body).unwrap_err();
            assert!(matches!(error, GatewayError::InDoubt { .. }), "{status} {body}");
        }
        assert!(matches!(receipt(429, "slow down"), Err(GatewayError::Throttled { .. })));
    }

    #[test]
    fn the_wait_is_read_from_seconds_or_from_minutes() {
        let headers = |name: &'static str, value: &'static str| {
            retry_after(&HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static(name),
                reqwest::header::HeaderValue::from_static(value),
            )]))
        };
        let usage = "x-business-use-case-usage";
        assert_eq!(headers("retry-after", "17"), Some(Duration::from_secs(17)));
        assert_eq!(headers("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"), None);
        let busy = r#"{"1":[{"type":"m","call_count":100,"estimated_time_to_regain_access":3}],"2":[]}"#;
        assert_eq!(headers(usage, busy), Some(Duration::from_secs(180)));
        assert_eq!(headers(usage, r#"{"1":[{"estimated_time_to_regain_access":0}]}"#), None);
        assert_eq!(headers(usage, "words"), None);
    }

    #[test]
    fn only_the_approved_template_of_that_name_and_language_is_meant() {
        let wanted = crate::adapters::cloud_api::testing::template("offer");
        let body = r#"{"data":[
            {"name":"offer_2","language":"en_US","status":"APPROVED","components":[]},
            {"name":"offer","language":"de","status":"APPROVED","components":[]},
            {"name":"offer","language":"en_US","status":"PENDING","components":[]}]}"#;
        assert_eq!(read(200, body).template(&wanted).unwrap(), None);
        let body = r#"{"data":[{"name":"offer","language":"en_US","status":"APPROVED","category":"MARKETING",
            "components":[{"type":"HEADER","format":"TEXT","text":"h"},{"type":"BODY","text":"Hi {{1}}!"},
            {"type":"BUTTONS","buttons":[]}]}],"paging":{}}"#;
        let found = read(200, body).template(&wanted).unwrap().unwrap();
        assert_eq!(
            found,
            TemplateDefinition::new(wanted.clone(), "Hi {{1}}!").unwrap().with_header("h").unwrap()
        );
        assert!(read(200, "{}").template(&wanted).is_err());
    }
}
