use std::borrow::Cow;
use std::cmp::Ordering;

use rules_core::judge::code::Code;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Row, ToSql, Transaction, params};
use serde::{Deserialize, Serialize};

use super::account;
use crate::intent::{Base, Intent};
use crate::listing::{Channel, ListingKey};
use crate::quantity::Units;
use crate::seller::SellerAccount;
use crate::sku::Sku;
use crate::sync_store::{ListingOutcome, ListingRecord, Listings, Shown};

/// What a change of a listing sets.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Cow<'a, Base>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<Cow<'a, Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<Cow<'a, Intent>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<Cow<'a, Code>>,
}

/// A channel as it sorts.
fn channel_text(channel: &Channel) -> String {
    match channel {
        Channel::Merchant => "0".to_owned(),
        Channel::Amazon(code) => format!("1{code}"),
        Channel::SupplySource(code) => format!("2{code}"),
    }
}

fn channel_of(text: &str) -> Channel {
    match text.split_at_checked(1) {
        Some(("1", code)) => Channel::Amazon(code.to_owned()),
        Some(("2", code)) => Channel::SupplySource(code.to_owned()),
        _ => Channel::Merchant,
    }
}

/// Units of a listing that were sold.
pub(super) fn sold(tx: &Transaction<'_>, account: i64, key: &ListingKey) -> Result<Units, SqliteError> {
    let mut select =
        tx.prepare_cached("SELECT sold FROM sync_listing WHERE account = ?1 AND sku = ?2 AND channel = ?3")?;
    let named = params![account, key.sku().as_str(), channel_text(key.channel())];
    let sold = select.query_row(named, |row| row.get(0).map(Units::new)).optional()?;
    Ok(sold.unwrap_or_default())
}

/// Changes the units of a listing that were sold.
pub(super) fn put_sold(
    tx: &Transaction<'_>,
    account: i64,
    key: &ListingKey,
    sold: Units,
) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "INSERT INTO sync_listing (account, sku, channel, sold) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (account, sku, channel) DO UPDATE SET sold = excluded.sold",
    )?
    .execute(params![account, key.sku().as_str(), channel_text(key.channel()), sold.get()])?;
    Ok(())
}

/// Makes a change if the record still has the revision that it rests on.
pub(super) fn change(
    tx: &Transaction<'_>,
    account: i64,
    record: &ListingRecord,
) -> Result<ListingOutcome, SqliteError> {
    let ListingRecord { key, revision, base, shown, intent, sold: _, frozen } = record;
    let (sku, channel) = (key.sku().as_str(), channel_text(key.channel()));
    let mut select = tx.prepare_cached(
        "SELECT revision FROM sync_listing WHERE account = ?1 AND sku = ?2 AND channel = ?3",
    )?;
    let known: Option<u64> = select.query_row(params![account, sku, channel], |row| row.get(0)).optional()?;
    if known.unwrap_or(0) != *revision {
        return Ok(ListingOutcome::Changed);
    }
    let intent_us = intent.as_ref().map(|intent| intent.decided_at.timestamp_micros());
    let stored = Stored {
        base: base.as_ref().map(Cow::Borrowed),
        shown: shown.as_ref().map(Cow::Borrowed),
        intent: intent.as_ref().map(Cow::Borrowed),
        frozen: frozen.as_ref().map(Cow::Borrowed),
    };
    let stored = serde_json::to_string(&stored).map_err(SqliteError::damaged)?;
    tx.prepare_cached(
        "INSERT INTO sync_listing (account, sku, channel, revision, intent_us, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (account, sku, channel) DO UPDATE SET revision = excluded.revision,
         intent_us = excluded.intent_us, record = excluded.record",
    )?
    .execute(params![account, sku, channel, revision + 1, intent_us, stored])?;
    Ok(ListingOutcome::Made(revision + 1))
}

