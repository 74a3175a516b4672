use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::desk::earlier;

/// Amazon's clock, as its answers tell it. Windows end by Amazon's clock, not by ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerClock {
    /// Amazon's clock less ours, by the last answer that told it.
    skew: Option<TimeDelta>,
    /// Amazon answered a window, so its clock is not far off.
    answered: bool,
    /// Refusals while the skew is not known.
    refused: u32,
}

/// What an answer's journey and the seconds' rounding may take.
const KNOWN: Duration = Duration::from_secs(15);
/// An ordinary machine's clock.
const BELIEVED: Duration = Duration::from_secs(60);
/// Before Amazon said anything.
const UNKNOWN: Duration = Duration::from_secs(240);

impl ServerClock {
    /// Amazon answered at `now`, and perhaps told its clock.
    pub(crate) fn answered(&mut self, server_now: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        self.answered = true;
        self.refused = 0;
        if let Some(server_now) = server_now {
            self.skew = Some(server_now - now);
        }
    }

    /// Amazon refused a window, which it also does when it ends too late by its clock.
    pub(crate) const fn refused(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    /// The earliest instant that Amazon's clock may show at `now`.
    pub(crate) fn earliest(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let margin = match (self.skew, self.answered) {
            (Some(_), _) => KNOWN,
            (None, true) => BELIEVED,
            (None, false) => UNKNOWN,
        };
        // Doubled with each refusal, to half a day.
        let margin = margin.saturating_mul(1 << self.refused.min(8));
        earlier(now + self.skew.unwrap_or_default(), margin)
    }
}
