use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::amazon::Outcome;
use super::super::amazon::{Change, Entry, FeedMessage, Issue, LISTINGS_FEED, Patch, Refusal, Reply};
use super::super::behaviour::Span;
use super::super::plan::{Operation, Rate};
use super::super::shared::Shared;
use super::{Answer, answered, refused};
use crate::marketplace::MarketError;
use crate::quantity::{Quantity, Units};
use crate::seller::SellerAccount;
use crate::sink::{
    QuantitySink, QuantityWrite, SinkCaps, SinkName, SubmissionRef, SubmissionState, Submitted,
};

/// One patch for each number.
#[derive(Clone, Debug)]
pub struct SimulatedPatches {
    pub(in super::super) shared: Arc<Shared>,
}

/// One feed for up to 25,000 numbers.
#[derive(Clone, Debug)]
pub struct SimulatedFeeds {
    pub(in super::super) shared: Arc<Shared>,
}

#[async_trait]
impl QuantitySink for SimulatedPatches {
    fn caps(&self) -> SinkCaps {
        let world = self.shared.world();
        let rate = world.amazon.budgets.plan().rate(Operation::PatchListingsItem);
        caps(SinkName::PATCH, 20, rate, world.amazon.behaviour.patch_effect)
    }

    async fn submit(
        &self,
        account: &SellerAccount,
        writes: &[QuantityWrite],
    ) -> Result<Vec<Submitted>, MarketError> {
        let mut submitted = Vec::with_capacity(writes.len());
        for write in writes {
            submitted.push(self.patch(account, write).await?);
        }
        Ok(submitted)
    }

    /// Of a patch Amazon tells nothing more: whether it took effect the listing shows.
    async fn status(&self, _: &SellerAccount, _: &SubmissionRef) -> Result<SubmissionState, MarketError> {
        Ok(SubmissionState::Done { refused: Vec::new(), effective: Vec::new() })
    }
}

impl SimulatedPatches {
    async fn patch(&self, account: &SellerAccount, write: &QuantityWrite) -> Result<Submitted, MarketError> {
        if let Some(refusal) = not_for_amazon(write) {
            return Ok(refusal);
        }
        let (sku, patches) = (write.listing.sku(), vec![patch(write)]);
        let ask = |amazon: &mut super::super::amazon::Amazon| {
            amazon.patch(&account.into(), sku, Ok(patches), false)
        };
        let Reply { outcome, request, at, .. } = self.shared.ask(ask).await;
        match outcome {
            Outcome::Done(accepted) if accepted.issues.is_empty() => {
                Ok(Submitted::Accepted(Some(SubmissionRef(accepted.submission))))
            }
            Outcome::Done(accepted) => Ok(Submitted::Invalid { why: reasons(&accepted.issues) }),
            Outcome::Silence => Ok(Submitted::InDoubt),
            Outcome::Refused(refusal) => self.declined(account, request, at, refusal),
        }
    }

    fn declined(
        &self,
        account: &SellerAccount,
        request: String,
        at: DateTime<Utc>,
        refusal: Refusal,
    ) -> Result<Submitted, MarketError> {
        match refusal.status {
            429 => Ok(not_now(&self.shared, at, refusal.wait)),
            500.. => Ok(Submitted::Failed { why: refusal.message }),
            403 => {
                let operation = Operation::PatchListingsItem.as_str();
                Err(refused(&self.shared, account, operation, request, &refusal))
            }
            _ => Ok(Submitted::Invalid { why: refusal.message }),
        }
    }
}

#[async_trait]
impl QuantitySink for SimulatedFeeds {
    fn caps(&self) -> SinkCaps {
        let world = self.shared.world();
        let plan = world.amazon.budgets.plan();
        let (all, ours) = (plan.rate(Operation::CreateFeed), plan.listings_feeds);
        let rate = Rate { per_second: all.per_second.min(ours.per_second), burst: all.burst.min(ours.burst) };
        caps(SinkName::FEED, 25_000, rate, world.amazon.behaviour.feed_effect)
    }

