//! The store behind the synchroniser: one ledger a shelf, and what is known of orders, listings and
//! cursors. [`SyncStore::commit`] is the one place where anything changes.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::events::Entry;
use serde::{Deserialize, Serialize};

use crate::host_stock::{Count, HostMark};
use crate::intent::{Base, Intent};
use crate::ledger::{Booked, Bucket, Movement, Position, Seq};
use crate::listing::{ListingKey, ListingState};
use crate::order::{LineId, OrderId, OrderStatus, OrderVersion, ShippedBy};
use crate::quantity::Units;
use crate::seller::{SellerAccount, Shelf};
use crate::sku::{ItemCode, Sku};

pub(crate) mod booking;
mod cursor;
mod letter;
mod memory;

pub use cursor::{Cursor, CursorStep, Cursors, Lateness, OpenWindow};
pub use letter::{Letter, NewLetter};

/// The store.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SyncStore: Debug + Send + Sync + 'static {
    /// Carries out all of a commit or none of it, durable before the answer: orders, then
    /// movements, then counts, each in the order given, and then the rest. A repeat changes
    /// nothing and says so; only evidence is put out again, and the event log tells it by its id.
    ///
    /// Instants of movements, counts, letters and order versions are kept to the microsecond.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call. [`StoreError::Refused`] for
    /// an account of another tenant than the shelf's, and for a cursor step without a fence.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of it done, or none.
    async fn commit(&self, shelf: &Shelf, commit: &Commit) -> Result<Committed, StoreError>;

    /// Where the host's changes are read on, and where polling of each account stands, in order;
    /// the default for one that never polled.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn cursors(&self, shelf: &Shelf, accounts: &[SellerAccount]) -> Result<Cursors, StoreError>;

    /// Items with their positions, in the order of their codes. An item is there from its first
    /// movement or count on.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn positions(&self, shelf: &Shelf, select: &Items) -> Result<Vec<ItemRecord>, StoreError>;

    /// Listings with what is known of them, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn listings(&self, shelf: &Shelf, select: &Listings) -> Result<Vec<ListingRecord>, StoreError>;

    /// The newest version of each order that was reported, in order; `None` for an order that never
    /// was. So orders that were missed are found without reading them all again.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn orders(
        &self,
        shelf: &Shelf,
        account: &SellerAccount,
        orders: &[OrderId],
    ) -> Result<Vec<Option<OrderVersion>>, StoreError>;

    /// Movements in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn history(&self, shelf: &Shelf, select: &History) -> Result<Vec<Booked>, StoreError>;

    /// Dead letters in the order in which they were put.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn letters(&self, shelf: &Shelf, after: u64, max: usize) -> Result<Vec<Letter>, StoreError>;
}
const _: fn(&dyn SyncStore) = |_| {};

/// What is to change, as one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Only if the account's cursor still has this revision: the fence between two pollers.
    pub fence: Option<Fence>,
    /// Orders as they were reported. The store compares each line's target with what it holds and
    /// books the difference.
    pub orders: Vec<OrderReport>,
    /// Movements. One whose key is booked already is passed over. One that moves units on hand and
    /// is not younger than the item's count is booked together with its opposite, because the
    /// count includes it.
    pub movements: Vec<Movement>,
    /// Counts. The store books the difference between the count and its own sum.
    pub counts: Vec<Count>,
    /// Where polling stands afterwards.
    pub cursor: Option<CursorStep>,
    /// Where the host's changes are read on.
    pub host_mark: Option<HostMark>,
    /// Changes of listings.
    pub listings: Vec<ListingChange>,
    /// Items that were reconciled, each up to this movement: they are no longer dirty unless they
    /// moved since.
    pub reconciled: Vec<(ItemCode, Seq)>,
    /// What could not be dealt with.
    pub letters: Vec<NewLetter>,
    /// Letters that are dealt with, by number.
    pub answered: Vec<u64>,
    /// For the event log, through the outbox.
    pub evidence: Vec<Entry>,
}

/// The revision that a cursor must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Whose cursor.
    pub account: SellerAccount,
    /// Its revision.
    pub revision: u64,
}

/// One order, as one report told it, with what it means on our shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// Who sold.
    pub account: SellerAccount,
    /// Amazon's name of the order.
    pub order: OrderId,
    /// Which version of it.
    pub version: OrderVersion,
    /// Where it stands.
    pub status: OrderStatus,
    /// Who ships it.
    pub shipped_by: ShippedBy,
    /// What each line means.
    pub lines: Vec<LineTarget>,
}

/// What a line of an order means on our shelf: not what to move, but what the ledger should hold
/// for the line in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTarget {
    /// The line.
    pub line: LineId,
    /// Which listing was sold; `None` when Amazon did not say.
    pub sku: Option<Sku>,
    /// Units of the listing that Amazon took off its number for the line: all that were ordered,
    /// even if they are cancelled since. Whether Amazon puts those back is not documented, so the
    /// merge takes either.
    pub sold: Units,
    /// What the ledger should hold for the line; `None` when the SKU is not mapped, and then what
    /// it holds stays.
    pub parts: Option<Vec<Part>>,
    /// Of those parts, what stays when the whole order turns out to be cancelled: what has shipped.
    pub shipped_parts: Vec<Part>,
}

