use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, Reply, put_out};
use rules_core::work::events::Entry;

use super::remembered::{Refusal, key_of_mark};
use super::{PAGE, TRIES};
use crate::message::PersonId;
use crate::people::{PersonKey, Row, Rows, Standing};

/// What lies under the keys of people, all of it as of one instant, and what is to be changed.
///
/// Whoever computes with it asks as if everything had been read. What had not is noted and
/// answered with a guess: there is nothing. As long as anything is missing, what was computed is
/// worth nothing, and is computed again after all of it was read.
pub(super) struct Sheet<'a> {
    store: &'a Redis,
    read: HashMap<String, Option<Bytes>>,
    /// True when all of that was read by one command, so that it was true at one instant.
    read_at_once: bool,
    missing: RefCell<BTreeSet<String>>,
    changed: BTreeMap<String, Option<Bytes>>,
    /// What the rows that are changed say of who refuses messages.
    said: BTreeMap<String, Said>,
    entries: Vec<Entry>,
    seen: Arc<Seen>,
    guess: Guess,
}

/// What this process saw of the store's people last. Good for a guess, which saves a trip.
#[derive(Default)]
struct Seen(Mutex<Guess>);

/// Holds a secret, so it has no `Debug`.
#[derive(Clone, Copy, Default)]
struct Guess {
    key: Option<[u8; 32]>,
    merged: bool,
}

/// Holds what is known of people, which is not to be shown.
impl Debug for Sheet<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").field("read", &self.read.len()).finish_non_exhaustive()
    }
}

enum Found {
    Missing,
    Nothing,
    Text(Bytes),
}

