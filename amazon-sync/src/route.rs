//! The route planner: which numbers go to Amazon by which sink, and when.
//!
//! A patch takes effect within minutes, but a few a second are all that there are. A feed carries
//! thousands, and nobody knows when it takes effect. So patches carry what they can carry before a
//! feed would be through, the most urgent first, and a feed carries the rest.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::demand::Rate;
use crate::quantity::Quantity;
use crate::sink::{SinkCaps, SinkName};

mod pace;
mod plan;
mod urgency;

pub use pace::FeedPace;

/// A number that waits to be handed over. A listing waits once, and not while it is on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// The number.
    pub quantity: Quantity,
    /// What Amazon shows, as far as known.
    pub shown: Option<Quantity>,
    /// What is sold of the listing.
    pub rate: Rate,
    /// Since when it waits.
    pub since: DateTime<Utc>,
}

/// A sink, and how it stands.
#[derive(Clone, Copy, Debug)]
pub struct SinkState<'a> {
    /// What it can do.
    pub caps: &'a SinkCaps,
    /// Submissions that its budget has permits for.
    pub permits: u32,
    /// Listings that were handed over and have not taken effect.
    pub backlog: usize,
    /// How long it takes from handing over to taking effect, as measured; what the caps say where
    /// nothing is measured.
    pub latency: Option<Duration>,
    /// When something was handed over lately, oldest first. Only feeds need it.
    pub recent: &'a [DateTime<Utc>],
}

/// For a sink without a rate: somebody may give it one meanwhile.
const NEVER: Duration = Duration::from_secs(3_600);

impl SinkState<'_> {
    fn latency(&self) -> Duration {
        self.latency.unwrap_or(self.caps.usual_latency)
    }

    /// Further listings that it can carry in so long, in the long run.
    fn reach_in(&self, time: Duration) -> usize {
        let batch = f64::from(u32::try_from(self.caps.batch_max).unwrap_or(u32::MAX));
        let listings = self.caps.submissions_per_second * batch * time.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; no number is 0"
        )]
        (listings as usize).saturating_sub(self.backlog)
    }

    /// How long one permit takes to come back.
    fn permit_in(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.caps.submissions_per_second).unwrap_or(NEVER)
    }
}

/// Which numbers go by which sink. Numbers are places in the slice that was planned; each is in
/// exactly one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutePlan {
    /// Submissions to be made, at most [`SinkCaps::batch_max`] each, the most urgent first.
    pub submissions: Vec<(SinkName, Vec<usize>)>,
    /// What waits for a permit or for the feed's pace, the most urgent first.
    pub later: Vec<usize>,
    /// When more can go; `None` when nothing waits.
    pub again_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests;
