use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Datelike, Utc};
use rules_core::judge::id::BatchId;
use rules_core::judge::rule::Mode;
use rules_core::judge::tenant::TenantScope;
use rules_core::judge::verdict::Verdict;
use rules_core::work::StoreError;
use rules_core::work::fact_source::Subjects;
use rules_core::work::lanes::Weight;
use rules_core::work::queue::Parcel;
use rules_core::work::referee::Judgement;

use super::error::{LONGEST_KEY, TESTERS};
use super::{Dispatch, Plan, SendError};
use crate::campaign::{Campaign, CampaignError, CampaignKind, CampaignName, ConsentPolicy, Definition};
use crate::campaigns::{CampaignRecord, Change, Changed, Created, NewCampaign, Select, Status};
use crate::content::{ContentError, Message as Content};
use crate::delivery::{Kind, Manifest, Message, Place, PlanRow, PlanVerdict, Planned, Query, Recipient};
use crate::desk::{Desk, lane};
use crate::fact::{Facts, State};
use crate::message::{FIRST_STEP, MessageKey, Salt, keyed_person};
use crate::people::{Address, random_key};
use crate::phone::PhoneNumber;
use crate::reference::Reference;
use crate::rule::CampaignFacts;
use crate::sender::Sender;
use crate::template::{Category, Template};

/// Share of a lane of single messages, against 1 of a campaign's.
const WEIGHT: u32 = 1_000;

/// What a single message says.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectContent {
    /// The members of the request that say what it is, as JSON without the outer braces:
    /// `"type":"text","text":{"body":"Hi"}`.
    pub fragment: Bytes,
    /// What kind of message it is; free form counts as utility.
    pub category: Category,
    /// True for anything but a template: WhatsApp takes it only within 24 hours after the person
    /// wrote ("Customer service windows", Meta).
    pub free_form: bool,
}

impl DirectContent {
    /// A template, whole.
    pub const fn template(category: Category, fragment: Bytes) -> Self {
        Self { fragment, category, free_form: false }
    }

    /// Anything but a template.
    pub const fn free_form(fragment: Bytes) -> Self {
        Self { fragment, category: Category::Utility, free_form: true }
    }

    /// A message of any kind; of a template `category` says which kind it is.
    ///
    /// # Errors
    /// [`ContentError`] when it breaks a limit of WhatsApp's.
    pub fn message(message: &Content, category: Category) -> Result<Self, ContentError> {
        message.check()?;
        let fragment = message.fragment();
        Ok(match message {
            Content::Template(_) => Self::template(category, fragment),
            _ => Self::free_form(fragment),
        })
    }

    const fn word(&self) -> &'static str {
        match self.category {
            _ if self.free_form => "service",
            Category::Marketing => "marketing",
            Category::Utility => "utility",
            Category::Authentication => "authentication",
        }
    }
}

/// Without what it says.
impl Debug for DirectContent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectContent").field("word", &self.word()).finish_non_exhaustive()
    }
}

/// A single message that is on its way: durable, and sent once whatever happens.
#[derive(Clone, Debug)]
pub struct Direct {
    desk: Arc<Desk>,
    key: MessageKey,
    known: bool,
}

impl Direct {
    /// The message's key.
    pub const fn key(&self) -> &MessageKey {
        &self.key
    }

    /// True when an earlier call had sent it under the same key.
    pub const fn was_known(&self) -> bool {
        self.known
    }

    /// Where it stands.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn state(&self) -> Result<State, StoreError> {
        Ok(self.facts().await?.state())
    }

    /// All that is known of it.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn facts(&self) -> Result<Facts, StoreError> {
        let page = self.desk.log.messages(&Query::Keys(vec![self.key.clone()])).await?;
        Ok(page.messages.into_iter().next().map(|message| message.facts).unwrap_or_default())
    }
}

