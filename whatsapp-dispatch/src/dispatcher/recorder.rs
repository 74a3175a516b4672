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

use super::begin::Ready;
use super::holds::{hold_campaign, pause_campaign};
use super::lease::OpenLease;
use super::outcome::Beyond;
use crate::desk::{Active, Desk, outlet};
use crate::fact::Fact;
use crate::message::MessageKey;

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

/// Records and settles.
#[derive(Debug)]
pub(super) struct Recorder {
    desk: Arc<Desk>,
    /// Leases with settlements that the queue has not heard of.
    untold: Vec<Arc<OpenLease>>,
}

impl Recorder {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self { desk, untold: Vec::new() }
    }

    /// Serves until pump and beginner are gone.
    pub(super) async fn run(mut self, mut outcomes: mpsc::Receiver<Done>) {
        let size = self.desk.config.record_group;
        let mut group = Vec::with_capacity(size);
        loop {
            // A quiet moment is the time to tell the queue what was gathered.
            let received = if self.untold.is_empty() {
                outcomes.recv_many(&mut group, size).await
            } else {
                tokio::select! {
                    received = outcomes.recv_many(&mut group, size) => received,
                    () = self.desk.clock.sleep(QUIET) => {
                        self.tell_rest().await;
                        continue;
                    }
                }
            };
            if received == 0 {
                self.tell_rest().await;
                return;
            }
            self.work_on(std::mem::take(&mut group)).await;
        }
    }

    async fn work_on(&mut self, group: Vec<Done>) {
        let facts: Vec<Fact> = group.iter().filter_map(|done| done.fact.clone()).collect();
        if !facts.is_empty() {
            self.until_done("recording outcomes", || self.desk.log.record(&facts)).await;
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
        for done in group {
            let Done { lease, receipt, outcome, place, .. } = done;
            drop(place);
            match lease.settle(receipt, outcome) {
                Some(settlements) => self.settle(&lease, settlements).await,
                None if !self.untold.iter().any(|other| other.token == lease.token) => {
                    self.untold.push(lease);
                }
                None => {}
            }
        }
        self.untold.retain(|lease| !lease.is_settled());
    }

    async fn tell_rest(&mut self) {
        for lease in std::mem::take(&mut self.untold) {
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
        for done in group {
            let Some(campaign) = &done.campaign else { continue };
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

/// Without an outcome for so long, what was gathered is told to the queue.
const QUIET: Duration = Duration::from_millis(20);
