//! Freezing a batch, and the counters.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{SqliteError, put_out};

use super::campaigns;
use super::messages::record_of;
use super::pages::Pages;
use crate::delivery::change::{Changes, Delta, plan_entry};
use crate::delivery::{Appended, Manifest, Place, PlanRow, PlanVerdict, Planned, first_record};
use crate::message::{CampaignKey, MessageId, row as row_of};

pub(super) fn plan(
    tx: &Transaction<'_>,
    manifest: &Manifest,
    now: DateTime<Utc>,
) -> Result<Planned, SqliteError> {
    let number = manifest.campaign.number();
    let Place::Batch(batch) = manifest.place else { return append(tx, manifest, now) };
    let moved = tx
        .prepare_cached(
            "UPDATE campaign SET batches = batches + 1, cursor = ?4
             WHERE number = ?1 AND tenant = ?2 AND batches = ?3 AND status = 'planning'",
        )?
        .execute(params![number, manifest.campaign.tenant().as_str(), batch, manifest.cursor])?;
    if moved == 0 {
        return next_batch(tx, &manifest.campaign);
    }
    let mut duplicates = Vec::new();
    let mut verdicts = Vec::with_capacity(manifest.rows.len());
    let mut changes = Changes::default();
    let mut pages = Pages::of(tx);
    for ((record, index), row) in (first_record(batch)..).zip(0..).zip(&manifest.rows) {
        let verdict = freeze(tx, number, record, row)?;
        if verdict == PlanVerdict::Planned {
            pages.plan(row_of(number, record))?;
        }
        if verdict != row.verdict {
            duplicates.push(index);
        }
        changes.planned(&manifest.campaign, &verdict);
        verdicts.push(verdict);
    }
    pages.save()?;
    count(tx, &changes)?;
    put_out(tx, &[plan_entry(manifest, &verdicts, now)])?;
    Ok(Planned::Frozen { duplicates })
}

fn next_batch(tx: &Transaction<'_>, campaign: &CampaignKey) -> Result<Planned, SqliteError> {
    let mut next = tx
        .prepare_cached("SELECT coalesce(max(batches), 0) FROM campaign WHERE number = ?1 AND tenant = ?2")?;
    let key = params![campaign.number(), campaign.tenant().as_str()];
    Ok(Planned::Next(next.query_row(key, |row| row.get(0))?))
}

/// Adds the records that are not there yet, after the last one.
fn append(tx: &Transaction<'_>, manifest: &Manifest, now: DateTime<Utc>) -> Result<Planned, SqliteError> {
    let key = &manifest.campaign;
    if !campaigns::by_key(tx, key)?.is_some_and(|record| record.takes_single_messages()) {
        return next_batch(tx, key);
    }
    let (start, stop) = (row_of(key.number(), 0), row_of(key.number() + 1, 0));
    let mut last = tx.prepare_cached("SELECT max(row) FROM message WHERE ?1 <= row AND row < ?2")?;
    let last: Option<i64> = last.query_row(params![start, stop], |row| row.get(0))?;
    let mut next = last.map_or(0, |row| record_of(row) + 1);
    let mut fresh = Manifest { rows: Vec::new(), ..manifest.clone() };
    let mut appended = Vec::with_capacity(manifest.rows.len());
    let mut changes = Changes::default();
    let mut pages = Pages::of(tx);
    for row in &manifest.rows {
        let known = match &row.to {
            Some(to) => by_id(tx, key, &to.id)?,
            None => None,
        };
        if let Some(row) = known {
            appended.push(Appended { record: record_of(row), known: true });
            continue;
        }
        let verdict = freeze(tx, key.number(), next, row)?;
        pages.plan(row_of(key.number(), next))?;
        changes.planned(key, &verdict);
        fresh.rows.push(row.clone());
        appended.push(Appended { record: next, known: false });
        next += 1;
    }
    pages.save()?;
    count(tx, &changes)?;
    if !fresh.rows.is_empty() {
        let verdicts = vec![PlanVerdict::Planned; fresh.rows.len()];
        put_out(tx, &[plan_entry(&fresh, &verdicts, now)])?;
    }
    Ok(Planned::Appended(appended))
}

