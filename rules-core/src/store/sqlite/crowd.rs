//! Crowds of the [`Quota`](crate::work::quota::Quota) port.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use super::SqliteError;
use crate::judge::id::ChargeId;
use crate::work::clock::after;
use crate::work::quota::{Admission, Admitted, Crowd, Usage};

/// Members that leave by one statement.
const LEAVE_AT_ONCE: u32 = 1_000;

/// A crowd's row.
struct Counted {
    id: i64,
    members: u64,
}

pub(super) fn admit(
    tx: &Transaction<'_>,
    admission: &Admission,
    now: DateTime<Utc>,
) -> Result<Admitted, SqliteError> {
    let Admission { id, crowd, member } = admission;
    let mut counted = open(tx, crowd)?;
    let_leave(tx, &mut counted, crowd, now)?;
    let known: Option<(i64, [u8; 16])> = tx
        .prepare_cached("SELECT at_us, by FROM crowd_member WHERE crowd = ?1 AND member = ?2")?
        .query_row(params![counted.id, member.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match known {
        Some((_, by)) if by == *id.as_bytes() => return Ok(Admitted::In),
        None if crowd.limit <= counted.members => {
            return Ok(Admitted::Full { frees_at: frees_at(tx, &counted, crowd)? });
        }
        _ => {}
    }
    tx.prepare_cached(
        "INSERT INTO crowd_member (crowd, member, at_us, by) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET before_us = at_us, at_us = excluded.at_us, by = excluded.by",
    )?
    .execute(params![counted.id, member.as_bytes(), now.timestamp_micros(), id.as_bytes()])?;
    if known.is_none() {
        counted.members += 1;
        save(tx, &counted)?;
    }
    Ok(Admitted::In)
}

/// Undoes an admission, unless the member was admitted again since.
pub(super) fn refund(tx: &Transaction<'_>, id: ChargeId) -> Result<(), SqliteError> {
    let found: Option<(i64, Vec<u8>, Option<i64>)> = tx
        .prepare_cached("SELECT crowd, member, before_us FROM crowd_member WHERE by = ?1")?
        .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match found {
        Some((crowd, member, Some(before_us))) => {
            tx.prepare_cached(
                "UPDATE crowd_member SET at_us = ?3, before_us = NULL, by = zeroblob(16)
                 WHERE crowd = ?1 AND member = ?2",
            )?
            .execute(params![crowd, member, before_us])?;
        }
        Some((crowd, member, None)) => {
            tx.prepare_cached("DELETE FROM crowd_member WHERE crowd = ?1 AND member = ?2")?
                .execute(params![crowd, member])?;
            tx.prepare_cached("UPDATE crowd SET members = members - 1 WHERE id = ?1")?.execute([crowd])?;
        }
        None => {}
    }
    Ok(())
}

pub(super) fn usage(tx: &Transaction<'_>, crowd: &Crowd, now: DateTime<Utc>) -> Result<Usage, SqliteError> {
    let nobody = Usage { used: 0, left: crowd.limit, resets_at: None };
    let Some(counted) = find(tx, crowd)? else { return Ok(nobody) };
    let (gone, oldest): (u64, Option<i64>) = tx
        .prepare_cached(
            "SELECT (SELECT count(*) FROM crowd_member WHERE crowd = ?1 AND at_us <= ?2),
                    (SELECT min(at_us) FROM crowd_member WHERE crowd = ?1 AND ?2 < at_us)",
        )?
        .query_row(params![counted.id, gone_before(crowd, now)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let used = counted.members.saturating_sub(gone);
    let resets_at = oldest.and_then(DateTime::from_timestamp_micros).map(|at| after(at, crowd.within));
    Ok(Usage { used, left: crowd.limit.saturating_sub(used), resets_at })
}

fn find(tx: &Transaction<'_>, crowd: &Crowd) -> Result<Option<Counted>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT id, members FROM crowd WHERE tenant = ?1 AND name = ?2")?;
    let (tenant, name) = (crowd.key.tenant().as_str(), crowd.key.name());
    Ok(select
        .query_row([tenant, name], |row| Ok(Counted { id: row.get(0)?, members: row.get(1)? }))
        .optional()?)
}

fn open(tx: &Transaction<'_>, crowd: &Crowd) -> Result<Counted, SqliteError> {
    if let Some(counted) = find(tx, crowd)? {
        return Ok(counted);
    }
    let mut insert = tx.prepare_cached("INSERT INTO crowd (tenant, name) VALUES (?1, ?2) RETURNING id")?;
    let id = insert.query_row([crowd.key.tenant().as_str(), crowd.key.name()], |row| row.get(0))?;
    Ok(Counted { id, members: 0 })
}

/// Lets those go whose time is over.
fn let_leave(
    tx: &Transaction<'_>,
    counted: &mut Counted,
    crowd: &Crowd,
    now: DateTime<Utc>,
) -> Result<(), SqliteError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM crowd_member WHERE crowd = ?1 AND member IN
         (SELECT member FROM crowd_member WHERE crowd = ?1 AND at_us <= ?2 ORDER BY at_us LIMIT ?3)",
    )?;
    loop {
        let left = delete.execute(params![counted.id, gone_before(crowd, now), LEAVE_AT_ONCE])?;
        if 0 < left {
            counted.members = counted.members.saturating_sub(left as u64);
            save(tx, counted)?;
        }
        // More may wait to leave; only when there is no room does it matter.
        if left < LEAVE_AT_ONCE as usize || counted.members < crowd.limit {
            return Ok(());
        }
    }
}

fn save(tx: &Transaction<'_>, counted: &Counted) -> Result<(), SqliteError> {
    tx.prepare_cached("UPDATE crowd SET members = ?2 WHERE id = ?1")?
        .execute(params![counted.id, counted.members])?;
    Ok(())
}

fn frees_at(
    tx: &Transaction<'_>,
    counted: &Counted,
    crowd: &Crowd,
) -> Result<Option<DateTime<Utc>>, SqliteError> {
    // When the limit has shrunk, so many must leave before there is room.
    let surplus = counted.members.saturating_sub(crowd.limit);
    let mut select = tx
        .prepare_cached("SELECT at_us FROM crowd_member WHERE crowd = ?1 ORDER BY at_us LIMIT 1 OFFSET ?2")?;
    let at_us: Option<i64> = select.query_row(params![counted.id, surplus], |row| row.get(0)).optional()?;
    Ok(at_us.and_then(DateTime::from_timestamp_micros).map(|at| after(at, crowd.within)))
}

/// Whoever was admitted up to then is gone.
fn gone_before(crowd: &Crowd, now: DateTime<Utc>) -> i64 {
    let within = TimeDelta::from_std(crowd.within).unwrap_or(TimeDelta::MAX);
    now.checked_sub_signed(within).map_or(i64::MIN, |at| at.timestamp_micros())
}
