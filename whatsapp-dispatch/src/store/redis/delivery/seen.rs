//! What was read of the store, and reading what is missing.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Redis, RedisError, Reply};

use super::cells::{self, Header, PageKey};
use super::strays;
use crate::gateway::Wamid;
use crate::message::{MessageId, PersonId};
use crate::people::{PersonKey, Standing};
use crate::store::redis::people::standing;
use crate::store::redis::remembered::{Mark, Refusal, Remembered, key_of_mark};
use crate::store::redis::sheet::{Sheet, key_of_row, standing_in};

/// Something that a transaction needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Campaign(u32),
    Facts(PageKey),
    Rows(PageKey),
    Id(u32, MessageId),
    Epoch,
    Strays(TenantId, Wamid),
    /// Where somebody stands.
    Person(TenantId, PersonId),
    /// What somebody refuses, and no more.
    Refusal(TenantId, PersonId),
}

/// The number of the last change of what is kept without a message; there is none as long as
/// nothing was ever kept.
#[derive(Clone, Debug)]
pub(super) struct Epoch(pub(super) Option<Bytes>);

/// Where somebody stands.
type Told = ((TenantId, PersonId), Standing);

/// What was read, as the store has it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) campaigns: HashMap<u32, Option<Header>>,
    pub(super) facts: HashMap<PageKey, Option<Bytes>>,
    /// Rows and parameters.
    pub(super) rows: HashMap<PageKey, (Option<Bytes>, Option<Bytes>)>,
    pub(super) ids: HashMap<(u32, MessageId), Option<Bytes>>,
    pub(super) epoch: Option<Epoch>,
    pub(super) strays: HashMap<(TenantId, Wamid), Vec<strays::Kept>>,
    /// Where people stand, and the texts that this was read from.
    pub(super) people: HashMap<(TenantId, PersonId), Standing>,
    pub(super) heard: Vec<(String, Option<Bytes>)>,
    /// What people refuse who were remembered, and the mark that the store must still have.
    pub(super) refusals: HashMap<(TenantId, PersonId), Refusal>,
    pub(super) mark: Option<Mark>,
    /// True when things are remembered from one transaction to the next, so that what is not
    /// changed has to be verified, too.
    pub(super) remembers: bool,
    /// True when nothing was known of anybody who was asked about last. Then the same is guessed of the
    /// next ones, which saves a trip; the commit finds out.
    pub(super) guesses: bool,
    /// How often the server has started anew, where that counts: one that did it once more may have
    /// forgotten what is to be told again first.
    pub(super) restarts: Option<u64>,
}

impl Seen {
    /// What remembers from one transaction to the next.
    pub(super) fn remembering() -> Self {
        Self { remembers: true, ..Self::default() }
    }

    /// Reads what is wanted and not known yet: in one trip, unless somebody has several names.
    pub(super) async fn load(&mut self, store: &Redis, wanted: BTreeSet<Cell>) -> Result<(), RedisError> {
        let (people, cells): (Vec<Cell>, Vec<Cell>) = wanted
            .into_iter()
            .filter(|cell| !self.has(cell))
            .partition(|cell| matches!(cell, Cell::Person(..) | Cell::Refusal(..)));
        let mut people = self.recall(store, people)?;
        if self.guesses {
            self.guess(store, people.drain(..));
        }
        let mut sheet = Sheet::of(store);
        let mut told = hear(&mut sheet, &people)?;
        let mut commands: Vec<Command> = cells.iter().map(|cell| ask(store, cell)).collect();
        commands.extend(sheet.questions());
        if commands.is_empty() {
            return Ok(());
        }
        if !people.is_empty() {
            commands.push(Command::new("GET", &key_of_mark(store)));
        }
        let mut replies = store.read(&commands).await?;
        let mut answers = replies.split_off(cells.len());
        for (cell, reply) in cells.into_iter().zip(replies) {
            self.learn(cell, reply)?;
        }
        if people.is_empty() {
            return Ok(());
        }
        let mark = answers.pop().and_then(Reply::bytes);
        store.part(Remembered::default).known().see(&mark);
        sheet.take(answers)?;
        loop {
            told.clear();
            told.extend(hear(&mut sheet, &people)?);
            if sheet.is_whole() {
                break;
            }
            let answers = store.read(&sheet.questions()).await?;
            sheet.take(answers)?;
        }
        self.people.extend(told);
        self.heard.extend(sheet.into_read());
        self.guesses = self.remembers && self.heard.iter().all(|(_, text)| text.is_none());
        Ok(())
    }

