use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::judge::gcra::Gcra;
use crate::judge::key::Outlet;
use crate::judge::learned_rate::LearnedRate;
use crate::work::StoreError;
use crate::work::clock::{Clock, after};
use crate::work::pacer::{Ask, Observation, Pacer, Permit, Rate};

/// A throttled rate comes back by this part of the configured rate in a second.
const RECOVERY: f64 = 0.05;
/// Throttles that arrive closer together count as one.
const HALVED_AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(1);
/// No throttle makes an outlet slower than this, unless it is configured so.
const SLOWEST: f64 = 1.0;
/// What was consumed elsewhere holds an outlet back at most so long, or as long as its burst.
const MOST_DEBT: Duration = Duration::from_secs(1);
const IDLE: TimeDelta = TimeDelta::hours(1);
/// What was learnt of a rate is kept so long: some of Amazon's are less than one in 3 minutes.
const LEARNT_KEPT: TimeDelta = TimeDelta::days(1);
const SWEPT_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A pacer in the memory of this process. It forgets an outlet that was idle for an hour.
#[derive(Debug)]
pub struct MemoryPacer {
    clock: Arc<dyn Clock>,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    outlets: HashMap<Outlet, Paced>,
    swept: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug)]
struct Paced {
    rate: Rate,
    arrival_ns: u64,
    slowed: Option<Slowed>,
    learned: Option<LearnedRate>,
    asked: DateTime<Utc>,
}

/// What a throttle left behind.
#[derive(Clone, Copy, Debug)]
struct Slowed {
    per_second: f64,
    at: DateTime<Utc>,
    /// Nothing is granted before, and the rate recovers from then on.
    quiet_until: DateTime<Utc>,
}

impl MemoryPacer {
    /// A pacer that knows no outlet yet, with time by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let pace = Pace { outlets: HashMap::new(), swept: clock.now() };
        Self { clock, pace: Mutex::new(pace) }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Pacer for MemoryPacer {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Permit>, StoreError> {
        let mut pace = self.pace();
        let now = self.clock.now();
        pace.sweep(now);
        let new = |rate| Paced { rate, arrival_ns: 0, slowed: None, learned: None, asked: now };
        Ok(asks
            .iter()
            .map(|ask| pace.outlets.entry(ask.outlet.clone()).or_insert_with(|| new(ask.rate)).take(ask, now))
            .collect())
    }

    async fn observe(&self, observations: &[Observation]) -> Result<(), StoreError> {
        let mut pace = self.pace();
        let now = self.clock.now();
        for observation in observations {
            match observation {
                Observation::Throttled { outlet, retry_after } => {
                    if let Some(paced) = pace.outlets.get_mut(outlet) {
                        paced.throttle(*retry_after, now);
                    }
                }
                Observation::Consumed { outlet, permits } => {
                    if let Some(paced) = pace.outlets.get_mut(outlet) {
                        paced.consume(*permits, now);
                    }
                }
                Observation::Limit { outlet, per_second } => {
                    let learned = pace.outlets.get_mut(outlet).and_then(|paced| paced.learned.as_mut());
                    if let Some(learned) = learned.filter(|_| 0.0 < *per_second && per_second.is_finite()) {
                        learned.told(*per_second);
                    }
                }
            }
        }
        Ok(())
    }

    async fn rates(&self, outlets: &[Outlet]) -> Result<Vec<Option<Rate>>, StoreError> {
        let pace = self.pace();
        let now = self.clock.now();
        Ok(outlets.iter().map(|outlet| pace.outlets.get(outlet).map(|paced| paced.rate_at(now))).collect())
    }
}

impl Pace {
    fn sweep(&mut self, now: DateTime<Utc>) {
        if now - self.swept < SWEPT_EVERY {
            return;
        }
        self.swept = now;
        self.outlets.retain(|_, paced| !paced.is_idle(now));
    }
}

impl Paced {
    fn take(&mut self, ask: &Ask, now: DateTime<Utc>) -> Permit {
        self.ask_at(ask.rate, now);
        if let Some(learned) = &mut self.learned {
            learned.given_back(ask.unused);
        }
        let (gcra, now_ns) = (self.gcra(now), nanos(now));
        let arrival_ns = gcra.bounded(self.arrival_ns, now_ns, MOST_DEBT);
        // At the configured distance: no more than they were taken for, whatever the rate was then.
        self.arrival_ns = self.configured().give_back(arrival_ns, ask.unused);
        if let Some(slowed) = self.slowed
            && now < slowed.quiet_until
        {
            return Permit { granted: 0, next_at: (0 < ask.want).then_some(slowed.quiet_until) };
        }
        let taken = gcra.take(self.arrival_ns, now_ns, ask.want);
        self.arrival_ns = taken.arrival_ns;
        if let Some(learned) = &mut self.learned {
            learned.granted(taken.granted, ask.want, now_ns / 1_000);
        }
        Permit { granted: taken.granted, next_at: taken.next_ns.map(instant) }
    }

