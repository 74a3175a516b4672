//! What a commit means, for every store that can read and change single things in one transaction.
//! A store says how it reads and changes them ([`Book`]); what follows from what stands here, once.

use std::cmp::Reverse;

use chrono::{DateTime, SubsecRound, Utc};

use super::{
    Commit, Committed, Cursor, CursorStep, Fence, ListingOutcome, ListingRecord, NewLetter, Receipt,
};
use crate::host_stock::{Count, HostMark};
use crate::ledger::{Bucket, Cause, Movement, MovementKey, OrderSource, OrderState, Position, Seq};
use crate::listing::ListingKey;
use crate::order::{LineId, OrderId, OrderVersion};
use crate::quantity::{Quantity, Units};
use crate::seller::{SellerAccount, Shelf};
use crate::sku::ItemCode;

mod clerk;

use clerk::Clerk;

/// What one transaction reads and changes of one shelf.
pub(crate) trait Book {
    /// Why it cannot.
    type Error;

    /// The last movement, and when it was booked.
    fn last(&mut self) -> Result<(Seq, DateTime<Utc>), Self::Error>;

    /// What is known of an item; the default for one that is not known.
    fn item(&mut self, item: &ItemCode) -> Result<ItemEntry, Self::Error>;

    /// Changes what is known of an item.
    fn put_item(&mut self, item: &ItemCode, entry: ItemEntry) -> Result<(), Self::Error>;

    /// Adds a movement, the next one.
    fn append(&mut self, booking: &Booking<'_>) -> Result<(), Self::Error>;

    /// True when the host's movement of this key is booked.
    fn is_booked(&mut self, key: &MovementKey) -> Result<bool, Self::Error>;

    /// What orders moved of an item on hand after a movement; `None` when it cannot be expressed.
    fn shipped_after(&mut self, item: &ItemCode, after: Seq) -> Result<Option<Units>, Self::Error>;

    /// What the host moved of an item on hand after an instant; `None` when it cannot be expressed.
    fn moved_after(&mut self, item: &ItemCode, after: DateTime<Utc>) -> Result<Option<Units>, Self::Error>;

    /// What is known of an order.
    fn order(&mut self, account: &SellerAccount, order: &OrderId) -> Result<Option<OrderEntry>, Self::Error>;

    /// Changes what is known of an order.
    fn put_order(
        &mut self,
        account: &SellerAccount,
        order: &OrderId,
        entry: OrderEntry,
    ) -> Result<(), Self::Error>;

    /// Units of a listing that were sold.
    fn sold(&mut self, listing: &ListingKey) -> Result<Units, Self::Error>;

    /// Changes the units of a listing that were sold.
    fn put_sold(&mut self, listing: &ListingKey, sold: Units) -> Result<(), Self::Error>;

    /// Makes a change of a listing if its record still has the revision of `record`.
    fn change_listing(&mut self, record: &ListingRecord) -> Result<ListingOutcome, Self::Error>;

    /// Where polling of an account stands.
    fn cursor(&mut self, account: &SellerAccount) -> Result<Cursor, Self::Error>;

    /// Changes where polling of an account stands.
    fn put_cursor(&mut self, account: &SellerAccount, cursor: &Cursor) -> Result<(), Self::Error>;

    /// Changes where the host's changes are read on.
    fn put_host_mark(&mut self, mark: &HostMark) -> Result<(), Self::Error>;

    /// Puts a letter.
    fn put_letter(&mut self, letter: &NewLetter) -> Result<(), Self::Error>;

    /// Takes a letter away, if it is there.
    fn answer(&mut self, letter: u64) -> Result<(), Self::Error>;
}

/// What is known of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ItemEntry {
    /// How many of it are where.
    pub(crate) position: Position,
    /// It was reconciled up to this movement.
    pub(crate) reconciled: Seq,
    /// The first movement since; `None` when there was none.
    pub(crate) dirty_since: Option<Seq>,
    /// What orders ever moved of it on hand.
    pub(crate) shipped: Units,
    /// Its newest count.
    pub(crate) count: Option<Counted>,
}

/// The newest count of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// When it was counted.
    pub(crate) at: DateTime<Utc>,
    /// Up to which movement it includes what orders moved.
    pub(crate) includes: Option<Seq>,
    /// How many.
    pub(crate) quantity: Quantity,
}

/// What is known of an order, and how often that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderEntry {
    pub(crate) state: OrderState,
    pub(crate) changes: u32,
}

/// A movement to be added.
#[derive(Clone, Debug)]
pub(crate) struct Booking<'a> {
    pub(crate) seq: Seq,
    pub(crate) booked_at: DateTime<Utc>,
    pub(crate) item: &'a ItemCode,
    pub(crate) bucket: Bucket,
    pub(crate) by: Units,
    pub(crate) at: DateTime<Utc>,
    pub(crate) source: Source<'a>,
}

/// Where a movement comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// An order's line.
    Order {
        account: &'a SellerAccount,
        order: &'a OrderId,
        line: &'a LineId,
        version: OrderVersion,
        change: u32,
    },
    /// A count, or what a count includes already.
    Count { key: MovementKey },
    /// The host.
    Host { key: &'a MovementKey, cause: &'a Cause },
}

