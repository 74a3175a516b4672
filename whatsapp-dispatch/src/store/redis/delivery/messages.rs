//! Reading messages, a bounded stretch at a time.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rules_core::store::redis::{Command, Redis, RedisError, Reply};

use super::cells::{self, Header, PageKey, slot, unpack_rows};
use super::scribe::Scribe;
use crate::delivery::page::{FactsPage, RECORDS};
use crate::delivery::{Kind, Message, Page, Query};
use crate::message::{CampaignKey, MessageId, MessageKey};

/// Records that one scan looks at, at most.
const STRETCH: u32 = 4_000;

pub(super) async fn page(store: &Redis, query: &Query) -> Result<Page, RedisError> {
    match query {
        Query::Keys(keys) => {
            // Whoever names messages is about to begin them.
            let scribe = store.part(Scribe::start);
            let messages = by_keys(store, keys, |page, facts| scribe.glimpse([(page, facts)])).await?;
            Ok(Page { messages, next: None })
        }
        Query::Ids(campaign, ids) => {
            let keys = by_ids(store, campaign, ids).await?;
            Ok(Page { messages: by_keys(store, &keys, |_, _| ()).await?, next: None })
        }
        Query::Scan { campaign, from, of, max } => scan(store, campaign, *from, *of, *max).await,
    }
}

/// What reads headers and, in the same trip, something else.
async fn headers_and(
    store: &Redis,
    keys: &BTreeSet<&CampaignKey>,
    mut commands: Vec<Command>,
) -> Result<(BTreeMap<CampaignKey, Header>, Vec<Reply>), RedisError> {
    commands.extend(keys.iter().map(|key| Header::ask(store, key.number())));
    let mut replies = store.read(&commands).await?;
    let mut headers = BTreeMap::new();
    let of_headers = replies.split_off(replies.len().saturating_sub(keys.len()));
    for (key, reply) in keys.iter().zip(of_headers) {
        // Where they are what the keys say.
        if let Some(header) = Header::read(reply.list())?
            && header.of(key).is_some()
        {
            headers.insert((*key).clone(), header);
        }
    }
    Ok((headers, replies))
}

/// How many records the campaign has, and the answers to commands; none if there is no such campaign.
async fn records_and(
    store: &Redis,
    campaign: &CampaignKey,
    commands: Vec<Command>,
) -> Result<(u32, Vec<Reply>), RedisError> {
    let (headers, replies) = headers_and(store, &BTreeSet::from([campaign]), commands).await?;
    Ok((headers.get(campaign).map_or(0, |header| header.next), replies))
}

/// How many records the campaign has; none if there is no such campaign.
pub(super) async fn records(store: &Redis, campaign: &CampaignKey) -> Result<u32, RedisError> {
    records_and(store, campaign, Vec::new()).await.map(|(records, _)| records)
}

async fn by_ids(
    store: &Redis,
    campaign: &CampaignKey,
    ids: &[MessageId],
) -> Result<Vec<MessageKey>, RedisError> {
    let number = campaign.number();
    let ask = |id: &MessageId| Command::new("HGET", &cells::shelf(store, number, id)).arg(id.as_bytes());
    let replies = store.read(&ids.iter().map(ask).collect::<Vec<_>>()).await?;
    let mut records = BTreeSet::new();
    for record in replies.into_iter().filter_map(Reply::bytes) {
        let record = record.as_ref().try_into().map_err(|_| RedisError::odd("the record of an id"))?;
        records.insert(u32::from_le_bytes(record));
    }
    Ok(records.into_iter().map(|record| campaign.message(record)).collect())
}

/// Asks for the three fields of a page.
fn ask_all(store: &Redis, page: PageKey) -> Command {
    Command::new("HMGET", &page.sheet(store)).arg(page.rows()).arg(page.parameters()).arg(page.facts())
}

fn all_fields(reply: Reply) -> Result<[Option<Bytes>; 3], RedisError> {
    let fields: Vec<Option<Bytes>> = reply.list().into_iter().map(Reply::bytes).collect();
    fields.try_into().map_err(|_| RedisError::odd("the fields of a page"))
}

