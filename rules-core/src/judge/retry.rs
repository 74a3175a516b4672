//! Whether and when a failed try is made again: a pure function of the try's number, the fault
//! and a random number, so any worker can answer it after a crash.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::fault::{Classify, Fault};

mod schedule;

/// How often and how patiently something is tried again.
///
/// The delay after try *n* is `base` times `factor` to the power of *n* - 1, at most `cap`; the
/// jitter then takes a random part of it away, so that many who failed together do not come back
/// together. Nothing is tried for ever: there is no policy without `max_attempts`.
///
/// Read from configuration it is a table of `max_attempts`, `base_ms`, `cap_ms`, `factor` and
/// `jitter`; what is left out has the value of [`RetryPolicy::default`].
///
/// ```
/// use std::time::Duration;
/// use rules_core::judge::fault::Fault;
/// use rules_core::judge::retry::{Retry, RetryPolicy};
/// let policy = RetryPolicy::new(3, Duration::from_secs(1), Duration::from_mins(1))?.with_jitter(0.0)?;
/// assert_eq!(policy.decide(1, Fault::Transient, 0), Retry::After(Duration::from_secs(1)));
/// assert_eq!(policy.decide(2, Fault::Transient, 0), Retry::After(Duration::from_secs(2)));
/// assert_eq!(policy.decide(3, Fault::Transient, 0), Retry::Never);
/// assert_eq!(policy.decide(1, Fault::InDoubt, 0), Retry::Never);
/// # Ok::<(), rules_core::judge::retry::RetryPolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRetryPolicy", into = "RawRetryPolicy")]
pub struct RetryPolicy {
    max_attempts: u32,
    base: Duration,
    cap: Duration,
    factor: f64,
    jitter: f64,
}

/// What follows a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again, not before this much time has passed.
    After(Duration),
    /// Do not try again.
    Never,
}

impl RetryPolicy {
    /// No delay can be longer: what waits for more than a day is a matter of expiry.
    pub const LONGEST: Duration = Duration::from_hours(24);
    /// No policy tries more often.
    pub const MOST_ATTEMPTS: u32 = 1_000;

    /// At most `max_attempts` tries, with delays that double from `base` to `cap`, and full jitter.
    ///
    /// # Errors
    /// [`RetryPolicyError`] when the numbers make no policy.
    pub fn new(max_attempts: u32, base: Duration, cap: Duration) -> Result<Self, RetryPolicyError> {
        Self { max_attempts, base, cap, ..Self::default() }.checked()
    }

    /// The same policy with delays that grow by `factor` from try to try.
    ///
    /// # Errors
    /// [`RetryPolicyError::Factor`] when it is not from 1 to 100.
    pub fn with_factor(self, factor: f64) -> Result<Self, RetryPolicyError> {
        Self { factor, ..self }.checked()
    }

    /// The same policy with a jitter that takes away up to this part of each delay: 0 takes
    /// nothing, 1 up to all of it.
    ///
    /// # Errors
    /// [`RetryPolicyError::Jitter`] when it is not from 0 to 1.
    pub fn with_jitter(self, jitter: f64) -> Result<Self, RetryPolicyError> {
        Self { jitter, ..self }.checked()
    }

    /// At most so many tries, the first one included.
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// What follows when try number `attempt` (the first is 1) failed with `fault`.
    ///
    /// A caller whose throttled tries should not count leaves them out of `attempt`. `random`
    /// feeds the jitter: the same number gives the same delay, and one number may serve all tries
    /// of one thing.
    ///
    /// What was [`Fault::Rejected`] or [`Fault::Exhausted`] is never tried again, nor is what is
    /// [`Fault::InDoubt`]: whoever can find out what happened decides about that. What was
    /// [`Fault::Throttled`] waits at least as long as the far side asked, even beyond the cap.
    pub fn decide(&self, attempt: u32, fault: Fault, random: u64) -> Retry {
        let asked = match fault {
            Fault::Transient => Duration::ZERO,
            Fault::Throttled { retry_after } => retry_after.unwrap_or_default(),
            Fault::Rejected | Fault::InDoubt | Fault::Exhausted => return Retry::Never,
        };
        if self.max_attempts <= attempt {
            return Retry::Never;
        }
        let delay = schedule::delay(self.base, self.cap, self.factor, attempt.max(1)).min(self.cap);
        let kept = 1.0 - self.jitter * unit(random, attempt);
        Retry::After(delay.mul_f64(kept).max(asked))
    }