impl Booking<'_> {
    /// The movement as it is told.
    pub(crate) fn movement(&self) -> Movement {
        let (key, cause) = match &self.source {
            Source::Order { account, order, line, version, change } => {
                let source = OrderSource {
                    seller: account.seller().as_str(),
                    region: account.region(),
                    order: order.as_str(),
                    line: line.as_str(),
                    version: *version,
                    change: *change,
                };
                (MovementKey::of_order(&source, self.item, self.bucket), Cause::order(account, order, line))
            }
            Source::Count { key } => (key.clone(), Cause::Counted),
            Source::Host { key, cause } => ((*key).clone(), (*cause).clone()),
        };
        Movement { key, item: self.item.clone(), bucket: self.bucket, by: self.by, cause, at: self.at }
    }
}

impl Counted {
    fn of(count: &Count) -> Self {
        Self { at: count.at, includes: count.includes, quantity: count.quantity }
    }

    /// Of two counts of the same instant the lower one stands.
    fn rank(&self) -> (DateTime<Utc>, Option<Seq>, Reverse<Quantity>) {
        (self.at, self.includes, Reverse(self.quantity))
    }

    fn key(&self, item: &ItemCode) -> MovementKey {
        let Self { at, quantity, .. } = self;
        let includes = self.includes.map_or_else(|| "-".to_owned(), |seq| seq.0.to_string());
        MovementKey(format!("count {}.{quantity}.{includes} {item}", at.timestamp_micros()))
    }
}

/// Why a commit cannot be carried out by any store; `None` when it can.
pub(crate) fn refusal(shelf: &Shelf, commit: &Commit) -> Option<String> {
    if commit.cursor.is_some() && commit.fence.is_none() {
        return Some("a cursor step needs the fence of its account".to_owned());
    }
    let fence = commit.fence.iter().map(|fence| &fence.account);
    let orders = commit.orders.iter().map(|report| &report.account);
    let listings = commit.listings.iter().map(|change| change.record.key.account());
    let foreign = fence.chain(orders).chain(listings).find(|account| account.tenant() != shelf.tenant());
    foreign.map(|account| {
        format!(
            "seller {account} does not sell from the shelf {:?} of {}; name a shelf of its own tenant",
            shelf.name(),
            shelf.tenant()
        )
    })
}

/// The commit with its instants as they are kept: to the microsecond.
pub(crate) fn kept(commit: &Commit) -> Commit {
    let mut commit = commit.clone();
    for report in &mut commit.orders {
        report.version.updated_at = report.version.updated_at.trunc_subsecs(6);
    }
    for movement in &mut commit.movements {
        movement.at = movement.at.trunc_subsecs(6);
    }
    for count in &mut commit.counts {
        count.at = count.at.trunc_subsecs(6);
    }
    for letter in &mut commit.letters {
        letter.at = letter.at.trunc_subsecs(6);
    }
    commit
}

/// Carries out a commit, except for its evidence.
pub(crate) fn carry_out<B: Book>(
    book: &mut B,
    commit: &Commit,
    now: DateTime<Utc>,
) -> Result<Committed, B::Error> {
    if let Some(Fence { account, revision }) = &commit.fence {
        let mut cursor = book.cursor(account)?;
        if cursor.revision != *revision {
            return Ok(Committed::Fenced(cursor));
        }
        if let Some(step) = &commit.cursor {
            cursor.go(step);
            book.put_cursor(account, &cursor)?;
        }
    }
    let (last, booked_at) = book.last()?;
    // Whatever the clock does, what was booked later was not known earlier.
    let mut clerk = Clerk { book, last, booked_at: now.trunc_subsecs(6).max(booked_at) };
    let mut receipt = Receipt::default();
    for report in &commit.orders {
        receipt.orders.push(clerk.order(report)?);
    }
    for movement in &commit.movements {
        receipt.movements.push(clerk.movement(movement)?);
    }
    for count in &commit.counts {
        receipt.counts.push(clerk.count(count)?);
    }
    receipt.seq = clerk.last;
    for change in &commit.listings {
        receipt.listings.push(book.change_listing(&change.record)?);
    }
    for (item, up_to) in &commit.reconciled {
        let mut entry = book.item(item)?;
        if entry.reconcile(*up_to) {
            book.put_item(item, entry)?;
        }
    }
    if let Some(mark) = &commit.host_mark {
        book.put_host_mark(mark)?;
    }
    for letter in &commit.letters {
        book.put_letter(letter)?;
    }
    for letter in &commit.answered {
        book.answer(*letter)?;
    }
    Ok(Committed::Done(receipt))
}

impl Cursor {
    fn go(&mut self, step: &CursorStep) {
        self.revision += 1;
        self.closed_to = self.closed_to.max(step.closed_to);
        self.open.clone_from(&step.open);
        self.lateness.clone_from(&step.lateness);
    }
}

impl ItemEntry {
    /// The entry after a movement; `None` when a sum cannot be expressed.
    fn after(&self, bucket: Bucket, by: Units, seq: Seq, source: &Source<'_>) -> Option<Self> {
        let shipped = matches!((source, bucket), (Source::Order { .. }, Bucket::OnHand));
        Some(Self {
            position: self.position.after(bucket, by, seq)?,
            dirty_since: self.dirty_since.or(Some(seq)),
            shipped: if shipped { self.shipped.checked_add(by)? } else { self.shipped },
            ..self.clone()
        })
    }

    /// Notes that it was reconciled; false when that was known.
    fn reconcile(&mut self, up_to: Seq) -> bool {
        let up_to = up_to.min(self.position.seq);
        if up_to <= self.reconciled {
            return false;
        }
        self.reconciled = up_to;
        let moved_since = self.dirty_since.filter(|_| up_to < self.position.seq);
        self.dirty_since = moved_since.map(|since| since.max(Seq(up_to.0 + 1)));
        true
    }
}
