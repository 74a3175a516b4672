use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use super::begin::{Begun, Gate, Opening};
use super::{Then, Wait, What};
use crate::gateway::Wamid;

/// All facts about one message that was planned. Nothing but what is written here decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// How often the message was begun.
    pub attempts: u16,
    /// How many of these count against the cap.
    pub counted: u16,
    /// Refusals because too much went to the person from this number.
    pub backoffs: u8,
    /// Refusals because WhatsApp shows the person no more marketing.
    pub deferrals: u8,
    /// When the last attempt was begun.
    pub begun_at: Option<DateTime<Utc>>,
    /// Who began it.
    pub holder: i64,
    /// What came of the last attempt, as far as its answer tells.
    pub answer: Answer,
    /// WhatsApp's id of the message.
    pub wamid: Option<Wamid>,
    /// When WhatsApp took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When WhatsApp's servers sent it on.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it reached a device.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was shown to the person.
    pub read_at: Option<DateTime<Utc>>,
    /// When WhatsApp gave up on it.
    pub failed_at: Option<DateTime<Utc>>,
    /// When its time ran out.
    pub expired_at: Option<DateTime<Utc>>,
    /// Not to be begun before.
    pub not_before: Option<DateTime<Utc>>,
    /// The last reason that was given for anything that is not plain success.
    pub code: Option<Code>,
}

/// What came of the last attempt, as far as its answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// No attempt was made since the last deferral or refusal.
    #[default]
    None,
    /// The attempt is on the wire, or its worker died.
    Awaited,
    /// WhatsApp took it.
    Accepted,
    /// It was refused, and another attempt follows.
    Again,
    /// A rule put it off, or WhatsApp did for a day or more.
    Deferred,
    /// It was refused for good by WhatsApp.
    Final,
    /// Its attempts are used up, or a rule refused it for good.
    Dead,
    /// It is unknown.
    InDoubt,
}

/// Where a message stands. Derived from its facts; a host must match all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Planned, and not begun, or to be begun again.
    Waiting,
    /// Put off until an instant: by a rule, or because WhatsApp shows the person no more marketing.
    Deferred,
    /// Begun, and its answer is awaited.
    Sending,
    /// Begun, and nobody knows what came of it.
    Unknown,
    /// Taken by WhatsApp; nothing is known of its delivery.
    Accepted,
    /// On a device.
    Delivered,
    /// Shown to the person.
    Read,
    /// Refused for good by WhatsApp, at once or later.
    Failed,
    /// Attempts used up, or refused at the last gate.
    Dead,
    /// Its time ran out.
    Expired,
}

impl State {
    /// True when no further attempt will be made.
    pub const fn is_closed(self) -> bool {
        !matches!(self, Self::Waiting | Self::Deferred | Self::Sending)
    }
}

impl Facts {
    /// Where the message stands.
    pub const fn state(&self) -> State {
        if self.read_at.is_some() {
            return State::Read;
        }
        if self.delivered_at.is_some() {
            return State::Delivered;
        }
        if self.failed_at.is_some() {
            return State::Failed;
        }
        if self.expired_at.is_some() {
            return State::Expired;
        }
        if self.accepted_at.is_some() || self.sent_at.is_some() {
            return State::Accepted;
        }
        match self.answer {
            Answer::None | Answer::Again => State::Waiting,
            Answer::Deferred => State::Deferred,
            Answer::Awaited => State::Sending,
            Answer::Accepted => State::Accepted,
            Answer::Final => State::Failed,
            Answer::Dead => State::Dead,
            Answer::InDoubt => State::Unknown,
        }
    }

    /// Begins the next attempt, if nothing speaks against it.
    pub fn begin(&mut self, gate: &Gate, holder: i64, now: DateTime<Utc>) -> Begun {
        match self.state() {
            State::Sending if self.holder == holder => return Begun::Attempt(self.attempts),
            State::Sending => return Begun::InFlight(self.attempts),
            State::Waiting | State::Deferred => {}
            State::Unknown
            | State::Accepted
            | State::Delivered
            | State::Read
            | State::Failed
            | State::Dead
            | State::Expired => return Begun::Closed,
        }
        match gate.open {
            Opening::Open => {}
            Opening::NotReleased => return Begun::NotReleased,
            Opening::Paused => return Begun::Paused,
            Opening::Cancelled => return Begun::Cancelled,
        }
        if gate.not_after.is_some_and(|end| end < now) {
            return Begun::Late;
        }
        if let Some(instant) = self.not_before.filter(|instant| now < *instant) {
            return Begun::NotBefore(instant);
        }
        if gate.max_attempts <= self.counted || self.attempts == u16::MAX {
            return Begun::Exhausted;
        }
        self.attempts += 1;
        self.counted += 1;
        self.begun_at = Some(now);
        self.holder = holder;
        self.answer = Answer::Awaited;
        self.not_before = None;
        Begun::Attempt(self.attempts)
    }

