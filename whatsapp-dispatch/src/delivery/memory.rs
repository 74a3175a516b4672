//! The delivery log and the campaigns in memory: the readable reference of both ports.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::store::memory::{Memory, Part};
use rules_core::work::StoreError;
use rules_core::work::clock::Clock;

use super::change::{BEGUN, Changes, RECORDED, plan_entry, word};
use super::{
    Appended, DeliveryLog, Forget, Manifest, Message, Page, Place, PlanVerdict, Planned, Query, first_record,
};
use crate::campaigns::{CampaignRecord, Status};
use crate::fact::{Begin, Begun, Fact, Facts, Recorded, Subject, What, holder};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, FIRST_STEP, MessageId, MessageKey};
use crate::people::{count_sent, standing_of};
use crate::progress::{DUPLICATE_PERSON, Progress};

mod campaigns;
mod forget;

/// Facts without a message are kept for so long.
pub(crate) const ORPHANS_KEPT: TimeDelta = TimeDelta::days(8);

/// The fact about a message whose person got another one.
pub(crate) static DUPLICATE: What = What::Denied { code: DUPLICATE_PERSON };

/// Campaigns and messages of one memory store.
#[derive(Debug)]
pub(crate) struct DispatchState {
    clock: Arc<dyn Clock>,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    campaigns: Vec<Stored>,
    by_wamid: HashMap<(TenantId, Wamid), MessageKey>,
    /// Facts without a message, and when they were kept.
    orphans: Vec<(DateTime<Utc>, Fact)>,
}

#[derive(Debug)]
struct Stored {
    record: CampaignRecord,
    messages: BTreeMap<u32, Message>,
    /// The record that stands for each message id.
    ids: HashMap<MessageId, u32>,
    progress: Progress,
}

impl Part for DispatchState {
    fn new(store: &Memory) -> Self {
        Self { clock: Arc::clone(store.clock()), tables: Mutex::default() }
    }
}

impl DispatchState {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn campaign(&mut self, key: &CampaignKey) -> Option<&mut Stored> {
        let index = (key.number() as usize).checked_sub(1)?;
        self.campaigns.get_mut(index).filter(|stored| stored.record.key == *key)
    }

    fn message(&mut self, key: &MessageKey) -> Option<&mut Message> {
        self.campaign(key.campaign())?.messages.get_mut(&key.record())
    }

    fn count(&mut self, changes: &Changes) {
        for (key, delta) in changes.deltas() {
            if let Some(stored) = self.campaign(key) {
                stored.progress.begun += delta.begun;
                stored.progress.accepted += delta.accepted;
                stored.progress.held += delta.held;
                stored.progress.risked += delta.risked;
                stored.progress.doubled += delta.doubled;
                for (label, change) in &delta.labels {
                    stored.progress.count(label.clone(), *change);
                }
            }
        }
    }

    /// Adds one fact to its message, if that is known.
    fn learn(&mut self, fact: &Fact, changes: &mut Changes, now: DateTime<Utc>) -> Recorded {
        let (key, attempt, wamid) = match &fact.of {
            Subject::Attempt(key, attempt) => (key.clone(), *attempt, None),
            Subject::Callback(key, attempt, wamid) => (key.clone(), *attempt, Some(wamid)),
            Subject::Wamid(tenant, wamid) => match self.by_wamid.get(&(tenant.clone(), wamid.clone())) {
                Some(key) => (key.clone(), 0, Some(wamid)),
                None => return Recorded::Unmatched,
            },
        };
        let named = matches!(fact.of, Subject::Wamid(..));
        let sealed = |stored: &mut Stored| stored.record.status.is_sealed();
        if fact.what != What::Erased && self.campaign(key.campaign()).is_some_and(sealed) {
            return Recorded::Unmatched;
        }
        let emptied = fact.what == What::Erased && self.empty(&key);
        let planned = |message: &&mut Message| message.verdict == PlanVerdict::Planned;
        let Some(message) = self.message(&key).filter(planned) else {
            return if emptied { Recorded::Applied } else { Recorded::Unmatched };
        };
        let before = message.facts.clone();
        let bound = wamid.is_some_and(|wamid| !named && message.facts.bind(attempt, wamid, fact.at));
        let of = wamid.filter(|_| named).map_or(attempt, |wamid| message.facts.attempt_of(wamid));
        let learned = message.facts.learn(of, &fact.what, fact.at);
        let after = message.facts.clone();
        if bound || learned {
            changes.moved(&key, &before, &after);
            let (word, code) = word(&fact.what);
            changes.evidence(&key, attempt, word, code);
        }
        if let Some(wamid) = fact.names() {
            let name = (key.campaign().tenant().clone(), wamid.clone());
            self.by_wamid.insert(name.clone(), key);
            self.adopt(&name, changes, now);
        }
        if bound || learned { Recorded::Applied } else { Recorded::Known }
    }

