use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::work::clock::after;

use crate::desk::until;
use crate::route::SinkState;
use crate::sink::{QuantitySink, SinkCaps, SinkName};

/// So many listings in one submission, and it is one.
const LARGE: usize = 100;
/// Hand-overs of a feed that are remembered, for its pace.
const RECENT: usize = 16;

/// A sink with how it stands for one account. The sink keeps to Amazon's budget by itself; the
/// permits counted here only keep from asking it in vain.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) sink: Arc<dyn QuantitySink>,
    pub(super) caps: SinkCaps,
    permits: f64,
    counted_at: DateTime<Utc>,
    paused_until: Option<DateTime<Utc>>,
    recent: Vec<DateTime<Utc>>,
}

impl Lane {
    pub(super) fn new(sink: Arc<dyn QuantitySink>, now: DateTime<Utc>) -> Self {
        let mut caps = sink.caps();
        if caps.name.0 != SinkName::FEED && caps.batch_max < LARGE {
            // Each listing takes a call and a permit of its own, whatever the sink takes at once.
            caps.batch_max = 1;
        }
        let permits = f64::from(caps.burst.max(1));
        Self { sink, caps, permits, counted_at: now, paused_until: None, recent: Vec::new() }
    }

    /// True for a sink that carries many listings at once, and takes its time.
    pub(super) const fn is_feed(&self) -> bool {
        1 < self.caps.batch_max
    }

    /// True when something can be handed over now.
    pub(super) fn is_free(&self, now: DateTime<Utc>) -> bool {
        let passed = until(now, self.counted_at).as_secs_f64();
        let permits = self.permits + passed * self.caps.submissions_per_second;
        1.0 <= permits && self.paused_until.is_none_or(|until| until <= now)
    }

    pub(super) fn refill(&mut self, now: DateTime<Utc>) {
        let passed = until(now, self.counted_at).as_secs_f64();
        let most = f64::from(self.caps.burst.max(1));
        self.permits = (self.permits + passed * self.caps.submissions_per_second).min(most);
        self.counted_at = now;
    }

    pub(super) fn take(&mut self, now: DateTime<Utc>) {
        self.permits = (self.permits - 1.0).max(0.0);
        if self.is_feed() {
            self.recent.push(now);
            if RECENT < self.recent.len() {
                self.recent.remove(0);
            }
        }
    }

    /// There was no permit after all: nothing goes by this sink before an instant.
    pub(super) fn pause(&mut self, again_at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let least = Duration::try_from_secs_f64(1.0 / self.caps.submissions_per_second);
        let least = after(now, least.unwrap_or(Duration::from_secs(60)).min(Duration::from_secs(120)));
        self.paused_until = Some(again_at.unwrap_or(least).max(after(now, Duration::from_millis(50))));
        self.permits = 0.0;
        self.counted_at = now;
    }

    pub(super) fn state(
        &self,
        latency: Option<Duration>,
        backlog: usize,
        now: DateTime<Utc>,
    ) -> SinkState<'_> {
        let is_paused = self.paused_until.is_some_and(|until| now < until);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and at most a burst"
        )]
        let permits = if is_paused { 0 } else { self.permits as u32 };
        SinkState { caps: &self.caps, permits, backlog, latency, recent: &self.recent }
    }
}
