//! Removing what waits in a lane.

use rusqlite::{OptionalExtension, Transaction, params};

use super::lane::{delete_body, skip, take};
use crate::judge::key::Lane;
use crate::store::sqlite::SqliteError;
use crate::work::lanes::Dropped;

/// Removes up to `max` records that wait in the lane, then delayed ones.
pub(in crate::store::sqlite) fn drop_lane(
    tx: &Transaction<'_>,
    lane: &Lane,
    max: usize,
) -> Result<Dropped, SqliteError> {
    let found: Option<(i64, u64, u64)> = tx
        .prepare_cached(
            "SELECT id, waiting, delayed FROM queue_lane
             WHERE tenant_name = ?1 AND outlet_name = ?2 AND topic = ?3",
        )?
        .query_row([lane.tenant().as_str(), lane.outlet().name(), lane.topic()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((id, waiting, delayed)) = found else { return Ok(Dropped { removed: 0, more: false }) };
    let now_waiting = waiting.min(max as u64);
    let now_delayed = delayed.min(max as u64 - now_waiting);
    take(tx, id, now_waiting, &mut Vec::new())?;
    drop_delayed(tx, id, now_delayed)?;
    tx.prepare_cached("UPDATE queue_lane SET waiting = waiting - ?2, delayed = delayed - ?3 WHERE id = ?1")?
        .execute(params![id, now_waiting, now_delayed])?;
    let removed = now_waiting + now_delayed;
    tx.prepare_cached("UPDATE queue_state SET depth = depth - ?1 WHERE id = 1")?.execute([removed])?;
    Ok(Dropped { removed: usize::try_from(removed).unwrap_or(usize::MAX), more: removed < waiting + delayed })
}

fn drop_delayed(tx: &Transaction<'_>, lane: i64, wanted: u64) -> Result<(), SqliteError> {
    let mut left = wanted;
    while 0 < left {
        let (due_us, body, start, records): (i64, i64, usize, u64) = tx
            .prepare_cached("SELECT due_us, body, start, records FROM queue_delay WHERE lane = ?1 LIMIT 1")?
            .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        if records <= left {
            tx.prepare_cached("DELETE FROM queue_delay WHERE due_us = ?1 AND body = ?2")?
                .execute([due_us, body])?;
            delete_body(tx, body)?;
            left -= records;
        } else {
            let bytes: Vec<u8> = tx
                .prepare_cached("SELECT records FROM queue_body WHERE id = ?1")?
                .query_row([body], |row| row.get(0))?;
            tx.prepare_cached(
                "UPDATE queue_delay SET start = ?3, records = ?4 WHERE due_us = ?1 AND body = ?2",
            )?
            .execute(params![due_us, body, skip(&bytes, start, left)?, records - left])?;
            left = 0;
        }
    }
    Ok(())
}
