//! Writes down what came of messages, then settles their references, in groups.

use std::sync::Arc;
use std::time::Duration;

use rules_core::judge::fault::chain;
use rules_core::judge::id::{ChargeId, RefundId};
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;
use rules_core::work::pacer::Observation;
use rules_core::work::queue::{Outcome, Settlement};
use rules_core::work::quota::Refund;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::begin::Ready;
use super::holds::{hold_campaign, pause_campaign};
use super::lease::OpenLease;
use super::outcome::Beyond;
use crate::delivery::change::word;
use crate::desk::{Active, Desk, outlet};
use crate::fact::Fact;
use crate::message::{CampaignKey, MessageKey};
use crate::telemetry;

/// What came of one leased record.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) lease: Arc<OpenLease>,
    pub(super) receipt: u32,
    pub(super) outcome: Outcome,
    pub(super) fact: Option<Fact>,
    pub(super) beyond: Beyond,
    pub(super) refund: Option<Back>,
    pub(super) campaign: Option<Arc<Active>>,
    /// Held until the outcome is recorded.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// A unit that goes back to its quota.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) key: MessageKey,
    pub(super) attempt: u16,
    pub(super) charge: Option<ChargeId>,
}

impl Done {
    /// A record that was never begun.
    pub(super) fn settled(lease: &Arc<OpenLease>, receipt: u32, outcome: Outcome) -> Self {
        Self {
            lease: Arc::clone(lease),
            receipt,
            outcome,
            fact: None,
            beyond: Beyond::Nothing,
            refund: None,
            campaign: None,
            place: None,
        }
    }

    /// A record that was ready to be begun; if it was not, its unit goes back.
    pub(super) fn back(ready: &Ready, outcome: Outcome, place: Option<OwnedSemaphorePermit>) -> Self {
        let refund = Back { key: ready.key.clone(), attempt: 0, charge: ready.charge };
        Self {
            refund: Some(refund).filter(|back| back.charge.is_some()),
            campaign: Some(Arc::clone(&ready.campaign)),
            place,
            ..Self::settled(&ready.lease, ready.receipt, outcome)
        }
    }
}

/// The pause after a store that did not answer.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Groups that are on their way to the store at once, so that one is gathered and sent while
/// others wait for the disk.
const ON_THE_WAY: usize = 4;

/// Records and settles.
#[derive(Debug)]
pub(super) struct Recorder {
    desk: Arc<Desk>,
}

impl Recorder {
    pub(super) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Serves until pump and beginner are gone.
    pub(super) async fn run(self, mut outcomes: mpsc::Receiver<Done>) {
        let this = Arc::new(self);
        let size = this.desk.config.record_group;
        let mut on_the_way = JoinSet::new();
        // Leases with settlements that the queue has not heard of.
        let mut untold: Vec<Arc<OpenLease>> = Vec::new();
        let mut group = Vec::with_capacity(size);
        loop {
            let busy = ON_THE_WAY <= on_the_way.len();
            let quiet = !untold.is_empty() && on_the_way.is_empty();
            tokio::select! {
                biased;
                received = outcomes.recv_many(&mut group, size), if !busy => {
                    if received == 0 {
                        break;
                    }
                    on_the_way.spawn(Arc::clone(&this).work_on(std::mem::take(&mut group)));
                }
                Some(worked) = on_the_way.join_next() => remember(&mut untold, worked.unwrap_or_default()),
                // A quiet moment is the time to tell the queue what was gathered.
                () = this.desk.clock.sleep(QUIET), if quiet => this.tell_rest(&mut untold).await,
            }
        }
        while let Some(worked) = on_the_way.join_next().await {
            remember(&mut untold, worked.unwrap_or_default());
        }
        this.tell_rest(&mut untold).await;
    }

