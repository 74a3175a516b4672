//! What the answer to a POST means: for the message, for its reference, for the number, for the
//! campaign.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::Fault;
use rules_core::judge::retry::Retry;
use rules_core::work::clock::after;
use rules_core::work::queue::Outcome;

use super::begin::Ready;
use crate::desk::Desk;
use crate::fact::{Fact, Subject, Then, What};
use crate::gateway::{GatewayError, Receipt};
use crate::reaction::{Action, Reaction};

/// All attempts that count were refused for passing reasons.
pub(super) const ATTEMPTS_USED_UP: Code = Code::known("dispatch.attempts_used_up");
/// The request left and no readable answer came.
pub(super) const NO_ANSWER: Code = Code::known("dispatch.no_answer");
/// WhatsApp could not be reached, so the request did not leave.
pub(super) const UNREACHABLE: Code = Code::known("dispatch.unreachable");
/// The edge of WhatsApp's network asked to slow down.
const THROTTLED: Code = Code::known("whatsapp.throttled");

/// What follows from an answer beyond its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Nothing.
    #[default]
    Nothing,
    /// The number slows down, for so long if that was said.
    SlowDown(Option<Duration>),
    /// The campaign waits for a person.
    Pause(Code),
    /// The campaign was found paused, so its lane is held.
    HoldLane,
}

/// What follows from an answer.
#[derive(Debug)]
pub(super) struct Conclusion {
    pub(super) fact: Fact,
    pub(super) outcome: Outcome,
    /// What else follows, for the number or the campaign.
    pub(super) beyond: Beyond,
    /// The message was certainly not sent, so its unit goes back.
    pub(super) refund: bool,
}

/// Draws conclusions for one message.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) desk: &'a Desk,
    pub(super) ready: &'a Ready,
    pub(super) attempt: u16,
}

impl Judge<'_> {
    pub(super) fn conclude(&self, answer: Result<Receipt, GatewayError>) -> Conclusion {
        let now = self.desk.clock.now();
        match answer {
            Ok(Receipt { wamid, held: true }) => self.plain(now, What::Held { wamid }, Outcome::Done),
            Ok(receipt) => self.plain(now, What::Accepted { wamid: receipt.wamid }, Outcome::Done),
            Err(GatewayError::Refused(error)) => self.react(now, &Reaction::to(&error)),
            Err(GatewayError::Throttled { retry_after }) => self.throttled(now, THROTTLED, retry_after),
            Err(GatewayError::NotSent { .. }) => self.again(now, UNREACHABLE, false, None),
            Err(GatewayError::InDoubt { .. }) => self.doubt(now, NO_ANSWER),
        }
    }

    fn react(&self, now: DateTime<Utc>, reaction: &Reaction) -> Conclusion {
        let code = reaction.code.clone();
        match reaction.action {
            Action::Throttle => self.throttled(now, code, reaction.retry_after()),
            Action::Unknown => self.doubt(now, code),
            Action::Final => {
                let what = What::Refused { code, then: Then::Final };
                Conclusion { refund: true, ..self.plain(now, what, Outcome::Done) }
            }
            Action::PauseCampaign => {
                let then = Then::Again { at: now, counted: false };
                let what = What::Refused { code: code.clone(), then };
                let plain = self.plain(now, what, Outcome::HandBack);
                Conclusion { beyond: Beyond::Pause(code), refund: true, ..plain }
            }
            Action::Retry { max } => {
                let cap = max.min(self.ready.campaign.record.definition.max_attempts);
                if cap <= self.ready.counted + 1 {
                    let what = What::Refused { code: code.clone(), then: Then::Dead };
                    let plain = self.plain(now, what, Outcome::Dead { code });
                    return Conclusion { refund: true, ..plain };
                }
                self.again(now, code, true, reaction.retry_after())
            }
        }
    }

    fn throttled(&self, now: DateTime<Utc>, code: Code, retry_after: Option<Duration>) -> Conclusion {
        Conclusion { beyond: Beyond::SlowDown(retry_after), ..self.again(now, code, false, retry_after) }
    }

    fn again(&self, now: DateTime<Utc>, code: Code, counted: bool, asked: Option<Duration>) -> Conclusion {
        let fault = asked.map_or(Fault::Transient, |_| Fault::Throttled { retry_after: asked });
        // The delay grows with the attempt; whether there is another one was decided before, and
        // what does not count is bounded by the campaign's expiry.
        let policy = &self.desk.config.retry;
        let nth = u32::from(self.attempt).min(policy.max_attempts().saturating_sub(1)).max(1);
        let delay = match policy.decide(nth, fault, u64::from(self.ready.key.record())) {
            Retry::After(delay) => delay,
            Retry::Never => asked.unwrap_or(Duration::from_secs(60)),
        };
        let at = after(now, delay);
        let what = What::Refused { code: code.clone(), then: Then::Again { at, counted } };
        Conclusion { refund: true, ..self.plain(now, what, Outcome::Retry { at, code }) }
    }

    fn doubt(&self, now: DateTime<Utc>, code: Code) -> Conclusion {
        self.plain(now, What::InDoubt { code }, Outcome::Done)
    }

    fn plain(&self, at: DateTime<Utc>, what: What, outcome: Outcome) -> Conclusion {
        let of = Subject::Attempt(self.ready.key.clone(), self.attempt);
        let fact = Fact { of, at, what };
        Conclusion { fact, outcome, beyond: Beyond::Nothing, refund: false }
    }
}