/// The row of the message that stands for an id.
pub(super) fn by_id(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    id: &MessageId,
) -> Result<Option<i64>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT row FROM message_id WHERE campaign = ?1 AND id = ?2")?;
    Ok(select.query_row(params![campaign.number(), id.as_bytes()], |row| row.get(0)).optional()?)
}

fn freeze(
    tx: &Transaction<'_>,
    campaign: u32,
    record: u32,
    row: &PlanRow,
) -> Result<PlanVerdict, SqliteError> {
    let key = row_of(campaign, record);
    let mut verdict = row.verdict.clone();
    if verdict == PlanVerdict::Planned
        && let Some(to) = &row.to
    {
        let added = tx
            .prepare_cached("INSERT OR IGNORE INTO message_id (campaign, id, row) VALUES (?1, ?2, ?3)")?
            .execute(params![campaign, to.id.as_bytes(), key])?;
        if added == 0 {
            verdict = PlanVerdict::Duplicate;
        }
    }
    let (kind, code) = columns(&verdict);
    tx.prepare_cached(
        "INSERT INTO message (row, line, verdict, code, person, id, number, consent, zone, parameters)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        key,
        row.line,
        kind,
        code.map(Code::as_str),
        row.to.as_ref().map(|to| to.person.as_bytes()),
        row.to.as_ref().map(|to| to.id.as_bytes()),
        row.to.as_ref().map(|to| to.number.digits()),
        row.to.as_ref().map(|to| to.consent),
        row.to.as_ref().and_then(|to| to.zone).map(chrono_tz::Tz::name),
        row.parameters.as_ref(),
    ])?;
    Ok(verdict)
}

/// Moves the counters of campaigns.
pub(super) fn count(tx: &Transaction<'_>, changes: &Changes) -> Result<(), SqliteError> {
    for (campaign, delta) in changes.deltas() {
        let Delta { begun, accepted, held, risked, doubled, .. } = delta;
        if 0 < begun + accepted + held + risked + doubled {
            tx.prepare_cached(
                "UPDATE campaign SET begun = begun + ?2, accepted = accepted + ?3, held = held + ?4,
                     risked = risked + ?5, doubled = doubled + ?6
                 WHERE number = ?1",
            )?
            .execute(params![campaign.number(), begun, accepted, held, risked, doubled])?;
        }
        for (label, change) in delta.labels.iter().filter(|(_, change)| **change != 0) {
            tx.prepare_cached(
                "INSERT INTO campaign_count (campaign, bucket, code, n) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (campaign, bucket, code) DO UPDATE SET n = n + excluded.n",
            )?
            .execute(params![
                campaign.number(),
                label.bucket.number(),
                label.code.as_ref().map_or("", Code::as_str),
                change,
            ])?;
        }
    }
    Ok(())
}

/// A verdict as the columns `verdict` and `code`.
fn columns(verdict: &PlanVerdict) -> (u8, Option<&Code>) {
    match verdict {
        PlanVerdict::Planned => (0, None),
        PlanVerdict::Malformed(code) => (1, Some(code)),
        PlanVerdict::Invalid(code) => (2, Some(code)),
        PlanVerdict::Suppressed(code) => (3, Some(code)),
        PlanVerdict::Duplicate => (4, None),
    }
}

/// The verdict of the columns `verdict` and `code`.
pub(super) fn verdict(kind: u8, code: Option<String>) -> Result<PlanVerdict, SqliteError> {
    let code = || Code::parse(code.unwrap_or_default()).map_err(SqliteError::damaged);
    Ok(match kind {
        0 => PlanVerdict::Planned,
        1 => PlanVerdict::Malformed(code()?),
        2 => PlanVerdict::Invalid(code()?),
        3 => PlanVerdict::Suppressed(code()?),
        _ => PlanVerdict::Duplicate,
    })
}
