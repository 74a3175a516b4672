use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rules_core::judge::code::Code;
use rules_core::judge::fault::chain;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::{ArchiveKey, ChainKey};
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;
use rules_core::work::archive::{Object, Put};
use rules_core::work::events::Entry;
use rules_core::work::lanes::{HoldOn, Weight};

use super::export::{Lines, lines};
use super::place::Place;
use super::seal::{Seal, sha256};
use super::{ForgetError, Forgotten, Retention, delta, told_until};
use crate::campaigns::{CampaignRecord, Change, Changed, Select, Status};
use crate::delivery::Forget;
use crate::desk::{Desk, lane};
use crate::fact::State;
use crate::message::CampaignKey;
use crate::progress::Progress;
use crate::telemetry;

/// Evidence that a log lies in the archive.
const EXPORTED: Code = Code::known("dispatch.exported");

/// Records in one part of an export: about 2 MB.
const PART: u32 = 8_000;
/// Campaigns that are looked at together.
const CAMPAIGNS: usize = 100;
/// References that are dropped at once.
const REFERENCES: usize = 1_000;

/// Exports and forgets campaigns that have ended.
#[derive(Debug)]
pub(crate) struct Archivist {
    desk: Arc<Desk>,
    retention: Retention,
    /// Campaigns that somebody was at in the last pass, as they were.
    begun: HashMap<CampaignKey, u32>,
}

impl Archivist {
    pub(crate) fn new(desk: Arc<Desk>, retention: Retention) -> Self {
        Self { desk, retention, begun: HashMap::new() }
    }

    /// Drops parameters that nobody needs any more, and forgets every campaign whose time has come.
    /// What somebody else was at in the last pass and still is, that one has left behind.
    ///
    /// A campaign that cannot be forgotten keeps no other from it; the first error is the answer.
    pub(crate) async fn pass(&mut self) -> Result<Vec<Forgotten>, StoreError> {
        let (mut forgotten, mut begun, mut failed, mut after) = (Vec::new(), HashMap::new(), None, 0);
        loop {
            let records = self.desk.campaigns.list(&Select::Ended, after, CAMPAIGNS).await?;
            let Some(last) = records.last() else { break };
            after = last.key.number();
            for record in records {
                if record.status.is_sealed() && self.begun.get(&record.key) != Some(&record.revision) {
                    begun.insert(record.key.clone(), record.revision);
                    continue;
                }
                let key = record.key.clone();
                match self.look_after(record).await {
                    Ok(done) => forgotten.extend(done),
                    Err(error) => {
                        tracing::warn!(campaign = %key, error = %chain(&error), "forgetting failed");
                        failed = failed.or(Some(error));
                    }
                }
            }
        }
        self.begun = begun;
        failed.map_or(Ok(forgotten), Err)
    }

    async fn look_after(&self, record: CampaignRecord) -> Result<Option<Forgotten>, StoreError> {
        while self.desk.log.forget(&Forget::Parameters(record.key.clone())).await? {}
        if !record.status.is_sealed() && !self.is_due(&record).await? {
            return Ok(None);
        }
        // A tenant that is switched off keeps what it has.
        let Ok(scope) = self.desk.tenants.enter(record.key.tenant()).await else { return Ok(None) };
        self.forget(&scope, record).await
    }

    /// True when the campaign was kept for long enough, and each of its messages has come to an end.
    async fn is_due(&self, record: &CampaignRecord) -> Result<bool, StoreError> {
        let keep = delta(self.retention.keep_for());
        let kept = |ended| self.desk.clock.now().signed_duration_since(ended);
        if record.ended_at.is_none_or(|ended| kept(ended) < keep) {
            return Ok(false);
        }
        let progress = self.progress(&record.key).await?;
        Ok(progress.in_state(State::Sending) + progress.in_state(State::Accepted) == 0)
    }

    async fn progress(&self, campaign: &CampaignKey) -> Result<Progress, StoreError> {
        Ok(self.desk.log.progress(std::slice::from_ref(campaign)).await?.pop().unwrap_or_default())
    }

    /// Exports and forgets a campaign that has ended; early, before everything is told of it.
    pub(crate) async fn forget_one(
        &self,
        record: CampaignRecord,
        early: bool,
    ) -> Result<Option<Forgotten>, ForgetError> {
        if !record.status.has_ended() {
            let status = record.status.as_str();
            return match record.status {
                Status::Forgotten => Ok(None),
                _ => Err(ForgetError::NotEnded { campaign: record.name, status }),
            };
        }
        let now = self.desk.clock.now();
        if !early
            && !record.status.is_sealed()
            && let Some(until) = told_until(&record).filter(|until| now < *until)
        {
            return Err(ForgetError::TooEarly { campaign: record.name, until });
        }
        let scope = self.desk.tenants.enter(record.key.tenant()).await?;
        Ok(self.forget(&scope, record).await?)
    }

