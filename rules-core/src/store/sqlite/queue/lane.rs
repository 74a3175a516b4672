//! The rows of lanes and the chunks that wait in them.

use rusqlite::{OptionalExtension, Transaction, params};

use super::packed::{Chunk, Chunks, Unpack, cut_short};
use crate::judge::key::Lane;
use crate::store::sqlite::SqliteError;

/// What concerns the queue as a whole.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) depth: u64,
    pub(super) floor: u64,
    pub(super) turn: u64,
}

impl State {
    pub(super) fn load(tx: &Transaction<'_>) -> Result<Self, SqliteError> {
        let mut select = tx.prepare_cached("SELECT depth, floor, turn FROM queue_state WHERE id = 1")?;
        Ok(select
            .query_row([], |row| Ok(Self { depth: row.get(0)?, floor: row.get(1)?, turn: row.get(2)? }))?)
    }

    pub(super) fn save(&self, tx: &Transaction<'_>) -> Result<(), SqliteError> {
        tx.prepare_cached("UPDATE queue_state SET depth = ?1, floor = ?2, turn = ?3 WHERE id = 1")?
            .execute(params![self.depth, self.floor, self.turn])?;
        Ok(())
    }

    /// Records more or fewer wait.
    pub(super) fn deepen(tx: &Transaction<'_>, by: u64) -> Result<(), SqliteError> {
        if 0 < by {
            tx.prepare_cached("UPDATE queue_state SET depth = depth + ?1 WHERE id = 1")?.execute([by])?;
        }
        Ok(())
    }
}

