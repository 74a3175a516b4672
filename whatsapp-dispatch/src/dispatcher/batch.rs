//! From leased references to messages that may be begun: read, judged again, charged.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::ChargeId;
use rules_core::judge::rule::Mode;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::judge::verdict::Verdict;
use rules_core::work::StoreError;
use rules_core::work::fact_source::Subjects;
use rules_core::work::lanes::{Hold, HoldOn};
use rules_core::work::queue::{Lease, Outcome};
use rules_core::work::referee::Judgement;

use super::begin::Ready;
use super::lease::OpenLease;
use super::recorder::{Charges, Done};
use crate::delivery::{Message, PlanVerdict, Query, Recipient};
use crate::desk::{Active, Desk, TENANT_OFF};
use crate::fact::{Fact, Subject, What};
use crate::message::{CampaignKey, MessageKey, PersonId};
use crate::people::{PersonKey, SentMark};
use crate::reference::Reference;
use crate::rule::{CampaignFacts, Recognised};

/// Sorts one lease.
pub(super) struct Sorter<'a> {
    pub(super) desk: &'a Desk,
    pub(super) lease: &'a Arc<OpenLease>,
    pub(super) done: Vec<Done>,
    /// Campaigns that were held because of what was found in this lease.
    pub(super) held: Vec<CampaignKey>,
}

/// A lease, sorted.
#[derive(Debug)]
pub(super) struct Sorted {
    /// What may be begun, in the order of the lease.
    pub(super) ready: Vec<Ready>,
    /// What came of the rest.
    pub(super) done: Vec<Done>,
}

/// A leased message with all that is needed to judge it.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) receipt: u32,
    pub(super) message: Message,
    pub(super) to: Recipient,
    pub(super) campaign: Arc<Active>,
    pub(super) scope: Arc<TenantScope>,
    /// Who the person turned out to be since the message was planned.
    also: Vec<PersonId>,
    /// The person's admission to the portfolio's crowd.
    pub(super) person_charge: Option<ChargeId>,
    /// True when a rule counts the message.
    counts: bool,
    /// What was sent to the person by the time it was judged, where a rule counts the message: what is
    /// counted later is found when it is begun.
    judged: Option<SentMark>,
}

impl Candidate {
    pub(super) fn person(&self) -> PersonKey {
        PersonKey::new(&self.scope, self.to.person)
    }

    /// People may have turned out to be one since they were planned, and more may have been sent to them.
    fn recognise(&mut self, known: &Recognised) {
        self.judged = self.counts.then_some(known.sent);
        // Of a stream everybody may have many messages.
        if !self.campaign.record.is_stream() {
            self.also.clone_from(&known.also);
        }
    }
}

impl<'a> Sorter<'a> {
    pub(super) fn new(desk: &'a Desk, lease: &'a Arc<OpenLease>) -> Self {
        Self { desk, lease, done: Vec::new(), held: Vec::new() }
    }

    pub(super) async fn sort(mut self, lease: &Lease) -> Result<Sorted, StoreError> {
        let candidates = self.read(lease).await?;
        let now = self.desk.clock.now();
        let allowed = self.judge(candidates, now).await?;
        let allowed = self.space_out(allowed, now);
        let allowed = self.admit(allowed).await?;
        let ready = self.charge(allowed).await?;
        Ok(Sorted { ready, done: self.done })
    }

    pub(super) fn settle(&mut self, receipt: u32, outcome: Outcome) {
        self.done.push(Done::settled(self.lease, receipt, outcome));
    }

