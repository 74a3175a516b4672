//! Facts that name a message by WhatsApp's id alone, from webhooks that lost our token.
//!
//! As on SQLite, ids have no index: such a fact is kept, and meets its message either when the
//! message becomes known under the id, or by one search. So that no fact slips in between, whatever
//! makes a message known rests on the epoch, a text that every kept fact renews.

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, Reply};

use super::cells::{PageKey, facts_page};
use super::seen::Seen;
use super::transact;
use crate::campaigns::{CampaignRecord, Campaigns, Select};
use crate::delivery::change::{status, word};
use crate::delivery::page::RECORDS;
use crate::delivery::{ORPHANS_KEPT, TOLD_FOR, ledger};
use crate::fact::{Fact, What};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, MessageKey};

/// Ids that one search looks for, at most; the next sweep takes the next ones.
const WANTED: u32 = 20_000;
/// Campaigns that a search reads at once.
const CAMPAIGNS: usize = 100;
/// Pages that a search reads in one trip.
const STRETCH: u32 = 128;
/// Facts that are looked at or forgotten in one trip.
const SWEPT: u32 = 1_000;

/// What a webhook may tell of a message.
const WORDS: [&str; 5] = ["sent", "delivered", "read", "played", "failed"];
/// Stands between the parts of a name and of a value; none of them can hold it.
const SEPARATOR: char = '\u{1f}';

/// A fact that is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    word: String,
    code: Option<String>,
    at_us: i64,
    since_us: i64,
}

impl Kept {
    pub(super) fn of(fact: &Fact, now: DateTime<Utc>) -> Self {
        let (word, code) = word(&fact.what);
        Self {
            word: word.to_owned(),
            code: code.map(|code| code.as_str().to_owned()),
            at_us: fact.at.timestamp_micros(),
            since_us: now.timestamp_micros(),
        }
    }

    pub(super) fn is_of(&self, what: &What) -> bool {
        self.word == word(what).0
    }

    /// True when this one counts rather than the other of its kind.
    pub(super) fn comes_before(&self, other: &Fact) -> bool {
        let code = word(&other.what).1.map(|code| code.as_str().to_owned());
        (self.at_us, &self.code) <= (other.at.timestamp_micros(), &code)
    }

    pub(super) fn is_young(&self, now: DateTime<Utc>) -> bool {
        (now - ORPHANS_KEPT).timestamp_micros() < self.since_us
    }

    /// What it tells, and when that happened.
    pub(super) fn told(&self) -> Result<Option<(What, DateTime<Utc>)>, RedisError> {
        let what = status(&self.word, self.code.clone()).map_err(RedisError::damaged)?;
        let at = DateTime::from_timestamp_micros(self.at_us).unwrap_or_default();
        Ok(what.map(|what| (what, at)))
    }

    fn write(&self) -> String {
        let code = self.code.as_deref().unwrap_or_default();
        format!("{code}{SEPARATOR}{}{SEPARATOR}{}", self.at_us, self.since_us)
    }

    fn read(word: &str, value: &str) -> Option<Self> {
        let mut parts = value.split(SEPARATOR);
        let code = parts.next()?;
        let (at_us, since_us) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let code = (!code.is_empty()).then(|| code.to_owned());
        Some(Self { word: word.to_owned(), code, at_us, since_us })
    }
}

/// The text that every kept fact renews.
pub(super) fn epoch(store: &Redis) -> String {
    store.key(&[&"orphans", &"epoch"])
}

fn home(store: &Redis) -> String {
    store.key(&[&"orphans"])
}

fn by_age(store: &Redis) -> String {
    store.key(&[&"orphans", &"by-age"])
}

fn new(store: &Redis) -> String {
    store.key(&[&"orphans", &"new"])
}

fn name(tenant: &TenantId, wamid: &Wamid, word: &str) -> String {
    format!("{tenant}{SEPARATOR}{}{SEPARATOR}{word}", wamid.expose())
}

