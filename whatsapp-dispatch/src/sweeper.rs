//! Finds messages whose story broke off, and ends it: begun without an answer, accepted and never
//! heard of again, waiting when their time is over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;

use crate::campaigns::{CampaignRecord, Change, Select, Status};
use crate::delivery::{Kind, Message, Query};
use crate::desk::Desk;
use crate::fact::{Fact, State, Subject, What};
use crate::message::CampaignKey;
use crate::people::{Learned, Lesson, PersonKey};

/// Its worker ended before the answer was recorded.
pub(crate) const WORKER_LOST: Code = Code::known("dispatch.worker_lost");

const PAGE: usize = 500;

/// Two months.
const STREAMS_KEPT: TimeDelta = TimeDelta::days(62);

/// Ends stories that broke off.
#[derive(Debug)]
pub(crate) struct Sweeper {
    desk: Arc<Desk>,
}

impl Sweeper {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Begun before `before` and still without an answer: nobody knows what came of it.
    pub(crate) async fn doubt(&self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        // Nothing is begun before its campaign is released.
        let kind =
            |record: &CampaignRecord| may_be_older(record, before).then_some(Kind::BegunBefore(before));
        self.sweep(&[State::Sending], kind, &What::InDoubt { code: WORKER_LOST }).await
    }

    /// Accepted so long ago that WhatsApp has dropped it.
    pub(crate) async fn expire(&self) -> Result<usize, StoreError> {
        let now = self.desk.clock.now();
        let kind = |record: &CampaignRecord| {
            let before = earlier(now, self.desk.life(&record.definition));
            may_be_older(record, before).then_some(Kind::AcceptedBefore(before))
        };
        self.sweep(&[State::Accepted], kind, &What::Expired).await
    }

    /// Waiting though its campaign's time is over: it would be refused as soon as it is taken from
    /// the queue, but nothing takes it while its lane is held.
    pub(crate) async fn overdue(&self) -> Result<usize, StoreError> {
        let now = self.desk.clock.now();
        let kind = |record: &CampaignRecord| {
            let alive = matches!(record.status, Status::Released | Status::Paused);
            let over = record.not_after().is_some_and(|end| end < now);
            (alive && over).then_some(Kind::ToBegin)
        };
        self.sweep(&[State::Waiting, State::Deferred], kind, &What::Expired).await
    }

    /// Closes campaigns of which nothing is open any more and nothing will be heard, so that what
    /// is looked through again and again does not grow for ever. A stream ends when its month and
    /// the next one are over: until then it knows its keys.
    pub(crate) async fn finish(&self) -> Result<(), StoreError> {
        let old = self.desk.clock.now() - STREAMS_KEPT;
        let mut after = 0;
        loop {
            let mut records = self.desk.campaigns.list(&Select::Released, after, PAGE).await?;
            let Some(last) = records.last() else { return Ok(()) };
            after = last.key.number();
            records.retain(|record| {
                if record.is_stream() { record.created_at < old } else { record.reopening.is_none() }
            });
            let keys: Vec<CampaignKey> = records.iter().map(|record| record.key.clone()).collect();
            let progress = if keys.is_empty() { Vec::new() } else { self.desk.log.progress(&keys).await? };
            for (record, progress) in records.iter().zip(progress) {
                let unheard = progress.in_doubt() + progress.in_state(State::Accepted);
                if progress.open() + unheard == 0 {
                    // One that moved meanwhile is looked at again next time.
                    self.desk.campaigns.change(&record.key, record.revision, &Change::Finish).await?;
                    self.desk.forget(&record.key);
                }
            }
        }
    }

    /// Facts by WhatsApp's id alone that came after their message was known.
    pub(crate) async fn adopt(&self) -> Result<usize, StoreError> {
        self.desk.log.adopt().await
    }

    /// Changes of webhooks that were kept long enough.
    pub(crate) async fn forget_old(&self) -> Result<usize, StoreError> {
        self.desk.quarantine.forget_old().await
    }

    async fn sweep(
        &self,
        states: &[State],
        kind: impl Fn(&CampaignRecord) -> Option<Kind> + Send + Sync,
        what: &What,
    ) -> Result<usize, StoreError> {
        let mut swept = 0;
        let mut after = 0;
        loop {
            let records = self.desk.campaigns.list(&Select::Active, after, PAGE).await?;
            let Some(last) = records.last() else { return Ok(swept) };
            after = last.key.number();
            let (keys, kinds): (Vec<CampaignKey>, Vec<Kind>) =
                records.into_iter().filter_map(|record| Some((record.key.clone(), kind(&record)?))).unzip();
            if keys.is_empty() {
                continue;
            }
            let progress = self.desk.log.progress(&keys).await?;
            for ((key, kind), progress) in keys.iter().zip(kinds).zip(progress) {
                if states.iter().any(|state| 0 < progress.in_state(*state)) {
                    swept += self.sweep_one(key, kind, what).await?;
                }
            }
        }
    }

    async fn sweep_one(&self, campaign: &CampaignKey, kind: Kind, what: &What) -> Result<usize, StoreError> {
        let mut swept = 0;
        let mut from = Some(0);
        while let Some(start) = from {
            let query = Query::Scan { campaign: campaign.clone(), from: start, of: kind, max: PAGE };
            let page = self.desk.log.messages(&query).await?;
            from = page.next;
            let now = self.desk.clock.now();
            let fact = |message: &Message| Fact {
                of: Subject::Attempt(message.key.clone(), message.facts.attempts),
                at: now,
                what: what.clone(),
            };
            let facts: Vec<Fact> = page.messages.iter().map(fact).collect();
            if !facts.is_empty() {
                if matches!(what, What::InDoubt { .. }) {
                    self.count(campaign, &page.messages).await?;
                }
                swept += facts.len();
                self.desk.log.record(&facts).await?;
            }
        }
        Ok(swept)
    }

    /// What a frequency cap must know: messages that may have reached WhatsApp.
    async fn count(&self, campaign: &CampaignKey, messages: &[Message]) -> Result<(), StoreError> {
        let Some(active) = self.desk.campaign(campaign).await? else { return Ok(()) };
        let Ok(scope) = self.desk.tenants.enter(campaign.tenant()).await else { return Ok(()) };
        if !self.desk.counts(&active.record) {
            return Ok(());
        }
        let category = active.record.definition.template.category;
        let learned = |message: &Message| {
            let person = PersonKey::new(&scope, message.to?.person);
            Some(Learned::new(person, message.facts.begun_at?, Lesson::Messaged { category }))
        };
        let learned: Vec<Learned> = messages.iter().filter_map(learned).collect();
        self.desk.people.learn(&learned).await
    }
}

/// True for a campaign that may have messages from before an instant. A round moves the release.
fn may_be_older(record: &CampaignRecord, before: DateTime<Utc>) -> bool {
    0 < record.round || record.released_at.is_some_and(|at| at < before)
}

/// `instant` less `duration`; the beginning of time when the difference cannot be expressed.
pub(crate) fn earlier(instant: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| instant.checked_sub_signed(delta))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}
