use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::DateTime;
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, Reply};
use rules_core::work::StoreError;

use super::{PAGE, TRIES};
use crate::register::{Note, NoteKey, NoteKind, Register};

#[async_trait]
impl Register for Redis {
    async fn note(&self, notes: &[Note]) -> Result<(), StoreError> {
        note(self, notes).await.map_err(|error| error.while_doing("noting what was told"))
    }

    async fn look(&self, subjects: &[NoteKey]) -> Result<Vec<Option<Note>>, StoreError> {
        look(self, subjects).await.map_err(|error| error.while_doing("looking up what was told"))
    }

    async fn list(
        &self,
        kind: NoteKind,
        after: Option<NoteKey>,
        max: usize,
    ) -> Result<Vec<Note>, StoreError> {
        list(self, kind, after, max).await.map_err(|error| error.while_doing("listing what was told"))
    }

    async fn forget(&self, subjects: &[NoteKey]) -> Result<(), StoreError> {
        let mut commit = Commit::new();
        for key in subjects {
            commit.write(Command::new("HDEL", &texts(self, key.kind())).arg(field(key)));
            commit.write(Command::new("ZREM", &order(self, key.kind())).arg(field(key)));
        }
        let made = self.commit(&commit).await.map(drop);
        made.map_err(|error| error.while_doing("forgetting what was told"))
    }
}

/// Where the notes of one kind lie: a hash of instant and text by [`field`].
fn texts(store: &Redis, kind: NoteKind) -> String {
    store.key(&[&"notes", &kind.as_str()])
}

/// Where their order lies: a sorted set whose members have all the score 0, hence stand in the
/// order of their bytes.
fn order(store: &Redis, kind: NoteKind) -> String {
    store.key(&[&"notes", &kind.as_str(), &"order"])
}

/// Owner and name. The zero between them stands before every letter, so that names are in order
/// within their owner.
fn field(key: &NoteKey) -> String {
    format!("{}\0{}", key.owner().map_or("", TenantId::as_str), key.name())
}

async fn note(store: &Redis, notes: &[Note]) -> Result<(), RedisError> {
    for _ in 0..TRIES {
        let found = store.read(&notes.iter().map(|note| ask(store, &note.key)).collect::<Vec<_>>()).await?;
        let mut commit = Commit::new();
        let mut known = BTreeMap::new();
        for (Note { key, at, text }, found) in notes.iter().zip(found) {
            let found = found.bytes();
            let before = found.as_ref().map(|found| told(found)).transpose()?;
            let (_, last) = known.entry(key).or_insert((found, before));
            let told = (at.timestamp_micros(), text.clone());
            *last = last.take().max(Some(told));
        }
        for (key, (found, last)) in known {
            let Some((at_us, text)) = last else { continue };
            let (texts, text) = (texts(store, key.kind()), format!("{at_us} {text}"));
            if found.as_ref().is_some_and(|found| *found == text) {
                continue;
            }
            commit.expect_field(&texts, field(key), found);
            commit.write(Command::new("HSET", &texts).arg(field(key)).arg(text));
            commit.write(Command::new("ZADD", &order(store, key.kind())).int(0).arg(field(key)));
        }
        if store.commit(&commit).await? {
            return Ok(());
        }
    }
    Err(RedisError::Contended)
}

async fn look(store: &Redis, subjects: &[NoteKey]) -> Result<Vec<Option<Note>>, RedisError> {
    let mut notes = Vec::with_capacity(subjects.len());
    for page in subjects.chunks(PAGE) {
        let found = store.read(&page.iter().map(|key| ask(store, key)).collect::<Vec<_>>()).await?;
        for (key, found) in page.iter().zip(found) {
            notes.push(found.bytes().map(|found| read(key.clone(), &found)).transpose()?);
        }
    }
    Ok(notes)
}

async fn list(
    store: &Redis,
    kind: NoteKind,
    after: Option<NoteKey>,
    max: usize,
) -> Result<Vec<Note>, RedisError> {
    let mut notes = Vec::new();
    let mut from = after.as_ref().map_or_else(|| "-".to_owned(), |key| format!("({}", field(key)));
    while notes.len() < max {
        let wanted = PAGE.min(max - notes.len());
        let page = Command::new("ZRANGE", &order(store, kind)).arg(&from).arg("+").arg("BYLEX");
        let page = page.arg("LIMIT").int(0).arg(wanted.to_string());
        let fields = store.read(&[page]).await?.pop().map(Reply::list).unwrap_or_default();
        let keys = fields.iter().map(|field| subject(kind, field)).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = keys.last() else { break };
        from = format!("({}", field(last));
        // What was forgotten between the two is left out.
        notes.extend(look(store, &keys).await?.into_iter().flatten());
        if keys.len() < wanted {
            break;
        }
    }
    Ok(notes)
}

fn ask(store: &Redis, key: &NoteKey) -> Command {
    Command::new("HGET", &texts(store, key.kind())).arg(field(key))
}

fn subject(kind: NoteKind, field: &Reply) -> Result<NoteKey, RedisError> {
    let (owner, name) = field.text().and_then(|field| field.split_once('\0')).ok_or_else(odd)?;
    let owner = if owner.is_empty() { None } else { Some(TenantId::parse(owner)) };
    Ok(NoteKey::stored(kind, owner.transpose().map_err(RedisError::damaged)?, name.to_owned()))
}

fn read(key: NoteKey, found: &[u8]) -> Result<Note, RedisError> {
    let (at_us, text) = told(found)?;
    Ok(Note { key, at: DateTime::from_timestamp_micros(at_us).unwrap_or_default(), text })
}

/// The instant in microseconds and the text, which are kept with a space between.
fn told(found: &[u8]) -> Result<(i64, String), RedisError> {
    let (at_us, text) =
        std::str::from_utf8(found).ok().and_then(|found| found.split_once(' ')).ok_or_else(odd)?;
    Ok((at_us.parse().map_err(RedisError::damaged)?, text.to_owned()))
}

fn odd() -> RedisError {
    RedisError::odd("a note")
}
