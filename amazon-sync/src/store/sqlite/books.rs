use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};

use super::packed::{number_of, pack, unpack};
use super::{account, items, listings};
use crate::host_stock::HostMark;
use crate::ledger::{Cause, MovementKey, Seq};
use crate::listing::ListingKey;
use crate::order::OrderId;
use crate::quantity::Units;
use crate::seller::{SellerAccount, Shelf};
use crate::sku::ItemCode;
use crate::sync_store::booking::{Book, Booking, ItemEntry, OrderEntry, Source};
use crate::sync_store::{Cursor, ListingOutcome, ListingRecord, NewLetter};

/// The numbers of movements take so many bits of a row key; the shelf stands above them.
const SEQ_BITS: u32 = 40;

/// Kinds of movements in the file. They never change.
pub(super) const COUNT: u8 = 0;
pub(super) const ORDER: u8 = 1;
pub(super) const HOST: u8 = 2;

/// The row key of a movement.
pub(super) fn row_of(shelf: i64, seq: Seq) -> i64 {
    let most = (1 << SEQ_BITS) - 1;
    (shelf << SEQ_BITS) | i64::try_from(seq.0).map_or(most, |seq| seq.min(most))
}

/// The number of a movement with this row key.
pub(super) fn seq_of(row: i64) -> Seq {
    Seq((row & ((1 << SEQ_BITS) - 1)).cast_unsigned())
}

/// One shelf within one transaction of the file. What is read again and again while a page of
/// orders is booked is kept here and written by [`Books::close`].
pub(super) struct Books<'a> {
    tx: &'a Transaction<'a>,
    shelf: i64,
    last: Seq,
    booked_at: DateTime<Utc>,
    accounts: Vec<(SellerAccount, i64)>,
    items: HashMap<ItemCode, ItemRow>,
    next_item: Option<i64>,
    /// The order that was asked for last.
    order: Option<OrderRow>,
    next_order: Option<i64>,
}

/// An item and its place in the file.
struct ItemRow {
    number: i64,
    is_new: bool,
    is_changed: bool,
    entry: ItemEntry,
}

/// An order's place in the file.
struct OrderRow {
    account: i64,
    number: i64,
    is_new: bool,
}

impl<'a> Books<'a> {
    pub(super) fn open(tx: &'a Transaction<'a>, on: &Shelf) -> Result<Self, SqliteError> {
        let mut select = tx.prepare_cached(
            "SELECT number, seq, booked_us FROM sync_shelf WHERE tenant = ?1 AND name = ?2",
        )?;
        let named = params![on.tenant().as_str(), on.name()];
        let found = select.query_row(named, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let (shelf, seq, booked_us): (i64, u64, Option<i64>) = if let Some(found) = found {
            found
        } else {
            tx.prepare_cached("INSERT INTO sync_shelf (tenant, name) VALUES (?1, ?2)")?.execute(named)?;
            (tx.last_insert_rowid(), 0, None)
        };
        Ok(Self {
            tx,
            shelf,
            last: Seq(seq),
            booked_at: booked_us
                .and_then(DateTime::from_timestamp_micros)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
            accounts: Vec::new(),
            items: HashMap::new(),
            next_item: None,
            order: None,
            next_order: None,
        })
    }

    /// Writes what was kept back.
    pub(super) fn close(self) -> Result<(), SqliteError> {
        // In the order of their rows, so that neighbours are written together.
        let mut rows: Vec<_> = self.items.iter().filter(|(_, row)| row.is_changed).collect();
        rows.sort_unstable_by_key(|(_, row)| row.number);
        for (item, row) in rows {
            if row.is_new {
                items::insert(self.tx, self.shelf, row.number, item, &row.entry)?;
            } else {
                items::update(self.tx, row.number, &row.entry)?;
            }
        }
        self.tx
            .prepare_cached("UPDATE sync_shelf SET seq = ?2, booked_us = ?3 WHERE number = ?1 AND seq <> ?2")?
            .execute(params![self.shelf, self.last.0, self.booked_at.timestamp_micros()])?;
        Ok(())
    }

    /// The number of an account, which gets one if it has none.
    fn account(&mut self, of: &SellerAccount) -> Result<i64, SqliteError> {
        if let Some((_, number)) = self.accounts.iter().find(|(known, _)| known == of) {
            return Ok(*number);
        }
        let number = if let Some(number) = account::account(self.tx, self.shelf, of)? {
            number
        } else {
            self.tx
                .prepare_cached("INSERT INTO sync_account (shelf, seller, region) VALUES (?1, ?2, ?3)")?
                .execute(params![self.shelf, of.seller().as_str(), of.region().as_str()])?;
            self.tx.last_insert_rowid()
        };
        self.accounts.push((of.clone(), number));
        Ok(number)
    }

    fn row(&mut self, item: &ItemCode) -> Result<&mut ItemRow, SqliteError> {
        if !self.items.contains_key(item) {
            let row = if let Some((number, entry)) = items::entry(self.tx, self.shelf, item)? {
                ItemRow { number, is_new: false, is_changed: false, entry }
            } else {
                let next = next(self.tx, &mut self.next_item, "SELECT max(number) FROM sync_item")?;
                ItemRow { number: next, is_new: true, is_changed: false, entry: ItemEntry::default() }
            };
            self.items.insert(item.clone(), row);
        }
        self.items.get_mut(item).ok_or_else(|| SqliteError::damaged(super::packed::Torn))
    }

    /// What moved, of the rows that a statement finds; `None` when the sum cannot be expressed.
    fn sum(&self, sql: &'static str, item: i64, after: i64) -> Result<Option<Units>, SqliteError> {
        let mut select = self.tx.prepare_cached(sql)?;
        let mut rows = select.query([item, after])?;
        let mut sum = Units::ZERO;
        while let Some(row) = rows.next()? {
            let Some(more) = sum.checked_add(Units::new(row.get(0)?)) else { return Ok(None) };
            sum = more;
        }
        Ok(Some(sum))
    }
}

/// The next free number of a table.
fn next(tx: &Transaction<'_>, next: &mut Option<i64>, max: &'static str) -> Result<i64, SqliteError> {
    let free = match *next {
        Some(free) => free,
        None => tx.prepare_cached(max)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0) + 1,
    };
    *next = Some(free + 1);
    Ok(free)
}