/// Tenant and id of a name.
fn parts(name: &str) -> Result<(TenantId, Wamid), RedisError> {
    let mut parts = name.split(SEPARATOR);
    let (Some(tenant), Some(wamid)) = (parts.next(), parts.next()) else {
        return Err(RedisError::odd("the name of a kept fact"));
    };
    Ok((TenantId::parse(tenant).map_err(RedisError::damaged)?, Wamid::new(wamid)))
}

/// Asks for what is kept under an id.
pub(super) fn ask(store: &Redis, tenant: &TenantId, wamid: &Wamid) -> Command {
    WORDS.iter().fold(Command::new("HMGET", &home(store)), |ask, word| ask.arg(name(tenant, wamid, word)))
}

/// Reads the answer to [`ask`].
pub(super) fn read(fields: Vec<Reply>) -> Result<Vec<Kept>, RedisError> {
    let mut kept = Vec::new();
    for (word, field) in WORDS.iter().zip(fields) {
        if let Some(value) = field.text() {
            kept.push(Kept::read(word, value).ok_or_else(|| RedisError::odd("a kept fact"))?);
        }
    }
    Ok(kept)
}

/// Writes what a transaction keeps and what it took.
pub(super) fn write(
    store: &Redis,
    kept: &[(TenantId, Wamid, Fact)],
    taken: &[(TenantId, Wamid)],
    now: DateTime<Utc>,
    commit: &mut Commit,
) {
    for (tenant, wamid) in taken {
        forget(store, &WORDS.map(|word| name(tenant, wamid, word)), commit);
    }
    for (tenant, wamid, fact) in kept {
        let one = Kept::of(fact, now);
        let name = name(tenant, wamid, &one.word);
        commit.write(Command::new("HSET", &home(store)).arg(&name).arg(one.write()));
        commit.write(Command::new("ZADD", &by_age(store)).arg("NX").int(one.since_us).arg(&name));
        commit.write(Command::new("ZADD", &new(store)).arg("NX").int(one.since_us).arg(&name));
    }
    if !kept.is_empty() {
        commit.write(Command::new("INCR", &epoch(store)));
    }
}

fn forget(store: &Redis, names: &[String], commit: &mut Commit) {
    for (remove, key) in [("HDEL", home(store)), ("ZREM", by_age(store)), ("ZREM", new(store))] {
        commit.write(names.iter().fold(Command::new(remove, &key), Command::arg));
    }
}

/// Forgets what was kept under ids that tell one of these numbers.
pub(super) async fn forget_numbers(
    store: &Redis,
    tenant: &TenantId,
    digits: &[String],
) -> Result<(), RedisError> {
    let mut cursor = Bytes::from_static(b"0");
    loop {
        let scan = Command::new("HSCAN", &home(store)).bytes(cursor).arg("COUNT").int(SWEPT);
        let mut reply = store.read(&[scan]).await?.pop().map(Reply::list).unwrap_or_default().into_iter();
        let next = reply.next().and_then(Reply::bytes).ok_or_else(|| RedisError::odd("HSCAN"))?;
        let mut told = Vec::new();
        for field in reply.next().map(Reply::list).unwrap_or_default().iter().step_by(2) {
            let Some(name) = field.text() else { continue };
            let (of, wamid) = parts(name)?;
            if of == *tenant && digits.iter().any(|digits| wamid.tells(digits)) {
                told.push(name.to_owned());
            }
        }
        if !told.is_empty() {
            let mut commit = Commit::new();
            forget(store, &told, &mut commit);
            store.commit(&commit).await?;
        }
        if next.as_ref() == b"0" {
            return Ok(());
        }
        cursor = next;
    }
}

