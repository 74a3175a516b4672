//! Everything that the services share: the ports, the settings, and what is remembered for a
//! moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::Fault;
use rules_core::judge::key::{KeyError, Lane, Outlet};
use rules_core::judge::retry::Retry;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, after};
use rules_core::work::events::EventLog;
use rules_core::work::ids::Ids;
use rules_core::work::lanes::Lanes;
use rules_core::work::outbox::Outbox;
use rules_core::work::pacer::Pacer;
use rules_core::work::queue::Queue;
use rules_core::work::quota::Quota;
use rules_core::work::referee::Referee;
use rules_core::work::tenants::Tenants;

use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::aftermath::Signs;
use crate::campaign::Definition;
use crate::campaigns::{CampaignRecord, Campaigns, Select};
use crate::config::DispatchConfig;
use crate::delivery::DeliveryLog;
use crate::dispatcher::Pairs;
use crate::gateway::{Content, MessageGateway};
use crate::inbox::Inbox;
use crate::message::CampaignKey;
use crate::people::{Acquainted, OptOutWords, People};
use crate::quarantine::Quarantine;
use crate::register::Register;
use crate::retention::Retention;
use crate::rule::counts_marketing;
use crate::sender::{NumberId, Sender, SenderSource};
use crate::shelf::Shelf;
use crate::template::Category;

/// The ports and settings of one dispatcher.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) campaigns: Arc<dyn Campaigns>,
    pub(crate) log: Arc<dyn DeliveryLog>,
    pub(crate) people: Arc<dyn People>,
    pub(crate) quarantine: Arc<dyn Quarantine>,
    pub(crate) register: Arc<dyn Register>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) lanes: Arc<dyn Lanes>,
    pub(crate) quota: Arc<dyn Quota>,
    pub(crate) pacer: Arc<dyn Pacer>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) events: Arc<dyn EventLog>,
    pub(crate) gateway: Arc<dyn MessageGateway>,
    pub(crate) tenants: Tenants,
    pub(crate) senders: Arc<dyn SenderSource>,
    pub(crate) referee: Referee,
    pub(crate) config: DispatchConfig,
    /// True when nobody else can work on the store, so that what a dead process left behind may
    /// be taken up at once.
    pub(crate) alone: bool,
    pub(crate) remembered: Remembered,
    pub(crate) accounts: Accounts,
    pub(crate) pairs: Pairs,
    pub(crate) signs: Signs,
    /// Definitions of templates.
    pub(crate) shelf: Shelf,
    /// Told when references were put into the queue.
    pub(crate) fed: Notify,
    /// Webhooks on their way in.
    pub(crate) inbox: Inbox,
    /// Names of people that were found together lately.
    pub(crate) acquainted: Acquainted,
    /// By which people opt out and in.
    pub(crate) words: OptOutWords,
    /// How long logs are kept, and where they go then; `None`: for ever.
    pub(crate) retention: Option<Retention>,
}

/// What is remembered for a moment, so that the hot path asks no store twice.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    campaigns: Mutex<HashMap<CampaignKey, Believed>>,
    senders: Mutex<HashMap<NumberId, Arc<Sender>>>,
    /// What was found out about a number, and until when it is believed.
    numbers: Mutex<HashMap<NumberId, Found>>,
    /// Accounts of which no number is known, and until when that is believed.
    foreign: Mutex<HashMap<String, DateTime<Utc>>>,
}

/// A number's sender if there is one, and until when that is believed.
type Found = (Option<Arc<Sender>>, DateTime<Utc>);

/// A campaign, and until when it is believed.
type Believed = (Arc<Active>, DateTime<Utc>);

/// A campaign ready to be worked on.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) record: CampaignRecord,
    pub(crate) content: Arc<Content>,
}

/// A campaign's record is believed for so long. A pause is exact all the same: `begin` asks the
/// store.
const BELIEVED_FOR: Duration = Duration::from_secs(1);