impl Book for Books<'_> {
    type Error = SqliteError;

    fn last(&mut self) -> Result<(Seq, DateTime<Utc>), SqliteError> {
        Ok((self.last, self.booked_at))
    }

    fn item(&mut self, item: &ItemCode) -> Result<ItemEntry, SqliteError> {
        Ok(self.row(item)?.entry.clone())
    }

    fn put_item(&mut self, item: &ItemCode, entry: ItemEntry) -> Result<(), SqliteError> {
        let row = self.row(item)?;
        row.is_changed = true;
        row.entry = entry;
        Ok(())
    }

    fn append(&mut self, booking: &Booking<'_>) -> Result<(), SqliteError> {
        let item = self.row(booking.item)?.number;
        self.last = booking.seq;
        self.booked_at = booking.booked_at;
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO sync_movement (row, item, bucket, units, at_us, booked_us, kind, order_number, line,
             digest, change, key, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        let row = row_of(self.shelf, booking.seq);
        let (bucket, units) = (number_of(booking.bucket), booking.by.get());
        let (at_us, booked_us) = (booking.at.timestamp_micros(), booking.booked_at.timestamp_micros());
        match &booking.source {
            Source::Order { line, version, change, .. } => {
                let order = self.order.as_ref().map(|order| order.number);
                let (line, digest) = (line.as_str(), version.digest.cast_signed());
                let (key, cause) = (None::<&str>, None::<&str>);
                insert.execute(params![
                    row, item, bucket, units, at_us, booked_us, ORDER, order, line, digest, change, key,
                    cause
                ])?;
            }
            Source::Count { key } => {
                let none = None::<i64>;
                insert.execute(params![
                    row, item, bucket, units, at_us, booked_us, COUNT, none, none, none, none, key.0, none
                ])?;
            }
            Source::Host { key, cause } => {
                let none = None::<i64>;
                let cause = serde_json::to_string::<Cause>(cause).map_err(SqliteError::damaged)?;
                insert.execute(params![
                    row, item, bucket, units, at_us, booked_us, HOST, none, none, none, none, key.0, cause
                ])?;
                self.tx
                    .prepare_cached("INSERT INTO sync_host_key (shelf, key) VALUES (?1, ?2)")?
                    .execute(params![self.shelf, key.0])?;
            }
        }
        Ok(())
    }

    fn is_booked(&mut self, key: &MovementKey) -> Result<bool, SqliteError> {
        let mut select = self
            .tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM sync_host_key WHERE shelf = ?1 AND key = ?2)")?;
        Ok(select.query_row(params![self.shelf, key.0], |row| row.get(0))?)
    }

    fn shipped_after(&mut self, item: &ItemCode, after: Seq) -> Result<Option<Units>, SqliteError> {
        let (item, after) = (self.row(item)?.number, row_of(self.shelf, after));
        self.sum(
            "SELECT units FROM sync_movement WHERE item = ?1 AND ?2 < row AND kind = 1 AND bucket = 0",
            item,
            after,
        )
    }

    fn moved_after(&mut self, item: &ItemCode, after: DateTime<Utc>) -> Result<Option<Units>, SqliteError> {
        let (item, after) = (self.row(item)?.number, after.timestamp_micros());
        self.sum(
            "SELECT units FROM sync_movement WHERE item = ?1 AND ?2 < at_us AND kind = 2 AND bucket = 0",
            item,
            after,
        )
    }

    fn order(&mut self, of: &SellerAccount, order: &OrderId) -> Result<Option<OrderEntry>, SqliteError> {
        let account = self.account(of)?;
        let mut select = self.tx.prepare_cached(
            "SELECT number, changes, state FROM sync_order WHERE account = ?1 AND name = ?2",
        )?;
        let mut rows = select.query(params![account, order.as_str()])?;
        let Some(row) = rows.next()? else {
            let number = next(self.tx, &mut self.next_order, "SELECT max(number) FROM sync_order")?;
            self.order = Some(OrderRow { account, number, is_new: true });
            return Ok(None);
        };
        self.order = Some(OrderRow { account, number: row.get(0)?, is_new: false });
        let state = row.get_ref(2)?.as_blob().map_err(SqliteError::damaged)?;
        let state = unpack(state).map_err(SqliteError::damaged)?;
        Ok(Some(OrderEntry { state, changes: row.get(1)? }))
    }

    fn put_order(
        &mut self,
        _: &SellerAccount,
        order: &OrderId,
        entry: OrderEntry,
    ) -> Result<(), SqliteError> {
        let Some(OrderRow { account, number, is_new }) = self.order.take() else { return Ok(()) };
        let state = pack(&entry.state);
        if is_new {
            self.tx
                .prepare_cached(
                    "INSERT INTO sync_order (number, account, name, changes, state)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![number, account, order.as_str(), entry.changes, state])?;
        } else {
            self.tx
                .prepare_cached("UPDATE sync_order SET changes = ?2, state = ?3 WHERE number = ?1")?
                .execute(params![number, entry.changes, state])?;
        }
        Ok(())
    }

    fn sold(&mut self, listing: &ListingKey) -> Result<Units, SqliteError> {
        let account = self.account(listing.account())?;
        listings::sold(self.tx, account, listing)
    }

    fn put_sold(&mut self, listing: &ListingKey, sold: Units) -> Result<(), SqliteError> {
        let account = self.account(listing.account())?;
        listings::put_sold(self.tx, account, listing, sold)
    }

    fn change_listing(&mut self, record: &ListingRecord) -> Result<ListingOutcome, SqliteError> {
        let account = self.account(record.key.account())?;
        listings::change(self.tx, account, record)
    }

    fn cursor(&mut self, of: &SellerAccount) -> Result<Cursor, SqliteError> {
        account::cursor(self.tx, self.shelf, of)
    }

    fn put_cursor(&mut self, of: &SellerAccount, cursor: &Cursor) -> Result<(), SqliteError> {
        let number = self.account(of)?;
        account::put_cursor(self.tx, number, cursor)
    }

    fn put_host_mark(&mut self, mark: &HostMark) -> Result<(), SqliteError> {
        self.tx
            .prepare_cached("UPDATE sync_shelf SET host_mark = ?2 WHERE number = ?1")?
            .execute(params![self.shelf, mark.0])?;
        Ok(())
    }

    fn put_letter(&mut self, letter: &NewLetter) -> Result<(), SqliteError> {
        super::letters::put(self.tx, self.shelf, letter)
    }

    fn answer(&mut self, letter: u64) -> Result<(), SqliteError> {
        super::letters::answer(self.tx, self.shelf, letter)
    }
}
