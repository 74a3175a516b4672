use rules_core::judge::code::Code;

use crate::fact::{Opening, Resend};

/// Where a campaign stands. A host must match all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Its recipients are being read.
    Planning,
    /// Everybody is planned or has a reason; nothing is queued.
    Planned,
    /// Its messages may leave.
    Released,
    /// They wait for a resume.
    Paused,
    /// They will never leave.
    Cancelled,
    /// Nothing more can happen by itself.
    Finished,
    /// Nothing of it changes any more, whatever is told: its log is being exported.
    Sealed,
    /// Its log lies in an archive, and its messages are being removed.
    Exported,
    /// Its messages are gone. What was asked for and how many came to what stays.
    Forgotten,
}

impl Status {
    /// Where a campaign stands after the change; `None` if it is not allowed.
    pub const fn after(self, change: &Change) -> Option<Self> {
        match (self, change) {
            (Self::Planning, Change::Planned) => Some(Self::Planned),
            (Self::Planned, Change::Release)
            | (Self::Paused, Change::Resume)
            | (Self::Released | Self::Finished, Change::Reopen { .. }) => Some(Self::Released),
            (Self::Released, Change::Pause { .. }) => Some(Self::Paused),
            (Self::Planning | Self::Planned | Self::Released | Self::Paused, Change::Cancel) => {
                Some(Self::Cancelled)
            }
            (Self::Released, Change::Finish) => Some(Self::Finished),
            (Self::Released | Self::Paused, Change::Reopened) => Some(self),
            (Self::Finished | Self::Cancelled, Change::Seal) => Some(Self::Sealed),
            (Self::Sealed, Change::Exported) => Some(Self::Exported),
            (Self::Exported, Change::Forgotten) => Some(Self::Forgotten),
            _ => None,
        }
    }

    /// Whether messages may leave.
    pub const fn opening(self) -> Opening {
        match self {
            Self::Planning | Self::Planned => Opening::NotReleased,
            Self::Released => Opening::Open,
            Self::Paused => Opening::Paused,
            Self::Cancelled | Self::Finished => Opening::Cancelled,
            Self::Sealed | Self::Exported | Self::Forgotten => Opening::Sealed,
        }
    }

    /// True while the campaign may have messages to send or to follow up.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Released | Self::Paused | Self::Cancelled)
    }

    /// True when none of its messages will be begun by itself and something is left of them.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Sealed | Self::Exported)
    }

    /// True when its log takes no more facts.
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::Sealed | Self::Exported | Self::Forgotten)
    }

    /// The status as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Released => "released",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
            Self::Sealed => "sealed",
            Self::Exported => "exported",
            Self::Forgotten => "forgotten",
        }
    }

    /// The status that [`Status::as_str`] writes as `word`.
    pub fn parse(word: &str) -> Option<Self> {
        use Status::{Cancelled, Exported, Finished, Forgotten, Paused, Planned, Planning, Released, Sealed};
        [Planning, Planned, Released, Paused, Cancelled, Finished, Sealed, Exported, Forgotten]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A change of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// All recipients were read.
    Planned,
    /// Messages may leave.
    Release,
    /// Messages wait.
    Pause {
        /// Why.
        code: Code,
    },
    /// Messages may leave again.
    Resume,
    /// Messages will never leave.
    Cancel,
    /// Nothing more can happen by itself.
    Finish,
    /// Somebody wants to try messages again: a round begins, and the expiry counts anew.
    Reopen {
        /// Which messages.
        of: Resend,
    },
    /// All messages of the round were reopened.
    Reopened,
    /// Its log is to be exported, so nothing of it may change any more. There is no way back.
    Seal,
    /// Its log lies in an archive, whole. Its secret goes with this change.
    Exported,
    /// Its messages are removed.
    Forgotten,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_campaign_stays_cancelled() {
        let pause = Change::Pause { code: Code::known("test.pause") };
        for change in [Change::Planned, Change::Release, pause, Change::Resume, Change::Finish] {
            assert_eq!(Status::Cancelled.after(&change), None);
            assert_eq!(Status::Finished.after(&change), None);
        }
    }

    #[test]
    fn a_sealed_campaign_never_sends_again() {
        let pause = Change::Pause { code: Code::known("test.pause") };
        let reopen = Change::Reopen { of: Resend::NotDelivered };
        for status in [Status::Sealed, Status::Exported, Status::Forgotten] {
            assert!(status.is_sealed() && !status.is_active());
            for change in [
                Change::Release,
                pause.clone(),
                Change::Resume,
                Change::Cancel,
                Change::Finish,
                reopen.clone(),
            ] {
                assert_eq!(status.after(&change), None);
            }
        }
    }

    #[test]
    fn every_status_has_its_word() {
        for word in [
            "planning",
            "planned",
            "released",
            "paused",
            "cancelled",
            "finished",
            "sealed",
            "exported",
            "forgotten",
        ] {
            assert_eq!(Status::parse(word).unwrap().as_str(), word);
        }
        assert_eq!(Status::parse("odd"), None);
    }
}