    /// Reads the messages that the records stand for.
    async fn read(&mut self, lease: &Lease) -> Result<Vec<Candidate>, StoreError> {
        let scopes = self.scopes(lease).await?;
        let mut wanted: Vec<(MessageKey, u32)> = Vec::with_capacity(lease.records.len());
        for record in &lease.records {
            let scope = scopes.get(record.lane.tenant());
            let reference = Reference::decode(&record.payload);
            let (Some(scope), Some(reference)) = (scope, reference) else {
                // A tenant that is switched off or unknown keeps its work until it is back.
                let outcome =
                    if reference.is_some() { Outcome::HandBack } else { Outcome::Dead { code: UNREADABLE } };
                self.settle(record.receipt, outcome);
                continue;
            };
            let key = CampaignKey::new(scope, reference.campaign).message(reference.record);
            wanted.push((key, record.receipt));
        }
        wanted.sort_by_key(|(key, receipt)| (key.row(), *receipt));
        let mut keys: Vec<MessageKey> = wanted.iter().map(|(key, _)| key.clone()).collect();
        // One lease begins a message once, even if it holds two references to it.
        keys.dedup();
        let mut campaigns: Vec<CampaignKey> = Vec::new();
        for key in &keys {
            if campaigns.last() != Some(key.campaign()) {
                campaigns.push(key.campaign().clone());
            }
        }
        let active = self.desk.active_campaigns(&campaigns).await?;
        let active = active.into_iter().map(|active| {
            let active = active?;
            let counts = self.desk.counts(&active.record);
            Some((active, counts))
        });
        let active: BTreeMap<CampaignKey, Option<(Arc<Active>, bool)>> =
            campaigns.into_iter().zip(active).collect();
        let messages = self.desk.log.messages(&Query::Keys(keys)).await?.messages;
        let mut messages = messages.into_iter().peekable();
        let mut candidates = Vec::with_capacity(messages.len());
        for (key, receipt) in wanted {
            // A reference that comes twice finds its message taken, one to nothing finds none.
            let Some(message) = messages.next_if(|message| message.key == key) else {
                self.settle(receipt, Outcome::Done);
                continue;
            };
            let campaign = active.get(key.campaign()).and_then(Option::as_ref);
            let planned = message.verdict == PlanVerdict::Planned;
            match (message.to.filter(|_| planned), campaign, scopes.get(key.campaign().tenant())) {
                (Some(to), Some((campaign, counts)), Some(scope)) => {
                    let (campaign, counts, scope) = (Arc::clone(campaign), *counts, Arc::clone(scope));
                    let (also, person_charge, judged) = (Vec::new(), None, None);
                    candidates.push(Candidate {
                        receipt,
                        message,
                        to,
                        campaign,
                        scope,
                        also,
                        person_charge,
                        counts,
                        judged,
                    });
                }
                _ => self.settle(receipt, Outcome::Done),
            }
        }
        // Subjects want the rows of one tenant together.
        candidates.sort_by(|one, next| one.scope.id().cmp(next.scope.id()));
        Ok(candidates)
    }

    /// Finds who the people are now, where no rule wanted to know anything of them.
    async fn recognise(&self, allowed: &mut [Candidate]) -> Result<(), StoreError> {
        if allowed.is_empty() {
            return Ok(());
        }
        let people: Vec<PersonKey> = allowed.iter().map(Candidate::person).collect();
        let standings = self.desk.people.standing(&people).await?;
        for (one, standing) in allowed.iter_mut().zip(standings) {
            one.recognise(&Recognised::of(&standing));
        }
        Ok(())
    }

    async fn scopes(&self, lease: &Lease) -> Result<BTreeMap<TenantId, Arc<TenantScope>>, StoreError> {
        let mut tenants: Vec<TenantId> =
            lease.records.iter().map(|record| record.lane.tenant().clone()).collect();
        tenants.sort();
        tenants.dedup();
        let entered = self.desk.tenants.enter_all(&tenants).await?;
        let mut scopes = BTreeMap::new();
        for (tenant, scope) in tenants.into_iter().zip(entered) {
            match scope {
                Ok(scope) => drop(scopes.insert(tenant, scope)),
                Err(error) => {
                    tracing::warn!(%tenant, error = %error, "a tenant was not let in; its work waits");
                    self.hold(HoldOn::Tenant(tenant), Some(TENANT_PAUSE), TENANT_OFF).await?;
                }
            }
        }
        Ok(scopes)
    }

    async fn hold(&self, on: HoldOn, seconds: Option<i64>, code: Code) -> Result<(), StoreError> {
        let until = seconds.map(|seconds| self.desk.clock.now() + TimeDelta::seconds(seconds));
        self.desk.lanes.hold(&[Hold { on, until, code }]).await
    }

