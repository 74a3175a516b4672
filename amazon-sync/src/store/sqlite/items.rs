use chrono::DateTime;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::ledger::{Position, Seq};
use crate::quantity::{Quantity, Units};
use crate::sku::ItemCode;
use crate::sync_store::booking::{Counted, ItemEntry};
use crate::sync_store::{ItemRecord, Items};

/// What is known of an item, and its number.
pub(super) fn entry(
    tx: &Transaction<'_>,
    shelf: i64,
    item: &ItemCode,
) -> Result<Option<(i64, ItemEntry)>, SqliteError> {
    let mut select = tx.prepare_cached(
        "SELECT on_hand, reserved, committed, quarantine, inbound, seq, reconciled, number, dirty_since,
         shipped, counted_us, counted, includes FROM sync_item WHERE shelf = ?1 AND code = ?2",
    )?;
    let mut rows = select.query(params![shelf, item.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let entry = ItemEntry {
        position: position(row, 0)?,
        reconciled: Seq(row.get(6)?),
        dirty_since: row.get::<_, Option<u64>>(8)?.map(Seq),
        shipped: Units::new(row.get(9)?),
        count: counted(row)?,
    };
    Ok(Some((row.get(7)?, entry)))
}

fn counted(row: &Row<'_>) -> Result<Option<Counted>, SqliteError> {
    let Some(at_us) = row.get(10)? else { return Ok(None) };
    Ok(Some(Counted {
        at: DateTime::from_timestamp_micros(at_us).unwrap_or_default(),
        quantity: Quantity::new(row.get(11)?).map_err(SqliteError::damaged)?,
        includes: row.get::<_, Option<i64>>(12)?.map(|seq| Seq(seq.cast_unsigned())),
    }))
}

/// The position in the six columns from one on.
fn position(row: &Row<'_>, first: usize) -> Result<Position, SqliteError> {
    let units = |column: usize| row.get(first + column).map(Units::new);
    Ok(Position {
        on_hand: units(0)?,
        reserved: units(1)?,
        committed: units(2)?,
        quarantine: units(3)?,
        inbound: units(4)?,
        seq: Seq(row.get(first + 5)?),
    })
}

/// Adds an item.
pub(super) fn insert(
    tx: &Transaction<'_>,
    shelf: i64,
    number: i64,
    item: &ItemCode,
    entry: &ItemEntry,
) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "INSERT INTO sync_item (number, shelf, code, on_hand, reserved, committed, quarantine, inbound, seq,
         reconciled, shipped) VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, 0, 0, 0)",
    )?
    .execute(params![number, shelf, item.as_str()])?;
    update(tx, number, entry)
}

/// Changes an item.
pub(super) fn update(tx: &Transaction<'_>, number: i64, entry: &ItemEntry) -> Result<(), SqliteError> {
    let ItemEntry { position, reconciled, dirty_since, shipped, count } = entry;
    tx.prepare_cached(
        "UPDATE sync_item SET on_hand = ?2, reserved = ?3, committed = ?4, quarantine = ?5, inbound = ?6,
         seq = ?7, reconciled = ?8, dirty_since = ?9, shipped = ?10, counted_us = ?11, counted = ?12,
         includes = ?13 WHERE number = ?1",
    )?
    .execute(params![
        number,
        position.on_hand.get(),
        position.reserved.get(),
        position.committed.get(),
        position.quarantine.get(),
        position.inbound.get(),
        position.seq.0,
        reconciled.0,
        dirty_since.map(|seq| seq.0),
        shipped.get(),
        count.map(|count| count.at.timestamp_micros()),
        count.map(|count| count.quantity.get()),
        count.and_then(|count| count.includes).map(|seq| seq.0.cast_signed()),
    ])?;
    Ok(())
}

/// The items that are asked for, in the order of their codes.
pub(super) fn select(
    tx: &Transaction<'_>,
    shelf: i64,
    select: &Items,
) -> Result<Vec<ItemRecord>, SqliteError> {
    let mut records = Vec::new();
    match select {
        Items::Named(items) => {
            let mut items: Vec<&ItemCode> = items.iter().collect();
            items.sort_unstable();
            items.dedup();
            let mut select = tx.prepare_cached(
                "SELECT on_hand, reserved, committed, quarantine, inbound, seq, reconciled
                 FROM sync_item WHERE shelf = ?1 AND code = ?2",
            )?;
            for item in items {
                let record = |row: &Row<'_>| Ok(record(row, item.clone()));
                let found = select.query_row(params![shelf, item.as_str()], record).optional()?;
                records.extend(found.transpose()?);
            }
        }
        Items::Dirty { max } => {
            let mut select = tx.prepare_cached(
                "SELECT on_hand, reserved, committed, quarantine, inbound, seq, reconciled, code
                 FROM sync_item WHERE shelf = ?1 AND dirty_since IS NOT NULL
                 ORDER BY dirty_since, code LIMIT ?2",
            )?;
            let mut rows = select.query(params![shelf, i64::try_from(*max).unwrap_or(i64::MAX)])?;
            while let Some(row) = rows.next()? {
                records.push(record(row, code(row)?)?);
            }
            records.sort_unstable_by(|one, other| one.item.cmp(&other.item));
        }
        Items::All { after, max } => {
            let mut select = tx.prepare_cached(
                "SELECT on_hand, reserved, committed, quarantine, inbound, seq, reconciled, code
                 FROM sync_item WHERE shelf = ?1 AND ?2 < code ORDER BY code LIMIT ?3",
            )?;
            let after = after.as_ref().map_or("", ItemCode::as_str);
            let max = i64::try_from(*max).unwrap_or(i64::MAX);
            let mut rows = select.query(params![shelf, after, max])?;
            while let Some(row) = rows.next()? {
                records.push(record(row, code(row)?)?);
            }
        }
    }
    Ok(records)
}

fn record(row: &Row<'_>, item: ItemCode) -> Result<ItemRecord, SqliteError> {
    Ok(ItemRecord { item, position: position(row, 0)?, reconciled: Seq(row.get(6)?) })
}

fn code(row: &Row<'_>) -> Result<ItemCode, SqliteError> {
    let code = row.get_ref(7)?.as_str().map_err(SqliteError::damaged)?;
    ItemCode::parse(code).map_err(SqliteError::damaged)
}
