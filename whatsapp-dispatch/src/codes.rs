//! Every reason code of this crate with one sentence for people.
//!
//! A code is what programs compare and what reports count; the sentence is looked up when
//! somebody asks. A host adds its own, or words these differently, with
//! [`CodeTexts::with`](rules_core::judge::registry::CodeTexts::with).

use rules_core::judge::code::Code;
use rules_core::judge::registry::CodeTexts;

use crate::reaction::api_code;

/// The sentences for all codes of this crate and of rules-core.
///
/// ```
/// use rules_core::judge::code::Code;
/// use whatsapp_dispatch::codes;
/// let texts = codes::texts();
/// assert_eq!(texts.text(&Code::known("consent.opted_out")), "The person wants no messages.");
/// assert_eq!(texts.text(&Code::known("whatsapp.131056")), "Too many messages to this person in a short time.");
/// ```
pub fn texts() -> CodeTexts {
    let own = OWN.iter().map(|(code, text)| (Code::known(code), *text));
    let api = API.iter().map(|(number, text)| (api_code(*number), *text));
    CodeTexts::core().with(own).with(api)
}

const OWN: &[(&str, &str)] = &[
    ("campaign.differs", "A campaign of this name asks for something else or has other recipients."),
    ("campaign.not_started", "The campaign's start has not come yet."),
    ("campaign.paused", "Somebody paused the campaign; it goes on after a resume."),
    ("consent.missing", "Nobody says that the person agreed to be messaged."),
    ("consent.opted_out", "The person wants no messages."),
    ("country.blocked", "Messages to the person's country are blocked."),
    ("dispatch.attempts_used_up", "All attempts were refused for passing reasons."),
    ("dispatch.begun", "Evidence: messages were begun."),
    ("dispatch.no_answer", "The request left and no readable answer came, so the outcome is unknown."),
    ("dispatch.not_before", "It was taken from the queue before its time and waits."),
    ("dispatch.planned", "Evidence: a batch of recipients was planned."),
    ("dispatch.recorded", "Evidence: outcomes of messages were recorded."),
    (
        "dispatch.resend_policy",
        "What came of the message is unknown, and the campaign's policy tries it again.",
    ),
    ("dispatch.resend_round", "Somebody decided to try the message again."),
    ("dispatch.unknown_final", "Nobody will ever know what came of the message, and it is not sent again."),
    ("dispatch.unreachable", "WhatsApp could not be reached and nothing was sent; it is tried again."),
    ("dispatch.worker_lost", "The process ended before the answer was recorded, so the outcome is unknown."),
    ("queue.unreadable", "The queue held a record that is no reference to a message."),
    ("quota.campaign_exceeded", "The campaign's allowance of messages is used up."),
    ("quota.daily_exceeded", "The tenant's messages of the day are used up."),
    ("recipient.duplicate_person", "The person has a message of this campaign from an earlier record."),
    ("recipient.invalid", "The phone number cannot exist."),
    ("recipient.no_country", "The phone number names no country and none is configured."),
    ("recipient.no_number", "The record has no phone number."),
    ("recipient.unresolved", "The person behind the number could not be found."),
    ("row.malformed", "The record cannot be read."),
    ("row.unclear", "A word of the record was not understood."),
    ("template.parameter_empty", "A parameter of the template would be empty."),
    ("template.too_long", "The filled template would be longer than WhatsApp allows."),
    ("tenant.off", "The tenant is switched off or unknown; its work waits."),
    ("whatsapp.error", "WhatsApp answered with an error that has no usable number."),
    ("whatsapp.failed", "WhatsApp gave up on the message and did not say why."),
    ("whatsapp.throttled", "The edge of WhatsApp's network asked to slow down."),
    ("window.quiet_hours", "It is too early or too late where the person lives."),
];

