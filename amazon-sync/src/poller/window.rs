//! Which window of orders is asked for next, and when. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::work::clock::after;

use super::server_clock::ServerClock;
use crate::desk::earlier;
use crate::marketplace::OrderWindow;
use crate::seller::MarketplaceId;
use crate::sync_store::{Cursor, Lateness, OpenWindow};

/// Amazon refuses a window that ends less than two minutes ago (SP-API documentation, "Orders API
/// v2026-01-01", 2026-08).
pub(crate) const SETTLED: Duration = Duration::from_secs(120);

/// Amazon's page tokens are good for 24 hours; one that comes near to it is not tried.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(23 * 3_600 + 1_800);

/// What windows overlap by at least: an order was seen to appear minutes after it changed.
pub(crate) const LEAST_OVERLAP: Duration = Duration::from_secs(300);

/// What they overlap by at most. What comes later than that is found by the sweep.
pub(crate) const MOST_OVERLAP: Duration = Duration::from_secs(7_200);

/// Of a thousand orders one may be seen later than the overlap covers.
const COVERED: f64 = 0.999;

/// How windows are planned.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    /// How far the first window goes back.
    pub(crate) look_back: Duration,
    /// Calls a second that Amazon grants for ever.
    pub(crate) per_second: f64,
    /// How often is polled while events tell of every order.
    pub(crate) with_events: Duration,
    /// Where; empty for all of the account's.
    pub(crate) marketplaces: Vec<MarketplaceId>,
}

impl Windows {
    /// The window that follows the closed ones, not beyond `not_after`; `None` while it would be
    /// empty.
    pub(crate) fn next(
        &self,
        cursor: &Cursor,
        clock: &ServerClock,
        now: DateTime<Utc>,
        not_after: Option<DateTime<Utc>>,
    ) -> Option<OrderWindow> {
        let to = earlier(clock.earliest(now), SETTLED);
        let to = not_after.map_or(to, |not_after| to.min(not_after));
        let from = match cursor.closed_to {
            Some(closed_to) if to <= closed_to => return None,
            Some(closed_to) => earlier(closed_to, overlap(&cursor.lateness)),
            None => earlier(to, self.look_back),
        };
        Some(OrderWindow { from, to, marketplaces: self.marketplaces.clone() })
    }

    /// How long to wait after a window of so many pages: as long as Amazon takes to grant so many
    /// calls again, so that bursts are kept for what bursts.
    pub(crate) fn interval(&self, pages: u32, events_are_healthy: bool) -> Duration {
        let calls = f64::from(pages.max(1));
        let granted = Duration::try_from_secs_f64(calls / self.per_second).unwrap_or(self.with_events);
        if events_are_healthy { granted.max(self.with_events) } else { granted.min(self.with_events) }
    }
}

/// How far a window goes back behind the closed ones: as far as all but one in a thousand orders
/// were late, within bounds.
pub(crate) fn overlap(lateness: &Lateness) -> Duration {
    lateness.quantile(COVERED).clamp(LEAST_OVERLAP, MOST_OVERLAP)
}

/// The window from its first page on: its tokens are too old or refused. The question stays the
/// same, so nothing is passed over.
pub(crate) fn restarted(open: &OpenWindow) -> OpenWindow {
    OpenWindow { page: None, used_to: None, ..open.clone() }
}

/// True when the page's token is too old to be tried.
pub(crate) fn is_stale(open: &OpenWindow, now: DateTime<Utc>) -> bool {
    open.page.is_some() && after(open.page_at, TOKEN_LIFE) <= now
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::marketplace::PageToken;

    fn at(seconds: u64) -> DateTime<Utc> {
        after("2026-11-02T10:00:00Z".parse().unwrap(), Duration::from_secs(seconds))
    }

    fn windows() -> Windows {
        Windows {
            look_back: Duration::from_secs(86_400),
            per_second: 0.0056,
            with_events: Duration::from_secs(3_600),
            marketplaces: Vec::new(),
        }
    }

    /// A clock that knows Amazon's to be ours.
    fn known() -> ServerClock {
        let mut clock = ServerClock::default();
        clock.answered(Some(at(0)), at(0));
        clock
    }

    #[test]
    fn the_first_window_looks_back_and_the_next_ones_overlap() {
        let mut cursor = Cursor::default();
        let first = windows().next(&cursor, &known(), at(0), None).unwrap();
        assert_eq!(first.to - first.from, chrono::TimeDelta::days(1));
        assert!(first.to <= earlier(at(0), SETTLED));
        cursor.closed_to = Some(first.to);
        assert_eq!(windows().next(&cursor, &known(), at(0), None), None, "nothing new can be asked for yet");
        let next = windows().next(&cursor, &known(), at(200), None).unwrap();
        assert_eq!(next.from, earlier(first.to, LEAST_OVERLAP));
    }

    #[test]
    fn the_overlap_follows_how_late_orders_are_seen() {
        let mut lateness = Lateness::default();
        assert_eq!(overlap(&lateness), LEAST_OVERLAP);
        (0..2_000).for_each(|_| lateness.take_in(Duration::ZERO));
        (0..10).for_each(|_| lateness.take_in(Duration::from_secs(1_000)));
        assert_eq!(overlap(&lateness), Duration::from_secs(1_024));
        (0..100).for_each(|_| lateness.take_in(Duration::from_secs(90_000)));
        assert_eq!(overlap(&lateness), MOST_OVERLAP);
    }

    #[test]
    fn polls_are_as_rare_as_the_pages_need_and_hourly_while_events_come() {
        assert_eq!(windows().interval(0, false).as_secs(), 178);
        assert_eq!(windows().interval(5, false).as_secs(), 892);
        assert_eq!(windows().interval(100, false).as_secs(), 3_600);
        assert_eq!(windows().interval(1, true).as_secs(), 3_600);
    }

    #[test]
    fn a_token_is_given_up_before_amazon_does() {
        let window = windows().next(&Cursor::default(), &known(), at(0), None).unwrap();
        let page = Some(PageToken("next".to_owned()));
        let open = OpenWindow { window, page, page_at: at(0), used_to: Some(at(0)) };
        assert!(!is_stale(&open, at(23 * 3_600)));
        assert!(is_stale(&open, at(24 * 3_600)));
        let again = restarted(&open);
        assert_eq!((again.window == open.window, again.page, again.used_to), (true, None, None));
        assert!(!is_stale(&restarted(&open), at(48 * 3_600)));
    }

    proptest! {
        #[test]
        fn windows_leave_no_gap_and_never_end_in_the_last_two_minutes(steps in prop::collection::vec((1_u64..5_000, -600_i64..600), 1..40)) {
            let (mut cursor, mut now, mut clock) = (Cursor::default(), 0, ServerClock::default());
            for (wait, skew) in steps {
                now += wait;
                let amazon = at(now) + chrono::TimeDelta::seconds(skew);
                clock.answered(Some(amazon), at(now));
                if let Some(window) = windows().next(&cursor, &clock, at(now), None) {
                    prop_assert!(window.from < window.to);
                    prop_assert!(window.to <= earlier(amazon, SETTLED));
                    if let Some(closed_to) = cursor.closed_to {
                        prop_assert!(window.from < closed_to && closed_to < window.to);
                    }
                    cursor.closed_to = Some(window.to);
                }
            }
        }
    }
}
