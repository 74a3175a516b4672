use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{FeedPace, RoutePlan, SinkState, Waiting, urgency};

impl RoutePlan {
    /// Plans what is handed over now. `patch` writes one listing a call, `feed` thousands at once;
    /// either may be missing.
    ///
    /// As long as all that waits can be patched before a feed would be through, it is patched.
    /// Otherwise the most urgent that can be are patched, and a feed carries the rest. A feed keeps
    /// its pace, unless it would be full or takes something off Amazon: then only Amazon's limit
    /// holds.
    pub fn new(
        now: DateTime<Utc>,
        waiting: &[Waiting],
        patch: Option<&SinkState<'_>>,
        feed: Option<&SinkState<'_>>,
        pace: &FeedPace,
    ) -> Self {
        let mut order = urgency::in_order(waiting);
        let mut plan = Self::default();
        let tail = match (patch, feed) {
            (_, None) => Vec::new(),
            (None, Some(_)) => std::mem::take(&mut order),
            (Some(patch), Some(feed)) => split(now, &mut order, waiting, patch, feed, pace),
        };
        if let Some(patch) = patch {
            plan.hand_over(&order, patch, now + patch.permit_in());
        } else {
            plan.later.append(&mut order);
        }
        if let Some(feed) = feed {
            let next = feed_at(now, &tail, waiting, feed, pace);
            if next > now {
                plan.wait(&tail, next);
            } else {
                let first = tail.len().min(feed.caps.batch_max);
                let (first, rest) = tail.split_at(first);
                let one = SinkState { permits: feed.permits.min(1), ..*feed };
                plan.hand_over(first, &one, now + FEED_RETRY);
                plan.wait(rest, now + FEED_RETRY);
            }
        }
        plan
    }

    /// As many as there are permits for; the rest waits until `next`.
    fn hand_over(&mut self, places: &[usize], sink: &SinkState<'_>, next: DateTime<Utc>) {
        let batch = sink.caps.batch_max.max(1);
        let most = batch.saturating_mul(sink.permits as usize).min(places.len());
        let (go, stay) = places.split_at(most);
        self.submissions.extend(go.chunks(batch).map(|places| (sink.caps.name.clone(), places.to_vec())));
        self.wait(stay, next);
    }

    fn wait(&mut self, places: &[usize], next: DateTime<Utc>) {
        if !places.is_empty() {
            self.later.extend_from_slice(places);
            self.again_at = Some(self.again_at.map_or(next, |at| at.min(next)));
        }
    }
}

/// A feed that had no permit is planned again after so long.
const FEED_RETRY: Duration = Duration::from_secs(10);

/// Takes off `order` what a feed should carry.
fn split(
    now: DateTime<Utc>,
    order: &mut Vec<usize>,
    waiting: &[Waiting],
    patch: &SinkState<'_>,
    feed: &SinkState<'_>,
    pace: &FeedPace,
) -> Vec<usize> {
    let reach = |tail_begins_at: usize| {
        let tail = order.get(tail_begins_at..).unwrap_or_default();
        let until_fed = (feed_at(now, tail, waiting, feed, pace) - now).to_std().unwrap_or_default();
        let through = until_fed.saturating_add(feed.latency());
        patch.reach_in(through)
    };
    // Whether a feed may go depends on what it would carry, and so on how far patches reach.
    let reach = reach(reach(0));
    if order.len() <= reach.saturating_add(pace.least_listings) { Vec::new() } else { order.split_off(reach) }
}

/// When a feed with these may be handed over.
fn feed_at(
    now: DateTime<Utc>,
    places: &[usize],
    waiting: &[Waiting],
    feed: &SinkState<'_>,
    pace: &FeedPace,
) -> DateTime<Utc> {
    let takes_off = || places.iter().filter_map(|place| waiting.get(*place)).any(urgency::is_zeroing);
    let is_urgent = places.len() >= feed.caps.batch_max || takes_off();
    let last = feed.recent.last().filter(|_| feed.backlog > 0);
    pace.next(now, feed.recent, last.map(|last| *last + feed.latency()), is_urgent)
}
