//! Drift: how what Amazon shows can differ from what it should show, each way with a name of its
//! own.

use std::fmt::{self, Display, Formatter};

use rules_core::judge::code::Code;
use serde::{Deserialize, Serialize};

/// How a listing stands between us and Amazon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Amazon shows our number, or will once it has counted the orders that we know.
    InSync,
    /// Our number has changed, and everything that Amazon shows is explained.
    OursAhead,
    /// A number of ours is on its way.
    InFlight,
    /// A number of ours was on its way for too long, and Amazon does not show it.
    LostWrite,
    /// Amazon shows less than the orders that we know explain: there may be one that we have not
    /// seen.
    UnseenSale,
    /// Amazon's number has changed, and no order and no write of ours explains it.
    ForeignWrite,
    /// Amazon shows more than the orders that we know explain: one of them may be cancelled.
    LateCancel,
    /// Amazon ships the listing through another channel than the SKU map says.
    ChannelFlip,
    /// Amazon does not show the listing.
    Missing,
    /// The SKU map does not know the listing.
    Unmapped,
    /// The SKU map says two things about the listing, or something impossible.
    Ambiguous,
    /// Amazon has stored our number, and offers another one to buyers.
    DeclaredEffectiveGap,
}

impl Drift {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::InSync,
        Self::OursAhead,
        Self::InFlight,
        Self::LostWrite,
        Self::UnseenSale,
        Self::ForeignWrite,
        Self::LateCancel,
        Self::ChannelFlip,
        Self::Missing,
        Self::Unmapped,
        Self::Ambiguous,
        Self::DeclaredEffectiveGap,
    ];

    /// The word for it in configuration and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::OursAhead => "ours_ahead",
            Self::InFlight => "in_flight",
            Self::LostWrite => "lost_write",
            Self::UnseenSale => "unseen_sale",
            Self::ForeignWrite => "foreign_write",
            Self::LateCancel => "late_cancel",
            Self::ChannelFlip => "channel_flip",
            Self::Missing => "missing",
            Self::Unmapped => "unmapped",
            Self::Ambiguous => "ambiguous",
            Self::DeclaredEffectiveGap => "declared_effective_gap",
        }
    }

    /// The reason code of it, `drift.` and its word: why an intent is published, a listing frozen
    /// or a letter put.
    pub const fn code(self) -> Code {
        match self {
            Self::InSync => Code::known("drift.in_sync"),
            Self::OursAhead => Code::known("drift.ours_ahead"),
            Self::InFlight => Code::known("drift.in_flight"),
            Self::LostWrite => Code::known("drift.lost_write"),
            Self::UnseenSale => Code::known("drift.unseen_sale"),
            Self::ForeignWrite => Code::known("drift.foreign_write"),
            Self::LateCancel => Code::known("drift.late_cancel"),
            Self::ChannelFlip => Code::known("drift.channel_flip"),
            Self::Missing => Code::known("drift.missing"),
            Self::Unmapped => Code::known("drift.unmapped"),
            Self::Ambiguous => Code::known("drift.ambiguous"),
            Self::DeclaredEffectiveGap => Code::known("drift.declared_effective_gap"),
        }
    }
}

impl Display for Drift {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_code_and_serialisation_of_each_class_agree() {
        for class in Drift::ALL {
            assert_eq!(class.code().as_str(), format!("drift.{class}"));
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }
}