    /// Recalls people as they were when their messages were judged; returns those of whom not enough is
    /// remembered.
    fn recall(&mut self, store: &Redis, people: Vec<Cell>) -> Result<Vec<Cell>, RedisError> {
        let remembered = store.part(Remembered::default);
        let mut known = remembered.known();
        let mut unknown = Vec::new();
        for cell in people {
            let (Cell::Person(tenant, id) | Cell::Refusal(tenant, id)) = &cell else { continue };
            let (key, person) = ((tenant.clone(), *id), PersonKey::stored(tenant, *id));
            let recalled = known.recall(&person);
            match (&cell, recalled) {
                // The row of the same person is here already.
                _ if self.people.contains_key(&key) => {}
                (Cell::Refusal(..), Some(recalled))
                    if self.mark.as_ref().is_none_or(|mark| *mark == known.mark) =>
                {
                    self.mark = Some(known.mark.clone());
                    self.refusals.insert(key, recalled.refusal);
                }
                (Cell::Person(..), Some(recalled)) => match standing_in(recalled.row.as_ref())? {
                    Some(standing) => {
                        self.people.insert(key, standing);
                        self.heard.push((key_of_row(store, &person), recalled.row));
                    }
                    None => unknown.push(cell),
                },
                _ => unknown.push(cell),
            }
        }
        Ok(unknown)
    }

    /// Guesses that these people never said anything.
    fn guess(&mut self, store: &Redis, people: impl Iterator<Item = Cell>) {
        for cell in people {
            if let Cell::Person(tenant, id) | Cell::Refusal(tenant, id) = cell {
                self.heard.push((key_of_row(store, &PersonKey::stored(&tenant, id)), None));
                self.people.insert((tenant, id), Standing::default());
            }
        }
    }

    fn has(&self, cell: &Cell) -> bool {
        match cell {
            Cell::Campaign(number) => self.campaigns.contains_key(number),
            Cell::Facts(page) => self.facts.contains_key(page),
            Cell::Rows(page) => self.rows.contains_key(page),
            Cell::Id(campaign, id) => self.ids.contains_key(&(*campaign, *id)),
            Cell::Epoch => self.epoch.is_some(),
            Cell::Strays(tenant, wamid) => self.strays.contains_key(&(tenant.clone(), wamid.clone())),
            Cell::Person(tenant, person) => self.people.contains_key(&(tenant.clone(), *person)),
            Cell::Refusal(tenant, person) => {
                let key = (tenant.clone(), *person);
                self.refusals.contains_key(&key) || self.people.contains_key(&key)
            }
        }
    }

    fn learn(&mut self, cell: Cell, reply: Reply) -> Result<(), RedisError> {
        match cell {
            Cell::Campaign(number) => {
                self.campaigns.insert(number, Header::read(reply.list())?);
            }
            Cell::Facts(page) => {
                self.facts.insert(page, reply.bytes());
            }
            Cell::Rows(page) => {
                let mut fields = reply.list().into_iter().map(Reply::bytes);
                self.rows.insert(page, (fields.next().flatten(), fields.next().flatten()));
            }
            Cell::Id(campaign, id) => {
                self.ids.insert((campaign, id), reply.bytes());
            }
            Cell::Epoch => self.epoch = Some(Epoch(reply.bytes())),
            Cell::Strays(tenant, wamid) => {
                let kept = strays::read(reply.list())?;
                self.strays.insert((tenant, wamid), kept);
            }
            Cell::Person(..) | Cell::Refusal(..) => {}
        }
        Ok(())
    }

    /// Forgets what is not worth keeping for the next transaction: all but headers, pages and,
    /// unless asked for, the epoch, which every commit checks.
    pub(super) fn forget_fleeting(&mut self, epoch: bool) {
        self.rows.clear();
        self.ids.clear();
        self.strays.clear();
        self.people.clear();
        self.heard.clear();
        self.refusals.clear();
        self.mark = None;
        if epoch {
            self.epoch = None;
        }
    }

    /// Forgets a cell.
    pub(super) fn forget(&mut self, cell: &Cell) {
        match cell {
            Cell::Campaign(number) => drop(self.campaigns.remove(number)),
            Cell::Facts(page) => drop(self.facts.remove(page)),
            Cell::Epoch
            | Cell::Rows(_)
            | Cell::Id(..)
            | Cell::Strays(..)
            | Cell::Person(..)
            | Cell::Refusal(..) => {}
        }
    }
}

/// Where these people stand; worth something only when the sheet is whole.
fn hear(sheet: &mut Sheet<'_>, people: &[Cell]) -> Result<Vec<Told>, RedisError> {
    let mut told = Vec::with_capacity(people.len());
    for cell in people {
        if let Cell::Person(tenant, person) | Cell::Refusal(tenant, person) = cell {
            told.push(((tenant.clone(), *person), standing(sheet, tenant, *person)?));
        }
    }
    Ok(told)
}

fn ask(store: &Redis, cell: &Cell) -> Command {
    match cell {
        Cell::Campaign(number) => Header::ask(store, *number),
        Cell::Facts(page) => Command::new("HGET", &page.sheet(store)).arg(page.facts()),
        Cell::Rows(page) => Command::new("HMGET", &page.sheet(store)).arg(page.rows()).arg(page.parameters()),
        Cell::Id(campaign, id) => {
            Command::new("HGET", &cells::shelf(store, *campaign, id)).arg(id.as_bytes())
        }
        Cell::Epoch | Cell::Person(..) | Cell::Refusal(..) => Command::new("GET", &strays::epoch(store)),
        Cell::Strays(tenant, wamid) => strays::ask(store, tenant, wamid),
    }
}
