//! What the answer to a POST means: for the message, for its reference, for the number, for the
//! campaign.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::clock::after;
use rules_core::work::queue::Outcome;

use super::begin::Ready;
use crate::aftermath::{AboutPerson, Beyond, News, Ticket};
use crate::desk::Desk;
use crate::fact::{Fact, Subject, Then, Wait, What};
use crate::gateway::{GatewayError, Receipt, Route};
use crate::people::Name;
use crate::reaction::{Fate, Reaction, Scope, deferral, pair_backoff};
use crate::telemetry;

/// All attempts that count were refused for passing reasons.
pub(super) const ATTEMPTS_USED_UP: Code = Code::known("dispatch.attempts_used_up");
/// The request left and no readable answer came.
pub(super) const NO_ANSWER: Code = Code::known("dispatch.no_answer");
/// WhatsApp could not be reached, so the request did not leave.
pub(super) const UNREACHABLE: Code = Code::known("dispatch.unreachable");
/// The edge of WhatsApp's network asked to slow down.
const THROTTLED: Code = Code::known("whatsapp.throttled");

/// What follows from an answer.
#[derive(Debug)]
pub(super) struct Conclusion {
    pub(super) fact: Fact,
    pub(super) outcome: Outcome,
    /// What else follows, for the number or the campaign.
    pub(super) beyond: Beyond,
    pub(super) about: Option<News>,
    /// Other names of the person.
    pub(super) also: Vec<Name>,
    /// The message was certainly not sent, so its unit goes back.
    pub(super) refund: bool,
}

/// Draws conclusions for one message.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) desk: &'a Desk,
    pub(super) ready: &'a Ready,
    pub(super) attempt: u16,
    /// Taken before the request was made.
    pub(super) ticket: Ticket,
    /// The door that it left through.
    pub(super) left_by: Route,
}

impl Judge<'_> {
    pub(super) fn conclude(&self, answer: Result<Receipt, GatewayError>) -> Conclusion {
        let now = self.desk.clock.now();
        match answer {
            Ok(Receipt { wamid, held, also }) => {
                self.desk.signs.accepted(&self.ready.campaign.record, self.ticket);
                let what = if held { What::Held { wamid } } else { What::Accepted { wamid } };
                Conclusion { also, ..self.plain(now, what, Outcome::Done) }
            }
            Err(GatewayError::Refused(error)) => {
                let definition = &self.ready.campaign.record.definition;
                let reaction = Reaction::to(&error, definition.template.category);
                let lone = definition.sends_lone_messages();
                self.react(now, &if lone { reaction.for_lone_message() } else { reaction })
            }
            Err(GatewayError::Throttled { retry_after }) => self.throttled(now, THROTTLED, retry_after),
            Err(GatewayError::NotSent { .. }) => self.again(now, UNREACHABLE, false, None),
            Err(GatewayError::InDoubt { .. }) => self.doubt(now, NO_ANSWER),
        }
    }

    fn react(&self, now: DateTime<Utc>, reaction: &Reaction) -> Conclusion {
        if !reaction.listed {
            tracing::warn!(number = reaction.number, "an error that the table of reactions does not know");
            telemetry::count("dispatch_unknown_codes_total", None, 1);
        }
        let about = AboutPerson::of(reaction, self.ready.deferrals, now);
        let beyond = match self.desk.signs.beyond(&self.ready.campaign.record, reaction, self.ticket) {
            // It was sent that way, and another attempt would end the same.
            Beyond::Reroute(route, code) if route == self.left_by => Beyond::Pause(code),
            beyond => beyond,
        };
        Conclusion {
            beyond,
            about: about.map(|about| (self.ready.person.clone().into(), about, now)),
            ..self.fate(now, reaction)
        }
    }

    fn fate(&self, now: DateTime<Utc>, reaction: &Reaction) -> Conclusion {
        let code = reaction.code.clone();
        match reaction.fate {
            Fate::Again { max } => {
                let cap = max.min(self.ready.campaign.record.definition.max_attempts);
                if cap <= self.ready.counted + 1 {
                    return self.dead(now, code);
                }
                self.again(now, code, true, reaction.retry_after())
            }
            Fate::Back if reaction.action.is_throttle() => {
                self.again(now, code, false, reaction.retry_after())
            }
            Fate::Back => {
                let then = Then::Again { at: now, counted: false };
                self.refused(now, What::Refused { code, then }, Outcome::HandBack)
            }
            Fate::BackedOff { max } if max <= self.ready.backoffs.saturating_add(1) => self.dead(now, code),
            Fate::BackedOff { .. } => {
                // Multiplied by an odd constant, so that neighbours do not come back together.
                let random = u64::from(self.ready.key.record()).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
                self.later(now, code, Wait::Pair, pair_backoff(self.ready.backoffs, random))
            }
            Fate::Deferred { max } if self.ready.deferrals < max => {
                self.later(now, code, Wait::Marketing, deferral(self.ready.deferrals))
            }
            Fate::Deferred { .. } | Fate::Final => {
                self.refused(now, What::Refused { code, then: Then::Final }, Outcome::Done)
            }
            Fate::Unknown => self.doubt(now, code),
        }
    }

    fn throttled(&self, now: DateTime<Utc>, code: Code, retry_after: Option<Duration>) -> Conclusion {
        let beyond = Beyond::SlowDown(Scope::Sender, retry_after);
        Conclusion { beyond, ..self.again(now, code, false, retry_after) }
    }

    fn dead(&self, now: DateTime<Utc>, code: Code) -> Conclusion {
        let what = What::Refused { code: code.clone(), then: Then::Dead };
        self.refused(now, what, Outcome::Dead { code })
    }

    fn later(&self, now: DateTime<Utc>, code: Code, wait: Wait, delay: Duration) -> Conclusion {
        let at = after(now, delay);
        let what = What::Refused { code: code.clone(), then: Then::Later { at, wait } };
        self.refused(now, what, Outcome::Retry { at, code })
    }

    /// What was certainly not sent gives its unit back.
    fn refused(&self, now: DateTime<Utc>, what: What, outcome: Outcome) -> Conclusion {
        Conclusion { refund: true, ..self.plain(now, what, outcome) }
    }

    fn again(&self, now: DateTime<Utc>, code: Code, counted: bool, asked: Option<Duration>) -> Conclusion {
        let at = after(now, self.desk.retry_delay(self.attempt, asked, self.ready.key.record()));
        let what = What::Refused { code: code.clone(), then: Then::Again { at, counted } };
        self.refused(now, what, Outcome::Retry { at, code })
    }

    fn doubt(&self, now: DateTime<Utc>, code: Code) -> Conclusion {
        self.plain(now, What::InDoubt { code }, Outcome::Done)
    }

    fn plain(&self, at: DateTime<Utc>, what: What, outcome: Outcome) -> Conclusion {
        let of = Subject::Attempt(self.ready.key.clone(), self.attempt);
        let fact = Fact { of, at, what };
        Conclusion { fact, outcome, beyond: Beyond::Nothing, about: None, also: Vec::new(), refund: false }
    }
}