/// Computes something with people's rows, as of one instant, and writes what it changes.
pub(super) async fn computed<T: Send>(
    store: &Redis,
    compute: impl FnMut(&mut Sheet<'_>) -> Result<T, RedisError> + Send,
) -> Result<T, RedisError> {
    computed_on(Sheet::of(store), compute).await
}

/// The same with a sheet of which some was read.
pub(super) async fn computed_on<T: Send>(
    mut sheet: Sheet<'_>,
    mut compute: impl FnMut(&mut Sheet<'_>) -> Result<T, RedisError> + Send,
) -> Result<T, RedisError> {
    let store = sheet.store;
    for _ in 0..TRIES {
        let done = compute(&mut sheet)?;
        if sheet.is_whole() {
            if sheet.read_at_once && sheet.changes_nothing() {
                return Ok(done);
            }
            let mut commit = Commit::new();
            sheet.rest_on(&mut commit);
            sheet.write_to(&mut commit)?;
            if store.commit(&commit).await? {
                return Ok(done);
            }
        }
        let answers = store.read(&sheet.questions()).await?;
        sheet.take(answers)?;
    }
    Err(RedisError::Contended)
}

impl<'a> Sheet<'a> {
    /// One of which nothing was read.
    pub(super) fn of(store: &'a Redis) -> Self {
        let seen = store.part(Seen::default);
        let guess = *seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            store,
            read: HashMap::new(),
            read_at_once: false,
            missing: RefCell::default(),
            changed: BTreeMap::new(),
            said: BTreeMap::new(),
            entries: Vec::new(),
            seen,
            guess,
        }
    }

    /// One of which rows were read before.
    pub(super) fn having_read(
        store: &'a Redis,
        read: impl IntoIterator<Item = (String, Option<Bytes>)>,
    ) -> Self {
        Self { read: read.into_iter().collect(), ..Self::of(store) }
    }

    /// The same, where one command read all of it.
    pub(super) fn at_once(self) -> Self {
        Self { read_at_once: true, ..self }
    }

    /// True when all that was asked for was read.
    pub(super) fn is_whole(&self) -> bool {
        self.missing.borrow().is_empty()
    }

    /// What reads all that was ever asked for: with [`Redis::read`], alone or among other things.
    pub(super) fn questions(&self) -> Vec<Command> {
        let missing = self.missing.borrow();
        let mut keys: Vec<&String> = self.read.keys().chain(missing.iter()).collect();
        keys.sort_unstable();
        let question = |keys: &[&String]| match keys {
            [first, rest @ ..] => Some(rest.iter().fold(Command::new("MGET", first), Command::arg)),
            [] => None,
        };
        // As few commands as can be: what one command reads is of one instant.
        keys.chunks(4 * PAGE).filter_map(question).collect()
    }

    /// Takes the answers to the questions. What was to be changed is to be computed again.
    pub(super) fn take(&mut self, answers: Vec<Reply>) -> Result<(), RedisError> {
        let mut keys: Vec<String> =
            self.read.drain().map(|(key, _)| key).chain(self.missing.take()).collect();
        keys.sort_unstable();
        self.read_at_once = answers.len() == 1;
        let found: Vec<Reply> = answers.into_iter().flat_map(Reply::list).collect();
        if keys.len() != found.len() {
            return Err(RedisError::odd("rows of people"));
        }
        self.read = keys.into_iter().zip(found.into_iter().map(Reply::bytes)).collect();
        self.changed.clear();
        self.said.clear();
        self.entries.clear();
        self.remember();
        Ok(())
    }

    fn remember(&mut self) {
        if let Some(key) = self.read.get(&self.key_of_key()) {
            self.guess.key = key.as_ref().and_then(|key| key.as_ref().try_into().ok());
        }
        if let Some(merged) = self.read.get(&self.key_of_merged()) {
            self.guess.merged = merged.is_some();
        }
        *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner) = self.guess;
    }

    /// Lets a commit rest on all that was read.
    pub(super) fn rest_on(&self, commit: &mut Commit) {
        for (key, text) in &self.read {
            commit.expect(key, text.clone());
        }
    }

    /// What was read, by key.
    pub(super) fn into_read(self) -> impl Iterator<Item = (String, Option<Bytes>)> {
        self.read.into_iter()
    }

    fn changes_nothing(&self) -> bool {
        self.changed.is_empty() && self.entries.is_empty()
    }

    /// Lets a commit make the changes.
    pub(super) fn write_to(&self, commit: &mut Commit) -> Result<(), RedisError> {
        for (key, said) in &self.said {
            if Said::of_text(self.read.get(key).and_then(Option::as_ref))? != *said {
                // One that was never there before: a counter could be lost with a server that forgets,
                // and come again.
                let mark = self.store.ids().next();
                commit.write(Command::new("SET", &key_of_mark(self.store)).arg(mark.as_bytes()));
                break;
            }
        }
        for (key, text) in &self.changed {
            if self.read.get(key) == Some(text) {
                continue;
            }
            commit.write(match text {
                Some(text) => Command::new("SET", key).bytes(text.clone()),
                None => Command::new("DEL", key),
            });
        }
        put_out(commit, self.store, &self.entries);
        Ok(())
    }

    /// Puts entries into the outbox along with what is changed.
    pub(super) fn put_out(&mut self, entries: Vec<Entry>) {
        self.entries.extend(entries);
    }

    /// The store's key; `fresh` becomes it when there is none. `None` when that is not known yet.
    pub(super) fn store_key(&mut self, fresh: &[u8; 32]) -> Result<Option<[u8; 32]>, RedisError> {
        let key = self.key_of_key();
        match self.look(&key) {
            Found::Missing => Ok(self.guess.key),
            Found::Nothing => {
                self.changed.insert(key, Some(Bytes::copy_from_slice(fresh)));
                Ok(Some(*fresh))
            }
            Found::Text(text) => text.as_ref().try_into().map(Some).map_err(RedisError::damaged),
        }
    }

    /// Whether any two names are one person's.
    pub(super) fn is_anybody_merged(&self) -> bool {
        match self.look(&self.key_of_merged()) {
            Found::Missing => self.guess.merged,
            Found::Nothing => false,
            Found::Text(_) => true,
        }
    }

    fn look(&self, key: &str) -> Found {
        match self.changed.get(key).or_else(|| self.read.get(key)) {
            Some(Some(text)) => Found::Text(text.clone()),
            Some(None) => Found::Nothing,
            None => {
                self.missing.borrow_mut().insert(key.to_owned());
                Found::Missing
            }
        }
    }

    fn key_of_key(&self) -> String {
        self.store.key(&[&"people", &"key"])
    }

    fn key_of_merged(&self) -> String {
        self.store.key(&[&"people", &"merged"])
    }

    fn key_of_token(&self, person: &PersonKey) -> String {
        self.store.key(&[&"person-token", person.tenant(), &hex(person.id())])
    }
}

