//! Everything that the services share: the ports, the settings, and what is remembered for a
//! moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::key::{KeyError, Lane, Outlet};
use rules_core::judge::tenant::TenantScope;
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

use crate::campaigns::{CampaignRecord, Campaigns, Select};
use crate::config::DispatchConfig;
use crate::delivery::DeliveryLog;
use crate::gateway::{Content, MessageGateway};
use crate::message::CampaignKey;
use crate::people::People;
use crate::sender::{NumberId, Sender, SenderSource};

/// The ports and settings of one dispatcher.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) campaigns: Arc<dyn Campaigns>,
    pub(crate) log: Arc<dyn DeliveryLog>,
    pub(crate) people: Arc<dyn People>,
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
    /// Told when references were put into the queue.
    pub(crate) fed: Notify,
}

/// What is remembered for a moment, so that the hot path asks no store twice.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    campaigns: Mutex<HashMap<CampaignKey, Believed>>,
    senders: Mutex<HashMap<NumberId, Arc<Sender>>>,
}

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
        let now = self.clock.now();
        let known = {
            let campaigns = self.remembered.campaigns.lock().unwrap_or_else(PoisonError::into_inner);
            campaigns.get(key).cloned()
        };
        if let Some((active, until)) = &known
            && now < *until
        {
            return Ok(Some(Arc::clone(active)));
        }
        let loaded = self.campaigns.load(std::slice::from_ref(key)).await?;
        let Some(record) = loaded.into_iter().next().flatten() else { return Ok(None) };
        self.know(Arc::new(record.definition.sender.clone()));
        // What an adapter prepared on the content stays as long as the campaign is remembered.
        let content = match known {
            Some((active, _)) => Arc::clone(&active.content),
            None => Arc::new(content_of(&record)),
        };
        let active = Arc::new(Active { record, content });
        let mut campaigns = self.remembered.campaigns.lock().unwrap_or_else(PoisonError::into_inner);
        campaigns.retain(|_, (_, until)| now < after(*until, BELIEVED_FOR * 600));
        campaigns.insert(key.clone(), (Arc::clone(&active), after(now, BELIEVED_FOR)));
        Ok(Some(active))
    }

    /// Forgets what is remembered of a campaign that was just changed.
    pub(crate) fn forget(&self, key: &CampaignKey) {
        self.remembered.campaigns.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Remembers a number that a campaign leaves from.
    pub(crate) fn know(&self, sender: Arc<Sender>) {
        let mut senders = self.remembered.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.insert(sender.number_id.clone(), sender);
    }

    /// The number with this id: from the host's source, or from a campaign that leaves from it.
    pub(crate) async fn sender(&self, id: &NumberId) -> Result<Option<Arc<Sender>>, StoreError> {
        let configured = self.senders.by_number_id(std::slice::from_ref(id)).await?;
        if let Some(sender) = configured.into_iter().next().flatten() {
            return Ok(Some(sender));
        }
        if let Some(sender) = self.known_sender(id) {
            return Ok(Some(sender));
        }
        // A webhook may come before this process has touched any campaign.
        let mut after = 0;
        loop {
            let records = self.campaigns.list(&Select::Active, after, SENDERS_PAGE).await?;
            let Some(last) = records.last() else { return Ok(self.known_sender(id)) };
            after = last.key.number();
            for record in records {
                self.know(Arc::new(record.definition.sender.clone()));
            }
        }
    }

    fn known_sender(&self, id: &NumberId) -> Option<Arc<Sender>> {
        self.remembered.senders.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// Campaigns that are looked at together when a number is not known.
const SENDERS_PAGE: usize = 500;

fn content_of(record: &CampaignRecord) -> Content {
    if record.definition.verbatim {
        return Content::verbatim(record.definition.template.clone());
    }
    Content::new(record.definition.template.clone(), record.definition.names.clone())
}

/// The outlet of a number.
pub(crate) fn outlet(scope: &TenantScope, sender: &Sender) -> Result<Outlet, KeyError> {
    Outlet::new(scope, sender.number_id.as_str())
}

/// The lane of a campaign through its number.
pub(crate) fn lane(scope: &TenantScope, record: &CampaignRecord) -> Result<Lane, KeyError> {
    Lane::new(&outlet(scope, &record.definition.sender)?, &record.key.number().to_string())
}
