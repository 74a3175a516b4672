//! From leased references to messages that may be begun: read, judged again, charged.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::ChargeId;
use rules_core::judge::key::MeterKey;
use rules_core::judge::rule::Mode;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::judge::verdict::Verdict;
use rules_core::judge::window::Window;
use rules_core::work::StoreError;
use rules_core::work::fact_source::Subjects;
use rules_core::work::lanes::{Hold, HoldOn};
use rules_core::work::queue::{Lease, Outcome};
use rules_core::work::quota::{Charge, Grant, Meter};
use rules_core::work::referee::Judgement;

use super::begin::Ready;
use super::lease::OpenLease;
use super::recorder::{Back, Charges, Done};
use crate::delivery::{Message, PlanVerdict, Query, Recipient};
use crate::desk::{Active, Desk, TENANT_OFF, outlet};
use crate::fact::{Fact, Subject, What};
use crate::message::{CampaignKey, MessageKey, PersonId};
use crate::people::{PersonKey, SentMark};
use crate::reference::Reference;
use crate::rule::CampaignFacts;

/// The tenant's messages of the day are used up.
pub(super) const DAILY_EXCEEDED: Code = Code::known("quota.daily_exceeded");

/// Sorts one lease.
pub(super) struct Sorter<'a> {
    pub(super) desk: &'a Desk,
    pub(super) lease: &'a Arc<OpenLease>,
    done: Vec<Done>,
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
    message: Message,
    pub(super) to: Recipient,
    pub(super) campaign: Arc<Active>,
    pub(super) scope: Arc<TenantScope>,
    /// Who the person turned out to be since the message was planned.
    also: Vec<PersonId>,
    /// The person's admission to the portfolio's crowd.
    pub(super) person_charge: Option<ChargeId>,
    /// What was sent to the person before it is judged, where a rule counts the message.
    judged: Option<SentMark>,
}

impl Candidate {
    pub(super) fn person(&self) -> PersonKey {
        PersonKey::new(&self.scope, self.to.person)
    }
}

impl<'a> Sorter<'a> {
    pub(super) fn new(desk: &'a Desk, lease: &'a Arc<OpenLease>) -> Self {
        Self { desk, lease, done: Vec::new(), held: Vec::new() }
    }

