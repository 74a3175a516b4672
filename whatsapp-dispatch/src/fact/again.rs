//! Trying again: whose decision it is, which messages it covers, and what is kept of the attempts
//! before.

use rules_core::judge::code::Code;
use serde::{Deserialize, Serialize};

use super::{State, Then};
use crate::gateway::Wamid;

/// Whose decision it is to begin a message again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reopening {
    /// The campaign's policy about messages in doubt.
    Policy,
    /// Somebody's, about the whole campaign.
    Round {
        /// Its number, from 1. A message takes part in a round once.
        number: u16,
        /// Which messages it covers.
        of: Resend,
    },
    /// The table of reactions': WhatsApp gave up on the attempt for a reason that passes. Once per
    /// attempt, and only while nothing says that the person has the message.
    Reaction {
        /// WhatsApp's reason.
        code: Code,
        /// What follows from it, as if the attempt had been refused with it.
        then: Then,
    },
}

/// Which messages of a campaign are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resend {
    /// Those that failed, whose attempts are used up, or that were refused at the last gate.
    Failed,
    /// Those of which nobody knows what came. Somebody may get them twice.
    Unknown,
    /// Every message that was not delivered, as far as is known, those included that WhatsApp took
    /// and those whose time ran out. Somebody may get them twice.
    NotDelivered,
}

impl Resend {
    /// True for a message that stands here.
    pub const fn covers(self, state: State) -> bool {
        match self {
            Self::Failed => matches!(state, State::Failed | State::Dead),
            Self::Unknown => matches!(state, State::Unknown),
            Self::NotDelivered => matches!(
                state,
                State::Failed | State::Dead | State::Unknown | State::Accepted | State::Expired
            ),
        }
    }

    /// The choice as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotDelivered => "not_delivered",
        }
    }

    /// The choice that [`Resend::as_str`] writes as `word`.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Failed, Self::Unknown, Self::NotDelivered].into_iter().find(|of| of.as_str() == word)
    }
}

/// An attempt before the current one that WhatsApp took all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Former {
    /// Which attempt.
    pub attempt: u16,
    /// Its id there.
    pub wamid: Wamid,
    /// True when WhatsApp gave up on it.
    pub failed: bool,
}
