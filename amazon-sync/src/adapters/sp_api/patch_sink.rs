use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rules_core::work::clock::after;

use super::access::SellerAccess;
use super::budget::Stack;
use super::rates::rate_plan;
use super::write::{merge, not_for_amazon, problems};
use super::{Answered, SpApi};
use crate::marketplace::MarketError;
use crate::seller::SellerAccount;
use crate::sink::{
    QuantitySink, QuantityWrite, SinkCaps, SinkName, SubmissionRef, SubmissionState, Submitted,
};
use crate::wire::{Call, PatchListingsItem, PatchRequest, SubmissionAnswer, SubmissionStatus};

/// Calls that are on their way at once.
const AT_ONCE: usize = 20;

/// Hands numbers over one by one (`patchListingsItem`): the quick way for a few.
#[derive(Clone, Debug)]
pub struct PatchSink {
    amazon: SpApi,
}

impl PatchSink {
    /// A sink through this adapter.
    pub const fn new(amazon: SpApi) -> Self {
        Self { amazon }
    }

    async fn patch(&self, access: &SellerAccess, stack: &Stack, write: &QuantityWrite) -> Patched {
        let call = PatchListingsItem {
            seller_id: access.account.seller().as_str().into(),
            sku: write.listing.sku().as_str().into(),
            marketplace_ids: access.home().into(),
            body: PatchRequest {
                product_type: write.product_type.clone().unwrap_or_else(|| "PRODUCT".to_owned()).into(),
                patches: vec![merge(write)].into(),
                ..PatchRequest::default()
            }
            .into(),
            ..PatchListingsItem::default()
        };
        match self.amazon.asked(access, stack, &call).await {
            Ok(Answered { answer, .. }) => Patched::One(submitted(&answer)),
            Err(error) => failed(error, self.amazon.inner.clock.now()),
        }
    }
}

/// What came of one number.
enum Patched {
    One(Submitted),
    /// None of the account's can be handed over.
    All(MarketError),
}

#[async_trait]
impl QuantitySink for PatchSink {
    /// `patchListingsItem` takes effect within minutes; a quarter of an hour is late.
    fn caps(&self) -> SinkCaps {
        let budget = rate_plan(PatchListingsItem::NAME).seller;
        SinkCaps {
            name: SinkName(SinkName::PATCH.to_owned()),
            batch_max: AT_ONCE,
            submissions_per_second: budget.per_second,
            burst: budget.burst,
            usual_latency: std::time::Duration::from_mins(2),
            deadline: std::time::Duration::from_mins(15),
        }
    }

    async fn submit(
        &self,
        account: &SellerAccount,
        writes: &[QuantityWrite],
    ) -> Result<Vec<Submitted>, MarketError> {
        let access = self.amazon.access::<PatchListingsItem>(account)?;
        let budgets = &self.amazon.inner.budgets;
        let stack = budgets.stack(&access, PatchListingsItem::NAME, &[])?;
        let refused: Vec<Option<Submitted>> =
            writes.iter().map(|write| not_for_amazon(account, write)).collect();
        let wanted = refused.iter().filter(|refused| refused.is_none()).count();
        let wanted = u32::try_from(wanted.min(AT_ONCE)).unwrap_or(u32::MAX);
        let granted = budgets.take(&stack, wanted).await?;
        let mut permits = granted.permits;
        let mut asked = Vec::new();
        for (write, refused) in writes.iter().zip(&refused) {
            if refused.is_none() && 0 < permits {
                permits -= 1;
                asked.push(self.patch(&access, &stack, write));
            }
        }
        let mut patched = join_all(asked).await.into_iter();
        let mut submitted = Vec::with_capacity(writes.len());
        let mut stopped = None;
        for refused in refused {
            submitted.push(match refused {
                Some(refused) => refused,
                None => match patched.next() {
                    None => Submitted::NotNow { again_at: granted.again_at },
                    Some(Patched::One(answer)) => answer,
                    Some(Patched::All(error)) => {
                        let why = error.to_string();
                        stopped.get_or_insert(error);
                        Submitted::Failed { why }
                    }
                },
            });
        }
        let none_left = |answer: &Submitted| {
            matches!(answer, Submitted::Failed { .. } | Submitted::NotNow { .. } | Submitted::Invalid { .. })
        };
        match stopped {
            // With a number that was handed over, or perhaps was, the answers tell more than the error.
            Some(error) if submitted.iter().all(none_left) => Err(error),
            _ => Ok(submitted),
        }
    }

    /// Of a patch Amazon tells nothing more: whether it took effect the listing shows.
    async fn status(&self, _: &SellerAccount, _: &SubmissionRef) -> Result<SubmissionState, MarketError> {
        Ok(SubmissionState::Done { refused: Vec::new(), effective: Vec::new() })
    }
}

/// What an answer means. A change that is refused is answered with HTTP 200, too.
fn submitted(answer: &SubmissionAnswer) -> Submitted {
    match answer.status.get() {
        Some(SubmissionStatus::Accepted) => {
            Submitted::Accepted(answer.submission_id.get().cloned().map(SubmissionRef))
        }
        Some(SubmissionStatus::Invalid) => Submitted::Invalid { why: problems(answer.issues.get()) },
        Some(SubmissionStatus::Valid) => {
            Submitted::Failed { why: "it was only tried, and would have been taken".to_owned() }
        }
        // It may have been taken, whatever the word means.
        Some(SubmissionStatus::Other(_)) | None => Submitted::InDoubt,
    }
}

fn failed(error: MarketError, now: DateTime<Utc>) -> Patched {
    if error.stops_the_account() || matches!(error, MarketError::Store { .. }) {
        return Patched::All(error);
    }
    Patched::One(match error {
        MarketError::InDoubt { .. } => Submitted::InDoubt,
        MarketError::Throttled { retry_after, .. } => {
            Submitted::NotNow { again_at: retry_after.map(|wait| after(now, wait)) }
        }
        MarketError::Rejected { .. } => Submitted::Invalid { why: error.to_string() },
        _ => Submitted::Failed { why: error.to_string() },
    })
}