    /// Empties a record of everything that tells who it was for; false when there was nothing.
    fn empty(&mut self, key: &MessageKey) -> bool {
        let Some(message) = self.message(key) else { return false };
        let (to, facts) = (message.to.take(), message.facts.clone());
        message.parameters = Bytes::new();
        let tenant = key.campaign().tenant();
        let ours = |wamid: &Wamid| {
            facts.wamid.as_ref() == Some(wamid) || facts.former.iter().any(|former| former.wamid == *wamid)
        };
        self.by_wamid.retain(|(of, wamid), _| of != tenant || !ours(wamid));
        self.orphans.retain(
            |(_, fact)| !matches!(&fact.of, Subject::Wamid(of, wamid) if of == tenant && ours(wamid)),
        );
        to.is_some()
    }

    /// Makes the wish's message the only one to its person; false when another one was begun.
    fn claim(&mut self, wish: &Begin, changes: &mut Changes, now: DateTime<Utc>) -> bool {
        let (campaign, record) = (wish.message.campaign(), wish.message.record());
        let mut others = Vec::new();
        if let Some(stored) = self.campaign(campaign).filter(|_| !wish.also.is_empty()) {
            let ids = wish.also.iter().map(|person| stored.record.salt.message(FIRST_STEP, *person));
            for id in ids.collect::<Vec<_>>() {
                let other = *stored.ids.entry(id).or_insert(record);
                others.extend(stored.messages.get(&other).filter(|_| other != record));
            }
        }
        if others.iter().any(|other| 0 < other.facts.attempts) {
            return false;
        }
        let keys: Vec<MessageKey> = others.into_iter().map(|other| other.key.clone()).collect();
        for key in keys {
            let of = Subject::Attempt(key, 0);
            self.learn(&Fact { of, at: now, what: DUPLICATE.clone() }, changes, now);
        }
        true
    }

    /// Applies the facts that came before their message was known under its id.
    fn adopt(&mut self, name: &(TenantId, Wamid), changes: &mut Changes, now: DateTime<Utc>) {
        let of = Subject::Wamid(name.0.clone(), name.1.clone());
        self.orphans.retain(|(kept, _)| now - *kept < ORPHANS_KEPT);
        let ours: Vec<_> = self.orphans.extract_if(.., |(_, fact)| fact.of == of).collect();
        for (_, fact) in &ours {
            self.learn(fact, changes, now);
        }
    }
}

impl Stored {
    fn freeze(&mut self, manifest: &Manifest, first: u32) -> (Vec<usize>, Vec<PlanVerdict>) {
        let mut duplicates = Vec::new();
        let mut verdicts = Vec::new();
        for ((record, index), row) in (first..).zip(0..).zip(&manifest.rows) {
            let mut verdict = row.verdict.clone();
            if verdict == PlanVerdict::Planned
                && let Some(to) = row.to
                && *self.ids.entry(to.id).or_insert(record) != record
            {
                verdict = PlanVerdict::Duplicate;
                duplicates.push(index);
            }
            let message = Message {
                key: manifest.campaign.message(record),
                line: row.line,
                verdict: verdict.clone(),
                to: row.to,
                parameters: row.parameters.clone(),
                facts: Facts::default(),
            };
            self.messages.insert(record, message);
            verdicts.push(verdict);
        }
        (duplicates, verdicts)
    }
}

