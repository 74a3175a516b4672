//! One transaction: what was read, what is to change, and the commit that rests on the one and
//! makes the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Commit, Redis, RedisError, put_out};

use super::cells::{self, Header, MARK, PageKey, slot};
use super::seen::{Cell, Seen};
use super::{Marks, strays};
use crate::delivery::change::{Changes, Delta};
use crate::delivery::ledger::{Desk, Ledger, Left};
use crate::delivery::page::FactsPage;
use crate::delivery::{PlanRow, PlanVerdict};
use crate::fact::{Fact, Facts, Gate, Hears, What};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, MessageId, MessageKey, PersonId, Salt};
use crate::people::Standing;
use crate::store::redis::campaigns::home;
use crate::store::redis::people;
use crate::store::redis::remembered::key_of_mark;
use crate::store::redis::sheet::Sheet;

/// Why a pass over a transaction ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something must be read first; it is noted in the view.
    Missing,
    /// What was read makes no sense.
    Redis(RedisError),
}

/// One pass over a transaction.
#[derive(Debug)]
pub(super) struct View<'a> {
    store: &'a Redis,
    seen: &'a Seen,
    now: DateTime<Utc>,
    /// What must be read before this pass can come to its end.
    pub(super) missing: BTreeSet<Cell>,
    /// What this pass rests on.
    pub(super) rests_on: BTreeSet<Cell>,
    pages: HashMap<PageKey, FactsPage>,
    frozen: BTreeMap<PageKey, (Vec<u8>, Vec<u8>)>,
    emptied: BTreeMap<PageKey, (Bytes, Bytes)>,
    ids: HashMap<(u32, MessageId), u32>,
    turned: BTreeMap<u32, String>,
    /// Campaigns to which nobody else may have added records.
    grown: BTreeSet<u32>,
    next: BTreeMap<u32, u32>,
    /// People as they are after this pass, if anything of them changes.
    people: Option<Sheet<'a>>,
    pub(super) kept: Vec<(TenantId, Wamid, Fact)>,
    taken: Vec<(TenantId, Wamid)>,
}

impl<'a> View<'a> {
    pub(super) fn new(store: &'a Redis, seen: &'a Seen, now: DateTime<Utc>) -> Self {
        Self {
            store,
            seen,
            now,
            missing: BTreeSet::new(),
            rests_on: BTreeSet::new(),
            pages: HashMap::new(),
            frozen: BTreeMap::new(),
            emptied: BTreeMap::new(),
            ids: HashMap::new(),
            turned: BTreeMap::new(),
            grown: BTreeSet::new(),
            next: BTreeMap::new(),
            people: None,
            kept: Vec::new(),
            taken: Vec::new(),
        }
    }

    fn miss<T>(&mut self, cell: Cell) -> Result<T, Stop> {
        self.missing.insert(cell);
        Err(Stop::Missing)
    }

