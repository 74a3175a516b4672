use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How often feeds may be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedPace {
    /// A feed that is not urgent follows the last one after so many minutes. 20 (SP-API
    /// documentation, "Feeds API Best Practices", 2026-08).
    pub every_minutes: u32,
    /// In any five minutes, at most so many. 5 (SP-API documentation, change log "Feed size and
    /// rate limit changes", 2025-05).
    pub most_in_five_minutes: u32,
    /// A feed carries at least so many listings; fewer are patched. 100, which are patched in 20
    /// seconds.
    pub least_listings: usize,
}

impl Default for FeedPace {
    fn default() -> Self {
        Self { every_minutes: 20, most_in_five_minutes: 5, least_listings: 100 }
    }
}

const FIVE_MINUTES: Duration = Duration::from_secs(300);

impl FeedPace {
    /// When the next feed may be handed over. `recent` are the last ones, oldest first; `open_until`
    /// is when the last one should be through, if it is not. One that is urgent keeps to the limit
    /// only, not to the advice.
    pub(super) fn next(
        &self,
        now: DateTime<Utc>,
        recent: &[DateTime<Utc>],
        open_until: Option<DateTime<Utc>>,
        is_urgent: bool,
    ) -> DateTime<Utc> {
        let most = (self.most_in_five_minutes as usize).max(1);
        let limit = recent.iter().rev().nth(most - 1).map(|at| *at + FIVE_MINUTES);
        let every = Duration::from_secs(u64::from(self.every_minutes) * 60);
        let advice = recent.last().map(|at| *at + every).max(open_until).filter(|_| !is_urgent);
        limit.max(advice).map_or(now, |next| next.max(now))
    }
}
