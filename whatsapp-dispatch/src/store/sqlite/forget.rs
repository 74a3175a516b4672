//! Forgetting in small transactions, because begins wait for each of them.

use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};

use super::messages::later;
use super::orphans;
use super::pages::Pages;
use crate::campaigns::Status;
use crate::delivery::page::RECORDS;
use crate::delivery::{Forget, needs_parameters};
use crate::message::{CampaignKey, row as row_of};

/// Rows that one transaction looks at or removes, at most.
const ROWS: u32 = 1_000;

pub(super) fn forget(tx: &Transaction<'_>, what: &Forget) -> Result<bool, SqliteError> {
    match what {
        Forget::Strays(tenant, numbers) => {
            let digits: Vec<String> = numbers.iter().map(|number| number.digits().to_string()).collect();
            orphans::forget(tx, tenant, &digits).map(|()| false)
        }
        Forget::Parameters(campaign) => parameters(tx, campaign),
        Forget::Messages(campaign) => messages(tx, campaign),
    }
}

/// The status of the tenant's campaign, if that is known here.
fn status(tx: &Transaction<'_>, key: &CampaignKey) -> Result<Option<Status>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT status FROM campaign WHERE number = ?1 AND tenant = ?2")?;
    let found = select.query_row(params![key.number(), key.tenant().as_str()], |row| row.get(0));
    let word: Option<String> = found.optional()?;
    Ok(word.as_deref().and_then(Status::parse))
}

/// Empties the next stretch of the parameters that nobody needs any more. A stretch begins with a
/// page, so that no message belongs to two.
fn parameters(tx: &Transaction<'_>, campaign: &CampaignKey) -> Result<bool, SqliteError> {
    let Some(status) = status(tx, campaign)?.filter(|status| !needs_parameters(*status, None)) else {
        return Ok(false);
    };
    let mut select = tx.prepare_cached(
        "SELECT revision, CASE slim_revision WHEN revision THEN slim_row ELSE 0 END
         FROM campaign WHERE number = ?1",
    )?;
    let (revision, from): (u32, u32) =
        select.query_row([campaign.number()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if !later(tx, campaign, from)? {
        return Ok(false);
    }
    let end = from.saturating_add(ROWS.next_multiple_of(RECORDS));
    let (first, last) = (row_of(campaign.number(), from), row_of(campaign.number(), end) - 1);
    let mut facts = Pages::load(tx, first, last)?;
    let mut full = tx.prepare_cached(
        "SELECT row FROM message WHERE ?1 <= row AND row <= ?2 AND parameters != x'' ORDER BY row",
    )?;
    let mut empty = tx.prepare_cached("UPDATE message SET parameters = x'' WHERE row = ?1")?;
    let full: Vec<i64> = full.query_map([first, last], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for row in full {
        if !needs_parameters(status, facts.known(row)?.as_ref()) {
            empty.execute([row])?;
        }
    }
    tx.prepare_cached("UPDATE campaign SET slim_row = ?2, slim_revision = ?3 WHERE number = ?1")?
        .execute(params![campaign.number(), end, revision])?;
    Ok(true)
}

/// Removes the first records that are left, and the ids that led to them.
fn messages(tx: &Transaction<'_>, campaign: &CampaignKey) -> Result<bool, SqliteError> {
    if status(tx, campaign)? != Some(Status::Exported) {
        return Ok(false);
    }
    let (number, start) = (campaign.number(), row_of(campaign.number(), 0));
    let stop = row_of(number + 1, 0);
    let mut first = tx.prepare_cached("SELECT min(row) FROM message WHERE ?1 <= row AND row < ?2")?;
    let first: Option<i64> = first.query_row([start, stop], |row| row.get(0))?;
    if let Some(first) = first {
        // As far as the end of a page, so that no page outlives its rows.
        let per_page = i64::from(RECORDS);
        let end = stop.min(first - first.rem_euclid(per_page) + i64::from(ROWS.next_multiple_of(RECORDS)));
        tx.prepare_cached("DELETE FROM message WHERE ?1 <= row AND row < ?2")?.execute([start, end])?;
        tx.prepare_cached("DELETE FROM delivery WHERE ?1 <= page AND page < ?2")?
            .execute([start / per_page, end / per_page])?;
        return Ok(true);
    }
    // In an order of their own, which is that of the table.
    let removed = tx
        .prepare_cached(
            "DELETE FROM message_id WHERE campaign = ?1 AND id IN
             (SELECT id FROM message_id WHERE campaign = ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![number, ROWS])?;
    Ok(0 < removed)
}
