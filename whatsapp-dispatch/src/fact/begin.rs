//! The one door to a POST: `begin` refuses whatever must not be sent.

use chrono::{DateTime, Utc};
use rules_core::judge::id::LeaseToken;

use crate::message::{MessageKey, PersonId};
use crate::people::{SentMark, Standing};

/// A wish to begin a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Which message.
    pub message: MessageKey,
    /// The lease under which it is worked on. Asking again under the same lease, before an
    /// outcome is recorded, gives the same attempt again.
    pub lease: LeaseToken,
    /// Other ids under which the person is known by now, because people turned out to be one;
    /// empty for nearly everybody. A message to any of them counts as one to this person.
    pub also: Vec<PersonId>,
    /// Whose word is heard at this very moment, in a store that keeps people too: whoever opted
    /// out is answered with [`Begun::OptedOut`], however long ago the message was judged.
    pub hears: Option<Hears>,
    /// Counts the message as marketing sent to its person, in a store that keeps people too and with
    /// the begin itself. When another one was counted since this one was judged, it is answered with
    /// [`Begun::Overtaken`]: so a frequency cap holds, whoever else is sending.
    pub counts: Option<Counts>,
}

impl Begin {
    /// A wish that names nobody.
    pub const fn new(message: MessageKey, lease: LeaseToken) -> Self {
        Self { message, lease, also: Vec::new(), hears: None, counts: None }
    }
}

/// A person whose opt-out is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hears {
    /// Who.
    pub person: PersonId,
    /// True for marketing, which the person may have stopped alone.
    pub marketing: bool,
}

/// A marketing message that is counted for its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Who.
    pub person: PersonId,
    /// What was known to be sent to the person when the message was judged.
    pub judged: SentMark,
    /// Under which instant it is counted, in microseconds; two messages never share one.
    pub at: DateTime<Utc>,
}

impl Counts {
    /// False when something else was sent to the person since the message was judged.
    pub fn holds(&self, standing: &Standing) -> bool {
        let at_us = self.at.timestamp_micros();
        let is_free = standing.marketing_sent.iter().all(|sent| sent.timestamp_micros() != at_us);
        is_free && standing.sent_mark() == self.judged
    }
}

/// The answer to a wish to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is begun: POST it once, then record the outcome.
    Attempt(u16),
    /// Somebody else began this attempt and no outcome is known: it may be on the wire.
    InFlight(u16),
    /// Nothing more is to be sent: it was accepted, refused for good, or closed.
    Closed,
    /// It waits until an instant, after a refusal or a deferral.
    NotBefore(DateTime<Utc>),
    /// Its campaign is paused.
    Paused,
    /// Its campaign was cancelled.
    Cancelled,
    /// Its campaign was never released.
    NotReleased,
    /// Its time has run out.
    Late,
    /// Its attempts are used up.
    Exhausted,
    /// Another message of the campaign to the same person was begun.
    Duplicate,
    /// The person wants no such messages.
    OptedOut,
    /// Another message to the person was counted since this one was judged; it is to be judged anew.
    Overtaken,
    /// No such message was planned.
    Unplanned,
}

/// What a campaign says to all its messages at the moment of beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Whether messages may leave now.
    pub open: Opening,
    /// Before this instant no message may begin.
    pub not_before: Option<DateTime<Utc>>,
    /// After this instant no message may begin.
    pub not_after: Option<DateTime<Utc>>,
    /// Attempts that count, at most so many.
    pub max_attempts: u16,
}

/// Whether a campaign's messages may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// They may.
    Open,
    /// Not before a release.
    NotReleased,
    /// Not before a resume.
    Paused,
    /// Never again.
    Cancelled,
    /// Never again, and its log takes no more facts.
    Sealed,
}