/// Searches for the messages of facts that were not searched for yet; says how many were found.
pub(super) async fn search(store: &Redis) -> Result<usize, RedisError> {
    let now = store.now();
    forget_old(store, now).await?;
    let names = members(store, Command::new("ZRANGE", &new(store)).int(0).int(WANTED - 1)).await?;
    if names.is_empty() {
        return Ok(0);
    }
    let wanted = names.iter().map(|name| parts(name)).collect::<Result<HashSet<_>, _>>()?;
    let tenants: BTreeSet<&TenantId> = wanted.iter().map(|(tenant, _)| tenant).collect();
    let mut found = Vec::new();
    for tenant in tenants {
        let ids = wanted.iter().filter(|(of, _)| of == tenant).map(|(_, wamid)| wamid).collect();
        for campaign in campaigns(store, tenant, now).await? {
            search_in(store, &campaign, &ids, &mut found).await?;
        }
    }
    for some in found.chunks(200) {
        let mut seen = Seen::default();
        transact(store, &mut seen, BTreeSet::new(), |view| Ok(((), ledger::adopt(view, some, now)?))).await?;
    }
    for some in names.chunks(SWEPT as usize) {
        let mut commit = Commit::new();
        commit.write(some.iter().fold(Command::new("ZREM", &new(store)), Command::arg));
        store.commit(&commit).await?;
    }
    Ok(found.len())
}

async fn members(store: &Redis, ask: Command) -> Result<Vec<String>, RedisError> {
    let reply = store.read(&[ask]).await?.pop().map(Reply::list).unwrap_or_default();
    Ok(reply.iter().filter_map(|name| name.text().map(str::to_owned)).collect())
}

/// What is kept for 8 days goes even when nothing more of its kind comes.
async fn forget_old(store: &Redis, now: DateTime<Utc>) -> Result<(), RedisError> {
    let end = (now - ORPHANS_KEPT).timestamp_micros();
    let old = Command::new("ZRANGEBYSCORE", &by_age(store)).arg("-inf").int(end);
    let old = members(store, old.arg("LIMIT").int(0).int(SWEPT)).await?;
    let mut commit = Commit::new();
    if !old.is_empty() {
        forget(store, &old, &mut commit);
    }
    store.commit(&commit).await.map(|_| ())
}

/// The tenant's campaigns of whose messages WhatsApp may still tell.
async fn campaigns(
    store: &Redis,
    tenant: &TenantId,
    now: DateTime<Utc>,
) -> Result<Vec<CampaignKey>, RedisError> {
    let told = |record: &CampaignRecord| {
        let begins = record.released_at.max(record.definition.starts_at);
        let recent = begins.is_some_and(|begins| now - TOLD_FOR < begins);
        !record.status.is_sealed() && (record.status.is_active() || recent)
    };
    let (mut keys, mut after) = (Vec::new(), 0);
    loop {
        let page = store.list(&Select::Of(tenant.clone()), after, CAMPAIGNS).await;
        let page = page.map_err(|error| RedisError::Unavailable { source: std::sync::Arc::new(error) })?;
        keys.extend(page.iter().filter(|record| told(record)).map(|record| record.key.clone()));
        match page.last() {
            Some(last) if page.len() == CAMPAIGNS => after = last.key.number(),
            _ => return Ok(keys),
        }
    }
}

async fn search_in(
    store: &Redis,
    campaign: &CampaignKey,
    ids: &HashSet<&Wamid>,
    found: &mut Vec<(MessageKey, Wamid)>,
) -> Result<(), RedisError> {
    let number = campaign.number();
    let records = super::records(store, campaign).await?;
    for first in (0..records.div_ceil(RECORDS)).step_by(STRETCH as usize) {
        let pages: Vec<PageKey> =
            (first..first + STRETCH).map(|page| PageKey { campaign: number, page }).collect();
        let ask = |page: &PageKey| Command::new("HGET", &page.sheet(store)).arg(page.facts());
        let fields = store.read(&pages.iter().map(ask).collect::<Vec<_>>()).await?;
        for (page, field) in pages.iter().zip(fields) {
            for known in facts_page(field.bytes().as_ref())?.each() {
                let (slot, facts) = known.map_err(RedisError::damaged)?;
                let former = facts.former.into_iter().map(|former| former.wamid);
                let named = facts.wamid.into_iter().chain(former).filter(|wamid| ids.contains(wamid));
                found.extend(named.map(|wamid| (campaign.message(page.record(slot)), wamid)));
            }
        }
    }
    Ok(())
}