impl Dispatch {
    /// Sends one message, ahead of all campaigns. It is durable when this returns, judged again
    /// when it leaves, and followed up like any other.
    ///
    /// `key` says which message it is, within the tenant, the number and the kind of message:
    /// a call with a key of this or the last month returns the message of the first call.
    ///
    /// # Errors
    /// [`SendError::Denied`] when a rule says no now; a store's error may be answered by repeating
    /// the call with the same key.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the message taken or not; repeat the call with the same key.
    pub async fn send(
        &self,
        sender: &Sender,
        to: PhoneNumber,
        content: impl Into<DirectContent> + Send,
        key: &str,
    ) -> Result<Direct, SendError> {
        let content = content.into();
        if !(1..=LONGEST_KEY).contains(&key.len()) {
            return Err(SendError::Key { bytes: key.len() });
        }
        let scope = self.desk.tenants.enter(&sender.tenant).await?;
        let now = self.desk.clock.now();
        let name = |month: &str| format!("direct/{}/{}/{month}", sender.number_id, content.word());
        let (this, last) = months(now);
        for month in [&this, &last] {
            let name = CampaignName::parse(&name(month))?;
            let found = self.desk.campaigns.list(&Select::named(&scope, &name), 0, 1).await?;
            if let Some(stream) = found.into_iter().next()
                && let Some(message) = self.known(&stream, key).await?
            {
                return self.on_its_way(&scope, &stream, message, true).await;
            }
        }
        let definition = define(sender, &content)?;
        let stream = self.stream(&scope, &name(&this), definition).await?;
        self.append(&scope, &stream, to, content.fragment, key).await
    }

    /// Sends the first messages of a plan to a few people of the host's, to see what they look
    /// like: person *n* gets the message of the *n*th planned record. Each call sends again; the
    /// plan itself stays as it is. Of a campaign that has ended nothing is sent.
    ///
    /// # Errors
    /// As [`Dispatch::send`]; [`SendError::Testers`] for more than 10 people.
    ///
    /// # Cancel safety
    /// Dropping the future leaves some of the messages sent.
    pub async fn test_send(&self, plan: &Plan, to: &[PhoneNumber]) -> Result<Vec<Direct>, SendError> {
        if TESTERS < to.len() {
            return Err(SendError::Testers { people: to.len() });
        }
        let Some(campaign) = self.desk.campaign(plan.key()).await? else { return Ok(Vec::new()) };
        // Nobody keeps its parameters.
        if campaign.record.status.has_ended() || campaign.record.status.is_sealed() {
            return Ok(Vec::new());
        }
        let scope = self.desk.tenants.enter(plan.key().tenant()).await?;
        let query =
            Query::Scan { campaign: plan.key().clone(), from: 0, of: Kind::ToBegin, max: to.len().max(1) };
        let messages = self.desk.log.messages(&query).await?.messages;
        let definition = Definition {
            kind: CampaignKind::Stream,
            expires_after: None,
            starts_at: None,
            consent: ConsentPolicy::Assumed,
            ..campaign.record.definition.as_ref().clone()
        };
        let name = format!("test/{}", plan.key().number());
        let stream = self.stream(&scope, &name, definition).await?;
        let mut sent = Vec::with_capacity(to.len());
        for (to, message) in to.iter().zip(messages.iter().cycle()) {
            let key = self.desk.ids.next().to_string();
            sent.push(self.append(&scope, &stream, *to, message.parameters.clone(), &key).await?);
        }
        Ok(sent)
    }

    /// The message that an earlier call sent under this key.
    async fn known(&self, stream: &CampaignRecord, key: &str) -> Result<Option<Message>, StoreError> {
        let id = stream.salt.message(FIRST_STEP, keyed_person(key));
        let page = self.desk.log.messages(&Query::Ids(stream.key.clone(), vec![id])).await?;
        Ok(page.messages.into_iter().next())
    }

    /// The campaign that holds messages of one kind, released.
    async fn stream(
        &self,
        scope: &TenantScope,
        name: &str,
        definition: Definition,
    ) -> Result<CampaignRecord, SendError> {
        let desk = &self.desk;
        let name = CampaignName::parse(name)?;
        let found = desk.campaigns.list(&Select::named(scope, &name), 0, 1).await?;
        let mut record = if let Some(record) = found.into_iter().next() {
            record
        } else {
            desk.know(Arc::new(definition.sender.clone()));
            let salt = Salt::from_bytes(random_key(&desk.ids));
            let new = NewCampaign::new(scope, name, Arc::new(definition), "direct".to_owned(), salt);
            match desk.campaigns.create(&new).await? {
                Created::New(record) | Created::Known(record) => record,
            }
        };
        loop {
            let change = match record.status {
                Status::Planning => {
                    if let Ok(lane) = lane(scope, &record) {
                        desk.lanes.weigh(&[Weight::Lane(lane, WEIGHT)]).await?;
                    }
                    Change::Planned
                }
                Status::Planned => Change::Release,
                Status::Released | Status::Paused => return Ok(record),
                Status::Cancelled
                | Status::Finished
                | Status::Sealed
                | Status::Exported
                | Status::Forgotten => {
                    return Err(SendError::Cancelled { stream: record.name });
                }
            };
            let changed = desk.campaigns.change(&record.key, record.revision, &change).await?;
            desk.forget(&record.key);
            match changed {
                Changed::Made(newer) | Changed::Moved(newer) | Changed::NotAllowed(newer) => record = newer,
                Changed::Missing => return Err(SendError::Cancelled { stream: record.name }),
            }
        }
    }

