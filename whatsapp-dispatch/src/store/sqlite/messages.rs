//! Reading messages, a bounded stretch at a time.

use bytes::Bytes;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{Row, ToSql, Transaction, params};

use super::campaigns::exists;
use super::pages::Pages;
use super::plan::{by_id, verdict};
use crate::delivery::{Kind, Message, Page, Query, Recipient};
use crate::fact::Facts;
use crate::message::{CampaignKey, MessageId, MessageKey, PersonId, row as row_of};
use crate::phone::PhoneNumber;

/// Records that one scan looks at, at most.
const STRETCH: u32 = 4_000;

/// Records that are read in vain rather than starting another statement.
const GAP: u32 = 4;

const COLUMNS: &str = "row, line, verdict, code, person, id, number, consent, zone, parameters";

pub(super) fn page(tx: &Transaction<'_>, query: &Query) -> Result<Page, SqliteError> {
    match query {
        Query::Keys(keys) => Ok(Page { messages: by_keys(tx, keys.clone())?, next: None }),
        Query::Ids(campaign, ids) => {
            if !exists(tx, campaign)? {
                return Ok(Page::default());
            }
            let mut keys = Vec::with_capacity(ids.len());
            for id in ids {
                keys.extend(by_id(tx, campaign, id)?.map(|row| campaign.message(record_of(row))));
            }
            Ok(Page { messages: by_keys(tx, keys)?, next: None })
        }
        Query::Scan { campaign, .. } if !exists(tx, campaign)? => Ok(Page::default()),
        Query::Scan { campaign, from, of, max } => match of {
            Kind::Any => by_rows(tx, campaign, *from, *max, "?4 IS NULL", &None::<i64>),
            Kind::Naming(person) => by_rows(tx, campaign, *from, *max, "person = ?4", person.as_bytes()),
            Kind::ToBegin
            | Kind::BegunBefore(_)
            | Kind::AcceptedBefore(_)
            | Kind::DoubtedBefore(_)
            | Kind::ToReopen { .. } => by_facts(tx, campaign, *from, *max, *of),
        },
    }
}

fn by_keys(tx: &Transaction<'_>, mut keys: Vec<MessageKey>) -> Result<Vec<Message>, SqliteError> {
    keys.sort_by_key(MessageKey::row);
    let mut messages = Vec::with_capacity(keys.len());
    for run in keys.chunk_by(lie_together) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        if exists(tx, first.campaign())? {
            let facts = Pages::load(tx, first.row(), last.row())?;
            let wanted = run.iter().map(MessageKey::row);
            read_run(tx, first.campaign(), wanted, facts, &mut messages)?;
        }
    }
    Ok(messages)
}

/// Messages that leave together mostly lie together: a run of them is read by one statement.
fn lie_together(one: &MessageKey, next: &MessageKey) -> bool {
    one.campaign() == next.campaign() && next.record() - one.record() <= GAP
}

/// Reads the wanted rows of one campaign, which come in their order.
fn read_run(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    wanted: impl DoubleEndedIterator<Item = i64> + Clone,
    mut facts: Pages<'_>,
    messages: &mut Vec<Message>,
) -> Result<(), SqliteError> {
    let mut ends = wanted.clone();
    let Some(first) = ends.next() else { return Ok(()) };
    let last = ends.next_back().unwrap_or(first);
    let mut select = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message WHERE ?1 <= row AND row <= ?2 ORDER BY row"
    ))?;
    let mut rows = select.query([first, last])?;
    let mut wanted = wanted.peekable();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        while wanted.next_if(|wanted| *wanted < key).is_some() {}
        if wanted.peek() == Some(&key) {
            messages.push(read(campaign, row, facts.known(key)?)?);
        }
    }
    Ok(())
}

/// Scans what was planned, by a condition on its row.
fn by_rows(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    from: u32,
    max: usize,
    condition: &str,
    value: &dyn ToSql,
) -> Result<Page, SqliteError> {
    let end = from.saturating_add(STRETCH);
    let (start, stop) = (row_of(campaign.number(), from), row_of(campaign.number(), end));
    let mut facts = Pages::of(tx);
    let mut messages = Vec::new();
    {
        let mut select = tx.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM message WHERE ?1 <= row AND row < ?2 AND {condition} ORDER BY row LIMIT ?3"
        ))?;
        let limit = i64::try_from(max).unwrap_or(i64::MAX);
        let mut rows = select.query(params![start, stop, limit, value])?;
        while let Some(row) = rows.next()? {
            messages.push(read(campaign, row, facts.known(row.get(0)?)?)?);
        }
    }
    onward(tx, campaign, messages, max, end)
}

/// Scans what is known of planned messages.
fn by_facts(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    from: u32,
    max: usize,
    of: Kind,
) -> Result<Page, SqliteError> {
    let end = from.saturating_add(STRETCH);
    let (start, last) = (row_of(campaign.number(), from), row_of(campaign.number(), end) - 1);
    let facts = Pages::load(tx, start, last)?;
    let mut found = Vec::new();
    for known in facts.each() {
        let (row, facts) = known?;
        if start <= row && row <= last && of.finds(&facts) {
            found.push(row);
            if found.len() == max {
                break;
            }
        }
    }
    let mut messages = Vec::with_capacity(found.len());
    for run in found.chunk_by(|one, next| next - one <= i64::from(GAP)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let facts = Pages::load(tx, *first, *last)?;
        read_run(tx, campaign, run.iter().copied(), facts, &mut messages)?;
    }
    onward(tx, campaign, messages, max, end)
}

/// The page, and where to go on after it.
fn onward(
    tx: &Transaction<'_>,
    campaign: &CampaignKey,
    messages: Vec<Message>,
    max: usize,
    end: u32,
) -> Result<Page, SqliteError> {
    let last = messages.last().filter(|_| messages.len() == max).map(|message| message.key.record() + 1);
    let next = match last {
        Some(next) => Some(next),
        None => later(tx, campaign, end)?.then_some(end),
    };
    Ok(Page { messages, next })
}

/// True when the campaign has records from `record` on.
pub(super) fn later(tx: &Transaction<'_>, campaign: &CampaignKey, record: u32) -> Result<bool, SqliteError> {
    let (start, stop) = (row_of(campaign.number(), record), row_of(campaign.number() + 1, 0));
    let mut exists =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM message WHERE ?1 <= row AND row < ?2)")?;
    Ok(exists.query_row(params![start, stop], |row| row.get(0))?)
}

/// The record's number in the key of its row.
pub(super) fn record_of(row: i64) -> u32 {
    u32::try_from(row & i64::from(u32::MAX)).unwrap_or_default()
}

fn read(campaign: &CampaignKey, row: &Row<'_>, facts: Option<Facts>) -> Result<Message, SqliteError> {
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
    Ok(Message {
        key: campaign.message(record_of(row.get(0)?)),
        line: row.get(1)?,
        verdict: verdict(row.get(2)?, row.get(3)?)?,
        to,
        parameters: Bytes::from(row.get::<_, Vec<u8>>(9)?),
        facts: facts.unwrap_or_default(),
    })
}
