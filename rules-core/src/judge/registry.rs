//! The register of reason codes: each with one line of text for people.
//!
//! Programs compare codes and reports count them; the text is looked up when somebody asks.

use std::collections::BTreeMap;

use crate::judge::code::Code;

macro_rules! codes {
    ($($name:ident = $code:literal: $text:literal;)*) => {
        $(#[doc = concat!("`", $code, "`: ", $text)] pub const $name: Code = Code::known($code);)*

        const CORE: &[(Code, &str)] = &[$(($name, $text)),*];
    };
}

codes! {
    RULE_ERROR = "rule.error": "A rule could not decide, so the message was not allowed.";
    FACTS_UNAVAILABLE = "facts.unavailable": "What a rule must know could not be loaded; it is tried again soon.";
    QUEUE_RECOVERED_TOO_OFTEN = "queue.recovered_too_often":
        "It was taken from the queue too often without being finished.";
    SUBSCRIPTION_MISSING = "subscription.missing": "The tenant has no subscription.";
    SUBSCRIPTION_PENDING = "subscription.pending": "The tenant's subscription has not begun.";
    SUBSCRIPTION_PAUSED = "subscription.paused": "The tenant's subscription is paused.";
    SUBSCRIPTION_CANCELED = "subscription.canceled": "The tenant's subscription was cancelled.";
    SUBSCRIPTION_EXPIRED = "subscription.expired": "The tenant's subscription has run out.";
    SUBSCRIPTION_PAST_DUE_GRACE_OVER = "subscription.past_due_grace_over":
        "The tenant's payment is overdue and the days of grace are over.";
    SUBSCRIPTION_PLAN_LACKS = "subscription.plan_lacks": "The tenant's plan does not include this feature.";
}

/// The texts of codes: those of this crate, and those that siblings and hosts add.
///
/// ```
/// use rules_core::judge::code::Code;
/// use rules_core::judge::registry::{CodeTexts, SUBSCRIPTION_MISSING};
/// const NO_SUNDAYS: Code = Code::known("acme.no_sundays");
///
/// let texts = CodeTexts::core().with([(NO_SUNDAYS, "We don't write on Sundays.")]);
/// assert_eq!(texts.text(&NO_SUNDAYS), "We don't write on Sundays.");
/// assert_eq!(texts.text(&SUBSCRIPTION_MISSING), "The tenant has no subscription.");
/// assert_eq!(texts.text(&Code::known("not.registered")), "not.registered");
/// ```
#[derive(Clone, Debug)]
pub struct CodeTexts {
    texts: BTreeMap<Code, String>,
}

impl CodeTexts {
    /// The codes of this crate.
    pub fn core() -> Self {
        Self { texts: BTreeMap::new() }.with(CORE.iter().map(|(code, text)| (code.clone(), *text)))
    }

    /// The same texts and these; of two texts for one code the later counts, so a host may
    /// translate or reword.
    #[must_use]
    pub fn with<T: Into<String>>(mut self, texts: impl IntoIterator<Item = (Code, T)>) -> Self {
        self.texts.extend(texts.into_iter().map(|(code, text)| (code, text.into())));
        self
    }

    /// The text of a code, or the code itself when nobody gave it one.
    pub fn text<'a>(&'a self, code: &'a Code) -> &'a str {
        self.texts.get(code).map_or_else(|| code.as_str(), String::as_str)
    }

    /// Every code that has a text, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Code, &str)> {
        self.texts.iter().map(|(code, text)| (code, text.as_str()))
    }
}

impl Default for CodeTexts {
    fn default() -> Self {
        Self::core()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_registered_once_and_reads_as_a_sentence() {
        let texts = CodeTexts::core();
        assert_eq!(texts.iter().count(), CORE.len());
        for (code, text) in texts.iter() {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{code}: {text}");
        }
    }
}