/// Adds fresh chunks to the tail of a lane, which is opened if nothing is in it.
pub(super) fn append(tx: &Transaction<'_>, lane: &Lane, chunks: &Chunks) -> Result<(), SqliteError> {
    let (id, tail) = with_lane(tx, lane, |tx| {
        tx.prepare_cached(
            "UPDATE queue_lane SET waiting = waiting + ?4, tail = tail + ?5
             WHERE tenant_name = ?1 AND outlet_name = ?2 AND topic = ?3 RETURNING id, tail",
        )?
        .query_row(
            params![
                lane.tenant().as_str(),
                lane.outlet().name(),
                lane.topic(),
                chunks.records(),
                chunks.0.len()
            ],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()
    })?;
    let first = tail.saturating_sub_unsigned(chunks.0.len() as u64);
    for (seq, chunk) in (first..).zip(&chunks.0) {
        let body = put_body(tx, &chunk.bytes)?;
        put_chunk(tx, id, seq, body, 0, chunk.records)?;
    }
    Ok(())
}

/// Adds fresh chunks that are due later.
pub(super) fn append_delayed(
    tx: &Transaction<'_>,
    lane: &Lane,
    due_us: i64,
    chunks: &Chunks,
) -> Result<(), SqliteError> {
    let id = with_lane(tx, lane, |tx| {
        tx.prepare_cached(
            "UPDATE queue_lane SET delayed = delayed + ?4
             WHERE tenant_name = ?1 AND outlet_name = ?2 AND topic = ?3 RETURNING id",
        )?
        .query_row(
            params![lane.tenant().as_str(), lane.outlet().name(), lane.topic(), chunks.records()],
            |row| row.get::<_, i64>(0),
        )
        .optional()
    })?;
    chunks.0.iter().try_for_each(|chunk| put_delay(tx, id, due_us, chunk))
}

/// Puts chunks that come back before everything else in their lane.
pub(super) fn prepend(tx: &Transaction<'_>, lane: i64, chunks: &Chunks) -> Result<(), SqliteError> {
    if chunks.0.is_empty() {
        return Ok(());
    }
    let head: i64 = tx
        .prepare_cached(
            "UPDATE queue_lane SET waiting = waiting + ?2, head = head - ?3 WHERE id = ?1 RETURNING head",
        )?
        .query_row(params![lane, chunks.records(), chunks.0.len()], |row| row.get(0))?;
    for (seq, chunk) in (head..).zip(&chunks.0) {
        let body = put_body(tx, &chunk.bytes)?;
        put_chunk(tx, lane, seq, body, 0, chunk.records)?;
    }
    Ok(())
}

/// Puts records of an open lane aside until they are due.
pub(super) fn delay(tx: &Transaction<'_>, lane: i64, due_us: i64, chunk: &Chunk) -> Result<(), SqliteError> {
    tx.prepare_cached("UPDATE queue_lane SET delayed = delayed + ?2 WHERE id = ?1")?
        .execute(params![lane, chunk.records])?;
    put_delay(tx, lane, due_us, chunk)
}

/// Moves delayed records that are due to the tails of their lanes, some rows at a time.
pub(super) fn promote(tx: &Transaction<'_>, now_us: i64) -> Result<(), SqliteError> {
    let due: Vec<(i64, i64, i64, u64, u64)> = tx
        .prepare_cached(
            "SELECT due_us, body, lane, start, records FROM queue_delay WHERE due_us <= ?1
             ORDER BY due_us, body LIMIT 256",
        )?
        .query_map([now_us], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect::<Result<_, _>>()?;
    for (due_us, body, lane, start, records) in due {
        tx.prepare_cached("DELETE FROM queue_delay WHERE due_us = ?1 AND body = ?2")?
            .execute(params![due_us, body])?;
        let seq: i64 = tx
            .prepare_cached(
                "UPDATE queue_lane SET waiting = waiting + ?2, delayed = delayed - ?2, tail = tail + 1
                 WHERE id = ?1 RETURNING tail - 1",
            )?
            .query_row(params![lane, records], |row| row.get(0))?;
        put_chunk(tx, lane, seq, body, start, records)?;
    }
    Ok(())
}

/// Moves the first `wanted` records of a lane's chunks to the end of `to`. The lane's row counts
/// them as gone already.
pub(super) fn take(
    tx: &Transaction<'_>,
    lane: i64,
    wanted: u64,
    to: &mut Vec<u8>,
) -> Result<(), SqliteError> {
    let mut left = wanted;
    let mut emptied = Vec::new();
    let mut last = None;
    let mut begun = None;
    {
        let mut select = tx.prepare_cached(
            "SELECT chunk.seq, chunk.body, chunk.start, chunk.records, body.records
             FROM queue_chunk AS chunk CROSS JOIN queue_body AS body ON body.id = chunk.body
             WHERE chunk.lane = ?1 ORDER BY chunk.seq",
        )?;
        let mut rows = select.query([lane])?;
        while 0 < left {
            let row = rows.next()?.ok_or_else(cut_short)?;
            let (seq, body): (i64, i64) = (row.get(0)?, row.get(1)?);
            let (start, records): (usize, u64) = (row.get(2)?, row.get(3)?);
            let bytes = row.get_ref(4)?.as_blob().map_err(SqliteError::damaged)?;
            let end = if records <= left {
                emptied.push(body);
                last = Some(seq);
                left -= records;
                bytes.len()
            } else {
                let end = skip(bytes, start, left)?;
                begun = Some((seq, end, records - left));
                left = 0;
                end
            };
            to.extend_from_slice(bytes.get(start..end).ok_or_else(cut_short)?);
        }
    }
    if let Some(last) = last {
        tx.prepare_cached("DELETE FROM queue_chunk WHERE lane = ?1 AND seq <= ?2")?
            .execute(params![lane, last])?;
    }
    for body in emptied {
        delete_body(tx, body)?;
    }
    if let Some((seq, start, records)) = begun {
        tx.prepare_cached("UPDATE queue_chunk SET start = ?3, records = ?4 WHERE lane = ?1 AND seq = ?2")?
            .execute(params![lane, seq, start, records])?;
    }
    Ok(())
}

/// Where the record after the next `records` begins.
pub(super) fn skip(bytes: &[u8], start: usize, records: u64) -> Result<usize, SqliteError> {
    let mut unpack = Unpack::new(bytes, start);
    for _ in 0..records {
        unpack.record()?;
    }
    Ok(unpack.at())
}

pub(super) fn put_body(tx: &Transaction<'_>, records: &[u8]) -> Result<i64, SqliteError> {
    tx.prepare_cached("INSERT INTO queue_body (records) VALUES (?1)")?.execute([records])?;
    Ok(tx.last_insert_rowid())
}

pub(super) fn delete_body(tx: &Transaction<'_>, body: i64) -> Result<(), SqliteError> {
    tx.prepare_cached("DELETE FROM queue_body WHERE id = ?1")?.execute([body])?;
    Ok(())
}

fn put_chunk(
    tx: &Transaction<'_>,
    lane: i64,
    seq: i64,
    body: i64,
    start: u64,
    records: u64,
) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "INSERT INTO queue_chunk (lane, seq, body, start, records) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![lane, seq, body, start, records])?;
    Ok(())
}

fn put_delay(tx: &Transaction<'_>, lane: i64, due_us: i64, chunk: &Chunk) -> Result<(), SqliteError> {
    let body = put_body(tx, &chunk.bytes)?;
    tx.prepare_cached(
        "INSERT INTO queue_delay (due_us, body, lane, start, records) VALUES (?1, ?2, ?3, 0, ?4)",
    )?
    .execute(params![due_us, body, lane, chunk.records])?;
    Ok(())
}

/// Runs `change` on the lane's row, and again once the lane is open if there was none.
fn with_lane<T>(
    tx: &Transaction<'_>,
    lane: &Lane,
    change: impl Fn(&Transaction<'_>) -> rusqlite::Result<Option<T>>,
) -> Result<T, SqliteError> {
    if let Some(value) = change(tx)? {
        return Ok(value);
    }
    open(tx, lane)?;
    change(tx)?.ok_or_else(cut_short)
}

fn open(tx: &Transaction<'_>, lane: &Lane) -> rusqlite::Result<()> {
    let (tenant_name, outlet_name) = (lane.tenant().as_str(), lane.outlet().name());
    let tenant: i64 = tx
        .prepare_cached(
            "INSERT INTO queue_tenant (name, weight) VALUES (?1, coalesce(
                 (SELECT weight FROM queue_weight WHERE tenant = ?1 AND outlet = '' AND topic = ''), 1))
             ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
        )?
        .query_row([tenant_name], |row| row.get(0))?;
    let outlet: i64 = tx
        .prepare_cached(
            "INSERT INTO queue_outlet (tenant, name, held) VALUES (?1, ?3,
                 EXISTS (SELECT 1 FROM queue_hold WHERE tenant = ?2 AND outlet = ?3 AND topic = '')
                 + 2 * EXISTS (SELECT 1 FROM queue_hold WHERE tenant = ?2 AND outlet = '' AND topic = ''))
             ON CONFLICT (tenant, name) DO UPDATE SET name = name RETURNING id",
        )?
        .query_row(params![tenant, tenant_name, outlet_name], |row| row.get(0))?;
    tx.prepare_cached(
        "INSERT INTO queue_lane (tenant, outlet, tenant_name, outlet_name, topic, weight, held)
         VALUES (?1, ?2, ?3, ?4, ?5, coalesce(
             (SELECT weight FROM queue_weight WHERE tenant = ?3 AND outlet = ?4 AND topic = ?5), 1),
             EXISTS (SELECT 1 FROM queue_hold WHERE tenant = ?3 AND outlet = ?4 AND topic = ?5))",
    )?
    .execute(params![tenant, outlet, tenant_name, outlet_name, lane.topic()])?;
    Ok(())
}
