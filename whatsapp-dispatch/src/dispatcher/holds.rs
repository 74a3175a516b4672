//! Pausing a campaign: in the store, where `begin` sees it at once, and in the queue, so that
//! nobody takes what may not be begun.

use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::lanes::{Hold, HoldOn};

use crate::campaigns::{Change, Changed, Status};
use crate::desk::{Desk, lane};
use crate::message::CampaignKey;

/// Pauses the campaign, unless it is paused already.
pub(crate) async fn pause_campaign(desk: &Desk, key: &CampaignKey, code: &Code) -> Result<(), StoreError> {
    let Some(record) = desk.campaigns.load(std::slice::from_ref(key)).await?.into_iter().next().flatten()
    else {
        return Ok(());
    };
    if record.status == Status::Released {
        let change = Change::Pause { code: code.clone() };
        if let Changed::Made(_) = desk.campaigns.change(key, record.revision, &change).await? {
            tracing::warn!(campaign = %key, %code, "the campaign is paused");
        }
        desk.forget(key);
    }
    hold_campaign(desk, key).await
}

/// Holds the lane of a campaign that is paused.
pub(crate) async fn hold_campaign(desk: &Desk, key: &CampaignKey) -> Result<(), StoreError> {
    let Some(record) = desk.campaigns.load(std::slice::from_ref(key)).await?.into_iter().next().flatten()
    else {
        return Ok(());
    };
    if record.status != Status::Paused {
        return Ok(());
    }
    let Ok(scope) = desk.tenants.enter(key.tenant()).await else { return Ok(()) };
    let Ok(lane) = lane(&scope, &record) else { return Ok(()) };
    let code = record.reason.unwrap_or(PAUSED);
    desk.lanes.hold(&[Hold { on: HoldOn::Lane(lane.clone()), until: None, code }]).await?;
    // Somebody may have resumed the campaign, and released the lane, since it was looked at.
    let now = desk.campaigns.load(std::slice::from_ref(key)).await?.into_iter().next().flatten();
    if now.is_none_or(|record| record.status == Status::Paused) {
        return Ok(());
    }
    desk.lanes.release(&[HoldOn::Lane(lane)]).await
}

/// Somebody paused the campaign.
pub(crate) const PAUSED: Code = Code::known("campaign.paused");
