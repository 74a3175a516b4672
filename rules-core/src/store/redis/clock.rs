use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::Reply;
use crate::work::clock::{Clock, SystemClock};

/// How long what is known of the server's clock is good, in microseconds.
const GOOD_FOR_US: i64 = 10_000_000;

/// The server's clock as far as it is known here: the machine's, moved by the difference that was
/// seen last.
#[derive(Debug)]
pub(super) struct ServerClock {
    machine: SystemClock,
    ahead_us: AtomicI64,
    asked_us: AtomicI64,
}

impl ServerClock {
    pub(super) const fn new() -> Self {
        Self { machine: SystemClock, ahead_us: AtomicI64::new(0), asked_us: AtomicI64::new(i64::MIN) }
    }

    /// True when the server should be asked again.
    pub(super) fn is_due(&self) -> bool {
        let asked = self.asked_us.load(Ordering::Relaxed);
        let now = self.machine.now().timestamp_micros();
        now < asked || asked.saturating_add(GOOD_FOR_US) < now
    }

    /// The machine's own time.
    pub(super) fn machine(&self) -> DateTime<Utc> {
        self.machine.now()
    }

    /// Takes in what the server answered to TIME, asked at `sent`. The answer was made about half
    /// way between then and now.
    pub(super) fn learn(&self, sent: DateTime<Utc>, time: Reply) {
        let mut parts = time.list().into_iter().filter_map(|part| part.int());
        let (Some(seconds), Some(micros)) = (parts.next(), parts.next()) else { return };
        let received = self.machine.now().timestamp_micros();
        let between = sent.timestamp_micros().midpoint(received);
        self.ahead_us.store(seconds * 1_000_000 + micros - between, Ordering::Relaxed);
        self.asked_us.store(received, Ordering::Relaxed);
    }

    fn ahead(&self) -> TimeDelta {
        TimeDelta::microseconds(self.ahead_us.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Clock for ServerClock {
    fn now(&self) -> DateTime<Utc> {
        self.machine.now() + self.ahead()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        while self.now() < instant {
            self.machine.sleep_until(instant - self.ahead()).await;
        }
    }
}
