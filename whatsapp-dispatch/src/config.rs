//! How the services work: group sizes, waiting times, caps. Every default says where it is from.

use std::time::Duration;

use rules_core::judge::retry::RetryPolicy;

/// The services' settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DispatchConfig {
    /// Requests on the wire at once. 128, the value that the load run is measured with; at one
    /// second per call it carries a number at 80 messages a second.
    pub concurrency: usize,
    /// Messages begun in one call, at most 32: a killed process leaves at most one group and what
    /// is on the wire in doubt.
    pub begin_group: usize,
    /// Messages that are begun and whose outcome is not written down yet, at most so many: what a
    /// killed process can leave in doubt. The concurrency and one group, 160; a slow disk wants
    /// more, at the price of a larger crash damage.
    pub window: usize,
    /// Facts recorded in one call, at most so many.
    pub record_group: usize,
    /// Messages taken from the queue ahead of sending.
    pub prefetch: usize,
    /// How often permits are taken: 250 ms.
    pub tick: Duration,
    /// How long a lease lasts before it is renewed: 60 s.
    pub lease: Duration,
    /// How long `finished` waits for the last webhooks: 60 s.
    pub report_after: Duration,
    /// How long after its time to live an accepted message may stay without a later fact: an hour.
    pub delivery_buffer: Duration,
    /// How long the outcome of a message in doubt is waited for before the campaign's policy
    /// decides: 15 min. Status webhooks come within seconds, but not in an outage.
    pub unknown_after: Duration,
    /// The same in a campaign of which WhatsApp holds messages back, and tells nothing of them
    /// meanwhile: 75 min. A hold lasts up to an hour or so ("Template pacing", Meta).
    pub unknown_after_held: Duration,
    /// How messages that WhatsApp refused for a passing reason are tried again. The campaign's
    /// own cap holds beside it.
    pub retry: RetryPolicy,
    /// False sends as fast as it goes: for load runs, never for a real number.
    pub paced: bool,
}

impl Default for DispatchConfig {
    fn default() -> Self {
        Self {
            concurrency: 128,
            begin_group: 32,
            window: 160,
            record_group: 128,
            prefetch: 500,
            tick: Duration::from_millis(250),
            lease: Duration::from_secs(60),
            report_after: Duration::from_secs(60),
            delivery_buffer: Duration::from_secs(3_600),
            unknown_after: Duration::from_secs(15 * 60),
            unknown_after_held: Duration::from_secs(75 * 60),
            retry: RetryPolicy::default(),
            paced: true,
        }
    }
}

impl DispatchConfig {
    /// The same with so many requests on the wire at once, and a window of one group more; 0
    /// counts as 1.
    #[must_use]
    pub fn with_concurrency(self, concurrency: usize) -> Self {
        let concurrency = concurrency.max(1);
        Self { concurrency, window: concurrency + self.begin_group, ..self }
    }

    /// The same with another window; it is never smaller than a group that is begun together.
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window: window.max(self.begin_group), ..self }
    }

    /// The same with another wait for the last webhooks.
    #[must_use]
    pub fn with_report_after(self, report_after: Duration) -> Self {
        Self { report_after, ..self }
    }

    /// The same with another schedule for further attempts.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// The same without any pacing: for load runs, never for a real number.
    #[must_use]
    pub fn unpaced(self) -> Self {
        Self { paced: false, ..self }
    }
}
