use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use super::{ON_THE_WIRE, Publisher};
use crate::desk::Amendment;
use crate::intent::Stage;
use crate::listing::ListingKey;
use crate::marketplace::MarketError;
use crate::sink::{QuantityWrite, Submitted};
use crate::sync_store::{Commit, Committed, ListingChange, ListingOutcome, ListingRecord};
use crate::telemetry;

const INVALID: Code = Code::known("publish.invalid");

/// A batch that was marked as on its way.
struct Marked {
    lane: usize,
    records: Vec<ListingRecord>,
}

/// What came of a batch.
struct Answered {
    marked: Marked,
    answer: Result<Vec<Submitted>, MarketError>,
}

/// What is to be noted of answers, in one step.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) amendments: Vec<Amendment>,
    pub(super) with: Commit,
}

impl Publisher {
    /// Marks batches as on their way, hands them over, and notes what came of them.
    pub(super) async fn hand_over(
        &mut self,
        batches: Vec<(usize, Vec<Arc<ListingRecord>>)>,
    ) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        let marked = self.mark(batches).await?;
        let span =
            tracing::debug_span!("sync.publish", account = %self.account.account, batches = marked.len());
        let (account, lanes) = (&self.account.account, &self.lanes);
        let submissions = marked.into_iter().map(|marked| async move {
            let answer = match lanes.get(marked.lane) {
                Some(lane) => lane.sink.submit(account, &writes(&marked.records)).await,
                None => Ok(Vec::new()),
            };
            Answered { marked, answer }
        });
        let answers = stream::iter(submissions).buffered(ON_THE_WIRE).collect::<Vec<_>>();
        let answers = tracing::Instrument::instrument(answers, span).await;
        self.note(answers).await
    }

    /// Durable before the first byte leaves. Those that somebody else changed meanwhile stay.
    async fn mark(
        &mut self,
        batches: Vec<(usize, Vec<Arc<ListingRecord>>)>,
    ) -> Result<Vec<Marked>, StoreError> {
        let now = self.desk.clock.now();
        let mut commit = Commit::default();
        let mut marked: Vec<Marked> = Vec::new();
        for (lane, batch) in batches {
            let Some(caps) = self.lanes.get(lane).map(|lane| &lane.caps) else { continue };
            let records = batch.iter().filter_map(|record| {
                let mut record = ListingRecord::clone(record);
                let intent = record.intent.as_mut()?;
                intent.stage = Stage::InFlight {
                    sink: caps.name.clone(),
                    submission: None,
                    at: now,
                    deadline: after(now, caps.deadline),
                };
                intent.attempts = intent.attempts.saturating_add(1);
                Some(record)
            });
            let records: Vec<ListingRecord> = records.collect();
            commit.listings.extend(records.iter().map(|record| ListingChange { record: record.clone() }));
            marked.push(Marked { lane, records });
        }
        let Committed::Done(receipt) = self.desk.commit(&commit).await? else { return Ok(Vec::new()) };
        let mut outcomes = receipt.listings.into_iter();
        let mut changed = Vec::new();
        for one in &mut marked {
            one.records.retain_mut(|record| {
                let Some(ListingOutcome::Made(revision)) = outcomes.next() else {
                    changed.push(record.key.clone());
                    return false;
                };
                record.revision = revision;
                true
            });
        }
        for record in self.desk.records(&changed).await? {
            self.account.intents.put(record);
        }
        marked.retain(|one| !one.records.is_empty());
        Ok(marked)
    }

    async fn note(&mut self, answers: Vec<Answered>) -> Result<(), StoreError> {
        let mut notes = Notes::default();
        for Answered { marked, answer } in answers {
            let answers = match answer {
                Ok(answers) => answers,
                Err(error) => self.failed_together(&error, &marked).await?,
            };
            for (record, answer) in marked.records.iter().zip(answers) {
                self.note_one(marked.lane, record, answer, &mut notes);
            }
        }
        self.desk.amend(notes.amendments, notes.with).await?;
        Ok(())
    }

    fn latency(&self, lane: usize) -> Duration {
        let Some(lane) = self.lanes.get(lane) else { return Duration::ZERO };
        self.account.latency(&lane.caps.name).unwrap_or(lane.caps.usual_latency)
    }

    fn note_one(&mut self, lane: usize, record: &ListingRecord, answer: Submitted, notes: &mut Notes) {
        let now = self.desk.clock.now();
        let (key, Some(intent)) = (&record.key, &record.intent) else { return };
        let generation = intent.generation;
        telemetry::count("sync_writes_total", Some(("result", result(&answer))), 1);
        match answer {
            Submitted::Accepted(submission) => {
                self.failures.remove(key);
                self.account.went_again(key);
                self.desk.tally.add(|counts| counts.writes += 1);
                let is_feed = self.lanes.get(lane).is_some_and(super::Lane::is_feed);
                if let Some(submission) = submission.filter(|_| is_feed) {
                    self.feeds.expect(submission.clone(), now);
                    notes.amendments.push(Amendment::of_intent(key.clone(), generation, move |record| {
                        if let Some(Stage::InFlight { submission: named, .. }) =
                            record.intent.as_mut().map(|intent| &mut intent.stage)
                        {
                            *named = Some(submission.clone());
                        }
                    }));
                }
                self.account.read.put(key.clone(), after(now, self.latency(lane)));
                if let Stage::InFlight { deadline, .. } = intent.stage {
                    self.account.look.put(key.clone(), deadline);
                }
            }
            Submitted::NotNow { again_at } => {
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.pause(again_at, now);
                }
                notes.amendments.push(given_back(key, generation));
            }
            Submitted::Failed { why } => {
                tracing::info!(listing = %key, why, "a number was not handed over");
                self.try_later(key, now);
                notes.amendments.push(given_back(key, generation));
            }
            Submitted::InDoubt => {
                let at = after(now, self.delay(key));
                self.in_doubt.insert(key.clone(), at);
            }
            Submitted::Invalid { why } => self.refused(key, generation, &why, notes),
        }
    }

    fn try_later(&mut self, key: &ListingKey, now: DateTime<Utc>) {
        let at = after(now, self.delay(key));
        self.not_before.insert(key.clone(), at);
    }

    fn delay(&mut self, key: &ListingKey) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        self.desk.delay(*failures, Fault::Transient)
    }

    /// Amazon will never take it: nothing is written to the listing until somebody has looked.
    pub(super) fn refused(&self, key: &ListingKey, generation: u64, why: &str, notes: &mut Notes) {
        self.desk.tally.add(|counts| counts.writes_refused += 1);
        let text = format!(
            "Amazon refuses the number: {why}; put the listing right in Seller Central and release it"
        );
        notes.with.letters.push(self.desk.letter(key.to_string(), INVALID, text));
        notes.amendments.push(Amendment::of_intent(key.clone(), generation, |record| {
            record.intent = None;
            record.frozen = Some(INVALID);
        }));
    }

    /// One answer for each of a batch that failed as a whole.
    async fn failed_together(
        &mut self,
        error: &MarketError,
        marked: &Marked,
    ) -> Result<Vec<Submitted>, StoreError> {
        tracing::warn!(account = %self.account.account, error = %chain(error), listings = marked.records.len(), "a submission failed");
        let now = self.desk.clock.now();
        let answer = if self.desk.stops(&self.account, error).await? {
            Submitted::NotNow { again_at: None }
        } else {
            match error.fault() {
                Fault::InDoubt => Submitted::InDoubt,
                Fault::Throttled { retry_after } => {
                    Submitted::NotNow { again_at: retry_after.map(|wait| after(now, wait)) }
                }
                // One of many may be what is refused: alone it is found.
                Fault::Rejected if 1 < marked.records.len() => {
                    for record in &marked.records {
                        if let Some(lane) = self.lanes.get(marked.lane) {
                            self.account.lost(record.key.clone(), lane.caps.name.clone());
                        }
                    }
                    Submitted::Failed { why: error.to_string() }
                }
                Fault::Rejected => Submitted::Invalid { why: error.to_string() },
                _ => Submitted::Failed { why: error.to_string() },
            }
        };
        Ok(vec![answer; marked.records.len()])
    }
}

/// The intent is on nobody's way again, and the try does not count.
pub(super) fn given_back(key: &ListingKey, generation: u64) -> Amendment {
    Amendment::of_intent(key.clone(), generation, |record| {
        if let Some(intent) = &mut record.intent {
            intent.stage = Stage::Open;
            intent.attempts = intent.attempts.saturating_sub(1);
        }
    })
}

fn writes(records: &[ListingRecord]) -> Vec<QuantityWrite> {
    let write = |record: &ListingRecord| {
        let intent = record.intent.as_ref()?;
        Some(QuantityWrite {
            listing: record.key.clone(),
            product_type: record.shown.as_ref().and_then(|shown| shown.state.product_type.clone()),
            quantity: intent.quantity,
            generation: intent.generation,
        })
    };
    records.iter().filter_map(write).collect()
}

const fn result(answer: &Submitted) -> &'static str {
    match answer {
        Submitted::Accepted(_) => "accepted",
        Submitted::NotNow { .. } => "not_now",
        Submitted::Invalid { .. } => "invalid",
        Submitted::Failed { .. } => "failed",
        Submitted::InDoubt => "in_doubt",
    }
}
