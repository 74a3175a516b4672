//! What comes of leased records: settling, running out, extending.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use super::lane::{State, delay, delete_body, prepend};
use super::lease::{LeaseRow, is_settled};
use super::packed::{Chunk, Chunks, History, Record, Unpack, push};
use crate::judge::code::Code;
use crate::judge::id::LeaseToken;
use crate::store::sqlite::SqliteError;
use crate::work::lanes::RECOVERED_TOO_OFTEN;
use crate::work::queue::{Outcome, REAPED_PER_LEASE, Settled, Settlement};

pub(super) fn settle(
    tx: &Transaction<'_>,
    token: LeaseToken,
    outcomes: &[Settlement],
    now_us: i64,
) -> Result<Settled, SqliteError> {
    let Some(mut lease) = LeaseRow::find(tx, token)?.filter(|lease| now_us < lease.deadline_us) else {
        return Ok(Settled::Gone);
    };
    let total = lease.slices.iter().map(|(_, records)| records).sum::<u64>();
    let mut applied = 0;
    let mut left_over = BTreeMap::new();
    for Settlement { receipt, outcome } in outcomes {
        let index = *receipt as usize;
        if total <= u64::from(*receipt) || is_settled(&lease.settled, index) {
            continue;
        }
        if let Some(byte) = lease.settled.get_mut(index / 8) {
            *byte |= 1 << (index % 8);
        }
        applied += 1;
        if *outcome != Outcome::Done {
            left_over.insert(index, outcome);
        }
    }
    if !left_over.is_empty() {
        put_away(tx, &lease, &left_over, now_us)?;
    }
    let settled = lease.settled.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>();
    if settled == total {
        close(tx, &lease)?;
    } else if 0 < applied {
        tx.prepare_cached("UPDATE queue_lease SET settled = ?2 WHERE id = ?1")?
            .execute(params![lease.id, lease.settled])?;
    }
    Ok(Settled::Applied(applied))
}

/// Moves the deadline of a live lease; false when it is gone.
pub(super) fn extend(
    tx: &Transaction<'_>,
    token: LeaseToken,
    now_us: i64,
    deadline_us: i64,
) -> Result<bool, SqliteError> {
    let moved = tx
        .prepare_cached("UPDATE queue_lease SET deadline_us = ?3 WHERE token = ?1 AND ?2 < deadline_us")?
        .execute(params![token.as_bytes(), now_us, deadline_us])?;
    Ok(0 < moved)
}

const _: () = assert!(REAPED_PER_LEASE == 2, "`reap_expired` has the same limit");

/// Ends leases that ran out, a few at a time.
pub(super) fn reap_expired(
    tx: &Transaction<'_>,
    max_recoveries: u32,
    now_us: i64,
) -> Result<(), SqliteError> {
    let mut expired = Vec::new();
    {
        let mut select = tx.prepare_cached(
            "SELECT id, deadline_us, slices, settled, body FROM queue_lease WHERE deadline_us <= ?1
             ORDER BY deadline_us LIMIT 2",
        )?;
        let mut rows = select.query([now_us])?;
        while let Some(row) = rows.next()? {
            expired.push(LeaseRow::read(row)?);
        }
    }
    expired.iter().try_for_each(|lease| reap(tx, lease, max_recoveries, now_us))
}

/// Ends a lease that ran out: its records go back to the heads of their lanes, or die.
pub(super) fn reap(
    tx: &Transaction<'_>,
    lease: &LeaseRow,
    max_recoveries: u32,
    now_us: i64,
) -> Result<(), SqliteError> {
    let bytes = lease.records(tx)?;
    let mut unpack = Unpack::new(&bytes, 0);
    let mut back: BTreeMap<i64, Chunks> = BTreeMap::new();
    for (receipt, lane) in lease.lanes().enumerate() {
        let record = unpack.record()?;
        if is_settled(&lease.settled, receipt) {
            continue;
        }
        let recoveries = record.history.recoveries.saturating_add(1);
        let history = History { recoveries, ..record.history };
        if max_recoveries < recoveries {
            bury(tx, lane, record.payload, &history, &RECOVERED_TOO_OFTEN, now_us)?;
        } else {
            back.entry(lane).or_default().put(|to| push(to, record.payload, &history));
        }
    }
    put_back(tx, &back)?;
    close(tx, lease)
}

