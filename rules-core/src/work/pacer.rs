//! The Pacer says **how many** may leave now; the queue says which. Permits first, then a lease
//! within them, so no worker holds what it may not send.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::judge::key::Outlet;
#[cfg(doc)]
use crate::judge::learned_rate::LearnedRate;
use crate::work::StoreError;

mod memory;

pub use memory::MemoryPacer;

/// Rates now.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Pacer: Debug + Send + Sync + 'static {
    /// Takes permits, one answer per ask, in order. Permits that were taken earlier and not used
    /// go back first; while the outlet is slowed down, fewer may come of them than went back.
    ///
    /// In any stretch of time an outlet gets no more permits than its rate and one burst. The
    /// rate is the one of the latest ask.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer. Permits may then be lost, which costs a
    /// tick and no more.
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Permit>, StoreError>;

    /// Learns from the far side. A throttle halves the outlet's rate and burst, though not twice
    /// within a second nor below 1 a second, and nothing is granted for as long as the far side
    /// asked; then the rate recovers by 5 % of the configured one a second. What was consumed
    /// elsewhere counts here too, for at most a second of the rate or the whole burst. What is
    /// seen of an outlet that nobody asked for is passed over.
    ///
    /// The rate of an outlet that [learns](Rate::learns) follows what passes and what is refused
    /// instead ([`LearnedRate`]): a throttle slows it to a little below what was seen to pass, and
    /// after many calls it is raised bit by bit, beyond the configured rate, too. A rate that the
    /// far side tells replaces the configured one of such an outlet, and is passed over by others.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn observe(&self, observations: &[Observation]) -> Result<(), StoreError>;

    /// The rate of each outlet in force now, in order; `None` for one that was never asked for,
    /// or not for an hour, or a day if it learns.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn rates(&self, outlets: &[Outlet]) -> Result<Vec<Option<Rate>>, StoreError>;
}
const _: fn(&dyn Pacer) = |_| {};

/// How many in a second, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Permits per second; more than 0.
    pub per_second: f64,
    /// Permits that may be taken at one instant after a pause; at least 1.
    pub burst: u32,
    /// Whether the rate is only expected, and the true one is to be learnt.
    pub learns: bool,
}

impl Rate {
    /// `per_second` permits a second and `burst` at once.
    pub const fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst, learns: false }
    }

    /// `per_second` permits a second are expected to be right, and `burst` at once are.
    pub const fn expected(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst, learns: true }
    }

    /// `per_second` permits a second with at most a quarter of them at once, which is what one
    /// tick of a worker takes.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a u32 holds"
    )]
    pub fn per_second(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self::new(per_second, (per_second / 4.0).ceil().clamp(1.0, 1e9) as u32)
    }
}

/// A wish for permits.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is paced.
    pub outlet: Outlet,
    /// The rate that the outlet is configured with.
    pub rate: Rate,
    /// At most so many permits.
    pub want: u32,
    /// Permits of an earlier take that were not used and go back.
    pub unused: u32,
}

/// The answer to an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// So many may leave now.
    pub granted: u32,
    /// When the next permit can be had, if fewer than wanted were granted.
    pub next_at: Option<DateTime<Utc>>,
}

/// What was seen of an outlet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Observation {
    /// The far side asked to slow down.
    Throttled {
        /// What was throttled.
        outlet: Outlet,
        /// How long the far side wants to be left alone, if it said so.
        retry_after: Option<Duration>,
    },
    /// The far side told the rate that it allows, such as in a header.
    Limit {
        /// Of what.
        outlet: Outlet,
        /// Permits per second.
        per_second: f64,
    },
    /// Permits were used up by something that did not ask, such as inbound messages.
    Consumed {
        /// Where.
        outlet: Outlet,
        /// How many.
        permits: u32,
    },
}
