use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use rules_core::work::lanes::{Hold, HoldOn};

use super::ChangeError;
use crate::aftermath::{PAUSED, hold_campaign, release};
use crate::campaign::CampaignName;
use crate::campaigns::{CampaignRecord, Change, Changed, Status};
use crate::desk::{Desk, lane};
use crate::fact::State;
use crate::message::{CampaignKey, MessageKey};
use crate::planner::by_count;
use crate::progress::{Bucket, Progress};

/// A campaign that was released, or is about to be.
#[derive(Clone, Debug)]
pub struct Sent {
    desk: Arc<Desk>,
    record: CampaignRecord,
}

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

    pub(super) fn desk(&self) -> &Desk {
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
                if report.accepted_without_delivery() + report.unknown() == 0 {
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
        if record.status != Status::Released || 0 < report.progress.open() {
            return Ok(report);
        }
        let changed = self.desk.campaigns.change(&record.key, record.revision, &Change::Finish).await?;
        self.desk.forget(&record.key);
        match changed {
            Changed::Made(record) => Ok(Report { record, ..report }),
            Changed::Moved(_) | Changed::NotAllowed(_) | Changed::Missing => Ok(report),
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
        if let Ok(scope) = self.desk.tenants.enter(record.key.tenant()).await
            && let Ok(lane) = lane(&scope, &record)
        {
            release(&self.desk, &[HoldOn::Lane(lane)]).await?;
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

/// Where a campaign stands: people counted so that the sums hold.
///
/// `rows = malformed + invalid + duplicate + suppressed + planned` and `planned = waiting +
/// deferred + cancelled + expired + dead + failed + unknown + accepted_without_delivery +
/// delivered`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The campaign.
    pub record: CampaignRecord,
    /// Its people, counted.
    pub progress: Progress,
    /// What keeps its messages from leaving: holds on the campaign, its number or its tenant.
    pub holds: Vec<Hold>,
    /// For each hold the message because of which it was made, if this process made it lately.
    pub samples: Vec<Option<MessageKey>>,
    /// Messages that a worker has: they may still be begun, whatever holds the others.
    pub leased: u64,
}

impl Report {
    fn state(&self, state: State) -> u64 {
        self.progress.in_state(state)
    }

    fn is_cancelled(&self) -> bool {
        self.record.status == Status::Cancelled
    }

    /// Messages to be begun, or on the wire.
    pub fn waiting(&self) -> u64 {
        let waiting = if self.is_cancelled() { 0 } else { self.state(State::Waiting) };
        waiting + self.state(State::Sending)
    }

    /// Messages that a rule put off until an instant.
    pub fn deferred(&self) -> u64 {
        if self.is_cancelled() { 0 } else { self.state(State::Deferred) }
    }

    /// Messages that will never be begun because the campaign was cancelled.
    pub fn cancelled(&self) -> u64 {
        if self.is_cancelled() { self.state(State::Waiting) + self.state(State::Deferred) } else { 0 }
    }

    /// Messages whose time ran out.
    pub fn expired(&self) -> u64 {
        self.state(State::Expired)
    }

    /// Messages whose attempts are used up, or that were refused at the last gate.
    pub fn dead(&self) -> u64 {
        self.state(State::Dead)
    }

    /// Messages that WhatsApp refused for good, at once or later.
    pub fn failed(&self) -> u64 {
        self.state(State::Failed)
    }

    /// Messages that were begun and of which nobody knows what came.
    pub fn unknown(&self) -> u64 {
        self.state(State::Unknown)
    }

    /// Messages that WhatsApp took and of whose delivery nothing is known.
    pub fn accepted_without_delivery(&self) -> u64 {
        self.state(State::Accepted)
    }

    /// Messages that reached a device, those that were read included.
    pub fn delivered(&self) -> u64 {
        self.state(State::Delivered) + self.state(State::Read)
    }

    /// Messages that were shown to their person.
    pub fn read(&self) -> u64 {
        self.state(State::Read)
    }

    /// Records in one of the buckets that get no message.
    pub fn left_out(&self, bucket: Bucket) -> u64 {
        self.progress.in_bucket(bucket)
    }

    /// True when nothing can be begun before its next known instant.
    fn rests(&self) -> bool {
        let held = !self.holds.is_empty() && self.leased == 0;
        let stopped = self.record.status != Status::Released || held;
        self.state(State::Sending) == 0
            && (stopped || self.state(State::Waiting) == 0)
            && (stopped || self.progress.queued == self.progress.batches)
    }

    /// The counts under their stable names, in the order in which they add up.
    pub fn counts(&self) -> [(&'static str, u64); 17] {
        [
            ("rows", self.progress.rows()),
            ("malformed", self.left_out(Bucket::Malformed)),
            ("invalid", self.left_out(Bucket::Invalid)),
            ("duplicate", self.left_out(Bucket::Duplicate)),
            ("suppressed", self.left_out(Bucket::Suppressed)),
            ("planned", self.progress.planned()),
            ("waiting", self.waiting()),
            ("deferred", self.deferred()),
            ("cancelled", self.cancelled()),
            ("expired", self.expired()),
            ("dead", self.dead()),
            ("failed", self.failed()),
            ("unknown", self.unknown()),
            ("accepted_without_delivery", self.accepted_without_delivery()),
            ("delivered", self.delivered()),
            ("begun", self.progress.begun),
            ("accepted", self.progress.accepted),
        ]
    }

    /// Who waits for what: the holds, and what rules put off.
    pub fn waits(&self) -> Vec<Waiting> {
        let samples = self.samples.iter().cloned().chain(std::iter::repeat(None));
        let holds = self.holds.iter().zip(samples).map(|(hold, sample)| Waiting {
            code: hold.code.clone(),
            until: hold.until,
            messages: None,
            sample,
        });
        let put_off = self.progress.labels().filter_map(|(label, count)| match label.bucket {
            Bucket::Message(State::Deferred) => {
                let code = label.code.clone()?;
                Some(Waiting { code, until: None, messages: Some(count), sample: None })
            }
            _ => None,
        });
        holds.chain(put_off).collect()
    }
}

/// Something that keeps messages from leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Why.
    pub code: Code,
    /// Until when; `None` if that is not known or differs from message to message.
    pub until: Option<DateTime<Utc>>,
    /// How many messages, if they are counted.
    pub messages: Option<u64>,
    /// The message whose answer made it, if that is known; of a number or a tenant it may be one
    /// of another campaign.
    pub sample: Option<MessageKey>,
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.record.name, self.record.status.as_str())?;
        for (name, count) in self.counts() {
            let always = matches!(name, "rows" | "planned" | "delivered");
            if always || 0 < count {
                let indent =
                    if matches!(name, "rows" | "planned" | "begun" | "accepted") { "" } else { "  " };
                writeln!(f, "  {count:>8}  {indent}{}", name.replace('_', " "))?;
            }
            if name == "delivered" {
                writeln!(f, "  {:>8}    of these read", self.read())?;
            }
        }
        let reasons = self.progress.reasons();
        if !reasons.is_empty() {
            writeln!(f, "  reasons:")?;
            for (code, count) in by_count(&reasons) {
                writeln!(f, "  {count:>8}  {code}")?;
            }
        }
        for wait in self.waits() {
            let until =
                wait.until.map_or_else(String::new, |until| format!(" until {}", until.format("%F %T UTC")));
            let sample = wait.sample.map_or_else(String::new, |sample| format!(", met by {sample}"));
            writeln!(f, "  waits for {}{until}{sample}", wait.code)?;
        }
        Ok(())
    }
}
