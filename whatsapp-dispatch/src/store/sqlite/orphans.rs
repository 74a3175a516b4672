//! Facts that name a message by WhatsApp's id alone, from webhooks that lost our token.
//!
//! WhatsApp's ids have no index: it would cost every accepted message a write into a tree in
//! random order, for the sake of webhooks that should not exist. Such a fact is kept, and meets
//! its message in one of two ways:
//!
//! - The message becomes known under the id later: whoever records that looks here ([`take`]).
//! - It was known before: then one search is enough ([`search`]), because from the moment in which
//!   the fact was kept the first way is open. The sweeper searches for all new facts at once, on a
//!   reader, through the campaigns that were released while WhatsApp may still tell of them.
//!
//! Rejected: a list in the memory of whoever receives webhooks, because it dies with the process;
//! a search in the transaction that keeps the fact, because everybody who writes waits for it.
//!
//! Where every webhook carries our token, the first way costs one look into an empty table per
//! call, the second one such look per sweep.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::store::sqlite::rusqlite::{Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError};

use super::SCHEMA;
use super::ledger::Books;
use super::messages::{later, record_of};
use super::pages::Pages;
use crate::delivery::change::{status, word};
use crate::delivery::{ORPHANS_KEPT, TOLD_FOR, ledger};
use crate::fact::{Fact, What};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, MessageKey, row as row_of};

/// Ids that one search looks for, at most; the next sweep takes the next ones.
const WANTED: u32 = 20_000;
/// Messages that one statement of a search looks at.
const STRETCH: u32 = 4_000;

/// A kept fact: tenant, WhatsApp's id, word.
type Name = (String, String, String);

/// Keeps a fact, and forgets a few that are too old.
pub(super) fn keep(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    wamid: &Wamid,
    fact: &Fact,
    now: DateTime<Utc>,
) -> Result<(), SqliteError> {
    let (word, code) = word(&fact.what);
    // Of two facts of one kind the earlier counts, as it would in the message itself.
    tx.prepare_cached(
        "INSERT INTO orphan (tenant, wamid, kind, code, at_us, kept_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET code = excluded.code, at_us = excluded.at_us
         WHERE (excluded.at_us, excluded.code) < (at_us, code)",
    )?
    .execute(params![
        tenant.as_str(),
        wamid.expose(),
        word,
        code.map(Code::as_str),
        fact.at.timestamp_micros(),
        now.timestamp_micros(),
    ])?;
    tx.prepare_cached(
        "DELETE FROM orphan WHERE (tenant, wamid, kind) IN
         (SELECT tenant, wamid, kind FROM orphan WHERE kept_us <= ?1 ORDER BY kept_us LIMIT 4)",
    )?
    .execute([(now - ORPHANS_KEPT).timestamp_micros()])?;
    Ok(())
}

/// Hands over what was kept under an id and is not too old, and keeps none of it.
pub(super) fn take(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    wamid: &Wamid,
    now: DateTime<Utc>,
) -> Result<Vec<(What, DateTime<Utc>)>, SqliteError> {
    let mut select = tx.prepare_cached(
        "SELECT kind, code, at_us FROM orphan WHERE tenant = ?1 AND wamid = ?2 AND ?3 < kept_us",
    )?;
    let forgotten = (now - ORPHANS_KEPT).timestamp_micros();
    let mut rows = select.query(params![tenant.as_str(), wamid.expose(), forgotten])?;
    let mut taken = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, code): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let at = DateTime::from_timestamp_micros(row.get(2)?).unwrap_or_default();
        taken.extend(status(&kind, code).map_err(SqliteError::damaged)?.map(|what| (what, at)));
    }
    tx.prepare_cached("DELETE FROM orphan WHERE tenant = ?1 AND wamid = ?2")?
        .execute(params![tenant.as_str(), wamid.expose()])?;
    Ok(taken)
}

/// Forgets what was kept under ids that tell one of these numbers.
pub(super) fn forget(tx: &Transaction<'_>, tenant: &TenantId, digits: &[String]) -> Result<(), SqliteError> {
    let mut select = tx.prepare_cached("SELECT DISTINCT wamid FROM orphan WHERE tenant = ?1")?;
    let mut rows = select.query([tenant.as_str()])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()? {
        let wamid = Wamid::new(row.get::<_, String>(0)?);
        if digits.iter().any(|digits| wamid.tells(digits)) {
            told.push(wamid);
        }
    }
    let mut delete = tx.prepare_cached("DELETE FROM orphan WHERE tenant = ?1 AND wamid = ?2")?;
    for wamid in told {
        delete.execute(params![tenant.as_str(), wamid.expose()])?;
    }
    Ok(())
}

