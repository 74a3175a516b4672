//! Decides about messages in doubt once no webhook has told what came of them, and begins messages
//! again that somebody wants to try again.
//!
//! The API has no idempotency key, so nothing in doubt is simply sent again: a webhook that
//! carries our token ends the doubt; after a waiting time the campaign's policy does. Every
//! verdict is a fact of the delivery log, which takes it only if the doubt still stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use crate::campaign::UnknownPolicy;
use crate::campaigns::{CampaignRecord, Select, Status};
use crate::delivery::{Kind, Message, Query};
use crate::desk::Desk;
use crate::fact::{Fact, Recorded, Reopening, Subject, What};
use crate::feeder::Feeder;
use crate::message::CampaignKey;
use crate::progress::Progress;
use crate::sweeper::earlier;

const PAGE: usize = 500;

/// Ends doubt.
#[derive(Debug)]
pub(crate) struct Resolver {
    desk: Arc<Desk>,
    /// When a campaign in doubt is looked through again.
    next_look: Mutex<HashMap<CampaignKey, DateTime<Utc>>>,
}

impl Resolver {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk, next_look: Mutex::default() }
    }

    /// Decides about every message whose waiting time is over; says about how many.
    pub(crate) async fn resolve(&self) -> Result<usize, StoreError> {
        let mut decided = 0;
        let mut after = 0;
        loop {
            let mut records = self.desk.campaigns.list(&Select::Active, after, PAGE).await?;
            let Some(last) = records.last() else { return Ok(decided) };
            after = last.key.number();
            records.retain(|record| record.definition.unknown_policy() != UnknownPolicy::Ask);
            if records.is_empty() {
                continue;
            }
            let keys: Vec<CampaignKey> = records.iter().map(|record| record.key.clone()).collect();
            for (record, progress) in records.iter().zip(self.desk.log.progress(&keys).await?) {
                if 0 < progress.in_doubt() && self.is_due(record) {
                    decided += self.decide(record, &progress).await?;
                }
            }
        }
    }

    /// A campaign is looked through from end to end, so seldom: what waits for a quarter of an
    /// hour may wait for half a minute more.
    fn is_due(&self, record: &CampaignRecord) -> bool {
        if record.definition.unknown_policy() == UnknownPolicy::Now {
            return true;
        }
        let now = self.desk.clock.now();
        let mut next_look = self.next_look.lock().unwrap_or_else(PoisonError::into_inner);
        next_look.retain(|_, at| now < *at);
        let is_due = !next_look.contains_key(&record.key);
        if is_due {
            next_look.insert(record.key.clone(), after(now, self.desk.config.unknown_after / 30));
        }
        is_due
    }

    async fn decide(&self, record: &CampaignRecord, progress: &Progress) -> Result<usize, StoreError> {
        let now = self.desk.clock.now();
        let of = Kind::DoubtedBefore(self.patience_ended(record, progress, now));
        let mut decided = 0;
        let mut from = Some(0);
        while let Some(start) = from {
            let query = Query::Scan { campaign: record.key.clone(), from: start, of, max: PAGE };
            let page = self.desk.log.messages(&query).await?;
            from = page.next;
            decided += page.messages.len();
            let (again, over): (Vec<Message>, Vec<Message>) =
                page.messages.into_iter().partition(|message| goes_again(record, message, now));
            self.reopen(record, &again, &Reopening::Policy).await?;
            let given_up: Vec<Fact> = over.iter().map(|message| about(message, now, What::GivenUp)).collect();
            if !given_up.is_empty() {
                self.desk.log.record(&given_up).await?;
            }
        }
        Ok(decided)
    }

    /// What was begun before this instant has been waited for long enough.
    fn patience_ended(
        &self,
        record: &CampaignRecord,
        progress: &Progress,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let config = &self.desk.config;
        match record.definition.unknown_policy() {
            UnknownPolicy::Now => now,
            // WhatsApp tells nothing of messages that it holds back.
            _ if 0 < progress.held => earlier(now, config.unknown_after_held),
            _ => earlier(now, config.unknown_after),
        }
    }

    /// Lets messages be begun again, and puts their references into the queue; says how many. A
    /// reference that is lost on the way is found by the feeder.
    pub(crate) async fn reopen(
        &self,
        record: &CampaignRecord,
        messages: &[Message],
        why: &Reopening,
    ) -> Result<usize, StoreError> {
        if messages.is_empty() {
            return Ok(0);
        }
        let now = self.desk.clock.now();
        let fact = |message| about(message, now, What::Reopened { why: why.clone() });
        let facts: Vec<Fact> = messages.iter().map(fact).collect();
        let recorded = self.desk.log.record(&facts).await?;
        let reopened = messages.iter().zip(recorded).filter(|(_, answer)| *answer == Recorded::Applied);
        let reopened: Vec<Message> = reopened.map(|(message, _)| message.clone()).collect();
        if !reopened.is_empty() {
            Feeder::new(Arc::clone(&self.desk)).feed_again(record, &reopened, None).await?;
        }
        Ok(reopened.len())
    }
}

/// Whether the campaign's policy wants another attempt of a message in doubt.
fn goes_again(record: &CampaignRecord, message: &Message, now: DateTime<Utc>) -> bool {
    let definition = &record.definition;
    let alive = matches!(record.status, Status::Released | Status::Paused)
        && record.not_after().is_none_or(|end| now <= end)
        && message.facts.counted < definition.max_attempts;
    alive
        && match definition.unknown_policy() {
            UnknownPolicy::Never | UnknownPolicy::Ask => false,
            UnknownPolicy::OnceAfter => message.facts.risked == 0,
            UnknownPolicy::Now => true,
        }
}

fn about(message: &Message, at: DateTime<Utc>, what: What) -> Fact {
    Fact { of: Subject::Attempt(message.key.clone(), message.facts.attempts), at, what }
}