/// The messages in the order of their keys; `glimpse` is shown the facts of each page.
async fn by_keys(
    store: &Redis,
    keys: &[MessageKey],
    glimpse: impl Fn(PageKey, Option<Bytes>),
) -> Result<Vec<Message>, RedisError> {
    let mut pages: BTreeMap<(PageKey, &CampaignKey), Vec<u8>> = BTreeMap::new();
    for key in keys.iter().collect::<BTreeSet<_>>() {
        let page = PageKey::of(key.campaign().number(), key.record());
        pages.entry((page, key.campaign())).or_default().push(slot(key.record()));
    }
    let campaigns = pages.keys().map(|(_, campaign)| *campaign).collect();
    let ask = pages.keys().map(|(page, _)| ask_all(store, *page)).collect();
    let (campaigns, replies) = headers_and(store, &campaigns, ask).await?;
    let mut messages = Vec::new();
    for (((page, campaign), slots), reply) in pages.into_iter().zip(replies) {
        if !campaigns.contains_key(campaign) {
            continue;
        }
        let fields = all_fields(reply)?;
        let [_, _, facts] = &fields;
        glimpse(page, facts.clone());
        unpack(campaign, page, fields, |slot| slots.contains(&slot), &mut messages)?;
    }
    Ok(messages)
}

/// The wanted messages of a page, in the order of their records.
fn unpack(
    campaign: &CampaignKey,
    page: PageKey,
    [rows, parameters, facts]: [Option<Bytes>; 3],
    wanted: impl Fn(u8) -> bool,
    messages: &mut Vec<Message>,
) -> Result<(), RedisError> {
    let facts = cells::facts_page(facts.as_ref())?;
    let mut rows = unpack_rows(&rows.unwrap_or_default(), &parameters.unwrap_or_default())?;
    rows.sort_by_key(|(slot, _)| *slot);
    for (slot, row) in rows.into_iter().filter(|(slot, _)| wanted(*slot)) {
        messages.push(Message {
            key: campaign.message(page.record(slot)),
            line: row.line,
            verdict: row.verdict,
            to: row.to,
            parameters: row.parameters,
            facts: facts.facts(slot).map_err(RedisError::damaged)?.unwrap_or_default(),
        });
    }
    Ok(())
}

async fn scan(
    store: &Redis,
    campaign: &CampaignKey,
    from: u32,
    of: Kind,
    max: usize,
) -> Result<Page, RedisError> {
    let number = campaign.number();
    let pages =
        |end: u32| (from / RECORDS..end.div_ceil(RECORDS)).map(|page| PageKey { campaign: number, page });
    let stretch: Vec<PageKey> = pages(from.saturating_add(STRETCH)).collect();
    let looks_at_rows = matches!(of, Kind::Any | Kind::Naming(_));
    // What is known alone is much less than what was planned, so where it decides it is read first.
    let ask = stretch
        .iter()
        .map(|page| if looks_at_rows { ask_all(store, *page) } else { ask_facts(store, *page) });
    let (records, mut replies) = records_and(store, campaign, ask.collect()).await?;
    let end = from.saturating_add(STRETCH).min(records);
    let mut found: Vec<PageKey> = pages(end).collect();
    replies.truncate(found.len());
    if !looks_at_rows {
        found = with_any(found, replies, of)?;
        replies = store.read(&found.iter().map(|page| ask_all(store, *page)).collect::<Vec<_>>()).await?;
    }
    let mut messages = Vec::new();
    for (page, reply) in found.iter().zip(replies) {
        unpack(campaign, *page, all_fields(reply)?, |_| true, &mut messages)?;
    }
    messages
        .retain(|message| from <= message.key.record() && message.key.record() < end && of.matches(message));
    let more = max < messages.len();
    messages.truncate(max);
    let full = more || messages.len() == max;
    let last = messages.last().filter(|_| full).map(|message| message.key.record() + 1);
    let next = last.or_else(|| (end < records).then_some(end));
    Ok(Page { messages, next: next.filter(|next| *next < records) })
}

fn ask_facts(store: &Redis, page: PageKey) -> Command {
    Command::new("HGET", &page.sheet(store)).arg(page.facts())
}

/// The pages with a planned message that the scan looks for, by what is known of each.
fn with_any(pages: Vec<PageKey>, facts: Vec<Reply>, of: Kind) -> Result<Vec<PageKey>, RedisError> {
    let mut found = Vec::new();
    for (page, field) in pages.into_iter().zip(facts) {
        if has_any(&cells::facts_page(field.bytes().as_ref())?, of)? {
            found.push(page);
        }
    }
    Ok(found)
}

fn has_any(page: &FactsPage, of: Kind) -> Result<bool, RedisError> {
    for known in page.each() {
        let (_, facts) = known.map_err(RedisError::damaged)?;
        if of.finds(&facts) {
            return Ok(true);
        }
    }
    Ok(false)
}
