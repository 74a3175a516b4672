use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use rules_core::store::memory::Memory;
use rules_core::work::StoreError;

use super::{DispatchState, Stored};
use crate::campaigns::{CampaignRecord, Campaigns, Change, Changed, Created, NewCampaign, Select};
use crate::message::CampaignKey;
use crate::progress::Progress;

#[async_trait]
impl Campaigns for Memory {
    async fn create(&self, campaign: &NewCampaign) -> Result<Created, StoreError> {
        let state = self.part::<DispatchState>();
        let now = state.clock.now();
        let mut tables = state.tables();
        let known = tables.campaigns.iter().find(|stored| {
            *stored.record.key.tenant() == campaign.tenant && stored.record.name == campaign.name
        });
        if let Some(known) = known {
            return Ok(Created::Known(known.record.clone()));
        }
        let number = u32::try_from(tables.campaigns.len() + 1).unwrap_or(u32::MAX);
        let record = CampaignRecord::added(CampaignKey::stored(&campaign.tenant, number), campaign, now);
        tables.campaigns.push(Stored {
            record: record.clone(),
            messages: BTreeMap::new(),
            ids: HashMap::new(),
            progress: Progress::default(),
        });
        Ok(Created::New(record))
    }

    async fn change(&self, key: &CampaignKey, revision: u32, change: &Change) -> Result<Changed, StoreError> {
        let state = self.part::<DispatchState>();
        let now = state.clock.now();
        let mut tables = state.tables();
        let Some(stored) = tables.campaign(key) else { return Ok(Changed::Missing) };
        if stored.record.revision != revision {
            return Ok(Changed::Moved(stored.record.clone()));
        }
        let made = stored.record.change(change, now);
        let record = stored.record.clone();
        Ok(if made { Changed::Made(record) } else { Changed::NotAllowed(record) })
    }

    async fn load(&self, keys: &[CampaignKey]) -> Result<Vec<Option<CampaignRecord>>, StoreError> {
        let state = self.part::<DispatchState>();
        let mut tables = state.tables();
        Ok(keys.iter().map(|key| tables.campaign(key).map(|stored| stored.record.clone())).collect())
    }

    async fn list(&self, select: &Select, after: u32, max: usize) -> Result<Vec<CampaignRecord>, StoreError> {
        let state = self.part::<DispatchState>();
        let tables = state.tables();
        let wanted = |record: &&CampaignRecord| after < record.key.number() && select.takes(record);
        Ok(tables.campaigns.iter().map(|stored| &stored.record).filter(wanted).take(max).cloned().collect())
    }
}
