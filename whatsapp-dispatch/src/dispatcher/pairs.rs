//! How often one number may write to one person: one message in 6 seconds, 45 at once on credit
//! ("About the platform", Meta). A courtesy that spares refusals; the truth is error 131056.

use std::fmt::{self, Debug, Formatter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use rules_core::work::clock::{Clock, after};

use super::smooth::PortClock;
use crate::phone::PhoneNumber;
use crate::sender::NumberId;

type Pair = (NumberId, u64);
type Limiter = RateLimiter<Pair, HashMapStateStore<Pair>, PortClock, NoOpMiddleware<Nanos>>;

const PERIOD: Duration = Duration::from_secs(6);
const AT_ONCE: NonZeroU32 = NonZeroU32::new(45).unwrap();

/// After so many messages, pairs that are at rest are forgotten: what is kept is bounded by what
/// is sent in a few minutes.
const FORGET_EVERY: u32 = 8_192;

/// All pairs that were used lately.
pub(crate) struct Pairs {
    clock: Arc<dyn Clock>,
    limiter: Limiter,
    used: AtomicU32,
}

impl Pairs {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::with_period(PERIOD).unwrap_or_else(|| Quota::per_minute(AT_ONCE));
        let state = HashMapStateStore::default();
        let limiter = RateLimiter::new(quota.allow_burst(AT_ONCE), state, PortClock(Arc::clone(&clock)));
        Self { clock, limiter, used: AtomicU32::new(0) }
    }

    /// Counts a message of the pair; `Some` is when there is room for it, if there is none now.
    pub(crate) fn wait(&self, number: &NumberId, to: PhoneNumber) -> Option<DateTime<Utc>> {
        if self.used.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let refused = self.limiter.check_key(&(number.clone(), to.digits())).err()?;
        let now = GovernorClock::now(&PortClock(Arc::clone(&self.clock)));
        Some(after(self.clock.now(), refused.wait_time_from(now)))
    }
}

impl Debug for Pairs {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairs").field("known", &self.limiter.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rules_core::work::clock::ManualClock;

    use super::*;

    fn pairs() -> (Arc<ManualClock>, Pairs) {
        let clock = Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()));
        let port: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        (clock, Pairs::new(port))
    }

    #[test]
    fn a_pair_has_45_messages_on_credit_and_then_one_in_6_seconds() {
        let (clock, pairs) = pairs();
        let (number, other) = (NumberId::parse("1").unwrap(), NumberId::parse("2").unwrap());
        let [anna, ben] = [491_511_234_567, 491_511_234_568].map(|n| PhoneNumber::from_digits(n).unwrap());
        for _ in 0..45 {
            assert_eq!(pairs.wait(&number, anna), None);
        }
        let until = pairs.wait(&number, anna).unwrap();
        assert_eq!(until, clock.now() + PERIOD);
        assert_eq!((pairs.wait(&number, ben), pairs.wait(&other, anna)), (None, None));
        clock.advance(PERIOD);
        assert_eq!(pairs.wait(&number, anna), None);
        assert!(pairs.wait(&number, anna).is_some());
    }

    #[test]
    fn pairs_at_rest_are_forgotten() {
        let (clock, pairs) = pairs();
        let number = NumberId::parse("1").unwrap();
        for n in 0..u64::from(FORGET_EVERY) * 3 {
            clock.advance(Duration::from_millis(10));
            pairs.wait(&number, PhoneNumber::from_digits(491_511_000_000 + n).unwrap());
        }
        assert!(pairs.limiter.len() <= 2 * FORGET_EVERY as usize, "{pairs:?}");
    }
}
