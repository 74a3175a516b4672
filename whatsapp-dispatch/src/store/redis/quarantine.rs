use async_trait::async_trait;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::redis::{Redis, RedisError, Reply, Script};
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use super::Answers;
use crate::quarantine::{Quarantine, Quarantined, STRAYS_KEPT, STRAYS_KEPT_FOR, Stray};
use crate::sender::NumberId;

static PUT: Script = Script::new("put", include_str!("quarantine/put.lua"));
static STRAYS: Script = Script::new("strays", include_str!("quarantine/strays.lua"));
static FORGET_OLD: Script = Script::new("forget_old", include_str!("quarantine/forget_old.lua"));

/// Changes that one call forgets, at most.
const FORGOTTEN_AT_ONCE: usize = 1_000;
/// Changes that one script reads, at most: each may have 64 KiB.
const READ_AT_ONCE: usize = 100;

#[async_trait]
impl Quarantine for Redis {
    async fn put(&self, strays: &[Stray]) -> Result<(), StoreError> {
        if strays.is_empty() {
            return Ok(());
        }
        let mut arguments = vec![kept_us(), text(&STRAYS_KEPT)];
        for stray in strays {
            arguments.push(Bytes::copy_from_slice(stray.id().as_bytes()));
            arguments.push(packed(stray));
        }
        let made = self.run(&PUT, &keys(self), &arguments).await.map(drop);
        made.map_err(|error| error.while_doing("putting changes of webhooks into quarantine"))
    }

    async fn strays(&self, after: Option<u64>, max: usize) -> Result<Vec<Quarantined>, StoreError> {
        strays(self, after, max)
            .await
            .map_err(|error| error.while_doing("reading the quarantine of webhooks"))
    }

    async fn forget_old(&self) -> Result<usize, StoreError> {
        let forgotten = self.run(&FORGET_OLD, &keys(self), &[kept_us(), text(&FORGOTTEN_AT_ONCE)]).await;
        forgotten
            .and_then(|count| Answers::of("forgotten changes", vec![count]).number())
            .map_err(|error| error.while_doing("forgetting old changes of webhooks"))
    }
}

/// Of each change by its id: its number, when it came, what it is; and the number given last.
fn keys(store: &Redis) -> [String; 4] {
    ["number", "at", "kept", "last"].map(|part| store.key(&[&"strays", &part]))
}

fn text(number: &impl ToString) -> Bytes {
    number.to_string().into()
}

fn kept_us() -> Bytes {
    text(&STRAYS_KEPT_FOR.as_micros())
}

async fn strays(store: &Redis, behind: Option<u64>, max: usize) -> Result<Vec<Quarantined>, RedisError> {
    let now = store.now();
    let mut behind = behind.unwrap_or_default();
    let mut strays = Vec::new();
    while strays.len() < max {
        let wanted = READ_AT_ONCE.min(max - strays.len());
        let page = store.run(&STRAYS, &keys(store), &[text(&behind), text(&wanted)]).await?.list();
        let (mut found, mut answers) = (0, Answers::of("changes in quarantine", page));
        while let Some(number) = answers.number_if_any()? {
            (found, behind) = (found + 1, number);
            let kept =
                Quarantined { number, at: instant(answers.number()?), stray: unpacked(answers.reply())? };
            if now < after(kept.at, STRAYS_KEPT_FOR) {
                strays.push(kept);
            }
        }
        if found < wanted {
            break;
        }
    }
    Ok(strays)
}

fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

/// A change in few bytes: each word behind its length in four, then the change as it is kept.
fn packed(stray: &Stray) -> Bytes {
    let number_id = stray.number_id.as_ref().map_or("", NumberId::as_str);
    let mut bytes = BytesMut::new();
    for word in [stray.code.as_str(), &stray.waba, number_id, &stray.field] {
        bytes.put_u32(u32::try_from(word.len()).unwrap_or(u32::MAX));
        bytes.put_slice(word.as_bytes());
    }
    bytes.put(stray.kept());
    bytes.freeze()
}

fn unpacked(reply: Reply) -> Result<Stray, RedisError> {
    let mut bytes = reply.bytes().ok_or_else(odd)?;
    let code = Code::parse(word(&mut bytes)?).map_err(RedisError::damaged)?;
    let waba = word(&mut bytes)?;
    let number_id = Some(word(&mut bytes)?).filter(|id| !id.is_empty());
    let number_id = number_id.map(|id| NumberId::parse(&id)).transpose().map_err(RedisError::damaged)?;
    Ok(Stray { code, waba, number_id, field: word(&mut bytes)?, change: bytes })
}

fn word(bytes: &mut Bytes) -> Result<String, RedisError> {
    let length = bytes.try_get_u32().map_err(RedisError::damaged)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len()).ok_or_else(odd)?;
    String::from_utf8(bytes.split_to(length).into()).map_err(RedisError::damaged)
}

fn odd() -> RedisError {
    RedisError::odd("a change in quarantine")
}