impl Stored {
    /// Adds the records that are not there yet; `None` if the campaign takes none.
    fn append(&mut self, manifest: &Manifest) -> Option<(Vec<Appended>, Manifest)> {
        if !self.record.takes_single_messages() {
            return None;
        }
        let mut appended = Vec::new();
        let mut fresh = Manifest { rows: Vec::new(), ..manifest.clone() };
        for row in &manifest.rows {
            let known = row.to.and_then(|to| self.ids.get(&to.id).copied());
            let next = self.messages.last_key_value().map_or(0, |(last, _)| last + 1);
            if known.is_none() {
                let one = Manifest { rows: vec![row.clone()], ..manifest.clone() };
                self.freeze(&one, next);
                fresh.rows.push(row.clone());
            }
            appended.push(Appended { record: known.unwrap_or(next), known: known.is_some() });
        }
        Some((appended, fresh))
    }
}

#[async_trait]
impl DeliveryLog for Memory {
    async fn plan(&self, manifest: &Manifest) -> Result<Planned, StoreError> {
        let state = self.part::<DispatchState>();
        let now = state.clock.now();
        let mut tables = state.tables();
        let Some(stored) = tables.campaign(&manifest.campaign) else { return Ok(Planned::Next(0)) };
        let Place::Batch(batch) = manifest.place else {
            let Some((appended, fresh)) = stored.append(manifest) else {
                return Ok(Planned::Next(stored.progress.batches));
            };
            let mut changes = Changes::default();
            for row in &fresh.rows {
                changes.planned(&manifest.campaign, &row.verdict);
            }
            tables.count(&changes);
            if !fresh.rows.is_empty() {
                self.put_out([plan_entry(&fresh, &vec![PlanVerdict::Planned; fresh.rows.len()], now)]);
            }
            return Ok(Planned::Appended(appended));
        };
        if stored.progress.batches != batch || stored.record.status != Status::Planning {
            return Ok(Planned::Next(stored.progress.batches));
        }
        let (duplicates, verdicts) = stored.freeze(manifest, first_record(batch));
        stored.progress.batches += 1;
        stored.progress.cursor = Some(manifest.cursor.clone());
        let mut changes = Changes::default();
        for verdict in &verdicts {
            changes.planned(&manifest.campaign, verdict);
        }
        tables.count(&changes);
        self.put_out([plan_entry(manifest, &verdicts, now)]);
        Ok(Planned::Frozen { duplicates })
    }

    async fn mark(&self, campaign: &CampaignKey, batches: u32) -> Result<(), StoreError> {
        let state = self.part::<DispatchState>();
        if let Some(stored) = state.tables().campaign(campaign) {
            stored.progress.queued = stored.progress.queued.max(batches);
        }
        Ok(())
    }

