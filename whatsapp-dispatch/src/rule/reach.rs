use chrono::{DateTime, Utc};
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId};
use rules_core::judge::rule::{Context, Rule, RuleError};
use serde::Deserialize;

/// A fact: whether messages reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Nobody should write before this instant, because too many messages failed.
    pub invalid_until: Option<DateTime<Utc>>,
}

/// Too many messages did not reach the person.
pub(super) const NOT_REACHABLE: Code = Code::known("recipient.not_reachable");

/// Writes to nobody whom messages do not reach, by score and not by one failure. After 30 days
/// one message is tried again, and after three times nobody tries any more.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvalidScore {}

impl Rule for InvalidScore {
    fn id(&self) -> &'static str {
        "invalid_score"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Reach>()] }
    }

    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError> {
        for (row, reach) in batch.column::<Reach>()?.iter().enumerate() {
            ballot.note(row, || match reach.invalid_until {
                Some(until) => Note::new("taken as not reachable until", until),
                None => Note::new("taken as not reachable", false),
            });
            if let Some(until) = reach.invalid_until
                && context.now < until
            {
                ballot.deny(row, NOT_REACHABLE);
            }
        }
        Ok(())
    }
}
