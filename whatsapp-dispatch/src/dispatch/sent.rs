use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use rules_core::work::lanes::{Hold, HoldOn};

use super::{ChangeError, Report};
use crate::aftermath::{PAUSED, hold_campaign, release_campaign};
use crate::campaign::{CampaignKind, CampaignName};
use crate::campaigns::{CampaignRecord, Change, Changed, Status};
use crate::desk::{Desk, lane};
use crate::message::CampaignKey;
use crate::progress::Progress;

/// A campaign that was released, or is about to be.
#[derive(Clone, Debug)]
pub struct Sent {
    desk: Arc<Desk>,
    record: CampaignRecord,
}

/// The campaign's time has not come.
const NOT_STARTED: Code = Code::known("campaign.not_started");

/// How often progress is looked at while waiting.
const LOOK: Duration = Duration::from_millis(100);

impl Sent {
    pub(super) const fn new(desk: Arc<Desk>, record: CampaignRecord) -> Self {
        Self { desk, record }
    }

    /// The campaign's name.
    pub const fn name(&self) -> &CampaignName {
        &self.record.name
    }

    /// The campaign's key.
    pub const fn key(&self) -> &CampaignKey {
        &self.record.key
    }

    pub(super) const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The campaign as it is now.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn record(&self) -> Result<CampaignRecord, StoreError> {
        let loaded = self.desk.campaigns.load(std::slice::from_ref(&self.record.key)).await?;
        Ok(loaded.into_iter().next().flatten().unwrap_or_else(|| self.record.clone()))
    }

    /// How far it is, and what it waits for.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn report(&self) -> Result<Report, StoreError> {
        let record = self.record().await?;
        // In this order: when a lane is held and no worker has anything of it, progress stands.
        let (holds, leased) = self.held(&record).await?;
        let progress =
            self.desk.log.progress(std::slice::from_ref(&record.key)).await?.pop().unwrap_or_default();
        let sample = |hold: &Hold| self.desk.signs.sample(&hold.on, &hold.code);
        let samples = holds.iter().map(sample).collect();
        Ok(Report { record, progress, holds, samples, leased })
    }

    /// The holds on the campaign's lane, and how many of its messages workers have.
    async fn held(&self, record: &CampaignRecord) -> Result<(Vec<Hold>, u64), StoreError> {
        let Ok(scope) = self.desk.tenants.enter(record.key.tenant()).await else {
            return Ok((Vec::new(), 0));
        };
        let Ok(lane) = lane(&scope, record) else { return Ok((Vec::new(), 0)) };
        let mut after = None;
        loop {
            let page = self.desk.lanes.depths(after, 500).await?;
            if let Some(depth) = page.iter().find(|depth| depth.lane == lane) {
                return Ok((depth.holds.clone(), depth.leased));
            }
            if page.len() < 500 {
                return Ok((Vec::new(), 0));
            }
            after = page.last().map(|depth| depth.lane.clone());
        }
    }

    /// Resolves when nothing of the campaign can be begun before its next known instant, and
    /// every accepted message has a later fact or `report_after` has passed without one.
    ///
    /// Something has to run meanwhile: `Dispatch::start` or `Dispatch::run`.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    pub async fn finished(&self) -> Result<Report, StoreError> {
        let mut quiet_since: Option<(DateTime<Utc>, Progress)> = None;
        loop {
            let report = self.report().await?;
            let now = self.desk.clock.now();
            if report.rests() {
                if report.accepted_without_delivery() + report.progress.in_doubt() == 0 {
                    return self.close(report).await;
                }
                match &quiet_since {
                    Some((since, progress)) if *progress == report.progress => {
                        if after(*since, self.desk.config.report_after) <= now {
                            return Ok(report);
                        }
                    }
                    _ => quiet_since = Some((now, report.progress.clone())),
                }
            } else {
                quiet_since = None;
            }
            self.desk.clock.sleep(LOOK).await;
        }
    }

    /// A released campaign of which nothing is open any more is finished: nobody looks after it.
    async fn close(&self, report: Report) -> Result<Report, StoreError> {
        let record = &report.record;
        // A stream stays open for what is still to come.
        let stays = record.status != Status::Released || record.definition.kind == CampaignKind::Stream;
        if stays || 0 < report.progress.open() {
            return Ok(report);
        }
        let changed = self.desk.campaigns.change(&record.key, record.revision, &Change::Finish).await?;
        self.desk.forget(&record.key);
        match changed {
            // Whoever was faster, a sweeper for one, has most likely done the same.
            Changed::Made(record) | Changed::Moved(record) | Changed::NotAllowed(record) => {
                Ok(Report { record, ..report })
            }
            Changed::Missing => Ok(report),
        }
    }

    /// Stops messages from being begun, within a second on every worker; what is on the wire is
    /// finished.
    ///
    /// # Errors
    /// [`ChangeError`] when the campaign is not released, or the store does not answer.
    pub async fn pause(&self) -> Result<(), ChangeError> {
        let record =
            self.desk.change(&self.record.key, &Change::Pause { code: PAUSED }, Status::Paused).await?;
        hold_campaign(&self.desk, &record.key).await?;
        Ok(())
    }

    /// Lets messages be begun again after a pause.
    ///
    /// # Errors
    /// [`ChangeError`] when the campaign is not paused, or the store does not answer.
    pub async fn resume(&self) -> Result<(), ChangeError> {
        let record = self.desk.change(&self.record.key, &Change::Resume, Status::Released).await?;
        release_campaign(&self.desk, &record).await?;
        self.wait_for_start().await?;
        Ok(())
    }

    /// Keeps the campaign's messages in the queue until its time has come.
    pub(super) async fn wait_for_start(&self) -> Result<(), StoreError> {
        let Some(at) = self.record.definition.starts_at.filter(|at| self.desk.clock.now() < *at) else {
            return Ok(());
        };
        if let Ok(scope) = self.desk.tenants.enter(self.record.key.tenant()).await
            && let Ok(lane) = lane(&scope, &self.record)
        {
            let hold = Hold { on: HoldOn::Lane(lane), until: Some(at), code: NOT_STARTED };
            self.desk.lanes.hold(&[hold]).await?;
        }
        Ok(())
    }

    /// Ends the campaign: what is not begun never will be. What is on the wire is finished.
    ///
    /// # Errors
    /// [`ChangeError`] when the campaign has ended already, or the store does not answer.
    pub async fn cancel(&self) -> Result<(), ChangeError> {
        let record = self.desk.change(&self.record.key, &Change::Cancel, Status::Cancelled).await?;
        if let Ok(scope) = self.desk.tenants.enter(record.key.tenant()).await
            && let Ok(lane) = lane(&scope, &record)
        {
            while self.desk.lanes.drop_lane(&lane, 1_000).await?.more {}
        }
        Ok(())
    }
}
