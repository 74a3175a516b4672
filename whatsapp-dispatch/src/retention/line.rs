//! One record of a campaign's log as one line of JSON.
//!
//! What tells who it was is not in it: the number, the parameters, the person's id and zone, and
//! WhatsApp's ids, which tell the number. The message's id is made under the campaign's secret and
//! reveals nothing without it; `record` is how the event log calls the message, and `line` is where
//! the record stands in the source.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::delivery::{Message, PlanVerdict};
use crate::fact::{Answer, Facts, Former};
use crate::progress::Label;

/// A record and all that is known about it.
#[derive(Serialize)]
struct Whole<'a> {
    record: u32,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(flatten)]
    told: Option<Told<'a>>,
}

/// What is known of a message's delivery. What never happened is left out.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the line")]
struct Told<'a> {
    state: &'static str,
    attempts: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    begun_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    played_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    round: u16,
    #[serde(skip_serializing_if = "is_zero")]
    backoffs: u16,
    #[serde(skip_serializing_if = "is_zero")]
    deferrals: u16,
    #[serde(skip_serializing_if = "is_zero")]
    begun_in_doubt: u16,
    #[serde(skip_serializing_if = "is_false")]
    taken_twice: bool,
    #[serde(skip_serializing_if = "is_false")]
    held_back: bool,
    #[serde(skip_serializing_if = "is_false")]
    given_up: bool,
    #[serde(skip_serializing_if = "is_false")]
    erased: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "earlier")]
    earlier: &'a [Former],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(number: &u16) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Attempts before the last one that WhatsApp took, without its ids.
fn earlier<S: serde::Serializer>(former: &[Former], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Taken {
        attempt: u16,
        #[serde(skip_serializing_if = "is_false")]
        failed: bool,
    }
    to.collect_seq(former.iter().map(|former| Taken { attempt: former.attempt, failed: former.failed }))
}

fn instant(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

impl<'a> Told<'a> {
    fn of(facts: &'a Facts) -> Self {
        Self {
            state: facts.state().as_str(),
            attempts: facts.attempts,
            begun_at: instant(facts.begun_at),
            accepted_at: instant(facts.accepted_at),
            sent_at: instant(facts.sent_at),
            delivered_at: instant(facts.delivered_at),
            read_at: instant(facts.read_at),
            played_at: instant(facts.played_at),
            failed_at: instant(facts.failed_at),
            expired_at: instant(facts.expired_at),
            not_before: instant(facts.not_before),
            round: facts.round,
            backoffs: facts.backoffs.into(),
            deferrals: facts.deferrals.into(),
            begun_in_doubt: facts.risked,
            taken_twice: facts.was_doubled(),
            held_back: facts.held,
            given_up: facts.answer == Answer::GivenUp,
            erased: facts.erased,
            earlier: &facts.former,
        }
    }
}

/// A verdict as a stable word.
const fn verdict(verdict: &PlanVerdict) -> &'static str {
    match verdict {
        PlanVerdict::Planned => "planned",
        PlanVerdict::Malformed(_) => "malformed",
        PlanVerdict::Invalid(_) => "invalid",
        PlanVerdict::Suppressed(_) => "suppressed",
        PlanVerdict::Duplicate => "duplicate",
    }
}

/// Appends a record and all that is known about it, as one line.
pub(super) fn write(message: &Message, to: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let planned = message.verdict == PlanVerdict::Planned;
    let code = if planned { message.facts.code.clone() } else { Label::planned(&message.verdict).code };
    let line = Whole {
        record: message.key.record(),
        line: message.line,
        id: message.to.map(|to| format!("{:032x}", u128::from_be_bytes(*to.id.as_bytes()))),
        verdict: verdict(&message.verdict),
        code: code.map(|code| code.as_str().to_owned()),
        told: planned.then(|| Told::of(&message.facts)),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rules_core::judge::code::Code;
    use rules_core::judge::tenant::TenantId;

    use super::*;
    use crate::delivery::Recipient;
    use crate::gateway::Wamid;
    use crate::message::{CampaignKey, MessageId, PersonId};
    use crate::phone::PhoneNumber;

    fn message(verdict: PlanVerdict, facts: Facts) -> Message {
        let to = Recipient {
            person: PersonId::from_bytes([0xAB; 16]),
            id: MessageId::from_bytes([0xCD; 16]),
            number: PhoneNumber::from_digits(919_800_000_001).unwrap(),
            consent: true,
            zone: Some(chrono_tz::Asia::Kolkata),
        };
        let key = CampaignKey::stored(&TenantId::parse("acme").unwrap(), 3).message(17);
        Message { key, line: 19, verdict, to: Some(to), parameters: Bytes::from_static(b"Asha"), facts }
    }

    fn line(message: &Message) -> String {
        let mut line = Vec::new();
        write(message, &mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_says_what_came_of_a_message_and_not_whose_it_is() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let former = Former { attempt: 1, wamid: Wamid::new("wamid.919800000001"), failed: true };
        let facts = Facts {
            attempts: 2,
            begun_at: at(0),
            accepted_at: at(1),
            delivered_at: at(2),
            wamid: Some(Wamid::new("wamid.919800000001")),
            round: 1,
            former: vec![former],
            ..Facts::default()
        };
        assert_eq!(
            line(&message(PlanVerdict::Planned, facts)),
            concat!(
                r#"{"record":17,"line":19,"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","verdict":"planned","#,
                r#""state":"delivered","attempts":2,"begun_at":"1970-01-01T00:00:00.000000Z","#,
                r#""accepted_at":"1970-01-01T00:00:01.000000Z","#,
                r#""delivered_at":"1970-01-01T00:00:02.000000Z","round":1,"#,
                r#""earlier":[{"attempt":1,"failed":true}]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn who_gets_no_message_has_a_reason() {
        let code = Code::known("consent.opted_out");
        assert_eq!(
            line(&message(PlanVerdict::Suppressed(code), Facts::default())),
            concat!(
                r#"{"record":17,"line":19,"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","verdict":"suppressed","#,
                r#""code":"consent.opted_out"}"#,
                "\n"
            )
        );
        let duplicate = line(&message(PlanVerdict::Duplicate, Facts::default()));
        assert!(duplicate.contains(r#""code":"recipient.duplicate_person""#), "{duplicate}");
    }

    #[test]
    fn whoever_was_erased_has_no_id() {
        let facts = Facts { erased: true, ..Facts::default() };
        let emptied = Message { to: None, ..message(PlanVerdict::Planned, facts) };
        assert_eq!(
            line(&emptied),
            "{\"record\":17,\"line\":19,\"verdict\":\"planned\",\"state\":\"waiting\",\"attempts\":0,\"erased\":true}\n"
        );
    }
}
