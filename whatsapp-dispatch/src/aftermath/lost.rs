//! Messages that failed after WhatsApp had taken them: which of them are tried again, and what
//! follows beyond them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use super::{AboutPerson, Beyond, News};
use crate::campaigns::{CampaignRecord, Status};
use crate::delivery::{Message, Query};
use crate::desk::{Active, Desk};
use crate::fact::{Fact, Reopening, Subject, Then, Wait, What};
use crate::message::MessageKey;
use crate::people::PersonKey;
use crate::reaction::{Fate, Reaction, deferral};

/// A message that failed after WhatsApp had taken it.
#[derive(Debug)]
pub(crate) struct Lost {
    message: MessageKey,
    attempt: u16,
    at: DateTime<Utc>,
    campaign: Arc<Active>,
    reaction: Reaction,
    /// As it stood before that was told; absent where nobody needs to know.
    before: Option<Message>,
    /// Whether it is tried again.
    again: Option<Then>,
    /// False when the same was told before.
    pub(crate) is_new: bool,
}

impl Lost {
    /// That it is tried again, as a fact: to be recorded together with the failure, so that in
    /// between nobody takes its campaign for finished, and no crash loses it.
    pub(crate) fn reopened(&self) -> Option<Fact> {
        let why = Reopening::Reaction { code: self.reaction.code.clone(), then: self.again? };
        let of = Subject::Attempt(self.message.clone(), self.attempt);
        Some(Fact { of, at: self.at, what: What::Reopened { why } })
    }

    /// The campaign, the message, and when it may be begun again.
    pub(crate) fn next_attempt(&self) -> Option<(&CampaignRecord, &Message, DateTime<Utc>)> {
        let (Then::Again { at, .. } | Then::Later { at, .. }) = self.again? else { return None };
        Some((&self.campaign.record, self.before.as_ref()?, at))
    }
}

/// The messages that the facts tell to have failed, by the index of their fact, as far as they are
/// ours by our own token.
pub(crate) async fn find_lost(desk: &Desk, facts: &[Fact]) -> Result<Vec<(usize, Lost)>, StoreError> {
    let mut lost = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let (Subject::Callback(message, attempt, _), What::Failed { code }) = (&fact.of, &fact.what) else {
            continue;
        };
        let number = code.as_str().strip_prefix("whatsapp.").and_then(|number| number.parse().ok());
        let Some(number) = number else { continue };
        let Some(campaign) = desk.campaign(message.campaign()).await? else { continue };
        let definition = &campaign.record.definition;
        let reaction = Reaction::to_status(number, definition.template.category);
        let reaction = if definition.sends_lone_messages() { reaction.for_lone_message() } else { reaction };
        let (message, attempt, at) = (message.clone(), *attempt, fact.at);
        let one = Lost { message, attempt, at, campaign, reaction, before: None, again: None, is_new: false };
        lost.push((index, one));
    }
    let concerned = lost.iter().filter(|(_, lost)| lost.concerns_message_or_person());
    let keys: Vec<MessageKey> = concerned.map(|(_, lost)| lost.message.clone()).collect();
    let mut found = HashMap::new();
    for keys in keys.chunks(KEYS) {
        let messages = desk.log.messages(&Query::Keys(keys.to_vec())).await?.messages;
        found.extend(messages.into_iter().map(|message| (message.key.clone(), message)));
    }
    for (_, lost) in &mut lost {
        lost.before = found.get(&lost.message).cloned();
        lost.again = lost.goes_again(desk);
    }
    Ok(lost)
}

/// Messages that are asked for together.
const KEYS: usize = 500;

impl Lost {
    fn concerns_message_or_person(&self) -> bool {
        self.reaction.fate != Fate::Final || AboutPerson::of(&self.reaction, 0, self.at).is_some()
    }

    /// Whether another attempt follows, as after an answer. The delivery log sees to it that there
    /// is one for each that failed, and none if the person has the message.
    fn goes_again(&self, desk: &Desk) -> Option<Then> {
        let record = &self.campaign.record;
        let facts = &self.before.as_ref()?.facts;
        if facts.attempts != self.attempt || !matches!(record.status, Status::Released | Status::Paused) {
            return None;
        }
        let now = desk.clock.now();
        // Old news, told after an outage: nobody expects the message any more.
        let life = desk.life(&record.definition);
        if facts.begun_at.is_some_and(|begun| after(begun, life) < now) {
            return None;
        }
        let soon = || after(now, desk.retry_delay(self.attempt, None, self.message.record()));
        let then = match self.reaction.fate {
            Fate::Again { max } if facts.counted < max.min(record.definition.max_attempts) => {
                Then::Again { at: soon(), counted: true }
            }
            Fate::Back if self.reaction.action.is_throttle() => Then::Again { at: soon(), counted: false },
            Fate::Back => Then::Again { at: now, counted: false },
            Fate::Deferred { max } if facts.deferrals < max => {
                Then::Later { at: after(self.at, deferral(facts.deferrals)), wait: Wait::Marketing }
            }
            Fate::Again { .. }
            | Fate::BackedOff { .. }
            | Fate::Deferred { .. }
            | Fate::Final
            | Fate::Unknown => return None,
        };
        let (Then::Again { at, .. } | Then::Later { at, .. }) = then else { return None };
        record.not_after().is_none_or(|end| at.max(now) <= end).then_some(then)
    }
}

/// News older than this says nothing about how numbers and campaigns stand now.
const RECENT: TimeDelta = TimeDelta::hours(1);

/// Does what follows beyond messages that failed later, and notes what it tells about their
/// people.
///
/// What was told before is done again only where that changes nothing: a wish to get no messages
/// is not lost when the store failed after the fact was recorded.
pub(crate) async fn react_to_lost(desk: &Desk, lost: &[Lost]) -> Result<(), StoreError> {
    let mut done: Vec<(&MessageKey, Beyond)> = Vec::new();
    let mut news = Vec::new();
    for one in lost {
        let record = &one.campaign.record;
        let beyond = if one.is_new && desk.clock.now() - one.at < RECENT {
            desk.signs.beyond(record, &one.reaction, desk.signs.ticket(record))
        } else {
            Beyond::Nothing
        };
        let known = |(message, other): &(&MessageKey, Beyond)| {
            message.campaign() == one.message.campaign() && *other == beyond
        };
        if beyond != Beyond::Nothing && !done.iter().any(known) {
            beyond.apply(desk, record, &one.message).await?;
            done.push((&one.message, beyond));
        }
        news.extend(one.news(desk).await);
    }
    if news.is_empty() { Ok(()) } else { desk.about_people(&news).await }
}

impl Lost {
    async fn news(&self, desk: &Desk) -> Option<News> {
        let message = self.before.as_ref()?;
        let about = AboutPerson::of(&self.reaction, message.facts.deferrals, self.at)?;
        if !self.is_new && !about.binds() {
            return None;
        }
        let scope = desk.tenants.enter(self.message.campaign().tenant()).await.ok()?;
        Some((PersonKey::new(&scope, message.to?.person).into(), about, self.at))
    }
}