    /// Judges the messages as of now: what was allowed when it was planned may not be any more.
    async fn judge(
        &mut self,
        candidates: Vec<Candidate>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Candidate>, StoreError> {
        let column = |error| StoreError::from(error);
        let subjects = Subjects::new(candidates.iter().map(|one| Arc::clone(&one.scope)).collect())
            .with(candidates.iter().map(|one| one.to).collect())
            .map_err(column)?
            .with(candidates.iter().map(|one| CampaignFacts::of(&one.campaign.record.definition)).collect())
            .map_err(column)?;
        let mut judgement = Judgement::default();
        self.desk.referee.judge(&subjects, now, Mode::Enforce, &mut judgement).await;
        for silent in &judgement.silent {
            tracing::warn!(error = %silent.error, "facts are unavailable; their messages are put off");
        }
        let known = judgement.facts.column::<Recognised>();
        let mut allowed = Vec::with_capacity(candidates.len());
        for (row, mut candidate) in candidates.into_iter().enumerate() {
            match judgement.verdicts.get(row) {
                Some(Verdict::Allow) => {
                    if let Some(known) = known.and_then(|known| known.get(row)) {
                        candidate.recognise(known);
                    }
                    allowed.push(candidate);
                }
                Some(Verdict::Deny(code)) => {
                    let what = What::Denied { code: code.clone() };
                    self.conclude(&candidate, now, what, Outcome::Done);
                }
                Some(Verdict::Defer { until, code }) => {
                    let what = What::Deferred { until: *until, code: code.clone() };
                    let outcome = Outcome::Retry { at: *until, code: code.clone() };
                    self.conclude(&candidate, now, what, outcome);
                }
                None => self.settle(candidate.receipt, Outcome::HandBack),
            }
        }
        if known.is_none() {
            self.recognise(&mut allowed).await?;
        }
        Ok(allowed)
    }

    pub(super) fn conclude(
        &mut self,
        candidate: &Candidate,
        at: DateTime<Utc>,
        what: What,
        outcome: Outcome,
    ) {
        let of = Subject::Attempt(candidate.message.key.clone(), candidate.message.facts.attempts);
        let fact = Fact { of, at, what };
        self.done.push(Done { fact: Some(fact), ..Done::settled(self.lease, candidate.receipt, outcome) });
    }

    /// Puts off what a number would send to one person too soon after the last message.
    fn space_out(&mut self, allowed: Vec<Candidate>, now: DateTime<Utc>) -> Vec<Candidate> {
        let mut spaced = Vec::with_capacity(allowed.len());
        for candidate in allowed {
            let number = &candidate.campaign.record.definition.sender.number_id;
            match self.desk.pairs.wait(number, candidate.to.number) {
                Some(until) if self.desk.config.paced => {
                    let what = What::Deferred { until, code: PAIR_WAITS };
                    let outcome = Outcome::Retry { at: until, code: PAIR_WAITS };
                    self.conclude(&candidate, now, what, outcome);
                }
                _ => spaced.push(candidate),
            }
        }
        spaced
    }

    pub(super) fn ready(&self, candidate: Candidate, charge: Option<ChargeId>) -> Ready {
        let person = candidate.person();
        Ready {
            lease: Arc::clone(self.lease),
            receipt: candidate.receipt,
            key: candidate.message.key,
            to: candidate.to.number,
            also: candidate.also,
            parameters: candidate.message.parameters,
            person,
            counted: candidate.message.facts.counted,
            backoffs: candidate.message.facts.backoffs,
            deferrals: candidate.message.facts.deferrals,
            campaign: candidate.campaign,
            charges: Charges { day: charge, person: candidate.person_charge },
            judged: candidate.judged,
            counted_at: None,
        }
    }
}

/// How long the work of a tenant that was not let in waits before it is looked at again.
const TENANT_PAUSE: i64 = 10;
/// The number wrote to the person a moment ago.
const PAIR_WAITS: Code = Code::known("pair.waits");
/// A record of the queue that is no reference of ours.
const UNREADABLE: Code = Code::known("queue.unreadable");