    fn header(&mut self, campaign: &CampaignKey) -> Result<Option<&'a Header>, Stop> {
        let number = campaign.number();
        let Some(header) = self.seen.campaigns.get(&number) else { return self.miss(Cell::Campaign(number)) };
        self.rests_on.insert(Cell::Campaign(number));
        Ok(header.as_ref().and_then(|header| header.of(campaign)))
    }

    fn page(&mut self, key: PageKey) -> Result<&mut FactsPage, Stop> {
        if !self.pages.contains_key(&key) {
            let Some(field) = self.seen.facts.get(&key) else { return self.miss(Cell::Facts(key)) };
            self.rests_on.insert(Cell::Facts(key));
            let page = cells::facts_page(field.as_ref()).map_err(Stop::Redis)?;
            self.pages.insert(key, page);
        }
        self.pages.get_mut(&key).ok_or(Stop::Missing)
    }

    /// Rows and parameters of a page as they are now.
    fn rows(&mut self, key: PageKey) -> Result<(Bytes, Bytes), Stop> {
        if let Some(emptied) = self.emptied.get(&key) {
            return Ok(emptied.clone());
        }
        let Some((rows, parameters)) = self.seen.rows.get(&key) else { return self.miss(Cell::Rows(key)) };
        self.rests_on.insert(Cell::Rows(key));
        Ok((rows.clone().unwrap_or_default(), parameters.clone().unwrap_or_default()))
    }

    /// The commit of this pass, and the pages as they are after it.
    pub(super) fn commit(
        &self,
        left: &Left,
        marks: &mut Marks,
    ) -> Result<(Commit, Vec<(PageKey, Bytes)>), RedisError> {
        let mut commit = Commit::new();
        for cell in &self.rests_on {
            self.check(cell, &mut commit);
        }
        if self.rests_on.iter().any(|cell| matches!(cell, Cell::Person(..) | Cell::Refusal(..))) {
            for (key, text) in &self.seen.heard {
                commit.expect(key, text.clone());
            }
            if let Some(mark) = &self.seen.mark {
                commit.expect(&key_of_mark(self.store), mark.clone());
            }
        }
        let mut pages = Vec::new();
        for (key, page) in self.pages.iter().filter(|(_, page)| page.is_changed()) {
            let mark = marks.next();
            let field = Bytes::from(page.write_behind(&mark));
            let set = Command::new("HSET", &key.sheet(self.store)).arg(key.facts()).bytes(field.clone());
            commit.write(set.arg(key.mark()).arg(mark));
            pages.push((*key, field));
        }
        for (key, (rows, parameters)) in &self.frozen {
            let set = Command::new("HSET", &key.sheet(self.store)).arg(key.rows()).arg(rows);
            commit.write(if parameters.is_empty() { set } else { set.arg(key.parameters()).arg(parameters) });
        }
        for (key, (rows, parameters)) in &self.emptied {
            // Parameters may be dropped meanwhile, which leaves the rows as they are.
            let seen = self.seen.rows.get(key).and_then(|(_, parameters)| parameters.clone());
            commit.expect_field(&key.sheet(self.store), key.parameters(), seen);
            let sheet = key.sheet(self.store);
            commit.write(Command::new("HSET", &sheet).arg(key.rows()).bytes(rows.clone()));
            commit.write(if parameters.is_empty() {
                Command::new("HDEL", &sheet).arg(key.parameters())
            } else {
                Command::new("HSET", &sheet).arg(key.parameters()).bytes(parameters.clone())
            });
        }
        for ((campaign, id), record) in &self.ids {
            let place = cells::shelf(self.store, *campaign, id);
            commit.write(Command::new("HSET", &place).arg(id.as_bytes()).arg(record.to_le_bytes()));
        }
        for (campaign, cursor) in &self.turned {
            let key = home(self.store, *campaign);
            commit.write(Command::new("HINCRBY", &key).arg("batches").int(1));
            commit.write(Command::new("HSET", &key).arg("cursor").arg(cursor));
        }
        for (campaign, next) in &self.next {
            commit.write(Command::new("HSET", &home(self.store, *campaign)).arg("next").int(*next));
        }
        if let Some(sheet) = &self.people {
            sheet.write_to(&mut commit)?;
        }
        strays::write(self.store, &self.kept, &self.taken, self.now, &mut commit);
        self.count(&left.changes, &mut commit);
        put_out(&mut commit, self.store, &left.entries);
        Ok((commit, pages))
    }

    fn check(&self, cell: &Cell, commit: &mut Commit) {
        match cell {
            Cell::Campaign(number) => {
                let key = home(self.store, *number);
                let header = self.seen.campaigns.get(number).and_then(Option::as_ref);
                commit.expect_field(&key, "revision", header.map(|header| header.revision.clone()));
                if let Some(header) = header.filter(|_| self.grown.contains(number)) {
                    let next = (0 < header.next).then(|| header.next.to_string().into());
                    commit.expect_field(&key, "next", next);
                }
            }
            Cell::Facts(page) => {
                let seen = self.seen.facts.get(page).and_then(Option::as_ref);
                let mark = seen.map(|seen| seen.slice(..MARK.min(seen.len())));
                commit.expect_field(&page.sheet(self.store), page.mark(), mark);
            }
            Cell::Rows(page) => {
                let rows = self.seen.rows.get(page).and_then(|(rows, _)| rows.clone());
                commit.expect_field(&page.sheet(self.store), page.rows(), rows);
            }
            Cell::Id(campaign, id) => {
                let record = self.seen.ids.get(&(*campaign, *id)).cloned().flatten();
                commit.expect_field(&cells::shelf(self.store, *campaign, id), id.as_bytes(), record);
            }
            Cell::Epoch => {
                commit.expect(&strays::epoch(self.store), self.seen.epoch.clone().and_then(|epoch| epoch.0));
            }
            // The epoch stands for the ones, what was heard together for the others.
            Cell::Strays(..) | Cell::Person(..) | Cell::Refusal(..) => {}
        }
    }

    fn count(&self, changes: &Changes, commit: &mut Commit) {
        for (campaign, delta) in changes.deltas() {
            let key = home(self.store, campaign.number());
            let Delta { begun, accepted, held, risked, doubled, labels } = delta;
            let plain = [
                ("begun", begun),
                ("accepted", accepted),
                ("held", held),
                ("risked", risked),
                ("doubled", doubled),
            ];
            for (field, by) in plain.into_iter().filter(|(_, by)| 0 < **by) {
                commit.write(Command::new("HINCRBY", &key).arg(field).int(*by));
            }
            for (label, by) in labels.iter().filter(|(_, by)| **by != 0) {
                let code = label.code.as_ref().map_or("", Code::as_str);
                let field = format!("n:{}:{code}", label.bucket.number());
                commit.write(Command::new("HINCRBY", &key).arg(field).int(*by));
            }
        }
    }
}

