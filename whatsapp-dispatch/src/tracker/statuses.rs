//! Statuses become facts of the delivery log, and what they tell beyond their message is followed.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;

use super::{Told, Tracker};
use crate::aftermath::{self, Lost};
use crate::desk::Active;
use crate::fact::{Fact, Recorded, Subject, What};
use crate::message::{CampaignKey, UnverifiedToken};
use crate::reaction::api_code;
use crate::telemetry;
use crate::webhook::{Status, StatusUpdate};

/// WhatsApp gave up on the message and did not say why.
const FAILED: Code = Code::known("whatsapp.failed");

/// Facts that are recorded in one call, at most: what 500 webhooks tell, with room to spare.
const FACTS: usize = 4_000;

/// The campaigns that one call meets, so that each is asked for once.
type Campaigns = HashMap<CampaignKey, Option<Arc<Active>>>;

impl Tracker {
    pub(super) async fn statuses(&self, told: &[Told]) -> Result<(), StoreError> {
        let now = self.desk.clock.now();
        let (mut facts, mut ignored) = (Vec::new(), 0);
        let mut campaigns = Campaigns::new();
        for Told { scope, change } in told {
            ignored += change.unread;
            for status in change.updates() {
                let Some(what) = what(&status) else {
                    ignored += 1;
                    continue;
                };
                let of = self.subject(&mut campaigns, scope, &status).await?;
                facts.push(Fact { of, at: at(&status, now), what });
            }
        }
        let (mut applied, mut known, mut unmatched) = (0, 0, 0);
        let mut lost = Vec::new();
        for facts in facts.chunks(FACTS) {
            for (fact, recorded) in facts.iter().zip(self.desk.log.record(facts).await?) {
                match recorded {
                    Recorded::Applied => applied += 1,
                    Recorded::Known => known += 1,
                    Recorded::Unmatched => unmatched += 1,
                }
                if recorded != Recorded::Unmatched {
                    lost.extend(lost_by(fact, recorded == Recorded::Applied));
                }
            }
        }
        if !lost.is_empty() {
            aftermath::of_statuses(&self.desk, &lost).await?;
        }
        tracing::debug!(applied, known, unmatched, ignored, "statuses are recorded");
        for (result, statuses) in
            [("applied", applied), ("known", known), ("unmatched", unmatched), ("ignored", ignored)]
        {
            telemetry::count("dispatch_statuses_total", Some(("result", result)), statuses);
        }
        Ok(())
    }

    /// The message that a status is about: by our token if it is there and genuine, by WhatsApp's
    /// id otherwise.
    async fn subject(
        &self,
        campaigns: &mut Campaigns,
        scope: &TenantScope,
        status: &StatusUpdate,
    ) -> Result<Subject, StoreError> {
        let by_wamid = || Subject::Wamid(scope.id().clone(), status.wamid.clone());
        let Some(claim) = status.callback.as_deref().and_then(UnverifiedToken::read) else {
            return Ok(by_wamid());
        };
        let key = claim.campaign(scope);
        if !campaigns.contains_key(&key) {
            campaigns.insert(key.clone(), self.desk.campaign(&key).await?);
        }
        let campaign = campaigns.get(&key).and_then(Option::as_ref);
        let token = campaign.and_then(|campaign| claim.verify(scope, &campaign.record.salt));
        Ok(token.map_or_else(by_wamid, |token| {
            Subject::Callback(token.message, token.attempt, status.wamid.clone())
        }))
    }
}

/// The message that a fact tells to have failed, if it is one of ours by our own token.
fn lost_by(fact: &Fact, is_new: bool) -> Option<Lost> {
    let (Subject::Callback(message, ..), What::Failed { code }) = (&fact.of, &fact.what) else { return None };
    let number = code.as_str().strip_prefix("whatsapp.")?.parse().ok()?;
    Some(Lost { message: message.clone(), number, at: fact.at, is_new })
}

/// What a status tells; `None` for one that says nothing about delivery.
fn what(status: &StatusUpdate) -> Option<What> {
    Some(match &status.status {
        Status::Sent => What::Sent,
        Status::Delivered => What::Delivered,
        Status::Read => What::Read,
        Status::Played => What::Played,
        Status::Failed => {
            let code = status.errors.first().map_or(FAILED, |error| api_code(error.code));
            What::Failed { code }
        }
        _ => return None,
    })
}

/// When it happened, and never later than now: nothing is known before it happens.
fn at(status: &StatusUpdate, now: DateTime<Utc>) -> DateTime<Utc> {
    status.at.map_or(now, |at| at.min(now))
}
