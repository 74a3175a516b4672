//! Every reason code of this crate with one sentence for people.
//!
//! A code is what programs compare and what reports count; the sentence is looked up when
//! somebody asks. A host adds its own, or words these differently, with
//! [`CodeTexts::with`](rules_core::judge::registry::CodeTexts::with).

use rules_core::judge::code::Code;
use rules_core::judge::registry::CodeTexts;

use crate::reaction::{api_code, table};

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
    let api = table().iter().map(|row| (api_code(row.number), row.meaning));
    CodeTexts::core().with(own).with(api)
}

const OWN: &[(&str, &str)] = &[
    ("account.disabled", "WhatsApp disabled, locked or deleted the account."),
    ("account.restricted", "WhatsApp restricted the account for a while."),
    ("campaign.differs", "A campaign of this name asks for something else or has other recipients."),
    ("campaign.not_started", "The campaign's start has not come yet."),
    ("campaign.paused", "Somebody paused the campaign; it goes on after a resume."),
    ("consent.missing", "Nobody says that the person agreed to be messaged."),
    ("consent.opted_out", "The person wants no messages."),
    ("consent.suppressed", "The business has blocked this person."),
    ("country.blocked", "Messages to the person's country are blocked."),
    ("country.us_marketing", "WhatsApp delivers no marketing to numbers of the United States."),
    ("dispatch.attempts_used_up", "All attempts were refused for passing reasons."),
    ("dispatch.begun", "Evidence: messages were begun."),
    ("dispatch.exported", "Evidence: the log of a campaign was exported, to be removed."),
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
    ("pair.waits", "The number wrote to the person a moment ago; the next message waits a few seconds."),
    ("people.consent", "Evidence: people said whether they want messages."),
    ("people.erased", "Evidence: people were erased."),
    ("people.frequency_cap", "The person had as many marketing messages as the cap allows; it waits."),
    ("people.marketing_deferred", "WhatsApp holds marketing back from this person; it waits."),
    ("person.erased", "The person was erased before the message was begun."),
    ("queue.unreadable", "The queue held a record that is no reference to a message."),
    ("quota.campaign_exceeded", "The campaign's allowance of messages is used up."),
    ("quota.daily_exceeded", "The tenant's messages of the day are used up."),
    ("quota.people_exceeded", "The portfolio has written to as many people as it may in 24 hours."),
    ("recipient.duplicate_person", "The person has a message of this campaign from an earlier record."),
    ("recipient.invalid", "The phone number cannot exist."),
    ("recipient.no_country", "The phone number names no country and none is configured."),
    ("recipient.no_number", "The record has no phone number."),
    ("recipient.not_reachable", "Too many messages did not reach the person."),
    ("recipient.unresolved", "The person behind the number could not be found."),
    ("row.malformed", "The record cannot be read."),
    ("row.unclear", "A word of the record was not understood."),
    ("template.disabled", "WhatsApp disabled the template; the campaign waits until it is approved again."),
    ("template.parameter_empty", "A parameter of the template would be empty."),
    (
        "template.parameter_invalid",
        "A value is not what its place in the template wants, such as a link, a place or an instant.",
    ),
    ("template.paused", "WhatsApp paused the template; the campaign goes on when it may be sent again."),
    ("template.too_long", "The filled template would be longer than WhatsApp allows."),
    ("tenant.off", "The tenant is switched off or unknown; its work waits."),
    ("webhook.refused", "What a webhook told was refused by the store for good."),
    ("webhook.too_large", "A change of a webhook was too large to be kept whole."),
    ("webhook.unknown_account", "A webhook told of an account of which no number is known here."),
    ("webhook.unknown_number", "A webhook told of a number that is nobody's here."),
    ("webhook.unreadable", "A change of a webhook that was kept could not be read."),
    ("whatsapp.error", "WhatsApp answered with an error that has no usable number."),
    ("whatsapp.failed", "WhatsApp gave up on the message and did not say why."),
    ("whatsapp.throttled", "The edge of WhatsApp's network asked to slow down."),
    ("window.closed", "The person's 24-hour window is closed; only a template may be sent."),
    ("window.quiet_hours", "It is too early or too late where the person lives."),
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
    fn texts_read_as_sentences() {
        for (code, text) in texts().iter() {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{code}: {text}");
        }
    }
}
