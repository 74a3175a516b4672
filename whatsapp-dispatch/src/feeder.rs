//! Puts references of released campaigns into the queue, and finds those that the queue lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::id::{BatchId, ChargeId};
use rules_core::judge::key::{Lane, MeterKey};
use rules_core::judge::tenant::TenantScope;
use rules_core::judge::window::Window;
use rules_core::work::StoreError;
use rules_core::work::lanes::LaneDepth;
use rules_core::work::queue::{Enqueued, Parcel};
use rules_core::work::quota::{Charge, Grant, Meter};

use crate::aftermath::pause_campaign;
use crate::campaigns::{CampaignRecord, Select};
use crate::delivery::{BATCH, Kind, Message, Query};
use crate::desk::{Desk, lane};
use crate::fact::State;
use crate::message::{CampaignKey, MessageKey};
use crate::progress::Progress;
use crate::reference::Reference;

/// Batches whose references go into the queue in one parcel.
const BATCHES: u32 = 4;

/// Campaigns that are looked at together.
const CAMPAIGNS: usize = 500;
/// Lanes that are looked at together.
const LANES: usize = 500;

/// The campaign's allowance is used up.
pub(crate) const ALLOWANCE_USED_UP: Code = Code::known("quota.campaign_exceeded");

/// Fills the queue.
#[derive(Debug)]
pub(crate) struct Feeder {
    desk: Arc<Desk>,
    /// Campaigns whose lanes were found empty in the last audit, though they have work.
    suspects: HashMap<CampaignKey, u64>,
    audits: u64,
}

