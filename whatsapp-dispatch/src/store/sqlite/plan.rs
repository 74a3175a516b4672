//! What was planned, as rows, and the counters.

use rules_core::judge::code::Code;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};

use crate::delivery::PlanVerdict;
use crate::delivery::change::{Changes, Delta};
use crate::message::{CampaignKey, MessageId};

/// The row of the message that stands for an id.
pub(super) fn by_id(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    id: &MessageId,
) -> Result<Option<i64>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT row FROM message_id WHERE campaign = ?1 AND id = ?2")?;
    Ok(select.query_row(params![campaign.number(), id.as_bytes()], |row| row.get(0)).optional()?)
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
pub(super) fn columns(verdict: &PlanVerdict) -> (u8, Option<&Code>) {
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