    /// Goes on with a campaign that has ended, from where it stands to the end. `None` when it
    /// begins anew, or somebody else came to the end first.
    #[tracing::instrument(name = "dispatch.forget", skip_all, fields(campaign = %record.key))]
    async fn forget(
        &self,
        scope: &TenantScope,
        mut record: CampaignRecord,
    ) -> Result<Option<Forgotten>, StoreError> {
        let mut export = None;
        loop {
            let change = match record.status {
                Status::Finished | Status::Cancelled => Change::Seal,
                Status::Sealed => {
                    export = self.export(scope, &record).await?;
                    if export.is_none() {
                        return Ok(None);
                    }
                    Change::Exported
                }
                Status::Exported => {
                    while self.desk.log.forget(&Forget::Messages(record.key.clone())).await? {}
                    self.clear_lane(scope, &record).await?;
                    Change::Forgotten
                }
                Status::Planning
                | Status::Planned
                | Status::Released
                | Status::Paused
                | Status::Forgotten => return Ok(None),
            };
            let changed = self.desk.campaigns.change(&record.key, record.revision, &change).await?;
            self.desk.forget(&record.key);
            record = match changed {
                Changed::Made(record) if record.status == Status::Forgotten => {
                    let records = self.progress(&record.key).await?.rows();
                    tracing::info!(records, "the campaign's log is forgotten");
                    telemetry::count("dispatch_campaigns_forgotten_total", None, 1);
                    let (campaign, name) = (record.key, record.name);
                    return Ok(Some(Forgotten { campaign, name, records, export }));
                }
                // Somebody else is at it, too: each step may be done twice.
                Changed::Made(record) | Changed::Moved(record) => record,
                Changed::NotAllowed(_) | Changed::Missing => return Ok(None),
            };
        }
    }

    /// Writes the log of a sealed campaign into the archive, unless it is there, and says so in the
    /// event log; the answer is the list of its parts. `None` when the campaign is not sealed any
    /// more, because somebody else was faster.
    async fn export(
        &self,
        scope: &TenantScope,
        record: &CampaignRecord,
    ) -> Result<Option<ArchiveKey>, StoreError> {
        let place = Place::of(scope, record).map_err(|error| refused(record, &error))?;
        let key = place.seal().map_err(|error| refused(record, &error))?;
        let seal = match self.get(&key).await? {
            Some(seal) => seal,
            None => match self.write_parts(&place, record).await? {
                Some(seal) => self.put(key.clone(), seal).await?,
                None => return Ok(None),
            },
        };
        let listed: Seal = serde_json::from_slice(&seal).map_err(|error| StoreError::Damaged {
            doing: format!("reading {key}").into(),
            source: Box::new(error),
        })?;
        let (number, digest) = (record.key.number(), sha256(&seal));
        let entry = Entry {
            id: EntryId::of(&[EXPORTED.as_str().as_bytes(), digest.as_bytes()]),
            chain: ChainKey::new(scope),
            at: self.desk.clock.now(),
            kind: EXPORTED,
            body: format!(
                "{{\"campaign\":{number},\"records\":{},\"parts\":{},\"sha256\":\"{digest}\"}}",
                listed.records,
                listed.parts.len(),
            ),
        };
        self.desk.events.append(&[entry]).await?;
        Ok(Some(key))
    }

    /// Writes the parts, and returns the list of them.
    async fn write_parts(&self, place: &Place, record: &CampaignRecord) -> Result<Option<Bytes>, StoreError> {
        let progress = self.progress(&record.key).await?;
        let mut seal = Seal::of(record, &progress);
        let mut first = Some(0_u32);
        while let Some(from) = first {
            let end = from.saturating_add(PART);
            let Lines { text, count, next } = lines(&*self.desk.log, &record.key, from, end).await?;
            first = next.map(|next| next - next % PART).filter(|next| from < *next);
            if text.is_empty() {
                continue;
            }
            let key = place.part(from).map_err(|error| refused(record, &error))?;
            let text = self.put(key.clone(), text.into()).await?;
            seal.add(&key, &text);
            telemetry::count(
                "dispatch_records_exported_total",
                None,
                usize::try_from(count).unwrap_or(usize::MAX),
            );
        }
        if seal.records == progress.rows() {
            let seal = serde_json::to_vec(&seal).map_err(|error| StoreError::Damaged {
                doing: format!("exporting the campaign {}", record.key).into(),
                source: Box::new(error),
            })?;
            return Ok(Some(seal.into()));
        }
        // Whoever is further with it removes what is read here.
        let now = self.desk.campaigns.load(std::slice::from_ref(&record.key)).await?.pop().flatten();
        if now.is_none_or(|now| now.status != Status::Sealed) {
            return Ok(None);
        }
        let (found, counted) = (seal.records, progress.rows());
        Err(StoreError::Damaged {
            doing: format!("exporting the campaign {}", record.key).into(),
            source: format!("it has {found} records, and {counted} were counted").into(),
        })
    }

    /// Puts an object, and returns what the archive has under its key. That is another one when
    /// somebody was erased since an earlier try.
    async fn put(&self, key: ArchiveKey, bytes: Bytes) -> Result<Bytes, StoreError> {
        let object = Object { key, bytes };
        let put = self.retention.archive().put_once(std::slice::from_ref(&object)).await?;
        if put.first() != Some(&Put::Taken) {
            return Ok(object.bytes);
        }
        let there = self.get(&object.key).await?;
        there.ok_or_else(|| StoreError::Unavailable {
            doing: format!("writing {}", object.key).into(),
            source: "the archive has it, and does not give it".into(),
        })
    }

    async fn get(&self, key: &ArchiveKey) -> Result<Option<Bytes>, StoreError> {
        Ok(self.retention.archive().get(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// Nothing of the campaign waits any more, and nothing is remembered of its lane.
    async fn clear_lane(&self, scope: &TenantScope, record: &CampaignRecord) -> Result<(), StoreError> {
        let Ok(lane) = lane(scope, record) else { return Ok(()) };
        while self.desk.lanes.drop_lane(&lane, REFERENCES).await?.more {}
        self.desk.lanes.release(&[HoldOn::Lane(lane.clone())]).await?;
        self.desk.lanes.weigh(&[Weight::Lane(lane, 1)]).await
    }
}

fn refused(record: &CampaignRecord, error: &impl ToString) -> StoreError {
    StoreError::Refused {
        doing: format!("exporting the campaign {}", record.key).into(),
        reason: error.to_string().into(),
    }
}