    fn checked(self) -> Result<Self, RetryPolicyError> {
        let Self { max_attempts, base, cap, factor, jitter } = self;
        if !(1..=Self::MOST_ATTEMPTS).contains(&max_attempts) {
            return Err(RetryPolicyError::MaxAttempts { max_attempts });
        }
        if base.is_zero() || cap < base || Self::LONGEST < cap {
            return Err(RetryPolicyError::Delays { base, cap });
        }
        if !(1.0..=100.0).contains(&factor) {
            return Err(RetryPolicyError::Factor { factor });
        }
        if !(0.0..=1.0).contains(&jitter) {
            return Err(RetryPolicyError::Jitter { jitter });
        }
        Ok(self)
    }
}

impl Default for RetryPolicy {
    /// 5 tries, 1 s doubling to 60 s, full jitter ("Exponential Backoff And Jitter", AWS
    /// Architecture Blog, 2015: full jitter costs the far side least).
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_mins(1),
            factor: 2.0,
            jitter: 1.0,
        }
    }
}

/// A number from 0 to below 1, spread evenly whatever the pattern in `random` (`SplitMix64`).
#[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
fn unit(random: u64, attempt: u32) -> f64 {
    let mut bits = random.wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRetryPolicy {
    max_attempts: u32,
    base_ms: u64,
    cap_ms: u64,
    factor: f64,
    jitter: f64,
}

impl Default for RawRetryPolicy {
    fn default() -> Self {
        RetryPolicy::default().into()
    }
}

impl From<RetryPolicy> for RawRetryPolicy {
    fn from(policy: RetryPolicy) -> Self {
        let ms = |delay: Duration| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let RetryPolicy { max_attempts, base, cap, factor, jitter } = policy;
        Self { max_attempts, base_ms: ms(base), cap_ms: ms(cap), factor, jitter }
    }
}

impl TryFrom<RawRetryPolicy> for RetryPolicy {
    type Error = RetryPolicyError;

    fn try_from(raw: RawRetryPolicy) -> Result<Self, RetryPolicyError> {
        let RawRetryPolicy { max_attempts, base_ms, cap_ms, factor, jitter } = raw;
        let (base, cap) = (Duration::from_millis(base_ms), Duration::from_millis(cap_ms));
        Self { max_attempts, base, cap, factor, jitter }.checked()
    }
}

/// Numbers that make no retry policy.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum RetryPolicyError {
    /// Too few or too many tries.
    #[error("max_attempts is {max_attempts}; use 1 to {}", RetryPolicy::MOST_ATTEMPTS)]
    MaxAttempts {
        /// What was given.
        max_attempts: u32,
    },
    /// Delays that do not grow from something to at most a day.
    #[error(
        "delays from {base:?} to {cap:?}; use a base_ms of at least 1, and a cap_ms of at least that and at most {:?}",
        RetryPolicy::LONGEST
    )]
    Delays {
        /// The first delay.
        base: Duration,
        /// The longest delay.
        cap: Duration,
    },
    /// Delays that shrink, or grow out of hand.
    #[error("factor is {factor}; use 1 to 100")]
    Factor {
        /// What was given.
        factor: f64,
    },
    /// Not a part of a delay.
    #[error("jitter is {jitter}; use 0 for none to 1 for full jitter")]
    Jitter {
        /// What was given.
        jitter: f64,
    },
}

impl Classify for RetryPolicyError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests;
