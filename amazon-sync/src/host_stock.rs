//! The host's own stock: the port to whatever system counts what lies on the shelf. A host writes
//! two methods.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::work::StoreError;
use serde::{Deserialize, Serialize};

use crate::ledger::{Bucket, Cause, MovementKey, Seq};
use crate::quantity::{Quantity, Units};
use crate::sku::ItemCode;

mod memory;

pub use memory::MemoryStock;

/// What the host knows about its stock.
///
/// A system that knows totals only answers with counts; one that knows movements (receipts, sales
/// in its own shop) tells those, which explains more.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait HostStock: Debug + Send + Sync + 'static {
    /// What the host has of each item, in order; `None` for one that it does not know.
    ///
    /// # Errors
    /// [`StoreError`] when the host's system does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn read(&self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, StoreError>;

    /// Up to `max` changes since a mark, oldest first; `None` begins with everything there is. A
    /// change may come again and is then recognised.
    ///
    /// # Errors
    /// [`StoreError`] when the host's system does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn changes(&self, since: Option<HostMark>, max: usize) -> Result<HostChanges, StoreError>;
}
const _: fn(&dyn HostStock) = |_| {};

/// A place in the host's sequence of changes, in the host's own words.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostMark(pub String);

/// Changes of the host's stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostChanges {
    /// The changes, oldest first.
    pub changes: Vec<HostChange>,
    /// Rows that could not be read, each with place and reason. They hold up nothing.
    pub refused: Vec<HostRowError>,
    /// Where to go on; `None` when it stays where it was.
    pub mark: Option<HostMark>,
}

/// A row of the host's that could not be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq, Serialize, Deserialize)]
#[error("{place}: {reason}")]
pub struct HostRowError {
    /// Where, such as `stock.csv line 7`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum HostChange {
    /// The host has so many.
    Counted(Count),
    /// So many came or went.
    Moved {
        /// Makes it repeatable; unique among the host's movements of the shelf.
        key: MovementKey,
        /// What.
        item: ItemCode,
        /// Where; [`Bucket::OnHand`] for goods that are there, [`Bucket::Quarantine`] for returns.
        bucket: Bucket,
        /// How many; negative ones leave.
        by: Units,
        /// Why.
        cause: Cause,
        /// When, by the host's clock.
        at: DateTime<Utc>,
    },
}

/// So many of an item, as the host has them.
///
/// # What the number includes
/// `includes` says up to which movement of our ledger the host has deducted Amazon's orders itself.
/// `None`: it deducts none, so Amazon's shipments are taken off the count here. A host that books
/// our movements into its own system names the last one that it booked. What the host itself moved
/// is included up to `at`.
///
/// # What the ledger makes of it
/// From the count on, the units on hand are, whatever came in which order,
///
/// > the count
/// > + what orders on Amazon moved on hand after `includes` (all that they ever moved for `None`)
/// > + what the host moved on hand after `at`,
///
/// and the difference to what the ledger had is booked as one movement. An older count changes
/// nothing, because the newer one includes what it knew. Example: 10 mugs are counted. Amazon's
/// orders ship 3 (movement 7) and then 2 (movement 9), so 5 are on hand. The host counts again:
///
/// | the host | counts | includes | on hand afterwards |
/// |---|---|---|---|
/// | deducts nothing of Amazon's and has sold 1 itself | 9 | `None` | 9 - 3 - 2 = 4 |
/// | has booked our movements up to the first shipment | 7 | 7 | 7 - 2 = 5 |
/// | has looked at the shelf, where one is missing | 4 | 9 | 4 |
///
/// Of two counts of the same instant the one that includes more of our movements counts, then the
/// lower one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What.
    pub item: ItemCode,
    /// How many.
    pub quantity: Quantity,
    /// Up to which movement of ours the number includes.
    pub includes: Option<Seq>,
    /// When it was counted, by the host's clock. A count that is older than one that is booked
    /// changes nothing.
    pub at: DateTime<Utc>,
}