impl Feeder {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk, suspects: HashMap::new(), audits: 0 }
    }

    /// Feeds one parcel of every released campaign that has batches left. False when nothing was
    /// fed, because all is queued or the queue is full.
    pub(crate) async fn feed(&self) -> Result<bool, StoreError> {
        let mut fed = false;
        for (record, progress) in self.released().await? {
            if progress.queued < progress.batches {
                fed |= self.feed_one(&record, &progress).await?;
            }
        }
        Ok(fed)
    }

    async fn released(&self) -> Result<Vec<(CampaignRecord, Progress)>, StoreError> {
        let (mut released, mut after) = (Vec::new(), 0);
        loop {
            let records = self.desk.campaigns.list(&Select::Released, after, CAMPAIGNS).await?;
            let Some(last) = records.last() else { return Ok(released) };
            after = last.key.number();
            let keys: Vec<CampaignKey> = records.iter().map(|record| record.key.clone()).collect();
            let progress = self.desk.log.progress(&keys).await?;
            released.extend(records.into_iter().zip(progress));
        }
    }

    #[tracing::instrument(name = "dispatch.feed", level = "debug", skip_all, fields(campaign = %record.key))]
    async fn feed_one(&self, record: &CampaignRecord, progress: &Progress) -> Result<bool, StoreError> {
        let Some((scope, lane)) = self.lane(record).await else { return Ok(false) };
        let end_batch = progress.batches.min(progress.queued.saturating_add(BATCHES));
        let batch_size = u32::try_from(BATCH).unwrap_or(u32::MAX);
        let (from, end) = (progress.queued.saturating_mul(batch_size), end_batch.saturating_mul(batch_size));
        let max = BATCH * BATCHES as usize;
        let query = Query::Scan { campaign: record.key.clone(), from, of: Kind::ToBegin, max };
        let mut messages = self.desk.log.messages(&query).await?.messages;
        messages.retain(|message| message.key.record() < end);
        let allowed = self.allowed(record, &scope, &messages).await?;
        let exceeded = allowed < messages.len();
        messages.truncate(allowed);
        if !messages.is_empty() && !self.enqueue(lane.clone(), &messages, &[], None).await? {
            return Ok(false);
        }
        if exceeded {
            // What the allowance covers is sent first; then the campaign waits for a person.
            let at_work = progress.in_state(State::Sending) + self.waiting_in(&lane).await?;
            if messages.is_empty() && at_work == 0 {
                pause_campaign(&self.desk, &record.key, &ALLOWANCE_USED_UP).await?;
            }
            return Ok(false);
        }
        self.desk.log.mark(&record.key, end_batch).await?;
        Ok(true)
    }

    /// How many of the messages the campaign's allowance covers, from the first on. The charge is
    /// named after them, so feeding the same ones again is charged once; after a crash between
    /// feeding and marking some may be charged twice, which leaves units unused and exceeds nothing.
    async fn allowed(
        &self,
        record: &CampaignRecord,
        scope: &TenantScope,
        messages: &[Message],
    ) -> Result<usize, StoreError> {
        let (Some(limit), Some(first)) = (record.definition.allowance, messages.first()) else {
            return Ok(messages.len());
        };
        let Ok(key) = MeterKey::new(scope, &format!("campaign.{}", record.key.number())) else {
            return Ok(0);
        };
        let charge = Charge {
            id: ChargeId::of(&[b"allowance", &first.key.row().to_be_bytes(), &messages.len().to_be_bytes()]),
            meters: vec![Meter { key, window: Window::Lifetime, limit }],
            units: messages.len() as u64,
            grant: Grant::Prefix,
        };
        let granted = self.desk.quota.charge(&[charge]).await?;
        let units = granted.first().map_or(0, |granted| granted.units);
        Ok(usize::try_from(units).unwrap_or(usize::MAX).min(messages.len()))
    }

    /// Puts references of messages that are to be begun again into the queue, due at an instant. A
    /// reference that finds no place there is found by the audit.
    pub(crate) async fn feed_again(
        &self,
        record: &CampaignRecord,
        messages: &[Message],
        due: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let Some((_, lane)) = self.lane(record).await else { return Ok(()) };
        for messages in messages.chunks(BATCH * BATCHES as usize) {
            // Never the id of a parcel of these messages from before.
            let parcel = self.desk.ids.next();
            self.enqueue(lane.clone(), messages, parcel.as_bytes(), due).await?;
        }
        Ok(())
    }

    /// Puts references into the lane; false when the queue is full.
    async fn enqueue(
        &self,
        lane: Lane,
        messages: &[Message],
        round: &[u8],
        due: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let ids = messages.iter().filter_map(|message| message.to.as_ref()).map(|to| &to.id.as_bytes()[..]);
        let parts: Vec<&[u8]> = ids.chain([round]).collect();
        let records: Vec<Bytes> = messages.iter().map(|message| reference(&message.key).encode()).collect();
        let parcel = Parcel { batch: BatchId::of(&parts), lane, due, records };
        let answers = self.desk.queue.enqueue(&[parcel]).await?;
        self.desk.fed.notify_one();
        Ok(!answers.iter().any(|answer| matches!(answer, Enqueued::Full { .. })))
    }

    /// The tenant and the lane of a campaign; `None` while the tenant is not let in.
    pub(crate) async fn lane(&self, record: &CampaignRecord) -> Option<(Arc<TenantScope>, Lane)> {
        let scope = match self.desk.tenants.enter(record.key.tenant()).await {
            Ok(scope) => scope,
            Err(error) => {
                if error.fault() != Fault::Rejected {
                    tracing::warn!(campaign = %record.key, error = %error, "feeding waits for the tenant");
                }
                return None;
            }
        };
        let lane = lane(&scope, record).ok()?;
        Some((scope, lane))
    }

    /// Looks for campaigns that have messages to begin and nothing in the queue, and queues them
    /// again. A campaign must be found so in two audits, because between a settlement and its
    /// fact there is a moment in which it looks so.
    pub(crate) async fn audit(&mut self) -> Result<usize, StoreError> {
        self.audits += 1;
        let mut suspects = HashMap::new();
        let mut found = 0;
        let mut at_work: Option<HashSet<Lane>> = None;
        for (record, progress) in self.released().await? {
            let to_begin = progress.in_state(State::Waiting) + progress.in_state(State::Deferred);
            if progress.queued < progress.batches || to_begin == 0 {
                continue;
            }
            let Some((_, lane)) = self.lane(&record).await else { continue };
            let at_work = match &mut at_work {
                Some(at_work) => at_work,
                None => at_work.insert(self.lanes_at_work().await?),
            };
            if at_work.contains(&lane) {
                continue;
            }
            if self.suspects.get(&record.key) == Some(&to_begin) {
                found += self.requeue(&record, &lane).await?;
            } else {
                suspects.insert(record.key.clone(), to_begin);
            }
        }
        self.suspects = suspects;
        Ok(found)
    }

    /// The lanes of which anything waits or is being worked on: a look at all of them, whose cost
    /// is that of one.
    async fn lanes_at_work(&self) -> Result<HashSet<Lane>, StoreError> {
        let (mut lanes, mut after) = (HashSet::new(), None);
        loop {
            let page = self.desk.lanes.depths(after, LANES).await?;
            after = page.last().map(|depth| depth.lane.clone());
            let (last, busy) = (page.len() < LANES, page.into_iter().filter(|depth| 0 < busy(depth)));
            lanes.extend(busy.map(|depth| depth.lane));
            if last {
                return Ok(lanes);
            }
        }
    }

    async fn waiting_in(&self, lane: &Lane) -> Result<u64, StoreError> {
        let mut after = None;
        loop {
            let page = self.desk.lanes.depths(after, LANES).await?;
            if let Some(depth) = page.iter().find(|depth| depth.lane == *lane) {
                return Ok(busy(depth));
            }
            if page.len() < LANES {
                return Ok(0);
            }
            after = page.last().map(|depth| depth.lane.clone());
        }
    }

    async fn requeue(&self, record: &CampaignRecord, lane: &Lane) -> Result<usize, StoreError> {
        let mut found = 0;
        let mut from = Some(0);
        while let Some(start) = from {
            let max = BATCH * BATCHES as usize;
            let query = Query::Scan { campaign: record.key.clone(), from: start, of: Kind::ToBegin, max };
            let page = self.desk.log.messages(&query).await?;
            from = page.next;
            if page.messages.is_empty() {
                continue;
            }
            // The lost parcel's id may still be known, so this one is called otherwise.
            let round = self.desk.ids.next();
            if !self.enqueue(lane.clone(), &page.messages, round.as_bytes(), None).await? {
                break;
            }
            found += page.messages.len();
        }
        tracing::warn!(campaign = %record.key, messages = found, "queued again what the queue had lost");
        Ok(found)
    }
}

/// Records that wait in a lane or are being worked on.
const fn busy(depth: &LaneDepth) -> u64 {
    depth.waiting + depth.delayed + depth.leased
}

fn reference(key: &MessageKey) -> Reference {
    Reference { campaign: key.campaign().number(), record: key.record() }
}
