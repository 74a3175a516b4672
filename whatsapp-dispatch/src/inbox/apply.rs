//! Takes changes out of the queue and makes facts of them, a lease at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, Fault, chain};
use rules_core::judge::id::LeaseToken;
use rules_core::judge::key::Outlet;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use rules_core::work::queue::{Allowance, Extended, Lease, LeaseRequest, Leased, Outcome, Settlement};
use tokio::sync::watch;
use tracing::Instrument;

use super::{REFUSED, UNREADABLE, depths, is_inbox};
use crate::desk::{Desk, TENANT_OFF};
use crate::telemetry;
use crate::tracker::{Told, Tracker};
use crate::webhook::Change;

/// Changes that are applied together, at most. More would save trips and hold up the webhooks that
/// are being stored meanwhile, because a store may write one thing at a time.
const LEASE: usize = 250;
/// How long changes may come together before they are applied.
const GATHER: Duration = Duration::from_millis(100);
/// How often the queue is asked although this process received nothing: others may have.
const LOOK: Duration = Duration::from_millis(250);
/// How often all lanes are looked through for changes that no lease has told of.
const SEARCH: Duration = Duration::from_secs(30);
/// The pause after a store that did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long the changes of a tenant that is switched off wait.
const TENANT_PAUSE: Duration = Duration::from_secs(60);

/// Applies what was received.
#[derive(Debug)]
pub(crate) struct Applier {
    desk: Arc<Desk>,
    tracker: Tracker,
    /// Inboxes that are known to hold something.
    outlets: BTreeSet<Outlet>,
    search_at: DateTime<Utc>,
}

