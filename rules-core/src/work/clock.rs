//! Time as a port: wall time and sleeps both come from here, so a test moves time by hand and a
//! simulated day runs in a minute.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

/// Wall time and sleeping.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present instant, in UTC.
    fn now(&self) -> DateTime<Utc>;

    /// Returns when [`Clock::now`] has reached `instant`.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    async fn sleep_until(&self, instant: DateTime<Utc>);
}
const _: fn(&dyn Clock) = |_| {};

/// Conveniences over any [`Clock`].
pub trait ClockExt: Clock {
    /// Returns after `duration` of this clock's time.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.sleep_until(after(self.now(), duration))
    }
}

impl<C: Clock + ?Sized> ClockExt for C {}

/// `instant` plus `duration`; the end of time when the sum cannot be expressed.
pub fn after(instant: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| instant.checked_add_signed(delta))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's one door to the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port's one door to the runtime's timer")]
    async fn sleep_until(&self, instant: DateTime<Utc>) {
        // Again and again, because the machine's clock may be set while we sleep.
        while let Ok(rest) = (instant - self.now()).to_std() {
            if rest.is_zero() {
                return;
            }
            tokio::time::sleep(rest.min(Duration::from_mins(1))).await;
        }
    }
}

/// A clock that stands still until a test moves it.
///
/// ```
/// use std::time::Duration;
/// use rules_core::work::clock::{Clock, ManualClock};
/// let clock = ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap());
/// clock.advance(Duration::from_mins(1));
/// assert_eq!(clock.now().to_rfc3339(), "2026-01-05T09:01:00+00:00");
/// ```
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
    moved: Notify,
}

impl ManualClock {
    /// A clock that shows `instant`.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self { now: Mutex::new(instant), moved: Notify::new() }
    }

    /// Moves the clock forward and wakes whoever waited for an instant that has now come.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = after(*now, duration);
        drop(now);
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if instant <= self.now() {
                return;
            }
            moved.await;
        }
    }
}

/// A clock that runs `factor` times as fast as the machine's, from a chosen instant.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    system: SystemClock,
    started: DateTime<Utc>,
    shown: DateTime<Utc>,
    factor: u32,
}

impl ScaledClock {
    /// A clock that shows `instant` now and runs `factor` times as fast; 0 counts as 1.
    pub fn starting_at(instant: DateTime<Utc>, factor: u32) -> Self {
        let system = SystemClock;
        Self { system, started: system.now(), shown: instant, factor: factor.max(1) }
    }
}

#[async_trait]
impl Clock for ScaledClock {
    fn now(&self) -> DateTime<Utc> {
        let passed = (self.system.now() - self.started).to_std().unwrap_or_default();
        after(self.shown, passed.saturating_mul(self.factor))
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        let ahead = (instant - self.shown).to_std().unwrap_or_default();
        self.system.sleep_until(after(self.started, ahead / self.factor)).await;
        // Rounding may leave us a few nanoseconds short of the promised instant.
        while self.now() < instant {
            self.system.sleep(Duration::from_micros(50)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn nine() -> DateTime<Utc> {
        "2026-01-05T09:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_moved() {
        let clock = Arc::new(ManualClock::at(nine()));
        let sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.sleep(Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[tokio::test]
    async fn a_scaled_clock_sleeps_shorter() {
        let clock = ScaledClock::starting_at(nine(), 3_600);
        let end = after(nine(), Duration::from_mins(1));
        clock.sleep_until(end).await;
        assert!(end <= clock.now());
        assert!(clock.now() < after(end, Duration::from_secs(3_000)));
    }
}
