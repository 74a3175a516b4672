//! Holding and releasing. A campaign is paused in the store, where `begin` sees it at once, and in
//! the queue, so that nobody takes what may not be begun; a number or a tenant in the queue alone.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::key::Lane;
use rules_core::work::StoreError;
use rules_core::work::lanes::{Hold, HoldOn, LaneDepth};

use super::{Whom, shares};
use crate::campaigns::{CampaignRecord, Change, Changed, Select, Status};
use crate::desk::{Desk, lane, outlet};
use crate::message::{CampaignKey, MessageKey};
use crate::reaction::Scope;
use crate::sender::Sender;

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

/// Holds everything in the scope around a campaign, unless it is held for as long already.
pub(super) async fn hold(
    desk: &Desk,
    campaign: &CampaignRecord,
    scope: Scope,
    until: Option<DateTime<Utc>>,
    code: &Code,
    sample: &MessageKey,
) -> Result<(), StoreError> {
    let on = match scope {
        Scope::Message | Scope::Person => Vec::new(),
        Scope::Campaign => own_lane(desk, campaign).await.into_iter().collect(),
        Scope::Sender => number(desk, &campaign.definition.sender).await.into_iter().collect(),
        // Of a tenant the numbers too, and not the tenant: its webhooks are applied all the same.
        Scope::Account | Scope::Portfolio | Scope::Credential | Scope::Tenant => {
            let one = &campaign.definition.sender;
            numbers(desk, |other| shares(one, other, scope)).await?
        }
    };
    let now = desk.clock.now();
    let is_new = |on: &HoldOn| Whom::of(on).is_some_and(|whom| !desk.signs.outlasts(&whom, until, now));
    let on: Vec<HoldOn> = on.into_iter().filter(is_new).collect();
    if on.is_empty() {
        return Ok(());
    }
    let holds: Vec<Hold> = on.iter().map(|on| Hold { on: on.clone(), until, code: code.clone() }).collect();
    desk.lanes.hold(&holds).await?;
    for on in on {
        tracing::warn!(?on, %code, until = ?until, campaign = %sample.campaign(), record = sample.record(), "put on hold");
        if let Some(whom) = Whom::of(&on) {
            desk.signs.note(whom, code, until, sample, now);
        }
    }
    Ok(())
}

/// Puts numbers on hold because of what was told of their account.
pub(crate) async fn hold_numbers(
    desk: &Desk,
    senders: &[Arc<Sender>],
    until: Option<DateTime<Utc>>,
    code: &Code,
) -> Result<(), StoreError> {
    let mut holds = Vec::with_capacity(senders.len());
    for sender in senders {
        let on = number(desk, sender).await;
        holds.extend(on.map(|on| Hold { on, until, code: code.clone() }));
        tracing::warn!(number_id = %sender.number_id, %code, until = ?until, "put on hold");
    }
    desk.lanes.hold(&holds).await
}

/// Ends any hold on the lane of a campaign that was resumed.
pub(crate) async fn release_campaign(desk: &Desk, campaign: &CampaignRecord) -> Result<(), StoreError> {
    // A tenant that is off has nothing that could be sent, and its holds are made again.
    match own_lane(desk, campaign).await {
        Some(lane) => release(desk, &[lane]).await,
        None => Ok(()),
    }
}

/// Ends holds on lanes that were made for these reasons.
pub(crate) async fn release_lanes(
    desk: &Desk,
    pick: impl Fn(&Lane) -> bool + Send + Sync,
    reason: impl Fn(&Code) -> bool + Send + Sync,
) -> Result<(), StoreError> {
    let mut found = Vec::new();
    each_lane(desk, |depth| {
        let lane = HoldOn::Lane(depth.lane.clone());
        if pick(&depth.lane) && depth.holds.iter().any(|hold| hold.on == lane && reason(&hold.code)) {
            found.push(lane);
        }
    })
    .await?;
    if found.is_empty() { Ok(()) } else { release(desk, &found).await }
}

/// Ends holds on numbers that were made for this reason. Another one stays if anything waits for
/// it; if nothing does, it cannot be told from ours, and what is still wrong holds the number again.
pub(crate) async fn release_numbers(
    desk: &Desk,
    senders: &[Arc<Sender>],
    code: &Code,
) -> Result<(), StoreError> {
    let mut wanted = Vec::with_capacity(senders.len());
    for sender in senders {
        wanted.extend(number(desk, sender).await);
    }
    let mut found = Vec::new();
    let mut unseen = wanted.clone();
    each_lane(desk, |depth| {
        unseen.retain(|on| *on != HoldOn::Outlet(depth.lane.outlet().clone()));
        for hold in &depth.holds {
            if hold.code == *code && wanted.contains(&hold.on) && !found.contains(&hold.on) {
                found.push(hold.on.clone());
            }
        }
    })
    .await?;
    found.append(&mut unseen);
    release(desk, &found).await
}

/// Looks at every lane that holds records.
async fn each_lane(desk: &Desk, mut look: impl FnMut(&LaneDepth) + Send) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = desk.lanes.depths(after, PAGE).await?;
        page.iter().for_each(&mut look);
        if page.len() < PAGE {
            return Ok(());
        }
        after = page.last().map(|depth| depth.lane.clone());
    }
}

/// Ends holds.
pub(crate) async fn release(desk: &Desk, on: &[HoldOn]) -> Result<(), StoreError> {
    desk.lanes.release(on).await?;
    for on in on {
        desk.signs.released(on);
        tracing::info!(?on, "released");
    }
    Ok(())
}

async fn own_lane(desk: &Desk, campaign: &CampaignRecord) -> Option<HoldOn> {
    let scope = desk.tenants.enter(campaign.key.tenant()).await.ok()?;
    lane(&scope, campaign).ok().map(HoldOn::Lane)
}

/// What leaves from a number; `None` when its tenant is not let in, so that nothing leaves.
pub(crate) async fn number(desk: &Desk, sender: &Sender) -> Option<HoldOn> {
    let scope = desk.tenants.enter(&sender.tenant).await.ok()?;
    outlet(&scope, sender).ok().map(HoldOn::Outlet)
}

/// The same for every picked number that a campaign of ours leaves from.
pub(crate) async fn numbers(
    desk: &Desk,
    pick: impl Fn(&Sender) -> bool + Send,
) -> Result<Vec<HoldOn>, StoreError> {
    let mut after = 0;
    loop {
        let records = desk.campaigns.list(&Select::Active, after, PAGE).await?;
        let Some(last) = records.last() else { break };
        after = last.key.number();
        for record in records {
            desk.know(Arc::new(record.definition.sender.clone()));
        }
    }
    let picked: Vec<Arc<Sender>> = desk.known_senders().into_iter().filter(|sender| pick(sender)).collect();
    let mut found = Vec::with_capacity(picked.len());
    for sender in picked {
        found.extend(number(desk, &sender).await);
    }
    Ok(found)
}

/// Campaigns or lanes that are looked at together.
const PAGE: usize = 500;
