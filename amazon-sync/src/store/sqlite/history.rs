use chrono::DateTime;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{Row, Transaction};

use super::books::{COUNT, HOST, ORDER, row_of, seq_of};
use super::items;
use super::packed::{Torn, bucket};
use crate::ledger::{Booked, Cause, Movement, MovementKey, OrderSource, Seq};
use crate::order::{LineId, OrderId, OrderVersion};
use crate::quantity::Units;
use crate::seller::Region;
use crate::sku::ItemCode;
use crate::sync_store::History;

const ALL: &str =
    "SELECT m.row, m.bucket, m.units, m.at_us, m.booked_us, m.kind, m.line, m.digest, m.change, m.key, m.cause,
     (SELECT code FROM sync_item WHERE number = m.item), o.name, a.seller, a.region
     FROM sync_movement AS m LEFT JOIN sync_order AS o ON o.number = m.order_number
     LEFT JOIN sync_account AS a ON a.number = o.account
     WHERE ?1 < m.row AND m.row <= ?2 ORDER BY m.row LIMIT ?3";

const OF_ITEM: &str =
    "SELECT m.row, m.bucket, m.units, m.at_us, m.booked_us, m.kind, m.line, m.digest, m.change, m.key, m.cause,
     (SELECT code FROM sync_item WHERE number = m.item), o.name, a.seller, a.region
     FROM sync_movement AS m LEFT JOIN sync_order AS o ON o.number = m.order_number
     LEFT JOIN sync_account AS a ON a.number = o.account
     WHERE ?1 < m.row AND m.row <= ?2 AND m.item = ?4 ORDER BY m.row LIMIT ?3";

/// The movements that are asked for.
pub(super) fn select(tx: &Transaction<'_>, shelf: i64, select: &History) -> Result<Vec<Booked>, SqliteError> {
    let History { item, after, until, max } = select;
    let (first, last) = (row_of(shelf, *after), row_of(shelf, Seq(u64::MAX)));
    let max = i64::try_from(*max).unwrap_or(i64::MAX);
    let mut booked = Vec::new();
    let mut take = |rows: &mut rules_core::store::sqlite::rusqlite::Rows<'_>| {
        while let Some(row) = rows.next()? {
            let one = read(row)?;
            // Numbers rise with the instants at which they were booked, so nothing more follows.
            if until.is_some_and(|until| until < one.booked_at) {
                break;
            }
            booked.push(one);
        }
        Ok::<_, SqliteError>(())
    };
    if let Some(item) = item {
        let Some((number, _)) = items::entry(tx, shelf, item)? else { return Ok(booked) };
        take(&mut tx.prepare_cached(OF_ITEM)?.query([first, last, max, number])?)?;
    } else {
        take(&mut tx.prepare_cached(ALL)?.query([first, last, max])?)?;
    }
    Ok(booked)
}

fn read(row: &Row<'_>) -> Result<Booked, SqliteError> {
    let instant = |column| -> Result<_, SqliteError> {
        Ok(DateTime::from_timestamp_micros(row.get(column)?).unwrap_or_default())
    };
    let text =
        |column| -> Result<&str, SqliteError> { row.get_ref(column)?.as_str().map_err(SqliteError::damaged) };
    let item = ItemCode::parse(text(11)?).map_err(SqliteError::damaged)?;
    let bucket = bucket(row.get(1)?).ok_or_else(|| SqliteError::damaged(Torn))?;
    let at = instant(3)?;
    let (key, cause) = match row.get::<_, u8>(5)? {
        COUNT => (MovementKey(row.get(9)?), Cause::Counted),
        HOST => {
            let cause = serde_json::from_str(text(10)?).map_err(SqliteError::damaged)?;
            (MovementKey(row.get(9)?), cause)
        }
        ORDER => {
            let source = OrderSource {
                seller: text(13)?,
                region: Region::parse(text(14)?).ok_or_else(|| SqliteError::damaged(Torn))?,
                order: text(12)?,
                line: text(6)?,
                version: OrderVersion { updated_at: at, digest: row.get::<_, i64>(7)?.cast_unsigned() },
                change: row.get(8)?,
            };
            let cause = Cause::Order {
                seller: source.seller.to_owned(),
                order: OrderId::parse(source.order).map_err(SqliteError::damaged)?,
                line: LineId::parse(source.line).map_err(SqliteError::damaged)?,
            };
            (MovementKey::of_order(&source, &item, bucket), cause)
        }
        _ => return Err(SqliteError::damaged(Torn)),
    };
    Ok(Booked {
        seq: seq_of(row.get(0)?),
        booked_at: instant(4)?,
        movement: Movement { key, item, bucket, by: Units::new(row.get(2)?), cause, at },
    })
}
