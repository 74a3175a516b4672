//! Statuses become facts of the delivery log, and what they tell beyond their message is followed.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;

use super::{Told, Tracker};
use crate::aftermath::{self, Lost};
use crate::campaigns::CampaignRecord;
use crate::delivery::Message;
use crate::desk::Active;
use crate::fact::{Fact, Recorded, Subject, What};
use crate::feeder::Feeder;
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

/// A campaign, a message of it that is tried again, and when.
type NextAttempt<'a> = (&'a CampaignRecord, &'a Message, DateTime<Utc>);

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
                match self.subject(&mut campaigns, scope, &status).await? {
                    Some(of) => facts.push(Fact { of, at: at(&status, now), what }),
                    None => ignored += 1,
                }
            }
        }
        let (mut applied, mut known, mut unmatched) = (0, 0, 0);
        while !facts.is_empty() {
            let rest = facts.split_off(facts.len().min(FACTS));
            for recorded in self.write(std::mem::replace(&mut facts, rest)).await? {
                match recorded {
                    Recorded::Applied => applied += 1,
                    Recorded::Known => known += 1,
                    Recorded::Unmatched => unmatched += 1,
                }
            }
        }
        tracing::debug!(applied, known, unmatched, ignored, "statuses are recorded");
        for (result, statuses) in
            [("applied", applied), ("known", known), ("unmatched", unmatched), ("ignored", ignored)]
        {
            telemetry::count("dispatch_statuses_total", Some(("result", result)), statuses);
        }
        Ok(())
    }

    /// Records what was told, and follows it as the table of reactions says.
    async fn write(&self, mut facts: Vec<Fact>) -> Result<Vec<Recorded>, StoreError> {
        let told = facts.len();
        let (indexes, mut lost): (Vec<usize>, Vec<Lost>) =
            aftermath::find_lost(&self.desk, &facts).await?.into_iter().unzip();
        // What is tried again is recorded in the same call, right after what was told.
        let again: Vec<usize> =
            lost.iter().enumerate().filter_map(|(place, lost)| lost.reopened().map(|_| place)).collect();
        facts.extend(lost.iter().filter_map(Lost::reopened));
        let mut recorded = self.desk.log.record(&facts).await?;
        let reopened = recorded.split_off(told.min(recorded.len()));
        for (lost, index) in lost.iter_mut().zip(indexes) {
            lost.is_new = recorded.get(index) == Some(&Recorded::Applied);
        }
        aftermath::react_to_lost(&self.desk, &lost).await?;
        let applied = again.into_iter().zip(reopened).filter(|(_, answer)| *answer == Recorded::Applied);
        self.feed_again(applied.filter_map(|(place, _)| lost.get(place)?.next_attempt()).collect()).await?;
        Ok(recorded)
    }

    /// Puts references of messages that are tried again into the queue: one parcel for those of
    /// one campaign that are due within one minute.
    async fn feed_again(&self, mut again: Vec<NextAttempt<'_>>) -> Result<(), StoreError> {
        let minute = |at: DateTime<Utc>| at.timestamp() / 60;
        again.sort_by_key(|(record, message, at)| (record.key.number(), minute(*at), message.key.record()));
        let together = |one: &NextAttempt<'_>, other: &NextAttempt<'_>| {
            one.0.key == other.0.key && minute(one.2) == minute(other.2)
        };
        let feeder = Feeder::new(Arc::clone(&self.desk));
        for parcel in again.chunk_by(together) {
            let Some((record, ..)) = parcel.first() else { continue };
            let due = parcel.iter().map(|(.., at)| *at).max();
            let messages: Vec<Message> = parcel.iter().map(|(_, message, _)| (*message).clone()).collect();
            feeder.feed_again(record, &messages, due).await?;
        }
        Ok(())
    }

    /// The message that a status is about: by our token if it is there and genuine, by WhatsApp's
    /// id otherwise; `None` when the token is of a campaign whose log takes no more facts.
    async fn subject(
        &self,
        campaigns: &mut Campaigns,
        scope: &TenantScope,
        status: &StatusUpdate,
    ) -> Result<Option<Subject>, StoreError> {
        let by_wamid = || Subject::Wamid(scope.id().clone(), status.wamid.clone());
        let Some(claim) = status.callback.as_deref().and_then(UnverifiedToken::read) else {
            return Ok(Some(by_wamid()));
        };
        let key = claim.campaign(scope);
        if !campaigns.contains_key(&key) {
            campaigns.insert(key.clone(), self.desk.campaign(&key).await?);
        }
        let campaign = campaigns.get(&key).and_then(Option::as_ref);
        if campaign.is_some_and(|campaign| campaign.record.status.is_sealed()) {
            return Ok(None);
        }
        let token = campaign.and_then(|campaign| claim.verify(scope, &campaign.record.salt));
        Ok(Some(token.map_or_else(by_wamid, |token| {
            Subject::Callback(token.message, token.attempt, status.wamid.clone())
        })))
    }
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