    async fn begin(&self, wishes: &[Begin]) -> Result<Vec<Begun>, StoreError> {
        let state = self.part::<DispatchState>();
        let now = state.clock.now();
        let mut tables = state.tables();
        let mut changes = Changes::default();
        let mut answers = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let gate = tables.campaign(wish.message.campaign()).map(|stored| stored.record.gate());
            let planned = |message: &&mut Message| message.verdict == PlanVerdict::Planned;
            let message = tables.message(&wish.message).filter(planned);
            let (Some(gate), Some(message)) = (gate, message) else {
                answers.push(Begun::Unplanned);
                continue;
            };
            let before = message.facts.clone();
            let mut after = before.clone();
            let answer = after.begin(&gate, holder(wish.lease), now);
            let tenant = wish.message.campaign().tenant();
            let is_new = matches!(answer, Begun::Attempt(_)) && before != after;
            if is_new
                && let Some(hears) = &wish.hears
                && standing_of(self, tenant, hears.person).refuses(hears.marketing)
            {
                answers.push(Begun::OptedOut);
                continue;
            }
            if is_new
                && let Some(counts) = &wish.counts
                && !counts.holds(&standing_of(self, tenant, counts.person))
            {
                answers.push(Begun::Overtaken);
                continue;
            }
            if matches!(answer, Begun::Attempt(_)) && !tables.claim(wish, &mut changes, now) {
                answers.push(Begun::Duplicate);
                continue;
            }
            if let Begun::Attempt(attempt) = answer
                && is_new
            {
                if let Some(counts) = &wish.counts {
                    count_sent(self, tenant, counts.person, counts.at);
                }
                changes.moved(&wish.message, &before, &after);
                changes.evidence(&wish.message, attempt, "begun", None);
                if let Some(message) = tables.message(&wish.message) {
                    message.facts = after;
                }
            }
            answers.push(answer);
        }
        tables.count(&changes);
        self.put_out(changes.entries(&BEGUN, now));
        Ok(answers)
    }

    async fn forget(&self, what: &Forget) -> Result<bool, StoreError> {
        self.part::<DispatchState>().tables().forget(what);
        Ok(false)
    }

    async fn record(&self, facts: &[Fact]) -> Result<Vec<Recorded>, StoreError> {
        let state = self.part::<DispatchState>();
        let now = state.clock.now();
        let mut tables = state.tables();
        let mut changes = Changes::default();
        let mut answers = Vec::with_capacity(facts.len());
        for fact in facts {
            let answer = tables.learn(fact, &mut changes, now);
            if answer == Recorded::Unmatched && matches!(fact.of, Subject::Wamid(..)) {
                tables.orphans.retain(|(kept, _)| now - *kept < ORPHANS_KEPT);
                if !tables.orphans.iter().any(|(_, orphan)| orphan == fact) {
                    tables.orphans.push((now, fact.clone()));
                }
            }
            answers.push(answer);
        }
        tables.count(&changes);
        self.put_out(changes.entries(&RECORDED, now));
        Ok(answers)
    }

    async fn messages(&self, query: &Query) -> Result<Page, StoreError> {
        let state = self.part::<DispatchState>();
        let mut tables = state.tables();
        Ok(match query {
            Query::Keys(keys) => {
                let mut messages: Vec<Message> = keys
                    .iter()
                    .filter_map(|key| tables.message(key).map(|message| message.clone()))
                    .collect();
                messages.sort_by_key(|message| message.key.row());
                Page { messages, next: None }
            }
            Query::Ids(campaign, ids) => {
                let Some(stored) = tables.campaign(campaign) else { return Ok(Page::default()) };
                let records = ids.iter().filter_map(|id| stored.ids.get(id));
                let mut messages: Vec<Message> =
                    records.filter_map(|record| stored.messages.get(record).cloned()).collect();
                messages.sort_by_key(|message| message.key.row());
                Page { messages, next: None }
            }
            Query::Scan { campaign, from, of, max } => {
                let Some(stored) = tables.campaign(campaign) else { return Ok(Page::default()) };
                let rest = stored.messages.range(from..).map(|(_, message)| message);
                let messages: Vec<Message> =
                    rest.filter(|message| of.matches(message)).take(*max).cloned().collect();
                let full = messages.len() == *max;
                let next = messages.last().filter(|_| full).map(|message| message.key.record() + 1);
                Page { messages, next }
            }
        })
    }

    async fn progress(&self, campaigns: &[CampaignKey]) -> Result<Vec<Progress>, StoreError> {
        let state = self.part::<DispatchState>();
        let mut tables = state.tables();
        let progress = |key| tables.campaign(key).map(|stored| stored.progress.clone()).unwrap_or_default();
        Ok(campaigns.iter().map(progress).collect())
    }
}
