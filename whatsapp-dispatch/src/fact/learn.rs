use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use super::again::{Former, Reopening, Resend};
use super::begin::{Begun, Gate, Opening};
use super::state::{Answer, Facts, State};
use super::{Then, Wait, What};
use crate::gateway::Wamid;

/// The person was erased before the message was begun.
const ERASED: Code = Code::known("person.erased");

impl Facts {
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
            Opening::Cancelled | Opening::Sealed => return Begun::Cancelled,
        }
        if gate.not_after.is_some_and(|end| end < now) {
            return Begun::Late;
        }
        if let Some(instant) = self.not_before.max(gate.not_before).filter(|instant| now < *instant) {
            return Begun::NotBefore(instant);
        }
        if gate.max_attempts <= self.counted || self.attempts == u16::MAX {
            return Begun::Exhausted;
        }
        self.attempts += 1;
        self.counted += 1;
        self.risked += u16::from(self.doubted);
        self.doubted = false;
        self.begun_at = Some(now);
        self.holder = holder;
        self.answer = Answer::Awaited;
        self.not_before = None;
        Begun::Attempt(self.attempts)
    }

    /// Adds WhatsApp's id of an attempt, as a webhook about it tells; that WhatsApp knows the
    /// attempt means that it took it. An answer of its own tells more. False when nothing is new.
    pub fn bind(&mut self, attempt: u16, wamid: &Wamid, at: DateTime<Utc>) -> bool {
        let wamid = &self.kept(wamid);
        if self.is_former(attempt) {
            return self.keep_former(attempt, wamid);
        }
        if self.answer == Answer::Accepted || self.knows_acceptance(wamid, at) {
            return false;
        }
        self.taken(wamid, at, Answer::Awaited);
        true
    }

    /// The attempt that WhatsApp knows under this id; 0 when none is known under it.
    pub fn attempt_of(&self, wamid: &Wamid) -> u16 {
        if self.wamid.as_ref() == Some(wamid) {
            return self.attempts;
        }
        self.former.iter().find(|former| former.wamid == *wamid).map_or(0, |former| former.attempt)
    }

    /// Adds a fact about `attempt`; false when it says nothing new. Attempt 0 stands for the
    /// current one.
    pub fn learn(&mut self, attempt: u16, what: &What, at: DateTime<Utc>) -> bool {
        let before = self.state();
        let waits = matches!(before, State::Waiting | State::Deferred);
        match what {
            What::Accepted { wamid } => self.accepted(attempt, wamid, at),
            What::Held { wamid } => {
                let accepted = self.accepted(attempt, wamid, at);
                let held = !self.is_former(attempt) && !self.held;
                self.held |= held;
                accepted || held
            }
            What::Refused { code, then } => self.refused(attempt, code, *then),
            What::InDoubt { code } => {
                self.awaits(attempt) && {
                    self.answer = Answer::InDoubt;
                    self.doubted = true;
                    self.code = Some(code.clone());
                    true
                }
            }
            What::Deferred { until, code } => {
                waits && !self.is_put_off(*until, code) && {
                    self.answer = Answer::Deferred;
                    self.not_before = Some(*until);
                    self.code = Some(code.clone());
                    true
                }
            }
            What::Denied { code } => {
                waits && {
                    self.end_unbegun(Answer::Dead);
                    self.code = Some(code.clone());
                    true
                }
            }
            What::Expired if waits && self.doubted => {
                self.end_unbegun(Answer::GivenUp);
                true
            }
            What::Expired => {
                let unheard = before == State::Accepted && self.attempts == attempt;
                (waits || unheard) && set(&mut self.expired_at, at)
            }
            What::Sent => !self.is_former(attempt) && set(&mut self.sent_at, at),
            What::Delivered => set(&mut self.delivered_at, at),
            What::Read => set(&mut self.read_at, at),
            What::Played => set(&mut self.played_at, at),
            What::Failed { code } => self.failed(attempt, code, at),
            What::GivenUp => {
                let open = self.attempts == attempt && self.answer == Answer::InDoubt;
                open && before == State::Unknown && {
                    self.answer = Answer::GivenUp;
                    true
                }
            }
            What::Erased => {
                !self.erased && {
                    self.erase();
                    if waits {
                        self.end_unbegun(Answer::Dead);
                        self.code = Some(ERASED);
                    }
                    true
                }
            }
            What::Reopened { why } => self.attempts == attempt && self.reopened(why, before),
        }
    }

    /// An id as it is kept: of somebody who was erased, no more than that there is one.
    fn kept(&self, wamid: &Wamid) -> Wamid {
        if self.erased { Wamid::new("erased") } else { wamid.clone() }
    }

    fn erase(&mut self) {
        self.erased = true;
        let nothing = Wamid::new("erased");
        self.wamid = self.wamid.take().map(|_| nothing.clone());
        for former in &mut self.former {
            former.wamid = nothing.clone();
        }
    }

    /// Notes an acceptance that an answer tells.
    fn accepted(&mut self, attempt: u16, wamid: &Wamid, at: DateTime<Utc>) -> bool {
        let wamid = &self.kept(wamid);
        if self.is_former(attempt) {
            return self.keep_former(attempt, wamid);
        }
        if self.answer == Answer::Accepted && self.knows_acceptance(wamid, at) {
            return false;
        }
        self.taken(wamid, at, Answer::Accepted);
        true
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
        self.doubted = false;
        self.not_before = None;
        if self.failed_at.is_none() {
            self.code = None;
        }
    }

    fn refused(&mut self, attempt: u16, code: &Code, then: Then) -> bool {
        // Doubt is ended by a refusal of the same attempt; success is not undone.
        let doubted = self.is_open(attempt) && self.doubted;
        if !self.awaits(attempt) && !doubted {
            return false;
        }
        self.doubted = false;
        self.follow(code, then);
        true
    }

    /// What follows from a refusal of the current attempt.
    fn follow(&mut self, code: &Code, then: Then) {
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
    }

    /// True when it waits for that instant, as exactly as stores keep it, and for that reason.
    fn is_put_off(&self, until: DateTime<Utc>, code: &Code) -> bool {
        let waits_until = self.not_before.map(|at| at.timestamp_micros());
        self.answer == Answer::Deferred
            && waits_until == Some(until.timestamp_micros())
            && self.code.as_ref() == Some(code)
    }

    /// It will not be begun again. What came of the attempt before may be unknown all the same.
    const fn end_unbegun(&mut self, answer: Answer) {
        self.answer = if self.doubted { Answer::GivenUp } else { answer };
    }

    fn failed(&mut self, attempt: u16, code: &Code, at: DateTime<Utc>) -> bool {
        if self.is_former(attempt) {
            let of_it = self.former.iter_mut().filter(|former| former.attempt == attempt && !former.failed);
            return of_it.map(|former| former.failed = true).count() != 0;
        }
        let known = self.failed_at.zip(self.code.as_ref());
        if known.is_some_and(|known| known <= (at, code)) {
            return false;
        }
        self.failed_at = Some(at);
        self.code = Some(code.clone());
        true
    }

    /// Another attempt is to be made. Until it is begun, what ends the doubt about the current one
    /// makes it needless; a round over failed or undelivered messages does not ask.
    fn reopened(&mut self, why: &Reopening, before: State) -> bool {
        if self.erased {
            return false;
        }
        match why {
            Reopening::Policy => {
                if before != State::Unknown || self.answer != Answer::InDoubt {
                    return false;
                }
                self.answer = Answer::Again;
                self.not_before = None;
            }
            Reopening::Round { number, of } => {
                if *number <= self.round || !of.covers(before) {
                    return false;
                }
                self.round = *number;
                self.counted = 0;
                self.answer = Answer::Again;
                self.not_before = None;
                if *of != Resend::Unknown {
                    self.set_aside();
                    self.answer = Answer::None;
                }
            }
            Reopening::Reaction { code, then } => {
                // Whoever is reopened has not failed any more, so a repeat finds nothing to do.
                if before != State::Failed || self.failed_at.is_none() {
                    return false;
                }
                self.set_aside();
                self.follow(code, *then);
            }
        }
        true
    }

    /// From here on the attempts so far count only if they are delivered.
    fn set_aside(&mut self) {
        if let Some(wamid) = self.wamid.take() {
            let failed = self.failed_at.is_some();
            self.add_former(Former { attempt: self.attempts, wamid, failed });
        }
        self.aside = self.attempts;
        self.held = false;
        self.accepted_at = None;
        self.sent_at = None;
        self.failed_at = None;
        self.expired_at = None;
        self.code = None;
    }

    /// Keeps WhatsApp's id of an attempt before the current one.
    fn keep_former(&mut self, attempt: u16, wamid: &Wamid) -> bool {
        if attempt == self.attempts {
            self.doubted = false;
        }
        let known = self.former.iter().any(|former| former.attempt == attempt && former.wamid == *wamid);
        !known && {
            self.add_former(Former { attempt, wamid: wamid.clone(), failed: false });
            true
        }
    }

    fn add_former(&mut self, former: Former) {
        let place = self.former.partition_point(|known| *known < former);
        self.former.insert(place, former);
    }

    /// True for an attempt before the current one, or one that was set aside.
    const fn is_former(&self, attempt: u16) -> bool {
        attempt != 0 && (attempt < self.attempts || attempt <= self.aside)
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
