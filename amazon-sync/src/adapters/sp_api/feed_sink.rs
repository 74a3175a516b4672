use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rules_core::work::clock::after;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::CompactFormatter;

use super::access::SellerAccess;
use super::rates::{LISTINGS_FEED, rate_plan};
use super::write::{merge, not_for_amazon, shortened};
use super::{Answered, SpApi};
use crate::marketplace::MarketError;
use crate::quantity::Quantity;
use crate::seller::SellerAccount;
use crate::sink::{
    QuantitySink, QuantityWrite, SinkCaps, SinkName, SubmissionRef, SubmissionState, Submitted,
};
use crate::wire::{
    Call, CreateFeed, CreateFeedDocument, FeedDocumentSpecification, FeedHeader, FeedMessage, FeedOperation,
    FeedReport, FeedReportRequest, FeedSpecification, FeedStatus, GetFeed, GetFeedDocument, IssueSeverity,
};

/// Messages of one feed (version 2 of its schema).
const MOST_MESSAGES: usize = 25_000;
const CONTENT_TYPE: &str = "application/json; charset=UTF-8";
/// The report of a full feed has some 10 MB.
const MAX_REPORT_BYTES: usize = 128 * 1024 * 1024;
/// Feeds take minutes, so nobody asks more often.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Hands thousands of numbers over at once (`JSON_LISTINGS_FEED`): slow to begin and cheap.
#[derive(Clone, Debug)]
pub struct FeedSink {
    amazon: SpApi,
}

impl FeedSink {
    /// A sink through this adapter.
    pub const fn new(amazon: SpApi) -> Self {
        Self { amazon }
    }

    /// The document is made and filled. It alone changes nothing, so nothing here is in doubt.
    async fn upload(&self, account: &SellerAccount, content: Bytes) -> Result<String, MarketError> {
        let body = FeedDocumentSpecification {
            content_type: CONTENT_TYPE.into(),
            ..FeedDocumentSpecification::default()
        };
        let call = CreateFeedDocument { body: body.into(), ..CreateFeedDocument::default() };
        let created = self.amazon.call(account, &call).await;
        let Answered { answer, request, .. } = created.map_err(|error| match error {
            MarketError::InDoubt { operation, source } => {
                MarketError::Unavailable { operation, request: None, source }
            }
            other => other,
        })?;
        match (answer.feed_document_id.into_option(), answer.url.into_option()) {
            (Some(id), Some(url)) => {
                self.amazon.put(CreateFeedDocument::NAME, &url, CONTENT_TYPE, content).await?;
                Ok(id)
            }
            _ => Err(MarketError::Unreadable {
                operation: CreateFeedDocument::NAME,
                place: "feedDocumentId, url".to_owned(),
                reason: "one of them is missing".to_owned(),
                request,
            }),
        }
    }

    async fn report(&self, account: &SellerAccount, document: &str) -> Result<SubmissionState, MarketError> {
        let call = GetFeedDocument { feed_document_id: document.into(), ..GetFeedDocument::default() };
        let Answered { answer, request, .. } = self.amazon.call(account, &call).await?;
        let unreadable = |place: &str, reason: String| MarketError::Unreadable {
            operation: GetFeedDocument::NAME,
            place: place.to_owned(),
            reason,
            request: request.clone(),
        };
        let url = answer.url.get().ok_or_else(|| unreadable("url", "is missing".to_owned()))?;
        let packed = answer.compression_algorithm.get().map(String::as_str);
        let document = self.amazon.open(GetFeedDocument::NAME, url, packed).await?;
        let text = document.whole(MAX_REPORT_BYTES).await?;
        let report: FeedReport = serde_json::from_slice(&text).map_err(|error| {
            let place = format!("the report, line {}, column {}", error.line(), error.column());
            unreadable(&place, "it is no processing report".to_owned())
        })?;
        Ok(outcome(&report))
    }
}

#[async_trait]
impl QuantitySink for FeedSink {
    /// A feed usually takes effect within 15 minutes, and 8 hours are called normal under load
    /// (selling-partner-api-models issues 657 and 5151).
    fn caps(&self) -> SinkCaps {
        let (any, listings) = (rate_plan(CreateFeed::NAME).seller, rate_plan(LISTINGS_FEED).seller);
        SinkCaps {
            name: SinkName(SinkName::FEED.to_owned()),
            batch_max: MOST_MESSAGES,
            submissions_per_second: any.per_second.min(listings.per_second),
            burst: any.burst.min(listings.burst),
            usual_latency: Duration::from_mins(15),
            deadline: Duration::from_hours(8),
        }
    }