    /// Remembers the rate of an ask. One that learns keeps what it learnt of the same rate.
    fn ask_at(&mut self, rate: Rate, now: DateTime<Utc>) {
        if !rate.learns {
            self.learned = None;
        } else if self.learned.is_none() || rate.per_second.to_bits() != self.rate.per_second.to_bits() {
            (self.learned, self.slowed) = (Some(LearnedRate::expecting(rate.per_second)), None);
        }
        (self.rate, self.asked) = (rate, now);
    }

    /// The far side's bucket is empty, so ours is: one permit after a rest, then an even pace.
    fn refused(&mut self, retry_after: Option<Duration>, now: DateTime<Utc>) {
        let now_ns = nanos(now);
        let rest_us = retry_after.unwrap_or_default().as_nanos().div_ceil(1_000);
        let rest_us = u64::try_from(rest_us).unwrap_or(u64::MAX);
        let Some(learned) = &mut self.learned else { return };
        let Some(rested_us) = learned.refused(self.rate.burst, now_ns / 1_000, rest_us) else { return };
        let until_ns = rested_us.saturating_mul(1_000);
        self.arrival_ns = self.gcra(now).emptied(until_ns);
        let at = instant(until_ns);
        self.slowed = Some(Slowed { per_second: self.rate.per_second, at, quiet_until: at });
    }

    fn throttle(&mut self, retry_after: Option<Duration>, now: DateTime<Utc>) {
        if self.learned.is_some() {
            return self.refused(retry_after, now);
        }
        let quiet_until = after(now, retry_after.unwrap_or_default());
        let slowed = self.slowed.filter(|slowed| now - slowed.at < HALVED_AT_MOST_EVERY);
        let slowed = slowed.unwrap_or_else(|| Slowed {
            per_second: (self.per_second(now) / 2.0).max(SLOWEST).min(self.rate.per_second),
            at: now,
            quiet_until,
        });
        let before = self.slowed.map_or(quiet_until, |slowed| slowed.quiet_until);
        self.slowed = Some(Slowed { quiet_until: quiet_until.max(before), ..slowed });
    }

    fn consume(&mut self, permits: u32, now: DateTime<Utc>) {
        let (gcra, now_ns) = (self.gcra(now), nanos(now));
        let arrival_ns = gcra.spend(self.arrival_ns, now_ns, permits);
        self.arrival_ns = gcra.bounded(arrival_ns, now_ns, MOST_DEBT);
    }

    /// The rate in force, in permits per second.
    fn per_second(&self, now: DateTime<Utc>) -> f64 {
        if let Some(learned) = &self.learned {
            return learned.per_second();
        }
        let configured = self.rate.per_second;
        self.slowed.map_or(configured, |slowed| {
            let recovering = (now - slowed.quiet_until).to_std().unwrap_or_default();
            (slowed.per_second + RECOVERY * configured * recovering.as_secs_f64()).min(configured)
        })
    }

    fn configured(&self) -> Gcra {
        let learned = self.learned.as_ref().map(LearnedRate::per_second);
        Gcra::new(learned.unwrap_or(self.rate.per_second), self.rate.burst)
    }

    fn gcra(&self, now: DateTime<Utc>) -> Gcra {
        self.configured().slowed_to(self.per_second(now))
    }

    fn rate_at(&self, now: DateTime<Utc>) -> Rate {
        let per_second = self.per_second(now);
        let slowed = self.learned.is_none() && per_second < self.rate.per_second;
        let burst = if slowed { self.gcra(now).burst() } else { self.rate.burst };
        Rate { per_second, burst, learns: self.rate.learns }
    }

    /// True when forgetting the outlet changes nothing for who asks next.
    fn is_idle(&self, now: DateTime<Utc>) -> bool {
        let kept = if self.learned.is_some() { LEARNT_KEPT } else { IDLE };
        kept <= now - self.asked
            && self.arrival_ns <= nanos(now)
            && self.slowed.is_none_or(|slowed| kept <= now - slowed.quiet_until)
    }
}

/// Nanoseconds since 1970; the years 1970 to 2262 can be told apart.
fn nanos(instant: DateTime<Utc>) -> u64 {
    let latest = if instant < DateTime::UNIX_EPOCH { 0 } else { i64::MAX };
    instant.timestamp_nanos_opt().unwrap_or(latest).try_into().unwrap_or(0)
}

fn instant(nanos: u64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