/// Ends every lease as if its worker had handed all of it back: nothing is counted as a recovery.
pub(in crate::store::sqlite) fn hand_back_all(tx: &Transaction<'_>) -> Result<(), SqliteError> {
    let mut leases = Vec::new();
    {
        let mut select =
            tx.prepare_cached("SELECT id, deadline_us, slices, settled, body FROM queue_lease")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            leases.push(LeaseRow::read(row)?);
        }
    }
    for lease in &leases {
        let unsettled = (0..lease.lanes().count()).filter(|receipt| !is_settled(&lease.settled, *receipt));
        let back = unsettled.map(|receipt| (receipt, &Outcome::HandBack)).collect();
        put_away(tx, lease, &back, 0)?;
        close(tx, lease)?;
    }
    Ok(())
}

/// Stores what is left over of settled records, by receipt.
fn put_away(
    tx: &Transaction<'_>,
    lease: &LeaseRow,
    left_over: &BTreeMap<usize, &Outcome>,
    now_us: i64,
) -> Result<(), SqliteError> {
    let bytes = lease.records(tx)?;
    let mut unpack = Unpack::new(&bytes, 0);
    let mut back: BTreeMap<i64, Chunks> = BTreeMap::new();
    let mut later: BTreeMap<(i64, i64), Chunk> = BTreeMap::new();
    for (receipt, lane) in lease.lanes().enumerate() {
        let Record { whole, payload, history, .. } = unpack.record()?;
        match left_over.get(&receipt) {
            None | Some(Outcome::Done) => {}
            Some(Outcome::HandBack) => {
                let packed = bytes.get(whole).unwrap_or_default();
                back.entry(lane).or_default().put(|to| to.extend_from_slice(packed));
            }
            Some(Outcome::Retry { at, code }) => {
                let first = history.first.unwrap_or(code.as_str());
                let retries = history.retries.saturating_add(1);
                let chunk = later.entry((lane, micros_up(*at))).or_default();
                push(&mut chunk.bytes, payload, &History { retries, first: Some(first), ..history });
                chunk.records += 1;
            }
            Some(Outcome::Dead { code }) => bury(tx, lane, payload, &history, code, now_us)?,
        }
    }
    put_back(tx, &back)?;
    for ((lane, due_us), chunk) in &later {
        delay(tx, *lane, *due_us, chunk)?;
    }
    State::deepen(tx, later.values().map(|chunk| chunk.records).sum())
}

fn put_back(tx: &Transaction<'_>, back: &BTreeMap<i64, Chunks>) -> Result<(), SqliteError> {
    back.iter().try_for_each(|(lane, chunks)| prepend(tx, *lane, chunks))?;
    State::deepen(tx, back.values().map(Chunks::records).sum())
}

fn bury(
    tx: &Transaction<'_>,
    lane: i64,
    payload: &[u8],
    history: &History<'_>,
    last: &Code,
    now_us: i64,
) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "INSERT INTO queue_dead (tenant, outlet, topic, payload, at_us, first, last, retries, recoveries)
         SELECT tenant_name, outlet_name, topic, ?2, ?3, ?4, ?5, ?6, ?7 FROM queue_lane WHERE id = ?1",
    )?
    .execute(params![
        lane,
        payload,
        now_us,
        history.first.unwrap_or(last.as_str()),
        last.as_str(),
        history.retries,
        history.recoveries,
    ])?;
    Ok(())
}

/// Removes a lease of which nothing is left.
fn close(tx: &Transaction<'_>, lease: &LeaseRow) -> Result<(), SqliteError> {
    tx.prepare_cached("DELETE FROM queue_lease WHERE id = ?1")?.execute([lease.id])?;
    delete_body(tx, lease.body)?;
    let mut update = tx.prepare_cached("UPDATE queue_lane SET leases = leases - 1 WHERE id = ?1")?;
    for (lane, _) in &lease.slices {
        update.execute([lane])?;
    }
    Ok(())
}

/// The instant in microseconds, rounded up so that nothing comes out early.
pub(in crate::store::sqlite) fn micros_up(instant: DateTime<Utc>) -> i64 {
    let rest = i64::from(!instant.timestamp_subsec_nanos().is_multiple_of(1_000));
    instant.timestamp_micros().saturating_add(rest)
}
