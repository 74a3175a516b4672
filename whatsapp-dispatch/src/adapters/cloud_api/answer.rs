//! What an answer of the Cloud API means. Only this module decides whether "nothing was sent" is
//! certain.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::wire::{Answer, Contact, Done, Refusal, Templates, Usage, WireTemplate};
use crate::gateway::{ApiError, Detail, GatewayError, Receipt, Wamid};
use crate::media::MediaId;
use crate::phone::PhoneNumber;
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

    /// What became of a send to a number.
    pub(super) fn receipt(&self, to: PhoneNumber) -> Result<Receipt, GatewayError> {
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(&self.body) else {
            return Err(self.unreadable());
        };
        match (answer.messages.into_iter().next(), answer.error) {
            (_, Some(refusal)) => Err(self.refused(&refusal)),
            (Some(taken), None) if self.status.is_success() && !taken.id.is_empty() => {
                let held = taken.is_held();
                // A message has one recipient.
                let names = answer.contacts.iter().take(1).flat_map(Contact::names);
                let receipt = Receipt::new(Wamid::new(taken.id)).known_as(to, names);
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
            details: Detail::of(&refusal.error_data.details),
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

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    wait(text(RETRY_AFTER.as_str()), text(DATE.as_str()), text("x-business-use-case-usage"))
}

/// The longest wait that is believed. Whoever asks for more is asked again after it.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// How long the far side wants to be left alone, from its headers: `Retry-After` in seconds or as
/// an instant, which is compared with the answer's own `Date`, else the longest of the waits that
/// Meta's usage header names, in minutes. Never more than an hour.
pub(super) fn wait(retry_after: Option<&str>, date: Option<&str>, usage: Option<&str>) -> Option<Duration> {
    let asked = retry_after.and_then(|text| seconds(text).or_else(|| until(text, date?)));
    let asked = asked.or_else(|| regained_after(usage?))?;
    (!asked.is_zero()).then(|| asked.min(LONGEST_WAIT))
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = text.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // What no u64 can hold is longer than any wait.
    is_number.then(|| Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

fn until(text: &str, date: &str) -> Option<Duration> {
    let instant = |text: &str| DateTime::parse_from_rfc2822(text.trim()).ok();
    instant(text)?.signed_duration_since(instant(date)?).to_std().ok()
}

fn regained_after(usage: &str) -> Option<Duration> {
    let usage = serde_json::from_str::<HashMap<String, Vec<Usage>>>(usage).ok()?;
    let minutes = usage.values().flatten().map(|usage| usage.estimated_time_to_regain_access).max()?;
    Some(Duration::from_secs(minutes.saturating_mul(60)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::people::Name;

    fn read(status: u16, body: &str) -> Read {
        Read::of(status, body.as_bytes())
    }

    fn receipt(status: u16, body: &str) -> Result<Receipt, GatewayError> {
        read(status, body).receipt(PhoneNumber::parse("+5511987654321").unwrap())
    }

    #[test]
    fn other_names_of_the_person_are_told_and_spellings_of_the_number_are_not() {
        let also = |contacts: &str| {
            let body = format!(r#"{{"contacts":{contacts},"messages":[{{"id":"wamid.1"}}]}}"#);
            receipt(200, &body).unwrap().also
        };
        let user = Name::user_id("BR.1").unwrap();
        for (contacts, expected) in [
            (r#"[{"input":"x","wa_id":"5511987654321"}]"#, vec![]),
            (r#"[{"input":"x","wa_id":"551187654321"}]"#, vec![]),
            (r#"[{"wa_id":"5511987654322"}]"#, vec![Name::wa_id("5511987654322").unwrap()]),
            (r#"[{"wa_id":"551187654321","user_id":"BR.1"}]"#, vec![user.clone()]),
            (r#"[{"user_id":"BR.1","new":{}},{"user_id":"BR.2"}]"#, vec![user.clone()]),
            (r#"[{"wa_id":7,"user_id":"BR.1"}]"#, vec![user]),
            (r#"[{"wa_id":null,"user_id":""}]"#, vec![]),
            ("null", vec![]),
            (r#""words""#, vec![]),
            ("[7]", vec![]),
        ] {
            assert_eq!(also(contacts), expected, "{contacts}");
        }
    }

    #[test]
    fn a_message_that_is_held_back_is_marked() {
        for (status, held) in [("accepted", false), ("held_for_quality_assessment", true), ("paused", true)] {
            let body = format!(r#"{{"messages":[{{"id":"wamid.1","message_status":"{status}"}}]}}"#);
            assert_eq!(receipt(200, &body).unwrap().held, held, "{status}");
        }
        let plain =
            r#"{"contacts":[{"input":"1","wa_id":"551187654321"}],"messages":[{"id":"wamid.\u0031"}]}"#;
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
    fn the_wait_is_read_from_seconds_an_instant_or_minutes() {
        let now = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        let seconds = |text| wait(Some(text), now, None).map(|wait| wait.as_secs());
        assert_eq!((seconds("17"), seconds(" 17 "), seconds("0")), (Some(17), Some(17), None));
        assert_eq!(seconds("Wed, 21 Oct 2026 07:28:30 GMT"), Some(30));
        assert_eq!(seconds("Wed, 21 Oct 2026 07:27:00 GMT"), None, "an instant that has passed");
        assert_eq!(wait(Some("Wed, 21 Oct 2026 07:28:30 GMT"), None, None), None, "nothing to compare with");
        assert_eq!((seconds("-1"), seconds("1.5"), seconds("soon"), seconds("")), (None, None, None, None));
        for absurd in ["3601", "99999999999999999999999999", "Mon, 21 Oct 2126 07:28:00 GMT"] {
            assert_eq!(seconds(absurd), Some(3_600), "{absurd}");
        }
        let usage = |text| wait(None, None, Some(text)).map(|wait| wait.as_secs());
        let busy = r#"{"1":[{"type":"m","call_count":100,"estimated_time_to_regain_access":3}],"2":[]}"#;
        assert_eq!(usage(busy), Some(180));
        assert_eq!(usage(r#"{"1":[{"estimated_time_to_regain_access":18446744073709551615}]}"#), Some(3_600));
        assert_eq!(usage(r#"{"1":[{"estimated_time_to_regain_access":0}]}"#), None);
        assert_eq!(usage("words"), None);
        assert_eq!(
            wait(Some("soon"), now, Some(busy)),
            Some(Duration::from_secs(180)),
            "the next best header"
        );
        assert_eq!(wait(None, None, None), None);
    }

    #[test]
    fn headers_are_found_by_their_names() {
        let header = |name: &'static str, value: &'static str| {
            let name = reqwest::header::HeaderName::from_static(name);
            retry_after(&HeaderMap::from_iter([(name, reqwest::header::HeaderValue::from_static(value))]))
        };
        assert_eq!(header("retry-after", "17"), Some(Duration::from_secs(17)));
        let busy = r#"{"1":[{"estimated_time_to_regain_access":3}]}"#;
        assert_eq!(header("x-business-use-case-usage", busy), Some(Duration::from_secs(180)));
        assert_eq!(header("x-app-usage", busy), None);
    }

    fn header() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof![
            ".{0,40}",
            "[0-9]{1,30}",
            r#"\{"[0-9]{1,3}":\[\{"estimated_time_to_regain_access":-?[0-9]{1,25}\}\]\}"#,
            "(Mon|Wed), [0-3]?[0-9] Oct [0-9]{2,6} [0-2][0-9]:[0-6][0-9]:[0-6][0-9] (GMT|[+-][0-9]{4})",
        ])
    }

    proptest! {
        #[test]
        fn no_header_breaks_us_or_asks_for_more_than_an_hour(
            after in header(), date in header(), usage in header(),
        ) {
            if let Some(wait) = wait(after.as_deref(), date.as_deref(), usage.as_deref()) {
                prop_assert!(!wait.is_zero() && wait <= LONGEST_WAIT);
            }
        }
    }

    #[test]
    fn the_details_leave_one_word_behind() {
        let body = |details: &str| {
            format!(
                r#"{{"error":{{"code":100,"error_data":{{"messaging_product":"whatsapp","details":{details}}}}}}}"#
            )
        };
        for (details, expected) in [
            (r#""Recipient is not a valid WhatsApp user""#, Detail::NotOnWhatsApp),
            (r#""The number 49151 is not a WhatsApp number""#, Detail::NotOnWhatsApp),
            (r#""Parameter name is missing or empty""#, Detail::Other),
            ("null", Detail::Other),
            ("7", Detail::Other),
        ] {
            let Err(GatewayError::Refused(error)) = receipt(400, &body(details)) else { panic!("{details}") };
            assert_eq!(error.details, expected, "{details}");
            assert!(!format!("{error:?} {error}").contains("49151"));
        }
        for data in [r#""words""#, "null", "[]"] {
            let body = format!(r#"{{"error":{{"code":100,"error_data":{data}}}}}"#);
            assert!(matches!(receipt(400, &body), Err(GatewayError::Refused(_))), "{data}");
        }
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