/// The listings that are asked for.
pub(super) fn select(
    tx: &Transaction<'_>,
    shelf: i64,
    select: &Listings,
) -> Result<Vec<ListingRecord>, SqliteError> {
    match select {
        Listings::Named(keys) => named(tx, shelf, keys),
        Listings::WithIntent { account, max } => {
            let Some(number) = account::account(tx, shelf, account)? else { return Ok(Vec::new()) };
            let max = i64::try_from(*max).unwrap_or(i64::MAX);
            let sql = "SELECT revision, sold, record, sku, channel FROM sync_listing
                 WHERE account = ?1 AND intent_us IS NOT NULL ORDER BY intent_us, sku, channel LIMIT ?2";
            records(tx, account, sql, &[&number, &max])
        }
        Listings::All { account, after, max } => {
            let Some(number) = account::account(tx, shelf, account)? else { return Ok(Vec::new()) };
            let max = i64::try_from(*max).unwrap_or(i64::MAX);
            let (sku, channel) = match after {
                None => ("", String::new()),
                Some(after) => match after.account().cmp(account) {
                    Ordering::Less => ("", String::new()),
                    Ordering::Equal => (after.sku().as_str(), channel_text(after.channel())),
                    Ordering::Greater => return Ok(Vec::new()),
                },
            };
            let sql = "SELECT revision, sold, record, sku, channel FROM sync_listing
                 WHERE account = ?1 AND (?2, ?3) < (sku, channel) ORDER BY sku, channel LIMIT ?4";
            records(tx, account, sql, &[&number, &sku, &channel, &max])
        }
    }
}

fn named(tx: &Transaction<'_>, shelf: i64, keys: &[ListingKey]) -> Result<Vec<ListingRecord>, SqliteError> {
    let mut keys: Vec<&ListingKey> = keys.iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let mut numbers: Vec<(&SellerAccount, Option<i64>)> = Vec::new();
    let mut select = tx.prepare_cached(
        "SELECT revision, sold, record FROM sync_listing WHERE account = ?1 AND sku = ?2 AND channel = ?3",
    )?;
    let mut records = Vec::new();
    for key in keys {
        let of = key.account();
        let number = match numbers.last() {
            Some((known, number)) if *known == of => *number,
            _ => {
                let number = account::account(tx, shelf, of)?;
                numbers.push((of, number));
                number
            }
        };
        let mut rows = select.query(params![number, key.sku().as_str(), channel_text(key.channel())])?;
        if let Some(row) = rows.next()? {
            records.push(record(row, key.clone())?);
        }
    }
    Ok(records)
}

fn records(
    tx: &Transaction<'_>,
    account: &SellerAccount,
    sql: &'static str,
    values: &[&dyn ToSql],
) -> Result<Vec<ListingRecord>, SqliteError> {
    let mut select = tx.prepare_cached(sql)?;
    let mut rows = select.query(values)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let sku = Sku::parse(row.get_ref(3)?.as_str().map_err(SqliteError::damaged)?);
        let channel = channel_of(row.get_ref(4)?.as_str().map_err(SqliteError::damaged)?);
        let key = ListingKey::new(account.clone(), sku.map_err(SqliteError::damaged)?, channel);
        records.push(record(row, key)?);
    }
    Ok(records)
}

fn record(row: &Row<'_>, key: ListingKey) -> Result<ListingRecord, SqliteError> {
    let text = row.get_ref(2)?.as_str_or_null().map_err(SqliteError::damaged)?;
    let stored: Option<Stored<'_>> =
        text.map(serde_json::from_str).transpose().map_err(SqliteError::damaged)?;
    let Stored { base, shown, intent, frozen } = stored.unwrap_or_default();
    Ok(ListingRecord {
        key,
        revision: row.get(0)?,
        base: base.map(Cow::into_owned),
        shown: shown.map(Cow::into_owned),
        intent: intent.map(Cow::into_owned),
        sold: Units::new(row.get(1)?),
        frozen: frozen.map(Cow::into_owned),
    })
}