    /// Adds WhatsApp's id of the message, as a webhook about it tells; that WhatsApp knows the
    /// message means that it took it. An answer of its own tells more. False when nothing is new.
    pub fn bind(&mut self, wamid: &Wamid, at: DateTime<Utc>) -> bool {
        if self.answer == Answer::Accepted || self.knows_acceptance(wamid, at) {
            return false;
        }
        self.taken(wamid, at, Answer::Awaited);
        true
    }

    /// Adds a fact about `attempt`; false when it says nothing new.
    pub fn learn(&mut self, attempt: u16, what: &What, at: DateTime<Utc>) -> bool {
        let before = self.state();
        match what {
            What::Accepted { wamid } => {
                // A late answer of an earlier attempt binds its id all the same: it was taken.
                if self.answer == Answer::Accepted && self.knows_acceptance(wamid, at) {
                    return false;
                }
                self.taken(wamid, at, Answer::Accepted);
                true
            }
            What::Refused { code, then } => self.refused(attempt, code, *then),
            What::InDoubt { code } => {
                self.awaits(attempt) && {
                    self.answer = Answer::InDoubt;
                    self.code = Some(code.clone());
                    true
                }
            }
            What::Deferred { until, code } => {
                matches!(before, State::Waiting | State::Deferred) && {
                    self.answer = Answer::Deferred;
                    self.not_before = Some(*until);
                    self.code = Some(code.clone());
                    true
                }
            }
            What::Denied { code } => {
                matches!(before, State::Waiting | State::Deferred) && {
                    self.answer = Answer::Dead;
                    self.code = Some(code.clone());
                    true
                }
            }
            What::Expired => {
                let open = matches!(before, State::Waiting | State::Deferred | State::Accepted);
                open && set(&mut self.expired_at, at)
            }
            What::Sent => set(&mut self.sent_at, at),
            What::Delivered => set(&mut self.delivered_at, at),
            What::Read => set(&mut self.read_at, at),
            What::Failed { code } => {
                let known = self.failed_at.zip(self.code.as_ref());
                if known.is_some_and(|known| known <= (at, code)) {
                    return false;
                }
                self.failed_at = Some(at);
                self.code = Some(code.clone());
                true
            }
        }
    }

    /// The earliest acceptance counts, so that the order of repeats does not matter.
    fn knows_acceptance(&self, wamid: &Wamid, at: DateTime<Utc>) -> bool {
        self.accepted_at.zip(self.wamid.as_ref()).is_some_and(|known| known <= (at, wamid))
    }

    /// What was doubted, refused or put off before explains nothing any more.
    fn taken(&mut self, wamid: &Wamid, at: DateTime<Utc>, answer: Answer) {
        self.accepted_at = Some(at);
        self.wamid = Some(wamid.clone());
        self.answer = answer;
        self.not_before = None;
        if self.failed_at.is_none() {
            self.code = None;
        }
    }

    fn refused(&mut self, attempt: u16, code: &Code, then: Then) -> bool {
        // Doubt is ended by a refusal of the same attempt; success is not undone.
        let doubted = self.is_open(attempt) && self.answer == Answer::InDoubt;
        if !self.awaits(attempt) && !doubted {
            return false;
        }
        self.code = Some(code.clone());
        match then {
            Then::Again { at, counted } => {
                self.answer = Answer::Again;
                self.not_before = Some(at);
                if !counted {
                    self.counted = self.counted.saturating_sub(1);
                }
            }
            Then::Later { at, wait } => {
                let (answer, times) = match wait {
                    Wait::Pair => (Answer::Again, &mut self.backoffs),
                    Wait::Marketing => (Answer::Deferred, &mut self.deferrals),
                };
                *times = times.saturating_add(1);
                self.answer = answer;
                self.not_before = Some(at);
                self.counted = self.counted.saturating_sub(1);
            }
            Then::Dead => self.answer = Answer::Dead,
            Then::Final => self.answer = Answer::Final,
        }
        true
    }

    fn awaits(&self, attempt: u16) -> bool {
        self.is_open(attempt) && self.answer == Answer::Awaited
    }

    /// True while nothing but the answer of the last attempt, `attempt`, tells what came of it.
    const fn is_open(&self, attempt: u16) -> bool {
        self.attempts == attempt && self.accepted_at.is_none()
    }
}

fn set(fact: &mut Option<DateTime<Utc>>, at: DateTime<Utc>) -> bool {
    match fact {
        // The earliest instant counts, so that the order of repeats does not matter.
        Some(known) if *known <= at => false,
        known => {
            *known = Some(at);
            true
        }
    }
}
