use chrono::{DateTime, Utc};
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId};
use rules_core::judge::rule::{Context, Rule, RuleError};
use serde::Deserialize;

/// A fact: whether a message needs an open window, and until when the person's is open at the
/// sending number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceWindow {
    /// True for a free-form message; a template needs no window.
    pub needed: bool,
    /// The first instant after the window, if the person ever opened one.
    pub until: Option<DateTime<Utc>>,
}

/// The message needs an open window and the person's is closed.
pub(super) const CLOSED: Code = Code::known("window.closed");

/// Sends free-form messages only while the person's window of 24 hours is open at the sending
/// number ("Send messages", Meta, 2026-10-04; otherwise error 131047). Templates pass.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenWindow {}

impl Rule for OpenWindow {
    fn id(&self) -> &'static str {
        "service_window"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<ServiceWindow>()] }
    }

    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError> {
        for (row, window) in batch.column::<ServiceWindow>()?.iter().enumerate() {
            let open = window.until.is_some_and(|until| context.now < until);
            ballot.note(row, || {
                let note = match window.until {
                    Some(until) => Note::new("service window open until", until),
                    None => Note::new("service window was opened", false),
                };
                note.against(if window.needed { "must be open" } else { "not needed by a template" })
            });
            if window.needed && !open {
                ballot.deny(row, CLOSED);
            }
        }
        Ok(())
    }
}