impl Ledger for View<'_> {
    type Error = Stop;

    fn gate(&mut self, campaign: &CampaignKey) -> Result<Option<Gate>, Stop> {
        Ok(self.header(campaign)?.map(|header| header.gate))
    }

    fn salt(&mut self, campaign: &CampaignKey) -> Result<Option<Salt>, Stop> {
        Ok(self.header(campaign)?.map(|header| header.salt.clone()))
    }

    fn desk(&mut self, campaign: &CampaignKey) -> Result<Option<Desk>, Stop> {
        let Some(header) = self.header(campaign)? else { return Ok(None) };
        self.grown.insert(campaign.number());
        Ok(Some(header.desk()))
    }

    fn turn_over(&mut self, campaign: &CampaignKey, cursor: &str) -> Result<(), Stop> {
        self.turned.insert(campaign.number(), cursor.to_owned());
        Ok(())
    }

    fn stood(&mut self, campaign: &CampaignKey, id: &MessageId) -> Result<Option<u32>, Stop> {
        let key = (campaign.number(), *id);
        if let Some(record) = self.ids.get(&key) {
            return Ok(Some(*record));
        }
        let Some(known) = self.seen.ids.get(&key) else { return self.miss(Cell::Id(key.0, key.1)) };
        self.rests_on.insert(Cell::Id(key.0, key.1));
        let Some(record) = known else { return Ok(None) };
        let record: [u8; 4] =
            record.as_ref().try_into().map_err(|_| Stop::Redis(RedisError::odd("the record of an id")))?;
        Ok(Some(u32::from_le_bytes(record)))
    }

    fn stand(&mut self, campaign: &CampaignKey, id: &MessageId, record: u32) -> Result<u32, Stop> {
        if let Some(known) = self.stood(campaign, id)? {
            return Ok(known);
        }
        self.ids.insert((campaign.number(), *id), record);
        Ok(record)
    }

    fn freeze(&mut self, message: &MessageKey, row: &PlanRow, verdict: &PlanVerdict) -> Result<(), Stop> {
        let (number, record) = (message.campaign().number(), message.record());
        let key = PageKey::of(number, record);
        if !self.frozen.contains_key(&key) {
            let (rows, parameters) = self.rows(key)?;
            self.frozen.insert(key, (rows.to_vec(), parameters.to_vec()));
        }
        if let Some((rows, parameters)) = self.frozen.get_mut(&key) {
            cells::pack_row(slot(record), row, verdict, rows);
            if !row.parameters.is_empty() {
                cells::pack_parameters(slot(record), &row.parameters, parameters);
            }
        }
        self.next.insert(number, record.saturating_add(1));
        if *verdict == PlanVerdict::Planned {
            self.page(key)?.plan(slot(record));
        }
        Ok(())
    }

    fn known(&mut self, message: &MessageKey) -> Result<Option<Facts>, Stop> {
        let key = PageKey::of(message.campaign().number(), message.record());
        let damaged = |torn| Stop::Redis(RedisError::damaged(torn));
        self.page(key)?.facts(slot(message.record())).map_err(damaged)
    }

    fn change(&mut self, message: &MessageKey, facts: Facts) -> Result<(), Stop> {
        let key = PageKey::of(message.campaign().number(), message.record());
        self.page(key)?.change(slot(message.record()), facts);
        Ok(())
    }

    fn empty(&mut self, message: &MessageKey) -> Result<bool, Stop> {
        let key = PageKey::of(message.campaign().number(), message.record());
        let (rows, parameters) = self.rows(key)?;
        let emptied =
            cells::without_person(&rows, &parameters, slot(message.record())).map_err(Stop::Redis)?;
        let named = emptied.is_some();
        self.emptied.extend(emptied.map(|emptied| (key, emptied)));
        Ok(named)
    }

    fn refuses(&mut self, tenant: &TenantId, hears: &Hears) -> Result<bool, Stop> {
        let key = (tenant.clone(), hears.person);
        if let Some(refusal) = self.seen.refusals.get(&key) {
            self.rests_on.insert(Cell::Refusal(key.0, key.1));
            return Ok(refusal.holds_for(hears.marketing));
        }
        if !self.seen.people.contains_key(&key) {
            return self.miss(Cell::Refusal(key.0, key.1));
        }
        Ok(self.standing(tenant, hears.person)?.refuses(hears.marketing))
    }

    fn standing(&mut self, tenant: &TenantId, person: PersonId) -> Result<Standing, Stop> {
        let Some(read) = self.seen.people.get(&(tenant.clone(), person)) else {
            return self.miss(Cell::Person(tenant.clone(), person));
        };
        self.rests_on.insert(Cell::Person(tenant.clone(), person));
        match &mut self.people {
            Some(sheet) => people::standing(sheet, tenant, person).map_err(Stop::Redis),
            None => Ok(read.clone()),
        }
    }

    fn count_sent(&mut self, tenant: &TenantId, person: PersonId, at: DateTime<Utc>) -> Result<(), Stop> {
        // All that is known of the person was read when it was asked where they stand.
        let (store, heard) = (self.store, &self.seen.heard);
        let sheet = self.people.get_or_insert_with(|| Sheet::having_read(store, heard.iter().cloned()));
        people::count_sent(sheet, tenant, person, at).map_err(Stop::Redis)
    }

    fn has_strays(&mut self) -> Result<bool, Stop> {
        let Some(epoch) = &self.seen.epoch else { return self.miss(Cell::Epoch) };
        self.rests_on.insert(Cell::Epoch);
        Ok(epoch.0.is_some() || !self.kept.is_empty())
    }

    fn keep_stray(&mut self, tenant: &TenantId, wamid: &Wamid, fact: &Fact) -> Result<(), Stop> {
        let cell = Cell::Strays(tenant.clone(), wamid.clone());
        if !self.seen.strays.contains_key(&(tenant.clone(), wamid.clone())) {
            self.missing.insert(Cell::Epoch);
            return self.miss(cell);
        }
        self.rests_on.insert(Cell::Epoch);
        let kept = self.seen.strays.get(&(tenant.clone(), wamid.clone()));
        let earlier = |known: &strays::Kept| known.is_of(&fact.what) && known.comes_before(fact);
        let ours = |(of, id, known): &(TenantId, Wamid, Fact)| {
            of == tenant && id == wamid && strays::Kept::of(known, self.now).is_of(&fact.what)
        };
        if kept.is_some_and(|kept| kept.iter().any(earlier)) {
            return Ok(());
        }
        match self.kept.iter_mut().find(|known| ours(known)) {
            Some((_, _, known)) if strays::Kept::of(known, self.now).comes_before(fact) => {}
            Some((_, _, known)) => *known = fact.clone(),
            None => self.kept.push((tenant.clone(), wamid.clone(), fact.clone())),
        }
        Ok(())
    }

    fn take_strays(&mut self, tenant: &TenantId, wamid: &Wamid) -> Result<Vec<(What, DateTime<Utc>)>, Stop> {
        let Some(kept) = self.seen.strays.get(&(tenant.clone(), wamid.clone())) else {
            self.missing.insert(Cell::Epoch);
            return self.miss(Cell::Strays(tenant.clone(), wamid.clone()));
        };
        self.rests_on.insert(Cell::Epoch);
        let mut taken = Vec::new();
        if !self.taken.contains(&(tenant.clone(), wamid.clone())) {
            for kept in kept.iter().filter(|kept| kept.is_young(self.now)) {
                taken.extend(kept.told().map_err(Stop::Redis)?);
            }
            if !kept.is_empty() {
                self.taken.push((tenant.clone(), wamid.clone()));
            }
        }
        for (_, _, fact) in self.kept.extract_if(.., |(of, id, _)| of == tenant && id == wamid) {
            taken.push((fact.what, fact.at));
        }
        Ok(taken)
    }
}