    /// Writes one group down and settles it; returns the leases that have more to tell later.
    async fn work_on(self: Arc<Self>, mut group: Vec<Done>) -> Vec<Arc<OpenLease>> {
        let facts: Vec<Fact> = group.iter_mut().filter_map(|done| done.fact.take()).collect();
        if !facts.is_empty() {
            let span = tracing::debug_span!("dispatch.record", facts = facts.len());
            self.until_done("recording outcomes", || self.desk.log.record(&facts)).instrument(span).await;
            for fact in &facts {
                telemetry::count("dispatch_facts_total", Some(("fact", word(&fact.what).0)), 1);
            }
        }
        let refund = |back: &Back| {
            let charge = back.charge?;
            let row = back.key.row().to_be_bytes();
            let id = RefundId::of(&[charge.as_bytes(), &row, &back.attempt.to_be_bytes()]);
            Some(Refund { id, charge, units: 1 })
        };
        let refunds: Vec<Refund> = group.iter().filter_map(|done| refund(done.refund.as_ref()?)).collect();
        if !refunds.is_empty() {
            self.until_done("giving units back", || self.desk.quota.refund(&refunds)).await;
        }
        self.react(&group).await;
        let mut later: Vec<Arc<OpenLease>> = Vec::new();
        let mut now = Vec::new();
        for done in group {
            // The message's place in the window is free: its outcome is written down.
            let Done { lease, receipt, outcome, place, .. } = done;
            drop(place);
            match lease.settle(receipt, outcome) {
                Some(settlements) => now.push((lease, settlements)),
                None if !later.iter().any(|other| other.token == lease.token) => later.push(lease),
                None => {}
            }
        }
        for (lease, settlements) in now {
            self.settle(&lease, settlements).await;
        }
        later
    }

    async fn tell_rest(&self, untold: &mut Vec<Arc<OpenLease>>) {
        for lease in std::mem::take(untold) {
            let settlements = lease.take();
            if !settlements.is_empty() {
                self.settle(&lease, settlements).await;
            }
        }
    }

    async fn settle(&self, lease: &OpenLease, settlements: Vec<Settlement>) {
        self.until_done("settling", || async {
            self.desk.queue.settle(lease.token, &settlements).await.map(drop)
        })
        .await;
    }

    /// Slows numbers down and pauses campaigns, as the answers asked for.
    async fn react(&self, group: &[Done]) {
        let mut reacted_to: Vec<(&CampaignKey, &Beyond)> = Vec::new();
        for done in group.iter().filter(|done| done.beyond != Beyond::Nothing) {
            let Some(campaign) = &done.campaign else { continue };
            // A group often brings the same news many times.
            let news = (&campaign.record.key, &done.beyond);
            if reacted_to.contains(&news) {
                continue;
            }
            reacted_to.push(news);
            let reacted = match &done.beyond {
                Beyond::Nothing => Ok(()),
                Beyond::SlowDown(retry_after) => self.slow_down(campaign, *retry_after).await,
                Beyond::Pause(code) => pause_campaign(&self.desk, &campaign.record.key, code).await,
                Beyond::HoldLane => hold_campaign(&self.desk, &campaign.record.key).await,
            };
            if let Err(error) = reacted {
                tracing::warn!(error = %chain(&error), "reacting to an answer failed");
            }
        }
    }

    async fn slow_down(&self, campaign: &Active, retry_after: Option<Duration>) -> Result<(), StoreError> {
        let Ok(scope) = self.desk.tenants.enter(campaign.record.key.tenant()).await else { return Ok(()) };
        let Ok(outlet) = outlet(&scope, &campaign.record.definition.sender) else { return Ok(()) };
        self.desk.pacer.observe(&[Observation::Throttled { outlet, retry_after }]).await
    }

    /// Repeats a write until the store has it: nothing that happened may be forgotten.
    async fn until_done<T, F>(&self, doing: &str, write: impl Fn() -> F + Send + Sync)
    where
        F: Future<Output = Result<T, StoreError>> + Send,
        T: Send,
    {
        while let Err(error) = write().await {
            tracing::warn!(error = %chain(&error), "{doing} failed; trying again");
            self.desk.clock.sleep(STORE_PAUSE).await;
        }
    }
}

fn remember(untold: &mut Vec<Arc<OpenLease>>, leases: Vec<Arc<OpenLease>>) {
    for lease in leases {
        if !untold.iter().any(|other| other.token == lease.token) {
            untold.push(lease);
        }
    }
    untold.retain(|lease| !lease.is_settled());
}

/// Without an outcome for so long, what was gathered is told to the queue.
const QUIET: Duration = Duration::from_millis(20);
