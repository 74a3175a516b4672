use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use super::again::Former;
use crate::gateway::Wamid;

/// All facts about one message that was planned. Nothing but what is written here decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// How often the message was begun.
    pub attempts: u16,
    /// How many of these count against the cap, in the current round.
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
    /// WhatsApp's id of the last attempt.
    pub wamid: Option<Wamid>,
    /// When WhatsApp took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// True when WhatsApp took it and held it back.
    pub held: bool,
    /// When WhatsApp's servers sent it on.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it reached a device.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was shown to the person.
    pub read_at: Option<DateTime<Utc>>,
    /// When the person listened to it.
    pub played_at: Option<DateTime<Utc>>,
    /// When WhatsApp gave up on it.
    pub failed_at: Option<DateTime<Utc>>,
    /// When its time ran out.
    pub expired_at: Option<DateTime<Utc>>,
    /// Not to be begun before.
    pub not_before: Option<DateTime<Utc>>,
    /// The last reason that was given for anything that is not plain success.
    pub code: Option<Code>,
    /// The last round that it took part in; 0 when nobody decided to try it again.
    pub round: u16,
    /// Attempts up to this one were set aside by a round: only their delivery still counts.
    pub aside: u16,
    /// True while it is unknown what came of the last attempt, whatever was decided since.
    pub doubted: bool,
    /// How many attempts were begun after one of which nobody knew what came of it.
    pub risked: u16,
    /// Earlier attempts that WhatsApp took, in their order.
    pub former: Vec<Former>,
    /// True when the person was erased: WhatsApp's ids are not kept any more.
    pub erased: bool,
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
    /// A rule put it off.
    Deferred,
    /// It was refused for good by WhatsApp.
    Final,
    /// Its attempts are used up, or a rule refused it for good.
    Dead,
    /// It is unknown.
    InDoubt,
    /// It is unknown and will stay so: nothing more is tried.
    GivenUp,
}

/// Where a message stands. Derived from its facts; a host must match all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Planned, and not begun, or to be begun again.
    Waiting,
    /// Put off by a rule until an instant.
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

    /// The state as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Expired => "expired",
        }
    }
}

impl Facts {
    /// Where the message stands.
    pub fn state(&self) -> State {
        if self.read_at.is_some() || self.played_at.is_some() {
            return State::Read;
        }
        if self.delivered_at.is_some() {
            return State::Delivered;
        }
        // An earlier attempt may turn out to be on its way.
        let on_its_way = self.former.iter().any(|former| self.aside < former.attempt && !former.failed);
        if self.failed_at.is_some() && !on_its_way {
            return State::Failed;
        }
        if self.expired_at.is_some() {
            return State::Expired;
        }
        if self.accepted_at.is_some() || self.sent_at.is_some() {
            return State::Accepted;
        }
        match self.answer {
            Answer::Awaited => State::Sending,
            Answer::Accepted => State::Accepted,
            _ if on_its_way => State::Accepted,
            Answer::None | Answer::Again => State::Waiting,
            Answer::Deferred => State::Deferred,
            Answer::Final => State::Failed,
            Answer::Dead => State::Dead,
            Answer::InDoubt | Answer::GivenUp => State::Unknown,
        }
    }

    /// True when WhatsApp took any attempt, whatever came of it.
    pub const fn was_taken(&self) -> bool {
        self.accepted_at.is_some() || !self.former.is_empty()
    }

    /// True when WhatsApp took an attempt that was begun in doubt, and another one too: the
    /// person may have got the message twice.
    pub fn was_doubled(&self) -> bool {
        let taken = self.former.len() + usize::from(self.wamid.is_some());
        0 < self.risked && 1 < taken
    }

    /// True while WhatsApp holds it back.
    pub fn is_held(&self) -> bool {
        self.held && self.sent_at.is_none() && self.state() == State::Accepted
    }
}