pub(super) fn key_of_row(store: &Redis, person: &PersonKey) -> String {
    store.key(&[&"person", person.tenant(), &hex(person.id())])
}

/// What stands before the id of the person that another id belongs to. What is known of somebody
/// is a JSON object instead.
const MERGED_INTO: &str = "merged_into:";

impl Rows for &mut Sheet<'_> {
    type Error = RedisError;

    fn load(&self, person: &PersonKey) -> Result<Option<Row>, RedisError> {
        let Found::Text(text) = self.look(&key_of_row(self.store, person)) else { return Ok(None) };
        read_row(&text).map(Some)
    }

    fn save(&mut self, person: &PersonKey, row: &Row) -> Result<(), RedisError> {
        let text = match row {
            Row::Known(profile) => serde_json::to_vec(profile).map_err(RedisError::damaged)?,
            Row::Merged { into } => {
                self.changed.insert(self.key_of_merged(), Some(Bytes::from_static(b"1")));
                format!("{MERGED_INTO}{}", hex(*into)).into_bytes()
            }
        };
        let key = key_of_row(self.store, person);
        self.said.insert(key.clone(), Said::of(row));
        self.changed.insert(key, Some(text.into()));
        Ok(())
    }

    fn delete(&mut self, person: &PersonKey) -> Result<(), RedisError> {
        let key = key_of_row(self.store, person);
        self.said.insert(key.clone(), Said::default());
        self.changed.insert(key, None);
        Ok(())
    }

    fn token(&mut self, person: &PersonKey, fresh: u128) -> Result<u128, RedisError> {
        let key = self.key_of_token(person);
        match self.look(&key) {
            Found::Missing => Ok(fresh),
            Found::Nothing => {
                self.changed.insert(key, Some(Bytes::copy_from_slice(&fresh.to_be_bytes())));
                Ok(fresh)
            }
            Found::Text(text) => {
                text.as_ref().try_into().map(u128::from_be_bytes).map_err(RedisError::damaged)
            }
        }
    }

    fn delete_token(&mut self, person: &PersonKey) -> Result<(), RedisError> {
        self.changed.insert(self.key_of_token(person), None);
        Ok(())
    }
}

fn read_row(text: &[u8]) -> Result<Row, RedisError> {
    Ok(match text.strip_prefix(MERGED_INTO.as_bytes()) {
        Some(into) => Row::Merged { into: from_hex(into)? },
        None => Row::Known(serde_json::from_slice(text).map_err(RedisError::damaged)?),
    })
}

/// Where somebody stands by the row alone; `None` when another row tells.
pub(super) fn standing_in(row: Option<&Bytes>) -> Result<Option<Standing>, RedisError> {
    let Some(text) = row else { return Ok(Some(Standing::default())) };
    Ok(match read_row(text)? {
        Row::Known(profile) => Some(profile.standing()),
        Row::Merged { .. } => None,
    })
}

/// What a row says of who refuses messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Itself(Refusal),
    /// Another row does.
    By(PersonId),
}

impl Default for Said {
    fn default() -> Self {
        Self::Itself(Refusal::default())
    }
}

impl Said {
    fn of(row: &Row) -> Self {
        match row {
            Row::Known(profile) => Self::Itself(Refusal::of(&profile.standing())),
            Row::Merged { into } => Self::By(*into),
        }
    }

    fn of_text(text: Option<&Bytes>) -> Result<Self, RedisError> {
        text.map_or_else(|| Ok(Self::default()), |text| Ok(Self::of(&read_row(text)?)))
    }
}

fn hex(person: PersonId) -> String {
    let mut digits = String::with_capacity(32);
    for byte in person.as_bytes() {
        digits
            .extend([byte >> 4, byte & 15].iter().filter_map(|digit| char::from_digit((*digit).into(), 16)));
    }
    digits
}

fn from_hex(digits: &[u8]) -> Result<PersonId, RedisError> {
    let id = std::str::from_utf8(digits).ok().and_then(|digits| u128::from_str_radix(digits, 16).ok());
    let id = id.ok_or_else(|| RedisError::odd("the row of a person"))?;
    Ok(PersonId::from_bytes(id.to_be_bytes()))
}