    async fn submit(
        &self,
        account: &SellerAccount,
        writes: &[QuantityWrite],
    ) -> Result<Vec<Submitted>, MarketError> {
        let access = self.amazon.access::<CreateFeed>(account)?;
        let refused: Vec<Option<Submitted>> =
            writes.iter().map(|write| not_for_amazon(account, write)).collect();
        let ours =
            writes.iter().zip(&refused).filter(|(_, refused)| refused.is_none()).map(|(write, _)| write);
        let ours: Vec<&QuantityWrite> = ours.take(MOST_MESSAGES).collect();
        if ours.is_empty() {
            return Ok(refused.into_iter().flatten().collect());
        }
        let answers = |answer: &Submitted| {
            let mut left = ours.len();
            let each = |refused: &Option<Submitted>| {
                refused.clone().unwrap_or_else(|| {
                    let is_in = 0 < left;
                    left = left.saturating_sub(1);
                    if is_in { answer.clone() } else { Submitted::NotNow { again_at: None } }
                })
            };
            refused.iter().map(each).collect::<Vec<_>>()
        };
        let inner = &self.amazon.inner;
        let stack = inner.budgets.stack(&access, CreateFeed::NAME, &[LISTINGS_FEED])?;
        let granted = inner.budgets.take(&stack, 1).await?;
        if granted.permits == 0 {
            return Ok(answers(&Submitted::NotNow { again_at: granted.again_at }));
        }
        let document = match self.upload(account, content(&access, &ours)).await {
            Ok(document) => document,
            Err(error) => {
                inner.budgets.give_back(&stack, 1).await?;
                return match error {
                    MarketError::Throttled { retry_after, .. } => {
                        let again_at = retry_after.map(|wait| after(inner.clock.now(), wait));
                        Ok(answers(&Submitted::NotNow { again_at }))
                    }
                    error => Err(error),
                };
            }
        };
        let body = FeedSpecification {
            feed_type: LISTINGS_FEED.into(),
            marketplace_ids: access.home().into(),
            input_feed_document_id: document.into(),
            ..FeedSpecification::default()
        };
        let call = CreateFeed { body: body.into(), ..CreateFeed::default() };
        match self.amazon.asked(&access, &stack, &call).await {
            Ok(Answered { answer, .. }) => {
                Ok(answers(&Submitted::Accepted(answer.feed_id.into_option().map(SubmissionRef))))
            }
            Err(MarketError::Throttled { retry_after, .. }) => {
                let again_at = retry_after.map(|wait| after(inner.clock.now(), wait));
                Ok(answers(&Submitted::NotNow { again_at }))
            }
            Err(error) => Err(error),
        }
    }

    async fn status(
        &self,
        account: &SellerAccount,
        submission: &SubmissionRef,
    ) -> Result<SubmissionState, MarketError> {
        let call = GetFeed { feed_id: submission.0.as_str().into(), ..GetFeed::default() };
        let Answered { answer, .. } = self.amazon.call(account, &call).await?;
        match (answer.processing_status.get(), answer.result_feed_document_id.get()) {
            (Some(FeedStatus::Done), Some(document)) => self.report(account, document).await,
            (Some(FeedStatus::Done), None) => {
                Ok(SubmissionState::Done { refused: Vec::new(), effective: Vec::new() })
            }
            (Some(status @ (FeedStatus::Cancelled | FeedStatus::Fatal)), _) => {
                Ok(SubmissionState::Failed { why: status.as_str().to_owned() })
            }
            _ => Ok(SubmissionState::Pending { again_at: after(self.amazon.inner.clock.now(), ASK_AGAIN) }),
        }
    }
}

/// The feed's document, message by message: its size is about that of its text, 5.6 MiB for a full
/// one. Amazon's store wants the length beforehand, so it is written before it leaves.
fn content(access: &SellerAccess, writes: &[&QuantityWrite]) -> Bytes {
    let report = FeedReportRequest {
        included_data: vec!["fulfillmentAvailability".to_owned()].into(),
        api_version: "2021-08-01".into(),
        ..FeedReportRequest::default()
    };
    let header = FeedHeader {
        seller_id: access.account.seller().as_str().into(),
        version: "2.0".into(),
        issue_locale: "en_US".into(),
        report: report.into(),
        ..FeedHeader::default()
    };
    let mut text = Vec::with_capacity(256 + 240 * writes.len());
    text.extend_from_slice(br#"{"header":"#);
    append(&mut text, &header);
    text.extend_from_slice(br#","messages":["#);
    for (number, write) in (1..).zip(writes) {
        if 1 < number {
            text.push(b',');
        }
        append(&mut text, &message(number, write));
    }
    text.extend_from_slice(b"]}");
    text.into()
}

fn append(text: &mut Vec<u8>, value: &impl Serialize) {
    let mut serializer = Serializer::with_formatter(text, CompactFormatter);
    // A vector takes everything, and our values have no keys that are no texts.
    drop(value.serialize(&mut serializer));
}

fn message(number: i64, write: &QuantityWrite) -> FeedMessage {
    FeedMessage {
        message_id: number.into(),
        sku: write.listing.sku().as_str().into(),
        operation_type: FeedOperation::Patch.into(),
        product_type: write.product_type.clone().unwrap_or_else(|| "PRODUCT".to_owned()).into(),
        patches: vec![merge(write)].into(),
        ..FeedMessage::default()
    }
}

/// What a processing report says: what was refused, and what is in effect, both by SKU.
fn outcome(report: &FeedReport) -> SubmissionState {
    let (mut refused, mut whole) = (Vec::new(), None);
    for issue in report.issues.get().into_iter().flatten() {
        if issue.severity.get() != Some(&IssueSeverity::Error) {
            continue;
        }
        let code = issue.code.get().map_or("without a code", String::as_str);
        let why = shortened(&format!("{code}: {}", issue.message.get().map_or("", String::as_str)));
        match issue.sku.get() {
            Some(sku) => refused.push((sku.clone(), why)),
            None => whole = Some(why),
        }
    }
    let accepted = report.summary.get().and_then(|summary| summary.messages_accepted.get()).copied();
    if let Some(why) = whole.filter(|_| accepted.unwrap_or_default() == 0) {
        return SubmissionState::Failed { why };
    }
    let effective = report.items.get().into_iter().flatten().filter_map(|item| {
        let channels = item.fulfillment_availability.get()?;
        let merchants = channels
            .iter()
            .find(|channel| channel.fulfillment_channel_code.get().is_some_and(|code| code == "DEFAULT"))?;
        Some((item.sku.get()?.clone(), Quantity::new(*merchants.quantity.get()?).ok()?))
    });
    SubmissionState::Done { refused, effective: effective.collect() }
}

#[cfg(test)]
mod tests;