/// Searches for the messages of facts that were not searched for yet; says how many were found.
pub(super) async fn search(store: &Sqlite) -> Result<usize, SqliteError> {
    let forgotten = (store.clock().now() - ORPHANS_KEPT).timestamp_micros();
    if store.read(&SCHEMA, move |tx| is_any_older(tx, forgotten)).await? {
        store.write(&SCHEMA, move |tx| forget_older(tx, forgotten)).await?;
    }
    let wanted = store.read(&SCHEMA, wanted).await?;
    if wanted.is_empty() {
        return Ok(0);
    }
    let now = store.clock().now();
    let tenants: BTreeSet<String> = wanted.iter().map(|(tenant, ..)| tenant.clone()).collect();
    let mut found: Vec<(MessageKey, Wamid)> = Vec::new();
    for tenant in tenants {
        let ours = wanted.iter().filter(|(owner, ..)| *owner == tenant);
        let ids: HashSet<String> = ours.map(|(_, wamid, _)| wamid.clone()).collect();
        let tenant = TenantId::parse(&tenant).map_err(SqliteError::damaged)?;
        let owner = tenant.clone();
        let campaigns = store.read(&SCHEMA, move |tx| campaigns(tx, &owner, now)).await?;
        for number in campaigns {
            let campaign = CampaignKey::stored(&tenant, number);
            let mut from = Some(0);
            while let Some(start) = from {
                let (key, ids) = (campaign.clone(), ids.clone());
                let (some, next) = store.read(&SCHEMA, move |tx| stretch(tx, &key, start, &ids)).await?;
                found.extend(some);
                from = next;
            }
        }
    }
    let messages = found.len();
    store.write(&SCHEMA, move |tx| end(tx, &found, &wanted, now)).await?;
    Ok(messages)
}

/// What is kept for 8 days goes even when nothing more of its kind comes.
fn is_any_older(tx: &Transaction<'_>, than_us: i64) -> Result<bool, SqliteError> {
    let mut select = tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM orphan WHERE kept_us <= ?1)")?;
    Ok(select.query_row([than_us], |row| row.get(0))?)
}

fn forget_older(tx: &Transaction<'_>, than_us: i64) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "DELETE FROM orphan WHERE (tenant, wamid, kind) IN
         (SELECT tenant, wamid, kind FROM orphan WHERE kept_us <= ?1 ORDER BY kept_us LIMIT 10000)",
    )?
    .execute([than_us])?;
    Ok(())
}

fn wanted(tx: &Transaction<'_>) -> Result<Vec<Name>, SqliteError> {
    let mut select =
        tx.prepare_cached("SELECT tenant, wamid, kind FROM orphan WHERE searched = 0 LIMIT ?1")?;
    let rows = select.query_map([WANTED], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The tenant's campaigns of whose messages WhatsApp may still tell.
fn campaigns(tx: &Transaction<'_>, tenant: &TenantId, now: DateTime<Utc>) -> Result<Vec<u32>, SqliteError> {
    let mut select = tx.prepare_cached(
        "SELECT number FROM campaign WHERE tenant = ?1 AND (status IN ('released', 'paused', 'cancelled')
             OR status = 'finished' AND ?2 < max(released_us, coalesce(starts_us, 0)))",
    )?;
    let since = (now - TOLD_FOR).timestamp_micros();
    let rows = select.query_map(params![tenant.as_str(), since], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

type Found = (Vec<(MessageKey, Wamid)>, Option<u32>);

fn stretch(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    from: u32,
    ids: &HashSet<String>,
) -> Result<Found, SqliteError> {
    let end = from.saturating_add(STRETCH);
    let (first, last) = (row_of(campaign.number(), from), row_of(campaign.number(), end) - 1);
    let mut found = Vec::new();
    for known in Pages::load(tx, first, last)?.each() {
        let (row, facts) = known?;
        let former = facts.former.into_iter().map(|former| former.wamid);
        for wamid in facts.wamid.into_iter().chain(former) {
            if first <= row && row <= last && ids.contains(wamid.expose()) {
                found.push((campaign.message(record_of(row)), wamid));
            }
        }
    }
    Ok((found, later(tx, campaign, end)?.then_some(end)))
}

/// Applies what was found, and notes what need not be searched for again.
fn end(
    tx: &Transaction<'_>,
    found: &[(MessageKey, Wamid)],
    searched: &[Name],
    now: DateTime<Utc>,
) -> Result<(), SqliteError> {
    let mut books = Books::open(tx, now);
    let left = ledger::adopt(&mut books, found, now)?;
    books.close(&left)?;
    let mut note =
        tx.prepare_cached("UPDATE orphan SET searched = 1 WHERE tenant = ?1 AND wamid = ?2 AND kind = ?3")?;
    for (tenant, wamid, kind) in searched {
        note.execute(params![tenant, wamid, kind])?;
    }
    Ok(())
}