    /// Judges one message, adds it to the stream and puts its reference into the queue.
    async fn append(
        &self,
        scope: &Arc<TenantScope>,
        stream: &CampaignRecord,
        to: PhoneNumber,
        parameters: Bytes,
        key: &str,
    ) -> Result<Direct, SendError> {
        let address = Address::new(scope, to.canonical());
        let people = self.desk.people.resolve(&[address]).await?;
        let person = people.first().map_or_else(|| keyed_person(key), crate::people::PersonKey::id);
        let id = stream.salt.message(FIRST_STEP, keyed_person(key));
        let to = Recipient { person, id, number: to.canonical(), consent: false, zone: None };
        self.judge(scope, stream, to).await?;
        let row = PlanRow { line: 0, verdict: PlanVerdict::Planned, to: Some(to), parameters };
        let manifest = Manifest {
            campaign: stream.key.clone(),
            place: Place::Append,
            cursor: String::new(),
            rows: vec![row],
        };
        let Planned::Appended(appended) = self.desk.log.plan(&manifest).await? else {
            return Err(SendError::Cancelled { stream: stream.name.clone() });
        };
        let known = appended.iter().any(|appended| appended.known);
        match self.known(stream, key).await? {
            Some(message) => self.on_its_way(scope, stream, message, known).await,
            None => Err(SendError::Cancelled { stream: stream.name.clone() }),
        }
    }

    /// A message that a rule denies now is not taken; one that is put off waits in the queue.
    async fn judge(
        &self,
        scope: &Arc<TenantScope>,
        stream: &CampaignRecord,
        to: Recipient,
    ) -> Result<(), SendError> {
        let subjects = Subjects::new(vec![Arc::clone(scope)])
            .with(vec![to])
            .map_err(StoreError::from)?
            .with(vec![CampaignFacts::of(&stream.definition)])
            .map_err(StoreError::from)?;
        let mut judgement = Judgement::default();
        self.desk.referee.judge(&subjects, self.desk.clock.now(), Mode::Preview, &mut judgement).await;
        match judgement.verdicts.get(0) {
            Some(Verdict::Deny(code)) => Err(SendError::Denied { code: code.clone() }),
            _ => Ok(()),
        }
    }

    /// Sees to it that the message's reference is in the queue; a repeat adds none.
    async fn on_its_way(
        &self,
        scope: &TenantScope,
        stream: &CampaignRecord,
        message: Message,
        known: bool,
    ) -> Result<Direct, SendError> {
        let key = message.key;
        if message.facts.attempts == 0
            && let Ok(lane) = lane(scope, stream)
        {
            let reference = Reference { campaign: key.campaign().number(), record: key.record() };
            let batch = BatchId::of(&[b"direct", &key.row().to_be_bytes()]);
            // A full queue is no loss: the feeder finds what is missing there.
            let parcel = Parcel { batch, lane, due: None, records: vec![reference.encode()] };
            self.desk.queue.enqueue(&[parcel]).await?;
            self.desk.fed.notify_one();
        }
        Ok(Direct { desk: Arc::clone(&self.desk), key, known })
    }
}

/// What a stream of messages of this kind asks for.
fn define(sender: &Sender, content: &DirectContent) -> Result<Definition, CampaignError> {
    // The template's name stands for nothing: each message names its own.
    let template = Template { category: content.category, ..Template::marketing("direct", "en") };
    let (_, definition) = Campaign::new("direct", sender.clone()).template(template).define()?;
    Ok(Definition {
        kind: CampaignKind::Stream,
        verbatim: true,
        free_form: content.free_form,
        consent: match content.category {
            Category::Marketing => ConsentPolicy::Required,
            Category::Utility | Category::Authentication => ConsentPolicy::Assumed,
        },
        ..definition
    })
}

/// This month and the last one.
fn months(now: DateTime<Utc>) -> (String, String) {
    let today = now.date_naive();
    let last = today.with_day(1).and_then(|first| first.pred_opt()).unwrap_or(today);
    (today.format("%Y-%m").to_string(), last.format("%Y-%m").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_month_ends_before_this_one() {
        let read = |text: &str| months(text.parse().unwrap());
        assert_eq!(read("2026-03-31T23:59:59Z"), ("2026-03".to_owned(), "2026-02".to_owned()));
        assert_eq!(read("2026-01-01T00:00:00Z"), ("2026-01".to_owned(), "2025-12".to_owned()));
    }
}
