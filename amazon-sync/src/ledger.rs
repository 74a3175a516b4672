//! The ledger: movements that are never changed, and positions, which are their sums.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::order::{LineId, OrderId, OrderVersion};
use crate::quantity::Units;
use crate::seller::{Region, SellerAccount};
use crate::sku::ItemCode;

pub mod delta;
mod order_state;
mod story;

pub use order_state::{Due, Folded, LineMove, LineParts, LineState, News, OrderState, Told, due, fold};
pub use story::{Reason, Story};

/// Where units of an item are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// On the shelf, whoever they may be promised to.
    OnHand,
    /// Of those, promised to orders whose payment may still fail.
    Reserved,
    /// Of those, promised to orders that must ship.
    Committed,
    /// Returned and not looked at yet; not for sale.
    Quarantine,
    /// On its way to the shelf; not for sale.
    Inbound,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OnHand, Self::Reserved, Self::Committed, Self::Quarantine, Self::Inbound];

    /// The word for it in stores and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnHand => "on_hand",
            Self::Reserved => "reserved",
            Self::Committed => "committed",
            Self::Quarantine => "quarantine",
            Self::Inbound => "inbound",
        }
    }
}

impl Display for Bucket {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The number of a movement within its shelf, from 1, rising. 0 is before all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// Why units moved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
#[non_exhaustive]
pub enum Cause {
    /// An order's line on Amazon has another target than the ledger held for it.
    Order {
        /// The account that sold.
        seller: String,
        /// Its order.
        order: OrderId,
        /// The line.
        line: LineId,
    },
    /// The host counted, or told what it has.
    Counted,
    /// The host sold it elsewhere, such as in its own shop.
    SoldElsewhere,
    /// Goods came in.
    Received,
    /// A buyer sent it back.
    Returned,
    /// What came back was looked at.
    Inspected,
    /// Anything else, in the host's words.
    Host {
        /// The host's word.
        reason: String,
    },
}

impl Cause {
    /// The cause of an order's line.
    pub fn order(account: &SellerAccount, order: &OrderId, line: &LineId) -> Self {
        Self::Order { seller: account.seller().as_str().to_owned(), order: order.clone(), line: line.clone() }
    }
}

/// Makes a movement repeatable: a second one with the same key on the same shelf is not booked.
///
/// The host's movements have the host's keys. Those that the ledger books for an order have one
/// that says why they were booked:
/// `seller region order line bucket version.change item`, the version as microseconds and digest,
/// the change being how often the order had changed by then. Whoever copies our movements can tell
/// repeats by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MovementKey(pub String);

/// Which report of which line of an order a movement comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderSource<'a> {
    /// The account that sold.
    pub(crate) seller: &'a str,
    /// Where.
    pub(crate) region: Region,
    /// Its order.
    pub(crate) order: &'a str,
    /// The line.
    pub(crate) line: &'a str,
    /// The version that was reported.
    pub(crate) version: OrderVersion,
    /// How often the order had changed by then.
    pub(crate) change: u32,
}

impl MovementKey {
    /// The key of what is booked for an order. Only the item, which comes last, may hold spaces,
    /// so no two keys read alike.
    pub(crate) fn of_order(source: &OrderSource<'_>, item: &ItemCode, bucket: Bucket) -> Self {
        let OrderSource { seller, region, order, line, version, change } = source;
        let (at, digest) = (version.updated_at.timestamp_micros(), version.digest);
        Self(format!("{seller} {region} {order} {line} {bucket} {at}.{digest:016x}.{change} {item}"))
    }
}

/// Units of one item that move into one bucket, or out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Makes it repeatable.
    pub key: MovementKey,
    /// What moves.
    pub item: ItemCode,
    /// Where.
    pub bucket: Bucket,
    /// How many; negative ones leave.
    pub by: Units,
    /// Why.
    pub cause: Cause,
    /// When it happened, by the clock of whoever told it.
    pub at: DateTime<Utc>,
}

/// A movement in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// Its number.
    pub seq: Seq,
    /// When it was booked, by the store's clock. Time travel goes by this instant: it is when the
    /// ledger came to know.
    pub booked_at: DateTime<Utc>,
    /// What moved.
    pub movement: Movement,
}

/// How many units of one item are where: the sums of its movements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// On the shelf.
    pub on_hand: Units,
    /// Promised to orders whose payment may still fail.
    pub reserved: Units,
    /// Promised to orders that must ship.
    pub committed: Units,
    /// Returned, not looked at.
    pub quarantine: Units,
    /// On the way.
    pub inbound: Units,
    /// The last movement in these sums.
    pub seq: Seq,
}

impl Position {
    /// The units in one bucket.
    pub const fn of(&self, bucket: Bucket) -> Units {
        match bucket {
            Bucket::OnHand => self.on_hand,
            Bucket::Reserved => self.reserved,
            Bucket::Committed => self.committed,
            Bucket::Quarantine => self.quarantine,
            Bucket::Inbound => self.inbound,
        }
    }

    /// The units that nobody was promised: on hand less reserved less committed. Negative when
    /// more was sold than there is.
    ///
    /// Saturates at the ends of what can be expressed; [`Position::after`] never goes there.
    pub const fn free(&self) -> Units {
        let promised = self.reserved.get().saturating_add(self.committed.get());
        Units::new(self.on_hand.get().saturating_sub(promised))
    }

    /// The position after a movement; `None` when the sum cannot be expressed.
    #[must_use]
    pub fn after(mut self, bucket: Bucket, by: Units, seq: Seq) -> Option<Self> {
        let place = match bucket {
            Bucket::OnHand => &mut self.on_hand,
            Bucket::Reserved => &mut self.reserved,
            Bucket::Committed => &mut self.committed,
            Bucket::Quarantine => &mut self.quarantine,
            Bucket::Inbound => &mut self.inbound,
        };
        *place = place.checked_add(by)?;
        self.seq = seq;
        Some(self)
    }
}
