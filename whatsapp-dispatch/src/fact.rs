//! What is known about a message: facts, each set once, from which its state is derived.
//!
//! Because facts are set once and the state is a function of the set, any order and any number of
//! repeats of webhooks ends in the same state. Positive evidence beats `failed`: both occur for
//! one message, and a message that was delivered was delivered.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::LeaseToken;

use crate::gateway::Wamid;
use crate::message::MessageKey;
use rules_core::judge::tenant::TenantId;

mod again;
mod begin;
mod learn;
mod state;

pub use again::{Former, Reopening, Resend};
pub use begin::{Begin, Begun, Counts, Gate, Hears, Opening};
pub use state::{Answer, Facts, State};

/// Something that became known about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// About which message.
    pub of: Subject,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: What,
}

impl Fact {
    /// WhatsApp's id that the fact ties to a message of ours.
    pub(crate) const fn names(&self) -> Option<&Wamid> {
        match (&self.of, &self.what) {
            (Subject::Callback(_, _, wamid), _)
            | (Subject::Attempt(..), What::Accepted { wamid } | What::Held { wamid }) => Some(wamid),
            _ => None,
        }
    }
}

/// Which message a fact is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An attempt of a message, from whoever made it.
    Attempt(MessageKey, u16),
    /// The attempt that a webhook names by our token, with WhatsApp's id of the message.
    Callback(MessageKey, u16, Wamid),
    /// The message that WhatsApp knows under this id, from a webhook without our token.
    Wamid(TenantId, Wamid),
}

impl Subject {
    /// Whose message.
    pub const fn tenant(&self) -> &TenantId {
        match self {
            Self::Attempt(message, _) | Self::Callback(message, ..) => message.campaign().tenant(),
            Self::Wamid(tenant, _) => tenant,
        }
    }
}

/// What may become known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// WhatsApp took the attempt.
    Accepted {
        /// Its id there.
        wamid: Wamid,
    },
    /// WhatsApp took the attempt and holds it back to see how the template is received.
    Held {
        /// Its id there.
        wamid: Wamid,
    },
    /// WhatsApp refused the attempt in so many words, or it certainly never left.
    Refused {
        /// Why.
        code: Code,
        /// What follows from it.
        then: Then,
    },
    /// It is unknown what came of the attempt.
    InDoubt {
        /// Why.
        code: Code,
    },
    /// A rule put the message off before it was begun.
    Deferred {
        /// Until when.
        until: DateTime<Utc>,
        /// Why.
        code: Code,
    },
    /// A rule refused the message before it was begun: it will never be.
    Denied {
        /// Why.
        code: Code,
    },
    /// Its time ran out before it was begun, or before it was delivered.
    Expired,
    /// WhatsApp's servers sent it on.
    Sent,
    /// It reached a device.
    Delivered,
    /// It was shown to the person.
    Read,
    /// The person listened to it.
    Played,
    /// WhatsApp gave up on it.
    Failed {
        /// Why.
        code: Code,
    },
    /// Nobody will ever know what came of the attempt, and it is not tried again.
    GivenUp,
    /// The person is to be forgotten: number, parameters and WhatsApp's ids of the message go, and
    /// what was not begun never is. About any record, planned or not.
    Erased,
    /// Another attempt is to be made, though what came of this one may be unknown.
    Reopened {
        /// Whose decision it is.
        why: Reopening,
    },
}

/// What follows from a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Another attempt at an instant.
    Again {
        /// Not before.
        at: DateTime<Utc>,
        /// False when the attempt does not count against the cap, as after a throttle.
        counted: bool,
    },
    /// Another attempt once the person may be written to again. It does not count against the
    /// cap; each kind of wait is counted on its own.
    Later {
        /// Not before.
        at: DateTime<Utc>,
        /// Why it waits.
        wait: Wait,
    },
    /// No other attempt: attempts are used up.
    Dead,
    /// No other attempt: the answer would be the same.
    Final,
}

/// Why a person is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Too much went from this number to this person: seconds to minutes.
    Pair,
    /// WhatsApp shows the person no more marketing: days. The message counts as deferred.
    Marketing,
}

/// What came of recording a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is known now.
    Applied,
    /// It was known already, or says less than what is known.
    Known,
    /// Its message is not known, or was not looked for; the fact is kept for 8 days and applied
    /// when its message is found.
    Unmatched,
}

/// Eight bytes of a lease token: enough to tell one holder of a message from the next.
pub(crate) fn holder(token: LeaseToken) -> i64 {
    token.as_bytes().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