    async fn submit(
        &self,
        account: &SellerAccount,
        writes: &[QuantityWrite],
    ) -> Result<Vec<Submitted>, MarketError> {
        let owner = AmazonAccount::from(account);
        let created = self.shared.ask(|amazon| amazon.create_feed_document(&owner)).await;
        let all = |answer: &Submitted| writes.iter().map(|_| answer.clone()).collect();
        let document = match answered(&self.shared, account, Operation::CreateFeedDocument, created) {
            Ok(Answer { value: (document, _), .. }) => document,
            Err(MarketError::Throttled { retry_after, .. }) => {
                return Ok(all(&not_now(&self.shared, self.shared.amazon_now(), retry_after)));
            }
            // A document alone changes nothing.
            Err(MarketError::InDoubt { .. } | MarketError::Unavailable { .. }) => {
                return Ok(all(&Submitted::Failed { why: "no document for the feed".to_owned() }));
            }
            Err(error) => return Err(error),
        };
        let messages = writes.iter().zip(1..).filter(|(write, _)| not_for_amazon(write).is_none());
        let messages = messages.map(|(write, number)| FeedMessage {
            number,
            sku: write.listing.sku().clone(),
            patches: Ok(vec![patch(write)]),
        });
        let messages: Arc<[_]> = messages.collect();
        let sent = self.shared.ask(|amazon| {
            amazon.upload_messages(&owner, &document, messages);
            amazon.create_feed(&owner, LISTINGS_FEED, &document)
        });
        let answer = match answered(&self.shared, account, Operation::CreateFeed, sent.await) {
            Ok(Answer { value, .. }) => Submitted::Accepted(Some(SubmissionRef(value))),
            Err(MarketError::Throttled { retry_after, .. }) => {
                not_now(&self.shared, self.shared.amazon_now(), retry_after)
            }
            Err(MarketError::Unavailable { .. }) => {
                Submitted::Failed { why: "no feed was created".to_owned() }
            }
            Err(error) => return Err(error),
        };
        Ok(writes.iter().map(|write| not_for_amazon(write).unwrap_or_else(|| answer.clone())).collect())
    }

    async fn status(
        &self,
        account: &SellerAccount,
        submission: &SubmissionRef,
    ) -> Result<SubmissionState, MarketError> {
        let owner = AmazonAccount::from(account);
        let reply = self.shared.ask(|amazon| amazon.get_feed(&owner, &submission.0)).await;
        let Answer { value: feed, at } = answered(&self.shared, account, Operation::GetFeed, reply)?;
        let document = match (feed.status(at), &feed.result) {
            ("DONE", Some(document)) => document,
            ("FATAL", _) => return Ok(SubmissionState::Failed { why: "FATAL".to_owned() }),
            _ => {
                let again_at = self.shared.by_our_clock(at) + TimeDelta::seconds(30);
                return Ok(SubmissionState::Pending { again_at });
            }
        };
        let reply = self.shared.ask(|amazon| amazon.get_feed_document(&owner, document)).await;
        answered(&self.shared, account, Operation::GetFeedDocument, reply)?;
        let refused =
            feed.issues.iter().filter_map(|(_, sku, issue)| Some((sku.clone()?, issue.message.clone())));
        let merchants = feed.availability.iter().flat_map(|(sku, channels)| {
            channels.iter().filter_map(move |(_, number)| Some((sku.as_str().to_owned(), (*number)?)))
        });
        let effective = merchants.map(|(sku, number)| (sku, Quantity::clamped(Units::new(number.into()))));
        Ok(SubmissionState::Done { refused: refused.collect(), effective: effective.collect() })
    }
}

/// What is published of a way to write, and how long it usually takes.
fn caps(name: &str, batch_max: usize, rate: Rate, effect: Span) -> SinkCaps {
    SinkCaps {
        name: SinkName(name.to_owned()),
        batch_max,
        submissions_per_second: rate.per_second,
        burst: rate.burst,
        usual_latency: (effect.least + effect.most) / 2,
        // Late writes come five to twenty minutes late; most of them within this.
        deadline: effect.most * 2 + Duration::from_mins(5),
    }
}

fn patch(write: &QuantityWrite) -> Patch {
    let code = write.listing.channel().code().to_owned();
    let entry = Entry { code, quantity: Some(write.quantity.get()), lead_time_days: None };
    Patch { change: Change::Merge, entries: vec![entry] }
}

fn not_for_amazon(write: &QuantityWrite) -> Option<Submitted> {
    let why = || format!("{} is shipped by Amazon and gets no quantity", write.listing.sku());
    write.listing.channel().is_amazon().then(|| Submitted::Invalid { why: why() })
}

fn reasons(issues: &[Issue]) -> String {
    let reasons: Vec<_> = issues.iter().map(|issue| format!("{}: {}", issue.code, issue.message)).collect();
    reasons.join("; ")
}

fn not_now(shared: &Shared, at: DateTime<Utc>, wait: Option<Duration>) -> Submitted {
    let wait = wait.and_then(|wait| TimeDelta::from_std(wait).ok());
    Submitted::NotNow { again_at: wait.map(|wait| shared.by_our_clock(at) + wait) }
}