    pub(super) async fn sort(mut self, lease: &Lease) -> Result<Sorted, StoreError> {
        let mut candidates = self.read(lease).await?;
        let now = self.desk.clock.now();
        // Before they are judged: what is counted later than this is found when they are begun.
        self.recognise(&mut candidates).await?;
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
        let messages = self.desk.log.messages(&Query::Keys(keys)).await?.messages;
        let mut messages = messages.into_iter().peekable();
        let mut candidates = Vec::with_capacity(messages.len());
        let mut campaign: Option<Arc<Active>> = None;
        for (key, receipt) in wanted {
            // A reference that comes twice finds its message taken, one to nothing finds none.
            let Some(message) = messages.next_if(|message| message.key == key) else {
                self.settle(receipt, Outcome::Done);
                continue;
            };
            if campaign.as_ref().is_none_or(|known| known.record.key != *key.campaign()) {
                campaign = self.desk.campaign(key.campaign()).await?;
            }
            let planned = message.verdict == PlanVerdict::Planned;
            match (message.to.filter(|_| planned), &campaign, scopes.get(key.campaign().tenant())) {
                (Some(to), Some(campaign), Some(scope)) => {
                    let (campaign, scope) = (Arc::clone(campaign), Arc::clone(scope));
                    let (also, person_charge, judged) = (Vec::new(), None, None);
                    candidates.push(Candidate {
                        receipt,
                        message,
                        to,
                        campaign,
                        scope,
                        also,
                        person_charge,
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

    /// Finds who the people are now: people may have turned out to be one since they were planned. And
    /// what was sent to them, where a rule counts it.
    async fn recognise(&self, candidates: &mut [Candidate]) -> Result<(), StoreError> {
        if candidates.is_empty() {
            return Ok(());
        }
        let people: Vec<PersonKey> = candidates.iter().map(Candidate::person).collect();
        let standings = self.desk.people.standing(&people).await?;
        let mut campaign: Option<(Arc<Active>, bool)> = None;
        for (one, standing) in candidates.iter_mut().zip(standings) {
            let counts = match &campaign {
                Some((known, counts)) if Arc::ptr_eq(known, &one.campaign) => *counts,
                _ => {
                    let counts = self.desk.counts(&one.campaign.record);
                    campaign.insert((Arc::clone(&one.campaign), counts)).1
                }
            };
            one.judged = counts.then(|| standing.sent_mark());
            // Of a stream everybody may have many messages.
            if !one.campaign.record.is_stream() {
                one.also = standing.also;
            }
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
        let mut allowed = Vec::with_capacity(candidates.len());
        for (row, candidate) in candidates.into_iter().enumerate() {
            match judgement.verdicts.get(row) {
                Some(Verdict::Allow) => allowed.push(candidate),
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

    /// Charges the tenants' days, before anything is begun. What is not granted goes back and its
    /// tenant is held until the next day.
    async fn charge(&mut self, allowed: Vec<Candidate>) -> Result<Vec<Ready>, StoreError> {
        let mut by_tenant: Vec<Vec<Candidate>> = Vec::new();
        for candidate in allowed {
            match by_tenant.last_mut() {
                Some(run) if run.first().is_some_and(|first| first.scope.id() == candidate.scope.id()) => {
                    run.push(candidate);
                }
                _ => by_tenant.push(vec![candidate]),
            }
        }
        let mut charges = Vec::new();
        for run in &by_tenant {
            if let Some(first) = run.first()
                && let Some(limit) = first.scope.record().daily_limit
                && let Ok(key) = MeterKey::new(&first.scope, "messages.day")
            {
                let tenant = first.scope.id();
                charges.push(Charge {
                    id: ChargeId::of(&[self.lease.token.as_bytes(), tenant.as_str().as_bytes()]),
                    meters: vec![Meter { key, window: Window::Day(first.scope.zone()), limit }],
                    units: run.len() as u64,
                    grant: Grant::Prefix,
                });
            }
        }
        let grants = if charges.is_empty() { Vec::new() } else { self.desk.quota.charge(&charges).await? };
        let mut grants = charges.into_iter().zip(grants).peekable();
        let mut ready = Vec::new();
        for run in by_tenant {
            let Some(first) = run.first() else { continue };
            let (tenant, limited) = (first.scope.id().clone(), first.scope.record().daily_limit.is_some());
            let granted = if limited { grants.next() } else { None };
            let room = granted
                .as_ref()
                .map_or(run.len(), |(_, granted)| usize::try_from(granted.units).unwrap_or(usize::MAX));
            if let Some((_, granted)) = &granted
                && let Some(refusal) = &granted.refused_by
            {
                tracing::info!(%tenant, limit = refusal.limit, "the tenant's messages of the day are used up");
                self.hold_numbers(&run, refusal.resets_at).await?;
            }
            let charge = granted.map(|(charge, _)| charge.id);
            for (index, candidate) in run.into_iter().enumerate() {
                if index < room {
                    ready.push(self.ready(candidate, charge));
                } else {
                    let charges = Charges { day: None, person: candidate.person_charge };
                    let back = Back { key: candidate.message.key, attempt: 0, charges };
                    let done = Done::settled(self.lease, candidate.receipt, Outcome::HandBack);
                    self.done.push(Done { refund: Some(back), ..done });
                }
            }
        }
        Ok(ready)
    }

    /// Keeps back what leaves through the candidates' numbers. Not the whole tenant: its webhooks
    /// come in all the same.
    async fn hold_numbers(
        &self,
        candidates: &[Candidate],
        until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let mut holds: Vec<Hold> = Vec::new();
        for candidate in candidates {
            let Ok(outlet) = outlet(&candidate.scope, &candidate.campaign.record.definition.sender) else {
                continue;
            };
            let on = HoldOn::Outlet(outlet);
            if !holds.iter().any(|hold| hold.on == on) {
                holds.push(Hold { on, until, code: DAILY_EXCEEDED });
            }
        }
        self.desk.lanes.hold(&holds).await
    }

    fn ready(&self, candidate: Candidate, charge: Option<ChargeId>) -> Ready {
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