/// The errors of the Cloud API that have a reaction ("Error codes", Meta, 2026-09-11).
const API: &[(i64, &str)] = &[
    (0, "The access token is not valid."),
    (1, "WhatsApp met an unknown error."),
    (2, "WhatsApp was unavailable for a moment."),
    (3, "The app lacks a capability that sending needs."),
    (4, "The app has made too many calls."),
    (10, "The app lacks a permission that sending needs."),
    (17, "The user has made too many calls."),
    (33, "The sending number was deleted."),
    (100, "WhatsApp refused a parameter of the request."),
    (104, "The request carried no access token."),
    (190, "The access token has expired or was withdrawn."),
    (200, "The access token lacks a permission that sending needs."),
    (368, "The account is restricted for a breach of policy."),
    (80_007, "The WhatsApp business account has made too many calls."),
    (130_403, "The business has blocked this person."),
    (130_429, "The number sent faster than its throughput allows."),
    (130_472, "The person is part of an experiment of WhatsApp's and gets no marketing messages."),
    (130_497, "The account may not send messages to this country."),
    (131_000, "WhatsApp failed for an unknown reason."),
    (131_005, "The access token lacks a permission that sending needs."),
    (131_008, "A parameter that WhatsApp requires is missing."),
    (131_009, "A parameter has a value that WhatsApp does not accept."),
    (131_016, "WhatsApp's service was overloaded."),
    (131_021, "The recipient is the sending number itself."),
    (131_026, "The person cannot be reached on WhatsApp."),
    (131_030, "The recipient is not on the list of this test number."),
    (131_031, "The account is locked."),
    (131_037, "The number's display name is not approved."),
    (131_042, "There is a problem with the account's payment method."),
    (131_044, "There is a problem with the account's payment method."),
    (131_045, "The sending number is not registered."),
    (131_047, "The person's 24-hour window is closed; only a template may be sent."),
    (131_048, "The number is restricted because people blocked or reported it."),
    (131_049, "WhatsApp held the message back to limit marketing to this person."),
    (131_050, "The person asked WhatsApp to stop marketing messages of this business."),
    (131_051, "WhatsApp does not support this type of message."),
    (131_052, "A media file could not be loaded."),
    (131_053, "A media file could not be taken."),
    (131_055, "This way of sending takes other kinds of messages."),
    (131_056, "Too many messages to this person in a short time."),
    (131_057, "The account is in maintenance, perhaps for a higher throughput."),
    (131_062, "The message cannot be sent to a business-scoped user id."),
    (131_063, "Marketing messages are switched off for this account on the Cloud API."),
    (131_064, "The account is limited because its templates were in a wrong category."),
    (132_000, "The number of parameters is not that of the template."),
    (132_001, "The template does not exist in this language or is not approved."),
    (132_005, "The filled template is too long."),
    (132_007, "The template breaks WhatsApp's content policy."),
    (132_008, "A parameter does not fit the template."),
    (132_012, "A parameter has another format than the template wants."),
    (132_015, "The template is paused because of low quality."),
    (132_016, "The template is disabled for good because of low quality."),
    (132_018, "A parameter of the template is not accepted."),
    (132_068, "The template's flow is blocked."),
    (132_069, "The template's flow is throttled."),
    (133_004, "WhatsApp's server was unavailable for a moment."),
    (133_010, "The sending number is not registered."),
    (133_016, "The sending number was registered too often in a short time."),
    (134_011, "The terms of WhatsApp payments are not accepted."),
    (134_100, "This way of sending takes marketing templates only."),
    (134_101, "The template is not ready for this way of sending yet."),
    (134_102, "The template cannot be used for this way of sending."),
    (135_000, "WhatsApp met an unknown problem with the request's parameters."),
    (137_000, "The person's identity has changed and must be confirmed."),
    (139_200, "Direct sending is blocked for this account."),
    (2_494_100, "The sending number is in maintenance."),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(sources(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
        files
    }

    /// Codes that stand in the sources of a crate, those of doc comments and tests left out.
    fn written(folder: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut codes = Vec::new();
        for file in sources(&folder) {
            if file.ends_with("codes.rs") || file.ends_with("tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let body = text.split("\n#[cfg(test)]").next().unwrap();
            let code = body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<String>();
            codes.extend(
                code.split("Code::known(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
        codes
    }

    #[test]
    fn every_code_has_a_text() {
        let texts = texts();
        let mut codes = written("src");
        assert!(20 < codes.len(), "{codes:?}");
        codes.extend(written("../rules-core/src"));
        for code in codes.iter().filter(|code| !code.starts_with("test.")) {
            let code = Code::parse(code.as_str()).unwrap();
            assert_ne!(texts.text(&code), code.as_str(), "add a text for {code} to codes.rs");
        }
    }

    #[test]
    fn no_text_is_left_over() {
        let codes = written("src");
        for (code, _) in OWN {
            assert!(codes.iter().any(|written| written == code), "nobody gives {code} as a reason");
        }
    }

    #[test]
    fn every_error_with_a_reaction_has_a_text() {
        let listed: Vec<i64> = API.iter().map(|(number, _)| *number).collect();
        let mut known: Vec<i64> =
            crate::reaction::TABLE.iter().flat_map(|(numbers, _)| numbers.iter().copied()).collect();
        known.sort_unstable();
        assert_eq!(listed, known);
    }

    #[test]
    fn texts_read_as_sentences() {
        for (code, text) in texts().iter() {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{code}: {text}");
        }
    }
}
