//! Reading messages, a bounded stretch at a time.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::types::Value;
use rules_core::store::sqlite::rusqlite::{Row, Transaction, params};

use super::campaigns::exists;
use super::facts::{self, state_number};
use super::plan::verdict;
use crate::delivery::{Kind, Message, Page, Query, Recipient};
use crate::fact::State;
use crate::message::{CampaignKey, MessageId, MessageKey, PersonId, row as row_of};
use crate::phone::PhoneNumber;

/// Records that one scan looks at, at most.
const STRETCH: u32 = 20_000;

const COLUMNS: &str =
    "message.row, line, verdict, message.code, person, id, number, consent, zone, parameters, state";

pub(super) fn page(tx: &Transaction<'_>, query: &Query) -> Result<Page, SqliteError> {
    match query {
        Query::Keys(keys) => {
            let mut keys = keys.clone();
            keys.sort_by_key(MessageKey::row);
            let mut campaigns: Vec<CampaignKey> = keys.iter().map(|key| key.campaign().clone()).collect();
            campaigns.sort();
            campaigns.dedup();
            for campaign in &campaigns {
                if !exists(tx, campaign)? {
                    keys.retain(|key| key.campaign() != campaign);
                }
            }
            let mut messages = Vec::with_capacity(keys.len());
            for run in keys.chunk_by(lie_together) {
                read_run(tx, run, &mut messages)?;
            }
            Ok(Page { messages, next: None })
        }
        Query::Scan { campaign, .. } if !exists(tx, campaign)? => Ok(Page::default()),
        Query::Scan { campaign, from, of, max } => scan(tx, campaign, *from, *of, *max),
    }
}

fn select(rest: &str) -> String {
    format!(
        "SELECT {COLUMNS}, {} FROM message LEFT JOIN delivery ON delivery.row = message.row {rest}",
        facts::COLUMNS
    )
}

/// Messages that leave together mostly lie together: a run of them is read by one statement.
fn lie_together(one: &MessageKey, next: &MessageKey) -> bool {
    one.campaign() == next.campaign() && next.record() - one.record() <= GAP
}

/// Records that are read in vain rather than starting another statement.
const GAP: u32 = 4;

fn read_run(
    tx: &Transaction<'_>,
    run: &[MessageKey],
    messages: &mut Vec<Message>,
) -> Result<(), SqliteError> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let sql = select("WHERE ?1 <= message.row AND message.row <= ?2 ORDER BY message.row");
    let mut select = tx.prepare_cached(&sql)?;
    let mut rows = select.query([first.row(), last.row()])?;
    let mut wanted = run.iter().map(MessageKey::row).peekable();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        while wanted.next_if(|wanted| *wanted < key).is_some() {}
        if wanted.peek() == Some(&key) {
            messages.push(read(first.campaign(), row)?);
        }
    }
    Ok(())
}

fn scan(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    from: u32,
    of: Kind,
    max: usize,
) -> Result<Page, SqliteError> {
    let us = |at: DateTime<Utc>| Value::from(at.timestamp_micros());
    let state = |state: State| Value::from(state_number(state));
    // ?1 and ?2 are the stretch, ?3 the limit, ?4 and ?5 what is looked for.
    let (condition, first, second) = match of {
        Kind::Any => ("?4 IS ?5", Value::Null, Value::Null),
        Kind::ToBegin => {
            ("verdict = 0 AND coalesce(state, ?4) IN (?4, ?5)", state(State::Waiting), state(State::Deferred))
        }
        Kind::BegunBefore(end) => ("state = ?4 AND begun_us < ?5", state(State::Sending), us(end)),
        Kind::AcceptedBefore(end) => ("state = ?4 AND accepted_us < ?5", state(State::Accepted), us(end)),
        Kind::InDoubt => ("state = ?4 AND ?5 IS NULL", state(State::Unknown), Value::Null),
        Kind::Naming(person) => {
            ("person = ?4 AND ?5 IS NULL", Value::from(person.as_bytes().to_vec()), Value::Null)
        }
    };
    let sql = select(&format!(
        "WHERE ?1 <= message.row AND message.row < ?2 AND {condition} ORDER BY message.row LIMIT ?3"
    ));
    let end = from.saturating_add(STRETCH);
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let (start, stop) = (row_of(campaign.number(), from), row_of(campaign.number(), end));
    let mut messages = Vec::new();
    {
        let mut select = tx.prepare_cached(&sql)?;
        let mut rows = select.query(params![start, stop, limit, first, second])?;
        while let Some(row) = rows.next()? {
            messages.push(read(campaign, row)?);
        }
    }
    let last =
        messages.last().filter(|_| messages.len() == max).map(|message: &Message| message.key.record() + 1);
    let next = match last {
        Some(next) => Some(next),
        None => later(tx, campaign, end)?.then_some(end),
    };
    Ok(Page { messages, next })
}

/// True when the campaign has records from `record` on.
fn later(tx: &Transaction<'_>, campaign: &CampaignKey, record: u32) -> Result<bool, SqliteError> {
    let (start, stop) = (row_of(campaign.number(), record), row_of(campaign.number() + 1, 0));
    let mut exists =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM message WHERE ?1 <= row AND row < ?2)")?;
    Ok(exists.query_row(params![start, stop], |row| row.get(0))?)
}

fn read(campaign: &CampaignKey, row: &Row<'_>) -> Result<Message, SqliteError> {
    let key: i64 = row.get(0)?;
    let person: Option<[u8; 16]> = row.get(4)?;
    let id: Option<[u8; 16]> = row.get(5)?;
    let number: Option<u64> = row.get(6)?;
    let consent: Option<bool> = row.get(7)?;
    let zone: Option<String> = row.get(8)?;
    let to = match (person, id, number.and_then(PhoneNumber::from_digits)) {
        (Some(person), Some(id), Some(number)) => Some(Recipient {
            person: PersonId::from_bytes(person),
            id: MessageId::from_bytes(id),
            number,
            consent: consent.unwrap_or(false),
            zone: zone.and_then(|zone| zone.parse().ok()),
        }),
        _ => None,
    };
    let begun: Option<i64> = row.get(10)?;
    let facts = if begun.is_some() { facts::read(row, 11)? } else { crate::fact::Facts::default() };
    Ok(Message {
        key: campaign.message(u32::try_from(key & i64::from(u32::MAX)).unwrap_or_default()),
        line: row.get(1)?,
        verdict: verdict(row.get(2)?, row.get(3)?)?,
        to,
        parameters: Bytes::from(row.get::<_, Vec<u8>>(9)?),
        facts,
    })
}
