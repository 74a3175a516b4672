//! How the services work: intervals, group sizes, patience. Every default says where it is from.

use std::time::Duration;

use rules_core::judge::retry::RetryPolicy;

/// The services' settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncConfig {
    /// How far the first window of orders goes back: 7 days. What is open longer than that when
    /// the synchroniser first runs is not known to the ledger.
    pub look_back: Duration,
    /// Calls of `searchOrders` a second that Amazon grants for ever: 0.0056 (SP-API documentation,
    /// "Orders API v2026-01-01 rate limits", 2026-08).
    pub orders_per_second: f64,
    /// How often orders are polled while events tell of each one: every hour, 5 % of the budget.
    pub poll_with_events: Duration,
    /// True when notifications of orders are subscribed to, so that their silence is noticed even
    /// if none ever came. Without it that is noticed after the first one.
    pub expects_events: bool,
    /// After so long without an event, while polls find orders, somebody is told: 30 minutes.
    pub events_silent_after: Duration,
    /// How often the host's stock is asked for changes: every 30 seconds.
    pub host_every: Duration,
    /// How often a snapshot of all listings is taken: once a day.
    pub snapshot_every: Duration,
    /// How often the orders of the last 48 hours are looked through for missed ones: once a day.
    pub sweep_every: Duration,
    /// Of a map with at most so many listings, the ones that were never seen are read one by one;
    /// beyond that a snapshot shows them: 2,000, which takes 20 seconds at Amazon's rate.
    pub read_singly: usize,
    /// Items that are reconciled in one step: 500.
    pub reconcile_group: usize,
    /// Rows, changes and orders in one step of the store: 500.
    pub page: usize,
    /// True when no number is published but those of plans that somebody applied. False.
    pub by_plan_only: bool,
    /// How passing faults are waited for. They are tried for ever, with the longest delay from the
    /// last attempt on: 1 second doubling to 5 minutes.
    pub retry: RetryPolicy,
}

impl Default for SyncConfig {
    fn default() -> Self {
        let patient = RetryPolicy::new(10, Duration::from_secs(1), Duration::from_secs(300));
        Self {
            look_back: Duration::from_secs(7 * 86_400),
            orders_per_second: 0.0056,
            poll_with_events: Duration::from_secs(3_600),
            expects_events: false,
            events_silent_after: Duration::from_secs(1_800),
            host_every: Duration::from_secs(30),
            snapshot_every: Duration::from_secs(86_400),
            sweep_every: Duration::from_secs(86_400),
            read_singly: 2_000,
            reconcile_group: 500,
            page: 500,
            by_plan_only: false,
            retry: patient.unwrap_or_default(),
        }
    }
}

impl SyncConfig {
    /// The same with another reach of the first window.
    #[must_use]
    pub fn with_look_back(self, look_back: Duration) -> Self {
        Self { look_back, ..self }
    }

    /// The same with another rate of `searchOrders`; what is not above zero changes nothing.
    #[must_use]
    pub fn with_orders_per_second(self, rate: f64) -> Self {
        let orders_per_second = if rate.is_finite() && 0.0 < rate { rate } else { self.orders_per_second };
        Self { orders_per_second, ..self }
    }

    /// The same with another interval in which the host's stock is asked.
    #[must_use]
    pub fn with_host_every(self, host_every: Duration) -> Self {
        Self { host_every: host_every.max(Duration::from_millis(100)), ..self }
    }

    /// The same with another interval of snapshots.
    #[must_use]
    pub fn with_snapshot_every(self, snapshot_every: Duration) -> Self {
        Self { snapshot_every: snapshot_every.max(Duration::from_secs(60)), ..self }
    }

    /// The same with another interval in which missed orders are looked for.
    #[must_use]
    pub fn with_sweep_every(self, sweep_every: Duration) -> Self {
        Self { sweep_every: sweep_every.max(Duration::from_secs(60)), ..self }
    }

    /// The same with notifications of orders subscribed to.
    #[must_use]
    pub fn with_events_expected(self) -> Self {
        Self { expects_events: true, ..self }
    }

    /// The same with another patience with silent events.
    #[must_use]
    pub fn with_events_silent_after(self, events_silent_after: Duration) -> Self {
        Self { events_silent_after, ..self }
    }

    /// The same, where nothing is published but what a plan says that somebody applied.
    #[must_use]
    pub fn by_plan_only(self) -> Self {
        Self { by_plan_only: true, ..self }
    }

    /// The same with groups of so many; 0 counts as 1.
    #[must_use]
    pub fn with_groups_of(self, group: usize) -> Self {
        Self { reconcile_group: group.max(1), page: group.max(1), ..self }
    }
}