impl Applier {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        let tracker = Tracker::new(Arc::clone(&desk));
        Self { desk, tracker, outlets: BTreeSet::new(), search_at: DateTime::<Utc>::MIN_UTC }
    }

    /// Runs until `stop` shows true, then finishes the lease it has. What waits then is durable.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause = match self.turn(&mut stop).await {
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "taking received webhooks failed");
                    STORE_PAUSE
                }
            };
            let arrived = async {
                self.desk.inbox.arrived.notified().await;
                self.desk.clock.sleep(GATHER).await;
            };
            tokio::select! {
                () = self.desk.clock.sleep(pause) => {}
                () = arrived => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Applies one lease; true when there is more to be taken now.
    async fn turn(&mut self, stop: &mut watch::Receiver<bool>) -> Result<bool, StoreError> {
        let now = self.desk.clock.now();
        if self.search_at <= now {
            self.outlets.extend(depths(&*self.desk.lanes).await?.0);
            self.search_at = after(now, SEARCH);
        }
        self.outlets.extend(self.desk.inbox.told());
        let asked = std::mem::take(&mut self.outlets);
        let each = u32::try_from(LEASE).unwrap_or(u32::MAX);
        let request = LeaseRequest {
            token: LeaseToken::from(self.desk.ids.next()),
            max: LEASE,
            ttl: self.desk.config.lease,
            allowance: Allowance::PerOutlet(asked.iter().map(|outlet| (outlet.clone(), each)).collect()),
        };
        let lease = match self.desk.queue.lease(&request).await {
            Ok(lease) => lease,
            Err(error) => {
                self.outlets = asked;
                return Err(error);
            }
        };
        // Whoever has something is told by the lease, in whichever process it was received.
        self.outlets = lease.ready.iter().filter(|outlet| is_inbox(outlet)).cloned().collect();
        if !lease.records.is_empty() {
            let span = tracing::debug_span!("dispatch.apply", changes = lease.records.len());
            self.finish(&lease, stop).instrument(span).await;
        }
        Ok(!self.outlets.is_empty() && (!lease.records.is_empty() || self.outlets != asked))
    }

    /// Applies and settles a lease, however long a store is away; after a stop the changes go
    /// back as they are.
    async fn finish(&self, lease: &Lease, stop: &mut watch::Receiver<bool>) {
        loop {
            let applied = match self.apply(&lease.records).await {
                // One change that is refused for good must not stop the others.
                Err(error) if error.fault() == Fault::Rejected => self.apply_each(&lease.records).await,
                other => other,
            };
            let error = match applied {
                Ok(outcomes) => match self.desk.queue.settle(lease.token, &outcomes).await {
                    Ok(_) => return,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            tracing::warn!(error = %chain(&error), changes = lease.records.len(), "applying webhooks failed; they are kept");
            tokio::select! {
                () = self.desk.clock.sleep(STORE_PAUSE) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            if *stop.borrow() {
                let back = |record: &Leased| settled(record, Outcome::HandBack);
                let outcomes: Vec<Settlement> = lease.records.iter().map(back).collect();
                // If this fails too, the lease runs out and the changes come back.
                self.desk.queue.settle(lease.token, &outcomes).await.ok();
                return;
            }
            let extended = self.desk.queue.extend(&[lease.token], self.desk.config.lease).await;
            if extended.is_ok_and(|extended| extended.contains(&Extended::Gone)) {
                // Somebody else has them by now, or soon.
                return;
            }
        }
    }

    /// Makes facts of the changes. Says what came of each of them once that is durable.
    async fn apply(&self, records: &[Leased]) -> Result<Vec<Settlement>, StoreError> {
        let scopes = self.scopes(records).await?;
        let (mut told, mut outcomes) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
        let (mut applied, mut unreadable) = (0, 0);
        for record in records {
            let Some(scope) = scopes.get(record.lane.tenant()) else {
                let at = after(self.desk.clock.now(), TENANT_PAUSE);
                outcomes.push(settled(record, Outcome::Retry { at, code: TENANT_OFF }));
                continue;
            };
            match Change::decode(&record.payload) {
                Ok(change) => {
                    applied += 1;
                    told.push(Told { scope: Arc::clone(scope), change });
                    outcomes.push(settled(record, Outcome::Done));
                }
                Err(error) => {
                    unreadable += 1;
                    tracing::error!(error = %chain(&error), "a stored change of a webhook cannot be read");
                    outcomes.push(settled(record, Outcome::Dead { code: UNREADABLE }));
                }
            }
        }
        self.tracker.track(&told).await?;
        for (result, changes) in [("applied", applied), ("unreadable", unreadable)] {
            telemetry::count("dispatch_webhook_changes_total", Some(("result", result)), changes);
        }
        Ok(outcomes)
    }

    /// The slow way, when the stores refuse one of the changes for good.
    async fn apply_each(&self, records: &[Leased]) -> Result<Vec<Settlement>, StoreError> {
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records {
            match self.apply(std::slice::from_ref(record)).await {
                Ok(outcome) => outcomes.extend(outcome),
                Err(error) if error.fault() == Fault::Rejected => {
                    tracing::error!(error = %chain(&error), "a change of a webhook is refused for good");
                    telemetry::count("dispatch_webhook_changes_total", Some(("result", "refused")), 1);
                    outcomes.push(settled(record, Outcome::Dead { code: REFUSED }));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outcomes)
    }

    /// The tenants of the changes; one that is switched off or unknown is missing.
    async fn scopes(&self, records: &[Leased]) -> Result<BTreeMap<TenantId, Arc<TenantScope>>, StoreError> {
        let tenants: BTreeSet<&TenantId> = records.iter().map(|record| record.lane.tenant()).collect();
        let tenants: Vec<TenantId> = tenants.into_iter().cloned().collect();
        let entered = self.desk.tenants.enter_all(&tenants).await?;
        Ok(tenants.into_iter().zip(entered).filter_map(|(id, scope)| Some((id, scope.ok()?))).collect())
    }
}

fn settled(record: &Leased, outcome: Outcome) -> Settlement {
    Settlement { receipt: record.receipt, outcome }
}

#[cfg(test)]
mod tests;
