//! Reads the recipients, judges them and freezes them in batches, so that a plan that was killed
//! goes on where it stopped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::rule::Mode;
use rules_core::judge::tenant::TenantScope;
use rules_core::judge::verdict::Verdict;
use rules_core::work::StoreError;
use rules_core::work::fact_source::Subjects;
use rules_core::work::referee::Judgement;

use crate::campaigns::CampaignRecord;
use crate::delivery::{BATCH, Manifest, Place, PlanRow, PlanVerdict, Planned, Recipient};
use crate::desk::Desk;
use crate::dispatch::PlanError;
use crate::message::FIRST_STEP;
use crate::people::{Address, ConsentChange, ConsentSource, PersonKey};
use crate::phone::PhoneNumber;
use crate::recipients::{BoundMapping, Malformed, Position, Recipients, Row};
use crate::rule::CampaignFacts;
use crate::template::MessagePlan;

/// Plans one campaign.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) scope: Arc<TenantScope>,
    pub(crate) campaign: &'a CampaignRecord,
    pub(crate) mapping: BoundMapping,
    pub(crate) messages: MessagePlan,
    /// Broken records that were told of.
    pub(crate) told: AtomicUsize,
}

/// Broken records are told of one by one up to this number; all of them are counted.
const TOLD: usize = 10;

/// One record on its way into a manifest.
struct Entry {
    row: PlanRow,
    /// What is judged, if the record names somebody.
    judged: Option<Recipient>,
    opted_out: bool,
}

