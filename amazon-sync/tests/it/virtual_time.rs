//! Time that stands still while anybody works and jumps when everybody waits.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use rules_core::work::clock::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// The paused clock of a tokio runtime, as a [`Clock`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct VirtualClock {
    started: Instant,
    shown: DateTime<Utc>,
}

impl VirtualClock {
    /// A clock that shows `instant` now. To be made within [`runtime`].
    #[expect(clippy::disallowed_methods, reason = "this is the port's door to the runtime's paused clock")]
    pub(crate) fn starting_at(instant: DateTime<Utc>) -> Self {
        Self { started: Instant::now(), shown: instant }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's door to the runtime's paused clock")]
    fn now(&self) -> DateTime<Utc> {
        self.shown + TimeDelta::from_std(Instant::now() - self.started).unwrap()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        // Far beyond everything that a scenario waits for.
        let longest = TimeDelta::days(3_650);
        let ahead = (instant - self.shown).clamp(TimeDelta::zero(), longest);
        tokio::time::sleep_until(self.started + ahead.to_std().unwrap_or(Duration::ZERO)).await;
    }
}

/// One thread, no sockets, paused time: everything happens in one order.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}
