//! What was read of the store, and reading what is missing.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Redis, RedisError, Reply};

use super::cells::{self, Header, PageKey};
use super::strays;
use crate::fact::Hears;
use crate::gateway::Wamid;
use crate::message::MessageId;
use crate::people::PersonKey;
use crate::store::redis::people::opted_out;
use crate::store::redis::refusals::{Refusals, key_of_refusals};
use crate::store::redis::sheet::{Sheet, key_of_row};

/// Something that a transaction needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Campaign(u32),
    Facts(PageKey),
    Rows(PageKey),
    Id(u32, MessageId),
    Epoch,
    Strays(TenantId, Wamid),
    Person(TenantId, Hears),
}

/// The number of the last change of what is kept without a message; there is none as long as
/// nothing was ever kept.
#[derive(Clone, Debug)]
pub(super) struct Epoch(pub(super) Option<Bytes>);

/// Whether somebody opted out.
type Told = ((TenantId, Hears), bool);

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
    /// Whether people opted out, and the texts that this was read from.
    pub(super) opted_out: HashMap<(TenantId, Hears), bool>,
    pub(super) heard: Vec<(String, Option<Bytes>)>,
    /// The number of refusals that the store must still have, where people were remembered.
    pub(super) refusals: Option<i64>,
    /// True when things are remembered from one transaction to the next, so that what is not
    /// changed has to be verified, too.
    pub(super) remembers: bool,
    /// True when nobody who was asked about last had said anything. Then the same is guessed of the
    /// next ones, which saves a trip; the commit finds out.
    pub(super) guesses: bool,
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
            .partition(|cell| matches!(cell, Cell::Person(..)));
        let mut sheet = Sheet::of(store);
        let people = self.recall(store, people);
        let people = if self.guesses {
            self.guess(store, people);
            Vec::new()
        } else {
            people
        };
        let mut told = hear(&mut sheet, &people)?;
        let mut commands: Vec<Command> = cells.iter().map(|cell| ask(store, cell)).collect();
        commands.extend(sheet.questions());
        if commands.is_empty() {
            return Ok(());
        }
        if !people.is_empty() {
            commands.push(Command::new("GET", &key_of_refusals(store)));
        }
        let mut replies = store.read(&commands).await?;
        let mut answers = replies.split_off(cells.len());
        for (cell, reply) in cells.into_iter().zip(replies) {
            self.learn(cell, reply)?;
        }
        if people.is_empty() {
            return Ok(());
        }
        let refusals = answers.pop().and_then(|number| number.int()).unwrap_or(0);
        store.part(Refusals::default).known().see(refusals);
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
        self.opted_out.extend(told);
        self.heard.extend(sheet.into_read());
        self.guesses = self.remembers && self.heard.iter().all(|(_, text)| text.is_none());
        Ok(())
    }

    /// Recalls what these people said when their messages were judged; returns those of whom nothing is
    /// remembered.
    fn recall(&mut self, store: &Redis, people: Vec<Cell>) -> Vec<Cell> {
        let refusals = store.part(Refusals::default);
        let mut known = refusals.known();
        if self.refusals.is_some_and(|number| number != known.number) {
            return people;
        }
        let (mut unknown, mut number) = (Vec::new(), self.refusals);
        for cell in people {
            let Cell::Person(tenant, hears) = &cell else { continue };
            let Some(refusal) = known.recall(&PersonKey::stored(tenant, hears.person)) else {
                unknown.push(cell);
                continue;
            };
            number = Some(known.number);
            self.opted_out.insert((tenant.clone(), *hears), refusal.holds_for(hears.marketing));
        }
        self.refusals = number;
        unknown
    }

    /// Guesses that these people never said anything.
    fn guess(&mut self, store: &Redis, people: Vec<Cell>) {
        for cell in people {
            if let Cell::Person(tenant, hears) = cell {
                let person = PersonKey::stored(&tenant, hears.person);
                self.heard.push((key_of_row(store, &person), None));
                self.opted_out.insert((tenant, hears), false);
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
            Cell::Person(tenant, hears) => self.opted_out.contains_key(&(tenant.clone(), *hears)),
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
            Cell::Person(..) => {}
        }
        Ok(())
    }

    /// Forgets what is not worth keeping for the next transaction: all but headers, pages and,
    /// unless asked for, the epoch, which every commit checks.
    pub(super) fn forget_fleeting(&mut self, epoch: bool) {
        self.rows.clear();
        self.ids.clear();
        self.strays.clear();
        self.opted_out.clear();
        self.heard.clear();
        self.refusals = None;
        if epoch {
            self.epoch = None;
        }
    }

    /// Forgets a cell.
    pub(super) fn forget(&mut self, cell: &Cell) {
        match cell {
            Cell::Campaign(number) => drop(self.campaigns.remove(number)),
            Cell::Facts(page) => drop(self.facts.remove(page)),
            Cell::Epoch | Cell::Rows(_) | Cell::Id(..) | Cell::Strays(..) | Cell::Person(..) => {}
        }
    }
}

/// Whether these people opted out; worth something only when the sheet is whole.
fn hear(sheet: &mut Sheet<'_>, people: &[Cell]) -> Result<Vec<Told>, RedisError> {
    let mut told = Vec::with_capacity(people.len());
    for cell in people {
        if let Cell::Person(tenant, hears) = cell {
            told.push(((tenant.clone(), *hears), opted_out(sheet, tenant, hears)?));
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
        Cell::Epoch | Cell::Person(..) => Command::new("GET", &strays::epoch(store)),
        Cell::Strays(tenant, wamid) => strays::ask(store, tenant, wamid),
    }
}