impl Planner<'_> {
    /// Plans everything from the campaign's cursor on; what was planned before stays as it is.
    pub(crate) async fn run(&self, source: &mut dyn Recipients) -> Result<(), PlanError> {
        let key = &self.campaign.key;
        let progress = self.desk.log.progress(std::slice::from_ref(key)).await?.pop().unwrap_or_default();
        let mut batch = progress.batches;
        if let Some(cursor) = &progress.cursor {
            let position: Position =
                serde_json::from_str(cursor).map_err(|error| PlanError::Cursor { source: error.into() })?;
            source.resume(&position).await?;
        }
        let mut read = source.next(BATCH).await?;
        while !read.is_empty() {
            let cursor = serde_json::to_string(&source.position())
                .map_err(|error| PlanError::Cursor { source: error.into() })?;
            let rows = self.judge(read).await?;
            let place = Place::Batch(batch);
            let manifest = Manifest { campaign: key.clone(), place, cursor, rows };
            // The next batch is read while this one is on its way to the disk.
            let (frozen, next) = tokio::join!(self.desk.log.plan(&manifest), source.next(BATCH));
            match frozen? {
                Planned::Frozen { .. } => batch += 1,
                Planned::Next(_) | Planned::Appended(_) => {
                    return Err(PlanError::Elsewhere { campaign: self.campaign.name.clone() });
                }
            }
            read = next?;
        }
        Ok(())
    }

    async fn judge(&self, rows: Vec<Row>) -> Result<Vec<PlanRow>, StoreError> {
        let now = self.desk.clock.now();
        let mut entries = self.read(rows).await?;
        self.note_opt_outs(&entries, now).await?;
        let judged: Vec<Recipient> = entries.iter().filter_map(|entry| entry.judged).collect();
        let subjects = Subjects::new(judged.iter().map(|_| Arc::clone(&self.scope)).collect())
            .with(vec![CampaignFacts::of(&self.campaign.definition); judged.len()])
            .map_err(StoreError::from)?
            .with(judged)
            .map_err(StoreError::from)?;
        let mut judgement = Judgement::default();
        self.desk.referee.judge(&subjects, now, Mode::Preview, &mut judgement).await;
        let named = entries.iter_mut().filter(|entry| entry.judged.is_some());
        for (row, entry) in named.enumerate() {
            // What is put off is planned: it is judged again when it leaves.
            if let Some(Verdict::Deny(code)) = judgement.verdicts.get(row)
                && entry.row.verdict == PlanVerdict::Planned
            {
                entry.row.verdict = PlanVerdict::Suppressed(code.clone());
                entry.row.parameters = Bytes::new();
            }
        }
        Ok(entries.into_iter().map(|entry| entry.row).collect())
    }

    /// Says where a record is broken and why.
    fn tell(&self, broken: &Malformed) {
        match self.told.fetch_add(1, Ordering::Relaxed) {
            0..TOLD => tracing::warn!("{broken}; the record is left out"),
            TOLD => tracing::warn!("more records are broken; they are counted and not told of one by one"),
            _ => {}
        }
    }

    /// Reads numbers, finds the people behind them, fills the parameters.
    async fn read(&self, rows: Vec<Row>) -> Result<Vec<Entry>, StoreError> {
        let candidates: Vec<_> = rows
            .iter()
            .map(|row| row.cells.as_ref().map(|cells| (cells, self.mapping.read(cells))))
            .collect();
        let numbers: Vec<PhoneNumber> = candidates
            .iter()
            .filter_map(|read| Some(read.as_ref().ok()?.1.phone.as_ref().ok()?.canonical()))
            .collect();
        let addresses: Vec<Address> =
            numbers.iter().map(|number| Address::new(&self.scope, *number)).collect();
        let people =
            if addresses.is_empty() { Vec::new() } else { self.desk.people.resolve(&addresses).await? };
        let mut found = numbers.into_iter().zip(people);
        let entries = rows.iter().zip(&candidates).map(|(row, read)| {
            let unnamed = |verdict| Entry {
                row: PlanRow { line: row.line, verdict, to: None, parameters: Bytes::new() },
                judged: None,
                opted_out: false,
            };
            let (cells, candidate) = match read {
                Ok(read) => read,
                Err(malformed) => {
                    self.tell(malformed);
                    return unnamed(PlanVerdict::Malformed(malformed.code.clone()));
                }
            };
            if let Err(error) = &candidate.phone {
                return unnamed(PlanVerdict::Invalid(error.code()));
            }
            let Some((number, person)) = found.next() else { return unnamed(PlanVerdict::Invalid(NOBODY)) };
            let to = Recipient {
                person: person.id(),
                id: self.campaign.salt.message(FIRST_STEP, person.id()),
                number,
                consent: candidate.consent == Some(true),
                zone: candidate.zone,
            };
            let (verdict, parameters) = match self.messages.fill(cells) {
                Ok(filled) => (PlanVerdict::Planned, filled.into_bytes()),
                Err(error) => (PlanVerdict::Invalid(error.code()), Bytes::new()),
            };
            Entry {
                row: PlanRow { line: row.line, verdict, to: Some(to), parameters },
                judged: Some(to),
                opted_out: candidate.opted_out == Some(true),
            }
        });
        Ok(entries.collect())
    }

    /// People whose record says that they want no messages are remembered as such, for this
    /// campaign and every other.
    async fn note_opt_outs(&self, entries: &[Entry], at: DateTime<Utc>) -> Result<(), StoreError> {
        let changes: Vec<ConsentChange> = entries
            .iter()
            .filter(|entry| entry.opted_out)
            .filter_map(|entry| entry.judged)
            .map(|to| {
                ConsentChange::opt_out(PersonKey::new(&self.scope, to.person), ConsentSource::Column, at)
            })
            .collect();
        if changes.is_empty() { Ok(()) } else { self.desk.people.consent(&changes).await }
    }
}

/// A record whose number was read and whose person was not found.
const NOBODY: Code = Code::known("recipient.unresolved");

/// Reasons with their counts, most frequent first.
pub(crate) fn by_count(reasons: &BTreeMap<Code, u64>) -> Vec<(&Code, u64)> {
    let mut list: Vec<(&Code, u64)> = reasons.iter().map(|(code, count)| (code, *count)).collect();
    list.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    list
}
