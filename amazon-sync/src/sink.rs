//! The ways by which a number gets to Amazon.

use std::fmt::{self, Debug, Display, Formatter};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::listing::ListingKey;
use crate::marketplace::MarketError;
use crate::quantity::Quantity;
use crate::seller::SellerAccount;

/// The writing half of Amazon. Every write is absolute, so it may be repeated; and every write is
/// only asked for: whether it took effect is known by reading the listing.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait QuantitySink: Debug + Send + Sync + 'static {
    /// What this sink can do.
    fn caps(&self) -> SinkCaps;

    /// Hands numbers over, at most [`SinkCaps::batch_max`] of one account; one answer each, in
    /// order. Those that found no permit are [`Submitted::NotNow`]; nobody waits here.
    ///
    /// # Errors
    /// [`MarketError`] when all of them failed together: with `InDoubt` any may have been handed
    /// over, with another fault none was.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it unknown whether they were handed over.
    async fn submit(
        &self,
        account: &SellerAccount,
        writes: &[QuantityWrite],
    ) -> Result<Vec<Submitted>, MarketError>;

    /// How far a submission is.
    ///
    /// # Errors
    /// [`MarketError`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn status(
        &self,
        account: &SellerAccount,
        submission: &SubmissionRef,
    ) -> Result<SubmissionState, MarketError>;
}
const _: fn(&dyn QuantitySink) = |_| {};

/// The name of a sink, such as `patch`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SinkName(pub String);

impl SinkName {
    /// One call for one listing.
    pub const PATCH: &'static str = "patch";
    /// One feed for thousands.
    pub const FEED: &'static str = "feed";
}

impl Display for SinkName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a sink can do, and what is known of its speed. The route planner chooses by these.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkCaps {
    /// Its name.
    pub name: SinkName,
    /// Listings in one submission, at most.
    pub batch_max: usize,
    /// Submissions a second that its budget allows, in the long run.
    pub submissions_per_second: f64,
    /// Submissions at once after a pause.
    pub burst: u32,
    /// How long it usually takes from handing over to taking effect; an estimate to begin with,
    /// what is measured replaces it.
    pub usual_latency: Duration,
    /// After so long a write that was not seen to take effect counts as lost.
    pub deadline: Duration,
}

/// A number to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityWrite {
    /// Which listing. Never one that Amazon ships: a sink refuses those.
    pub listing: ListingKey,
    /// Its product type where it is known; `PRODUCT` else.
    pub product_type: Option<String>,
    /// The number.
    pub quantity: Quantity,
    /// The generation of its intent.
    pub generation: u64,
}

/// What became of a number that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// Amazon took it; it is not in effect yet.
    Accepted(Option<SubmissionRef>),
    /// There was no permit; nothing was handed over.
    NotNow {
        /// When there may be one.
        again_at: Option<DateTime<Utc>>,
    },
    /// Amazon refuses it for good (`INVALID`).
    Invalid {
        /// Amazon's codes and messages, joined; nothing personal is in them.
        why: String,
    },
    /// It failed, and may be tried again.
    Failed {
        /// What happened.
        why: String,
    },
    /// No answer came: it may have been handed over.
    InDoubt,
}

/// Amazon's name of a submission: of a patch or of a feed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmissionRef(pub String);

/// How far a submission is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmissionState {
    /// Nothing is known yet: ask again then.
    Pending {
        /// Not before this instant.
        again_at: DateTime<Utc>,
    },
    /// Amazon has worked on it.
    Done {
        /// Listings that it refused, by SKU, each with the reason.
        refused: Vec<(String, String)>,
        /// Numbers that it says are in effect, by SKU, where the report holds them.
        effective: Vec<(String, Quantity)>,
    },
    /// Amazon gave it up as a whole (`FATAL`, `CANCELLED`).
    Failed {
        /// Amazon's word.
        why: String,
    },
}
