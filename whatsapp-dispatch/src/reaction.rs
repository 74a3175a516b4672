//! What to do about each error of WhatsApp: a table, as data.
//!
//! Decisions are made on `error.code`, never on the HTTP status ("Error codes", Meta,
//! 2026-09-11); the status only tells a refusal from a failure of the server. Each row says what
//! becomes of the message ([`Fate`]) and how far the news reaches ([`Scope`]). What is done about
//! it is the dispatcher's business.

use std::time::Duration;

use rules_core::judge::code::Code;
use rules_core::judge::fault::Fault;

use crate::gateway::{ApiError, Detail};
use crate::template::Category;

mod action;
mod streak;
mod table;
mod waits;

pub use action::{Action, Fate, Scope};
pub use streak::{Escalation, Streak};
pub use table::{Row, table};
pub use waits::{deferral, pair_backoff};

/// What one error means, in its context.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reaction {
    /// What to do.
    pub action: Action,
    /// What becomes of the message. For an answer it follows from the action; a message that
    /// failed later is mostly lost, whatever else follows.
    pub fate: Fate,
    /// True when the number slows down as well.
    pub slows: bool,
    /// When many such errors are more than bad luck.
    pub escalation: Escalation,
    /// The error's number.
    pub number: i64,
    /// The reason, such as `whatsapp.131026`.
    pub code: Code,
    /// False for a number that the table does not know.
    pub listed: bool,
    retry_after: Option<Duration>,
}

impl Reaction {
    /// The reaction to an answer about a message of this category.
    ///
    /// ```
    /// use whatsapp_dispatch::gateway::ApiError;
    /// use whatsapp_dispatch::reaction::{Action, Reaction};
    /// use whatsapp_dispatch::template::Category;
    /// let reaction = Reaction::to(&ApiError::new(131_050, 400), Category::Marketing);
    /// assert_eq!(reaction.action, Action::OptOut);
    /// assert_eq!(reaction.code.as_str(), "whatsapp.131050");
    /// ```
    pub fn to(error: &ApiError, category: Category) -> Self {
        let row = table::row(error.code);
        let failed = 500 <= error.http_status;
        let action = match row.map(|row| row.action(category)) {
            // A refusal in so many words; only a server's failure leaves doubt.
            Some(Action::Unknown) if !failed => Action::Retry { max: MOST_TRIES },
            Some(Action::Retry { .. }) if error.code == 1 && failed => Action::Unknown,
            Some(Action::Final) if error.details == Detail::NotOnWhatsApp => {
                Action::FinalAndInvalid { weight_milli: 1_000 }
            }
            Some(action) => action,
            None if error.http_status == 429 => Action::Throttle,
            None if failed => Action::Unknown,
            None if error.transient == Some(true) => Action::Retry { max: 2 },
            None => Action::Final,
        };
        let slows = failed && row.is_some_and(|row| row.slows);
        // That somebody is not on WhatsApp says nothing about the template.
        let counts = row.filter(|_| error.details != Detail::NotOnWhatsApp);
        let escalation = counts.map_or(Escalation::NEVER, |row| row.escalation);
        Self {
            slows,
            escalation,
            retry_after: error.retry_after,
            ..Self::of(error.code, action, action.fate(), row)
        }
    }

    /// The reaction to a status webhook that says that a message of this category failed.
    ///
    /// ```
    /// use whatsapp_dispatch::reaction::{Fate, Reaction};
    /// use whatsapp_dispatch::template::Category;
    /// let fate = |number| Reaction::to_status(number, Category::Marketing).fate;
    /// assert_eq!(fate(131_049), Fate::Deferred { max: 2 });
    /// assert_eq!(fate(131_026), Fate::Final);
    /// ```
    pub fn to_status(number: i64, category: Category) -> Self {
        let row = table::row(number);
        let answered = row.map_or(Action::Final, |row| row.action(category));
        let (action, fate) = match row.and_then(|row| row.status) {
            Some(action) => (action, action.fate()),
            None => (answered, Fate::Final),
        };
        let escalation = row.map_or(Escalation::NEVER, |row| row.escalation);
        Self { escalation, ..Self::of(number, action, fate, row) }
    }

    /// The reaction for a message that has no campaign: what would stop one ends the message,
    /// what would hold one for a while is tried again then, and many refusals mean nothing.
    pub(crate) fn for_lone_message(self) -> Self {
        let (action, asked) = match self.action {
            Action::PauseCampaign | Action::Route { .. } | Action::HoldCampaign { lasting: None } => {
                (Action::Final, None)
            }
            Action::HoldCampaign { lasting } => (Action::Retry { max: LONE_TRIES }, lasting),
            other => (other, None),
        };
        let fate = if action == self.action || self.fate == Fate::Final { self.fate } else { action.fate() };
        let retry_after = self.retry_after.or(asked);
        Self { action, fate, retry_after, escalation: Escalation::NEVER, ..self }
    }

    fn of(number: i64, action: Action, fate: Fate, row: Option<&Row>) -> Self {
        Self {
            action,
            fate,
            slows: false,
            escalation: Escalation::NEVER,
            number,
            code: api_code(number),
            listed: row.is_some(),
            retry_after: None,
        }
    }

    /// The same, as the caller's next move.
    pub const fn fault(&self) -> Fault {
        match self.fate {
            Fate::Again { .. } | Fate::BackedOff { .. } | Fate::Deferred { .. } => Fault::Transient,
            Fate::Back if self.action.is_throttle() => Fault::Throttled { retry_after: self.retry_after },
            Fate::Back | Fate::Final => Fault::Rejected,
            Fate::Unknown => Fault::InDoubt,
        }
    }

    /// How long WhatsApp wants to be left alone, if it said so.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// Attempts at a message without a campaign that could not be sent for a while.
const LONE_TRIES: u16 = 3;

/// Attempts at a message that WhatsApp refused because of its own passing troubles.
const MOST_TRIES: u16 = 5;

/// The reason code of an error number of WhatsApp's.
pub fn api_code(number: i64) -> Code {
    Code::parse(format!("whatsapp.{}", number.unsigned_abs())).unwrap_or(UNKNOWN_ERROR)
}

const UNKNOWN_ERROR: Code = Code::known("whatsapp.error");

#[cfg(test)]
mod tests;