/// Units of an item that the ledger should hold in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// What.
    pub item: ItemCode,
    /// Where.
    pub bucket: Bucket,
    /// How many.
    pub units: Units,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is done.
    Done(Receipt),
    /// Somebody else polled the account meanwhile: nothing was done. This is their cursor.
    Fenced(Cursor),
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What became of each order, in order.
    pub orders: Vec<OrderOutcome>,
    /// What became of each movement, in order.
    pub movements: Vec<MovementOutcome>,
    /// What became of each count, in order.
    pub counts: Vec<MovementOutcome>,
    /// What became of each change of a listing, in order.
    pub listings: Vec<ListingOutcome>,
    /// The last movement of the shelf afterwards.
    pub seq: Seq,
}

/// What became of an order's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// It was news.
    Applied {
        /// Movements that were booked; none when the news moves no units.
        booked: usize,
        /// Lines that turned out to be held by an older report and not by the newest. What the
        /// ledger holds for them stays: on doubt no number is raised.
        vanished: Vec<LineId>,
        /// True when the order was not known.
        first: bool,
    },
    /// The ledger knows this version.
    Repeated,
    /// The ledger knows a newer version of everything in it.
    Stale,
    /// A sum could not be expressed: nothing of the order was booked.
    Refused {
        /// Which sum.
        why: String,
    },
}

/// What became of a movement or a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementOutcome {
    /// It is booked under this number.
    Booked(Seq),
    /// It was booked before, or a newer count was, or there was nothing to book. The first count of
    /// an item is booked even when it moves nothing, so that the item is reconciled.
    Known,
    /// The sum could not be expressed: it was not booked.
    Refused,
}

/// Which items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Items {
    /// These, in order of their codes; those that never moved are left out.
    Named(Vec<ItemCode>),
    /// Those that moved since they were reconciled: of more than so many, those that wait longest.
    Dirty {
        /// At most so many.
        max: usize,
    },
    /// All, from behind a code.
    All {
        /// Behind this one.
        after: Option<ItemCode>,
        /// At most so many.
        max: usize,
    },
}

/// An item with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRecord {
    /// What.
    pub item: ItemCode,
    /// How many of it are where.
    pub position: Position,
    /// It was reconciled up to this movement.
    pub reconciled: Seq,
}

/// Which listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listings {
    /// These; unknown ones are left out.
    Named(Vec<ListingKey>),
    /// Those of an account with an intent, the longest waiting first.
    WithIntent {
        /// Whose.
        account: SellerAccount,
        /// At most so many.
        max: usize,
    },
    /// All of an account, from behind a key.
    All {
        /// Whose.
        account: SellerAccount,
        /// Behind this one.
        after: Option<ListingKey>,
        /// At most so many.
        max: usize,
    },
}

/// What is known of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRecord {
    /// Which.
    pub key: ListingKey,
    /// Rises with every [`ListingChange`]; 0 before the first. Sales do not raise it.
    pub revision: u64,
    /// The last number that both sides agreed on.
    pub base: Option<Base>,
    /// What Amazon showed last, and how often it showed that number in a row.
    pub shown: Option<Shown>,
    /// The number that it should show, until Amazon shows it.
    pub intent: Option<Intent>,
    /// Units sold on Amazon so far, cancelled ones included, as the orders in the ledger have it
    /// ([`LineTarget::sold`]). It never falls.
    pub sold: Units,
    /// Why nothing is written to it until somebody has looked.
    pub frozen: Option<Code>,
}

impl ListingRecord {
    /// The record of a listing of which nothing is known.
    pub const fn new(key: ListingKey) -> Self {
        Self { key, revision: 0, base: None, shown: None, intent: None, sold: Units::ZERO, frozen: None }
    }
}

/// What Amazon showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// As it was read.
    pub state: ListingState,
    /// How many units of the listing the ledger had sold on Amazon when it was asked for. What it
    /// sold since may be missing in the number.
    pub sold: Units,
    /// How often in a row the same effective number was read, sales that the ledger knows aside.
    pub times: u32,
    /// How often in a row the listing was absent since.
    pub absent: u32,
}

/// A change of a listing's record, made only if the record still has the revision it rests on: 0
/// for a listing that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingChange {
    /// The record as it should be. `sold` is the store's own and is not taken from here.
    pub record: ListingRecord,
}

/// What became of a change of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingOutcome {
    /// It is made; the record has this revision.
    Made(u64),
    /// Somebody else changed the record meanwhile: read it and decide anew.
    Changed,
}

/// Which movements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Of this item; of all when there is none.
    pub item: Option<ItemCode>,
    /// Behind this number.
    pub after: Seq,
    /// Booked at or before this instant.
    pub until: Option<DateTime<Utc>>,
    /// At most so many.
    pub max: usize,
}
