//! The [`Outbox`] port: a list, and a counter of what left it, so that positions rise for ever.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use chrono::DateTime;

use super::{Command, Commit, Redis, RedisError, Reply, Script};
use crate::judge::code::Code;
use crate::judge::id::{EntryId, LeaseToken};
use crate::judge::key::ChainKey;
use crate::judge::tenant::TenantId;
use crate::work::StoreError;
use crate::work::events::Entry;
use crate::work::outbox::Outbox;

static PENDING: Script = Script::new("pending", include_str!("outbox/pending.lua"));
static RELAYED: Script = Script::new("relayed", include_str!("outbox/relayed.lua"));
static CLAIM: Script = Script::new("claim", include_str!("outbox/claim.lua"));

/// Entries that one command takes, or one script reads or forgets.
const AT_ONCE: usize = 1_000;

/// Puts entries into the outbox, with the commit of the change that they are about.
pub fn put_out(commit: &mut Commit, store: &Redis, entries: &[Entry]) {
    let [list, _] = keys(store);
    for entries in entries.chunks(AT_ONCE) {
        let push = Command::new("RPUSH", &list);
        commit.write(entries.iter().fold(push, |push, entry| push.bytes(packed(entry))));
    }
}

#[async_trait]
impl Outbox for Redis {
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        pending(self, max).await.map_err(|error| error.while_doing("reading the outbox"))
    }

    async fn relayed(&self, position: u64) -> Result<(), StoreError> {
        relayed(self, position).await.map_err(|error| error.while_doing("clearing the outbox"))
    }

    async fn claim(&self, holder: LeaseToken, ttl: Duration) -> Result<bool, StoreError> {
        let holder = Bytes::copy_from_slice(holder.as_bytes());
        let arguments = [holder, ttl.as_millis().to_string().into()];
        let claimed = self.run(&CLAIM, &[self.key(&[&"relay"])], &arguments).await;
        claimed
            .map(|answer| answer.int() == Some(1))
            .map_err(|error| error.while_doing("claiming the outbox"))
    }
}

/// The list of entries, and how many were relayed.
fn keys(store: &Redis) -> [String; 2] {
    [store.key(&[&"outbox"]), store.key(&[&"outbox", &"relayed"])]
}

async fn pending(store: &Redis, max: usize) -> Result<Vec<(u64, Entry)>, RedisError> {
    let mut pending: Vec<(u64, Entry)> = Vec::new();
    while pending.len() < max {
        let behind = pending.last().map_or(0, |(position, _)| *position);
        let count = AT_ONCE.min(max - pending.len());
        let arguments = [behind.to_string(), count.to_string()].map(Bytes::from);
        let mut answer = store.run(&PENDING, &keys(store), &arguments).await?.list().into_iter();
        let first = answer.next().and_then(|first| first.int()).and_then(|first| u64::try_from(first).ok());
        let first = first.ok_or_else(|| RedisError::odd("outbox"))?;
        let before = pending.len();
        for (position, entry) in (first..).zip(answer) {
            let entry = entry.bytes().as_ref().and_then(|bytes| unpacked(bytes));
            pending.push((position, entry.ok_or_else(|| RedisError::odd("outbox"))?));
        }
        if pending.len() < before + count {
            break;
        }
    }
    Ok(pending)
}

async fn relayed(store: &Redis, position: u64) -> Result<(), RedisError> {
    let arguments = [position.to_string(), AT_ONCE.to_string()].map(Bytes::from);
    while let Reply::Int(1..) = store.run(&RELAYED, &keys(store), &arguments).await? {}
    Ok(())
}

/// An entry in few bytes: its id, its instant in microseconds, tenant and kind behind a byte with
/// their length, and the body.
fn packed(entry: &Entry) -> Bytes {
    let words = [entry.chain.tenant().as_str(), entry.kind.as_str()];
    let size = words.iter().map(|word| word.len() + 1).sum::<usize>() + 24 + entry.body.len();
    let mut bytes = BytesMut::with_capacity(size);
    bytes.put_slice(entry.id.as_bytes());
    bytes.put_i64(entry.at.timestamp_micros());
    for word in words {
        // Neither has more than 64 bytes.
        bytes.put_u8(u8::try_from(word.len()).unwrap_or(u8::MAX));
        bytes.put_slice(word.as_bytes());
    }
    bytes.put_slice(entry.body.as_bytes());
    bytes.freeze()
}

fn unpacked(bytes: &[u8]) -> Option<Entry> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (tenant, rest) = word(rest)?;
    let (kind, body) = word(rest)?;
    Some(Entry {
        id: EntryId::from_bytes(*id),
        chain: ChainKey::of(&TenantId::parse(tenant).ok()?),
        at: DateTime::from_timestamp_micros(i64::from_be_bytes(*at))?,
        kind: Code::parse(kind).ok()?,
        body: std::str::from_utf8(body).ok()?.to_owned(),
    })
}

fn word(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (word, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(word).ok()?, rest))
}
