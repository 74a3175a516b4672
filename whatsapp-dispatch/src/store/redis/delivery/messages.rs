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

/// The campaigns' headers, where they are what the keys say.
async fn headers(
    store: &Redis,
    keys: &BTreeSet<&CampaignKey>,
) -> Result<BTreeMap<CampaignKey, Header>, RedisError> {
    let ask = |key: &&CampaignKey| Header::ask(store, key.number());
    let replies = store.read(&keys.iter().map(ask).collect::<Vec<_>>()).await?;
    let mut headers = BTreeMap::new();
    for (key, reply) in keys.iter().zip(replies) {
        if let Some(header) = Header::read(reply.list())?
            && header.of(key).is_some()
        {
            headers.insert((*key).clone(), header);
        }
    }
    Ok(headers)
}

/// How many records the campaign has; none if there is no such campaign.
pub(super) async fn records(store: &Redis, campaign: &CampaignKey) -> Result<u32, RedisError> {
    Ok(headers(store, &BTreeSet::from([campaign])).await?.get(campaign).map_or(0, |header| header.next))
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

/// The three fields of each page, in one trip.
async fn read(store: &Redis, pages: &[PageKey]) -> Result<Vec<[Option<Bytes>; 3]>, RedisError> {
    let ask = |page: &PageKey| {
        Command::new("HMGET", &page.sheet(store)).arg(page.rows()).arg(page.parameters()).arg(page.facts())
    };
    let replies = store.read(&pages.iter().map(ask).collect::<Vec<_>>()).await?;
    let three = |reply: Reply| {
        let fields: Vec<Option<Bytes>> = reply.list().into_iter().map(Reply::bytes).collect();
        fields.try_into().map_err(|_| RedisError::odd("the fields of a page"))
    };
    replies.into_iter().map(three).collect()
}

/// The messages in the order of their keys; `glimpse` is shown the facts of each page.
async fn by_keys(
    store: &Redis,
    keys: &[MessageKey],
    glimpse: impl Fn(PageKey, Option<Bytes>),
) -> Result<Vec<Message>, RedisError> {
    let campaigns = headers(store, &keys.iter().map(MessageKey::campaign).collect()).await?;
    let keys: BTreeSet<&MessageKey> =
        keys.iter().filter(|key| campaigns.contains_key(key.campaign())).collect();
    let mut pages: BTreeMap<PageKey, Vec<&MessageKey>> = BTreeMap::new();
    for key in keys {
        pages.entry(PageKey::of(key.campaign().number(), key.record())).or_default().push(key);
    }
    let places: Vec<PageKey> = pages.keys().copied().collect();
    let mut messages = Vec::new();
    for (wanted, fields) in pages.values().zip(read(store, &places).await?) {
        let Some(campaign) = wanted.first().map(|key| key.campaign()) else { continue };
        let slots: Vec<u8> = wanted.iter().map(|key| slot(key.record())).collect();
        let Some(page) = wanted.first().map(|key| PageKey::of(campaign.number(), key.record())) else {
            continue;
        };
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
    let records = records(store, campaign).await?;
    let end = from.saturating_add(STRETCH).min(records);
    let number = campaign.number();
    let mut pages: Vec<PageKey> =
        (from / RECORDS..end.div_ceil(RECORDS)).map(|page| PageKey { campaign: number, page }).collect();
    if !matches!(of, Kind::Any | Kind::Naming(_)) {
        pages = with_any(store, pages, of).await?;
    }
    let mut messages = Vec::new();
    for (page, fields) in pages.iter().zip(read(store, &pages).await?) {
        unpack(campaign, *page, fields, |_| true, &mut messages)?;
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

/// The pages with a planned message that the scan looks for. Reads what is known alone, which is
/// much less than what was planned.
async fn with_any(store: &Redis, pages: Vec<PageKey>, of: Kind) -> Result<Vec<PageKey>, RedisError> {
    let ask = |page: &PageKey| Command::new("HGET", &page.sheet(store)).arg(page.facts());
    let fields = store.read(&pages.iter().map(ask).collect::<Vec<_>>()).await?;
    let mut found = Vec::new();
    for (page, field) in pages.into_iter().zip(fields) {
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
