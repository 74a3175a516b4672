use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId};
use rules_core::judge::rule::{Context, Rule, RuleError};
use serde::Deserialize;

/// A fact: what is known of a person's wish to be messaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// True when the record, the person or the campaign's author says that the person agreed.
    pub given: bool,
    /// True when the person's last word was that they want no messages of this kind: none at
    /// all, or no marketing where the message is marketing.
    pub opted_out: bool,
}

/// A fact: whether the business has blocked a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suppressed(pub bool);

/// Nobody says that the person agreed.
pub(super) const MISSING: Code = Code::known("consent.missing");
/// The person wants no messages.
pub(crate) const OPTED_OUT: Code = Code::known("consent.opted_out");
/// The business has blocked the person.
pub(super) const SUPPRESSED: Code = Code::known("consent.suppressed");

/// Writes only to people who agreed to it. WhatsApp requires an opt-in that names the business
/// ("About the platform", Meta).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentGiven {}

impl Rule for ConsentGiven {
    fn id(&self) -> &'static str {
        "consent"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Consent>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        for (row, consent) in batch.column::<Consent>()?.iter().enumerate() {
            ballot.note(row, || Note::new("consent given", consent.given));
            if !consent.given {
                ballot.deny(row, MISSING);
            }
        }
        Ok(())
    }
}

/// Never writes to people who opted out. Who wants no marketing still gets other messages.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {}

impl Rule for OptOut {
    fn id(&self) -> &'static str {
        "opt_out"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Consent>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        for (row, consent) in batch.column::<Consent>()?.iter().enumerate() {
            ballot.note(row, || Note::new("opted out", consent.opted_out));
            if consent.opted_out {
                ballot.deny(row, OPTED_OUT);
            }
        }
        Ok(())
    }
}

/// Never writes to people whom the business has blocked (error 130403).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {}

impl Rule for Suppression {
    fn id(&self) -> &'static str {
        "suppressed"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Suppressed>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        for (row, suppressed) in batch.column::<Suppressed>()?.iter().enumerate() {
            ballot.note(row, || Note::new("blocked by the business", suppressed.0));
            if suppressed.0 {
                ballot.deny(row, SUPPRESSED);
            }
        }
        Ok(())
    }
}
