//! Units used: plan allowances, campaign allowances, a tenant's day.
//!
//! Units are charged **before** the work they are for begins, so a limit is never exceeded and a
//! crash costs at most the units of one charge.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::judge::id::{ChargeId, RefundId};
use crate::judge::key::MeterKey;
use crate::judge::window::Window;
use crate::work::StoreError;

mod crowd;
mod memory;
pub(crate) mod tally;

pub use crowd::{Admission, Admitted, Crowd};
pub use memory::MemoryQuota;

/// Units that are used up.
///
/// A meter is its key and its kind of window. It counts in one window at a time; which one that
/// is, also when its zone changes, says [`Window::after`] by the store's clock.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Quota: Debug + Send + Sync + 'static {
    /// Takes the units of each charge from all its meters, or from none. One answer per charge,
    /// in order; a later charge of the call sees what the earlier ones took.
    ///
    /// A charge whose id is known returns the same grant and takes nothing more. One that was
    /// granted nothing leaves no trace, so it can be tried again when there are units. Ids are
    /// known at least until two days after the last window that was charged has ended, and for
    /// ever if it never ends. A meter that is named twice in a charge is charged once.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same ids.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each charge taken whole or not at all.
    async fn charge(&self, charges: &[Charge]) -> Result<Vec<Granted>, StoreError>;

    /// Gives units back to the windows that were charged, never to a later one. A refund whose
    /// id is known gives back nothing more; together the refunds of a charge never exceed its
    /// grant. A charge that is not known, or not any more, is passed over.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same ids.
    async fn refund(&self, refunds: &[Refund]) -> Result<(), StoreError>;

    /// What each meter shows now, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn usage(&self, meters: &[Meter]) -> Result<Vec<Usage>, StoreError>;

    /// Counts members of crowds, one answer per admission, in order; a later admission of the
    /// call sees what the earlier ones did. A member that counts already takes no further place
    /// and counts anew from now on.
    ///
    /// An admission whose id was the member's last one changes nothing. [`Quota::refund`] of it
    /// undoes it, unless the member was admitted again since; its units do not matter.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call with the same ids.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all admissions made or none.
    async fn admit(&self, admissions: &[Admission]) -> Result<Vec<Admitted>, StoreError>;

    /// How many members each crowd has now, in order; `resets_at` is when the next one leaves.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn crowds(&self, crowds: &[Crowd]) -> Result<Vec<Usage>, StoreError>;
}
const _: fn(&dyn Quota) = |_| {};

/// A limit on something that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// What is counted.
    pub key: MeterKey,
    /// Over what time.
    pub window: Window,
    /// At most so many units in one window. It may differ from call to call: when it shrinks
    /// below what is used, nothing is left, and nothing is taken back.
    pub limit: u64,
}

/// Units that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Makes the call repeatable.
    pub id: ChargeId,
    /// All of them are charged, or none.
    pub meters: Vec<Meter>,
    /// How many units.
    pub units: u64,
    /// What to do when not all of them are left.
    pub grant: Grant,
}

/// What to do when a charge asks for more than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// All units or none.
    Whole,
    /// As many as are left on every meter; they are for the first of what is charged for.
    Prefix,
}

/// The answer to a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Units that were taken.
    pub units: u64,
    /// The meter that allowed least, when less than all was granted; of several the one that
    /// resets last.
    pub refused_by: Option<Refusal>,
}

/// Why a charge did not get all it wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The meter that allowed least.
    pub key: MeterKey,
    /// Its limit.
    pub limit: u64,
    /// When its next window begins; `None` if it never does.
    pub resets_at: Option<DateTime<Utc>>,
}

/// Units to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Makes the call repeatable.
    pub id: RefundId,
    /// What was charged.
    pub charge: ChargeId,
    /// How many units of it.
    pub units: u64,
}

/// What a meter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Units used in the present window.
    pub used: u64,
    /// Units that are left of the limit.
    pub left: u64,
    /// When the next window begins; `None` if it never does.
    pub resets_at: Option<DateTime<Utc>>,
}