impl Desk {
    /// The campaign, from memory or from the store; `None` if there is none.
    pub(crate) async fn campaign(&self, key: &CampaignKey) -> Result<Option<Arc<Active>>, StoreError> {
        Ok(self.active_campaigns(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// Campaigns, from memory or all others in one trip to the store; `None` where there is none.
    pub(crate) async fn active_campaigns(
        &self,
        keys: &[CampaignKey],
    ) -> Result<Vec<Option<Arc<Active>>>, StoreError> {
        let now = self.clock.now();
        let known: Vec<Option<Believed>> = {
            let campaigns = lock(&self.remembered.campaigns);
            keys.iter().map(|key| campaigns.get(key).cloned()).collect()
        };
        let is_old = |known: &Option<Believed>| known.as_ref().is_none_or(|(_, until)| *until <= now);
        let old = keys.iter().zip(&known).filter(|(_, known)| is_old(known)).map(|(key, _)| key.clone());
        let old: Vec<CampaignKey> = old.collect();
        let loaded = if old.is_empty() { Vec::new() } else { self.campaigns.load(&old).await? };
        let mut loaded = loaded.into_iter();
        let found = keys.iter().zip(known).map(|(key, known)| {
            if !is_old(&known) {
                return known.map(|(active, _)| active);
            }
            let record = loaded.next().flatten()?;
            self.know(Arc::new(record.definition.sender.clone()));
            // What an adapter prepared on the content stays as long as the campaign is remembered.
            let content = known.map(|(active, _)| Arc::clone(&active.content));
            let content = content.unwrap_or_else(|| Arc::new(content_of(&record)));
            let active = Arc::new(Active { record, content });
            lock(&self.remembered.campaigns)
                .insert(key.clone(), (Arc::clone(&active), after(now, BELIEVED_FOR)));
            Some(active)
        });
        let found = found.collect();
        if !old.is_empty() {
            let mut campaigns = lock(&self.remembered.campaigns);
            campaigns.retain(|_, (_, until)| now < after(*until, BELIEVED_FOR * 600));
        }
        Ok(found)
    }

    /// How long to wait before a message's next attempt, unless WhatsApp asked for longer. The
    /// delay grows with the attempt; whether there is another one is decided elsewhere, and what
    /// does not count is bounded by the campaign's expiry.
    pub(crate) fn retry_delay(&self, attempt: u16, asked: Option<Duration>, seed: u32) -> Duration {
        let fault = asked.map_or(Fault::Transient, |_| Fault::Throttled { retry_after: asked });
        let policy = &self.config.retry;
        let nth = u32::from(attempt).min(policy.max_attempts().saturating_sub(1)).max(1);
        match policy.decide(nth, fault, u64::from(seed)) {
            Retry::After(delay) => delay,
            Retry::Never => asked.unwrap_or(Duration::from_secs(60)),
        }
    }

    /// True when a rule of the campaign's tenant counts its messages for their people.
    pub(crate) fn counts(&self, record: &CampaignRecord) -> bool {
        record.definition.template.category == Category::Marketing
            && counts_marketing(&self.referee.book().rules_of(record.key.tenant()))
    }

    /// How long a message may still be heard of after WhatsApp took it.
    pub(crate) fn life(&self, definition: &Definition) -> Duration {
        definition.time_to_live().saturating_add(self.config.delivery_buffer)
    }

    /// Forgets what is remembered of a campaign that was just changed.
    pub(crate) fn forget(&self, key: &CampaignKey) {
        lock(&self.remembered.campaigns).remove(key);
    }

    /// Remembers a number that a campaign leaves from.
    pub(crate) fn know(&self, sender: Arc<Sender>) {
        let (id, waba) = (sender.number_id.clone(), sender.waba.clone());
        if lock(&self.remembered.senders).insert(id.clone(), sender).is_none() {
            lock(&self.remembered.numbers).remove(&id);
            lock(&self.remembered.foreign).remove(&waba);
        }
    }

    /// The number with this id: from the host's source, or from a campaign that leaves from it.
    /// The answer is up to [`NUMBERS_BELIEVED`] old.
    pub(crate) async fn sender(&self, id: &NumberId) -> Result<Option<Arc<Sender>>, StoreError> {
        let now = self.clock.now();
        if let Some((sender, until)) = lock(&self.remembered.numbers).get(id)
            && now < *until
        {
            return Ok(sender.clone());
        }
        let sender = self.find_sender(id).await?;
        if let Some(sender) = &sender {
            self.know(Arc::clone(sender));
        }
        let mut numbers = lock(&self.remembered.numbers);
        numbers.retain(|_, (_, until)| now < *until);
        numbers.insert(id.clone(), (sender.clone(), after(now, NUMBERS_BELIEVED)));
        Ok(sender)
    }

    async fn find_sender(&self, id: &NumberId) -> Result<Option<Arc<Sender>>, StoreError> {
        let configured = self.senders.by_number_id(std::slice::from_ref(id)).await?;
        if let Some(sender) = configured.into_iter().next().flatten() {
            return Ok(Some(sender));
        }
        let known = || lock(&self.remembered.senders).get(id).cloned();
        if let Some(sender) = known() {
            return Ok(Some(sender));
        }
        self.know_active().await?;
        Ok(known())
    }

    /// The tenant's numbers in this account, as far as numbers are known.
    pub(crate) async fn senders_of(
        &self,
        scope: &TenantScope,
        waba: &str,
    ) -> Result<Vec<Arc<Sender>>, StoreError> {
        // Gets to know them, if need be.
        self.tenants_of(waba).await?;
        let mut senders = Vec::new();
        for number in self.numbers_in(waba) {
            let found = self.sender(&number).await?;
            senders.extend(found.filter(|sender| sender.waba == waba && sender.tenant == *scope.id()));
        }
        senders.sort_by(|one, other| one.number_id.cmp(&other.number_id));
        Ok(senders)
    }

    /// The tenants whose numbers are in this account, as far as numbers are known.
    pub(crate) async fn tenants_of(&self, waba: &str) -> Result<Vec<TenantId>, StoreError> {
        let now = self.clock.now();
        let mut numbers = self.numbers_in(waba);
        if numbers.is_empty() {
            if lock(&self.remembered.foreign).get(waba).is_some_and(|until| now < *until) {
                return Ok(Vec::new());
            }
            self.know_active().await?;
            numbers = self.numbers_in(waba);
        }
        let mut tenants = Vec::new();
        for number in &numbers {
            // The host's word on a number counts more than that of an old campaign.
            if let Some(sender) = self.sender(number).await?
                && sender.waba == waba
                && !tenants.contains(&sender.tenant)
            {
                tenants.push(sender.tenant.clone());
            }
        }
        if tenants.is_empty() {
            let mut foreign = lock(&self.remembered.foreign);
            foreign.retain(|_, until| now < *until);
            foreign.insert(waba.to_owned(), after(now, NUMBERS_BELIEVED));
        }
        Ok(tenants)
    }

    fn numbers_in(&self, waba: &str) -> Vec<NumberId> {
        let senders = lock(&self.remembered.senders);
        let within = senders.values().filter(|sender| sender.waba == waba);
        within.map(|sender| sender.number_id.clone()).collect()
    }

    /// Gets to know the numbers of all active campaigns: a webhook may come before this process
    /// has touched any of them.
    async fn know_active(&self) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let records = self.campaigns.list(&Select::Active, after, SENDERS_PAGE).await?;
            let Some(last) = records.last() else { return Ok(()) };
            after = last.key.number();
            for record in records {
                self.know(Arc::new(record.definition.sender.clone()));
            }
        }
    }

    /// The numbers that campaigns of this process leave from.
    pub(crate) fn known_senders(&self) -> Vec<Arc<Sender>> {
        lock(&self.remembered.senders).values().map(Arc::clone).collect()
    }
}

fn lock<T>(remembered: &Mutex<T>) -> MutexGuard<'_, T> {
    remembered.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long it is believed whose a number is.
const NUMBERS_BELIEVED: Duration = Duration::from_secs(5);

/// The tenant is switched off or unknown.
pub(crate) const TENANT_OFF: Code = Code::known("tenant.off");

/// Campaigns that are looked at together when a number is not known.
const SENDERS_PAGE: usize = 500;

fn content_of(record: &CampaignRecord) -> Content {
    let definition = &record.definition;
    if definition.verbatim {
        return Content::verbatim(definition.template.clone());
    }
    let skeleton = definition.skeleton.clone().with_media(&definition.media);
    let content = Content::new(definition.template.clone(), skeleton);
    match definition.marketing {
        Some(marketing) => content.with_marketing(marketing),
        None => content,
    }
}

/// The outlet of a number.
pub(crate) fn outlet(scope: &TenantScope, sender: &Sender) -> Result<Outlet, KeyError> {
    Outlet::new(scope, sender.number_id.as_str())
}

/// The lane of a campaign through its number.
pub(crate) fn lane(scope: &TenantScope, record: &CampaignRecord) -> Result<Lane, KeyError> {
    Lane::new(&outlet(scope, &record.definition.sender)?, &record.key.number().to_string())
}
