//! Statuses from webhooks become facts of the delivery log.

use std::sync::Arc;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::StoreError;

use crate::desk::Desk;
use crate::fact::{Fact, Recorded, Subject, What};
use crate::message::UnverifiedToken;
use crate::reaction::api_code;
use crate::telemetry;
use crate::webhook::{Change, Status, StatusUpdate};
use rules_core::judge::tenant::TenantScope;

/// WhatsApp gave up on the message and did not say why.
const FAILED: Code = Code::known("whatsapp.failed");

/// What came of one webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) struct Tracked {
    /// Facts that were new.
    pub applied: u64,
    /// Facts that were known already.
    pub known: u64,
    /// Facts whose message is not known; they are kept for 8 days.
    pub unmatched: u64,
    /// Statuses of a number that belongs to none of our tenants, or of a kind that says nothing
    /// about delivery.
    pub ignored: u64,
}

/// Turns statuses into facts.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    desk: Arc<Desk>,
}

impl Tracker {
    pub(crate) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Records what the changes tell. Returns when it is durable; a repeat changes nothing.
    pub(crate) async fn track(&self, changes: &[Change]) -> Result<Tracked, StoreError> {
        let mut tracked = Tracked::default();
        let mut facts = Vec::new();
        for change in changes.iter().filter(|change| !change.statuses.is_empty()) {
            let Some(scope) = self.scope(change).await? else {
                tracing::warn!(number_id = ?change.number_id, statuses = change.statuses.len(), "statuses of an unknown number");
                tracked.ignored += change.statuses.len() as u64;
                continue;
            };
            for status in &change.statuses {
                match self.fact(&scope, status).await? {
                    Some(fact) => facts.push(fact),
                    None => tracked.ignored += 1,
                }
            }
        }
        if facts.is_empty() {
            return Ok(tracked);
        }
        for recorded in self.desk.log.record(&facts).await? {
            match recorded {
                Recorded::Applied => tracked.applied += 1,
                Recorded::Known => tracked.known += 1,
                Recorded::Unmatched => tracked.unmatched += 1,
            }
        }
        for (result, statuses) in [
            ("applied", tracked.applied),
            ("known", tracked.known),
            ("unmatched", tracked.unmatched),
            ("ignored", tracked.ignored),
        ] {
            let statuses = usize::try_from(statuses).unwrap_or(usize::MAX);
            telemetry::count("dispatch_statuses_total", Some(("result", result)), statuses);
        }
        Ok(tracked)
    }

    /// The tenant whose number the change is about; `None` for a number that is nobody's here.
    async fn scope(&self, change: &Change) -> Result<Option<Arc<TenantScope>>, StoreError> {
        let Some(number) = &change.number_id else { return Ok(None) };
        let Some(sender) = self.desk.sender(number).await? else { return Ok(None) };
        match self.desk.tenants.enter(&sender.tenant).await {
            Ok(scope) => Ok(Some(scope)),
            Err(error) if error.fault() == Fault::Rejected => Ok(None),
            Err(error) => Err(StoreError::Unavailable {
                doing: "entering the tenant of a webhook".into(),
                source: Box::new(error),
            }),
        }
    }

    async fn fact(&self, scope: &TenantScope, status: &StatusUpdate) -> Result<Option<Fact>, StoreError> {
        let what = match &status.status {
            Status::Sent => What::Sent,
            Status::Delivered => What::Delivered,
            Status::Read => What::Read,
            Status::Played => What::Played,
            Status::Failed => {
                let code = status.errors.first().map_or(FAILED, |error| api_code(error.code));
                What::Failed { code }
            }
            Status::Other(_) => return Ok(None),
        };
        let at = status.at.unwrap_or_else(|| self.desk.clock.now());
        let of = match self.token(scope, status).await? {
            Some(token) => Subject::Callback(token.message, token.attempt, status.wamid.clone()),
            None => Subject::Wamid(scope.id().clone(), status.wamid.clone()),
        };
        Ok(Some(Fact { of, at, what }))
    }

    /// Our token in the status, if it is there and genuine.
    async fn token(
        &self,
        scope: &TenantScope,
        status: &StatusUpdate,
    ) -> Result<Option<crate::message::CallbackToken>, StoreError> {
        let Some(claim) = status.callback.as_deref().and_then(UnverifiedToken::read) else { return Ok(None) };
        let campaign = self.desk.campaign(&claim.campaign(scope)).await?;
        Ok(campaign.and_then(|campaign| claim.verify(scope, &campaign.record.salt)))
    }
}
