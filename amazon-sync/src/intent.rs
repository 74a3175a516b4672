//! Publishing intents: the number that a listing should show, and how far it has got. A listing has
//! at most one open intent, and the newest wins.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use serde::{Deserialize, Serialize};

use crate::quantity::{Quantity, Units};
use crate::sink::{SinkName, SubmissionRef};

/// The last number that both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The number.
    pub quantity: Quantity,
    /// When Amazon was seen to show it.
    pub at: DateTime<Utc>,
    /// How many units of the listing the ledger had sold on Amazon by then
    /// ([`ListingRecord::sold`](crate::sync_store::ListingRecord::sold)).
    pub sold: Units,
}

/// A number that should be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Rises with every intent of the listing, so that an answer to an older one is told apart.
    pub generation: u64,
    /// The number.
    pub quantity: Quantity,
    /// The units sold by the time that the number was computed.
    pub sold: Units,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// Why, such as `drift.ours_ahead`.
    pub why: Code,
    /// How far it has got.
    pub stage: Stage,
    /// How often it was submitted.
    pub attempts: u32,
}

/// How far an intent has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Decided, and not on its way. A newer one replaces it.
    Open,
    /// On its way: told to Amazon, or perhaps told. A newer one waits until this one is settled.
    InFlight {
        /// Through which sink.
        sink: SinkName,
        /// What Amazon calls the submission, where it gave it a name.
        submission: Option<SubmissionRef>,
        /// When it was handed over.
        at: DateTime<Utc>,
        /// When it counts as lost unless Amazon shows the number.
        deadline: DateTime<Utc>,
    },
}

impl Intent {
    /// True when it is on its way.
    pub const fn is_in_flight(&self) -> bool {
        matches!(self.stage, Stage::InFlight { .. })
    }

    /// How long it is on its way at `now`; zero when it is not.
    pub fn age(&self, now: DateTime<Utc>) -> Duration {
        match self.stage {
            Stage::Open => Duration::ZERO,
            Stage::InFlight { at, .. } => (now - at).to_std().unwrap_or_default(),
        }
    }
}
