//! Permits first, then a lease within them: the pump holds at most one tick of work.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::id::LeaseToken;
use rules_core::judge::key::Outlet;
use rules_core::judge::tenant::TenantId;
use rules_core::work::StoreError;
use rules_core::work::clock::{ClockExt, after};
use rules_core::work::pacer::{Ask, Rate};
use rules_core::work::queue::{Allowance, Extended, Lease, LeaseRequest, Outcome};
use tokio::sync::{mpsc, watch};
use tracing::Instrument;

use super::batch::{Sorted, Sorter};
use super::begin::Ready;
use super::lease::OpenLease;
use super::recorder::Done;
use crate::campaigns::Select;
use crate::desk::{Desk, outlet};
use crate::sender::NumberId;
use crate::sweeper::earlier;
use crate::telemetry;

/// Takes work from the queue and passes on what may be begun.
#[derive(Debug)]
pub(super) struct Pump {
    desk: Arc<Desk>,
    ready: mpsc::Sender<Ready>,
    done: mpsc::Sender<Done>,
    stop: watch::Receiver<bool>,
    leases: Vec<Arc<OpenLease>>,
    outlets: Vec<Paced>,
    outlets_known_until: DateTime<Utc>,
}

/// A number with work, its rate, and permits left over from the last take.
#[derive(Debug)]
struct Paced {
    outlet: Outlet,
    rate: Rate,
    granted: u32,
    taken: u32,
}

/// How long the list of numbers with released campaigns is believed.
const OUTLETS_BELIEVED: Duration = Duration::from_millis(500);

/// Campaigns that are looked at together.
const CAMPAIGNS: usize = 500;

/// The pause after a store that did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

impl Pump {
    pub(super) fn new(
        desk: Arc<Desk>,
        ready: mpsc::Sender<Ready>,
        done: mpsc::Sender<Done>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            desk,
            ready,
            done,
            stop,
            leases: Vec::new(),
            outlets: Vec::new(),
            outlets_known_until: DateTime::<Utc>::MIN_UTC,
        }
    }

    pub(super) async fn run(mut self) {
        while !*self.stop.borrow() {
            let pause = match self.turn().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(error = %rules_core::judge::fault::chain(&error), "taking work failed");
                    Some(STORE_PAUSE)
                }
            };
            if let Some(pause) = pause {
                let mut stop = self.stop.clone();
                tokio::select! {
                    biased;
                    () = self.desk.clock.sleep(pause) => {}
                    () = self.desk.fed.notified() => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            }
        }
    }

    /// Takes, judges and passes on one lease; says how long to pause before the next.
    async fn turn(&mut self) -> Result<Option<Duration>, StoreError> {
        self.renew().await?;
        let max = self.desk.config.prefetch;
        let allowance = self.allowance(max).await?;
        let allowed = match &allowance {
            Allowance::Unlimited => max,
            Allowance::PerOutlet(list) => list.iter().map(|(_, allowed)| *allowed as usize).sum(),
        };
        let tick = self.desk.config.tick;
        if allowed == 0 {
            return Ok(Some(tick / 4));
        }
        let token = LeaseToken::from(self.desk.ids.next());
        let request = LeaseRequest { token, max: max.min(allowed), ttl: self.desk.config.lease, allowance };
        let span = tracing::debug_span!("dispatch.lease", max = request.max);
        let lease = self.desk.queue.lease(&request).instrument(span).await?;
        telemetry::count("dispatch_leased_total", None, lease.records.len());
        self.count_taken(&lease);
        if !lease.records.is_empty() {
            self.work_on(lease).await?;
            return Ok(None);
        }
        Ok(Some(tick / 5))
    }

    /// What each number may send now.
    async fn allowance(&mut self, max: usize) -> Result<Allowance, StoreError> {
        let now = self.desk.clock.now();
        if self.outlets_known_until <= now {
            self.find_outlets().await?;
            self.outlets_known_until = after(now, OUTLETS_BELIEVED);
        }
        let want = u32::try_from(max).unwrap_or(u32::MAX);
        if !self.desk.config.paced {
            // By name all the same: a lease without an allowance would take webhooks, too.
            let all = self.outlets.iter().map(|paced| (paced.outlet.clone(), want));
            return Ok(Allowance::PerOutlet(all.collect()));
        }
        let asks: Vec<Ask> = self
            .outlets
            .iter()
            .map(|paced| Ask {
                outlet: paced.outlet.clone(),
                rate: paced.rate,
                want: want.min(paced.rate.burst),
                unused: paced.granted - paced.taken,
            })
            .collect();
        let permits = self.desk.pacer.take(&asks).await?;
        for (paced, permit) in self.outlets.iter_mut().zip(permits) {
            (paced.granted, paced.taken) = (permit.granted, 0);
        }
        let allowed = |paced: &Paced| (0 < paced.granted).then(|| (paced.outlet.clone(), paced.granted));
        Ok(Allowance::PerOutlet(self.outlets.iter().filter_map(allowed).collect()))
    }

    /// The numbers of released campaigns.
    async fn find_outlets(&mut self) -> Result<(), StoreError> {
        let (mut outlets, mut seen): (Vec<Paced>, HashSet<(TenantId, NumberId)>) = Default::default();
        let mut after = 0;
        loop {
            let records = self.desk.campaigns.list(&Select::Released, after, CAMPAIGNS).await?;
            let Some(last) = records.last() else { break };
            after = last.key.number();
            for record in records {
                let sender = &record.definition.sender;
                let tenant = record.key.tenant();
                if !seen.insert((tenant.clone(), sender.number_id.clone())) {
                    continue;
                }
                let Ok(scope) = self.desk.tenants.enter(tenant).await else { continue };
                let Ok(outlet) = outlet(&scope, sender) else { continue };
                let known = self.outlets.iter().find(|paced| paced.outlet == outlet);
                let (granted, taken) = known.map_or((0, 0), |paced| (paced.granted, paced.taken));
                outlets.push(Paced {
                    outlet,
                    rate: Rate::per_second(self.desk.rate(&scope, sender).await?),
                    granted,
                    taken,
                });
            }
        }
        self.outlets = outlets;
        Ok(())
    }

    fn count_taken(&mut self, lease: &Lease) {
        for paced in &mut self.outlets {
            let taken = lease.records.iter().filter(|record| *record.lane.outlet() == paced.outlet).count();
            paced.taken = u32::try_from(taken).unwrap_or(u32::MAX).min(paced.granted);
        }
    }

    async fn work_on(&mut self, lease: Lease) -> Result<(), StoreError> {
        let open = Arc::new(OpenLease::new(lease.token, lease.deadline, lease.records.len()));
        self.leases.retain(|lease| !lease.is_settled());
        self.leases.push(Arc::clone(&open));
        let receipts: Vec<u32> = lease.records.iter().map(|record| record.receipt).collect();
        let span = tracing::debug_span!("dispatch.judge", messages = receipts.len());
        let sorted = match Sorter::new(&self.desk, &open).sort(&lease).instrument(span).await {
            Ok(sorted) => sorted,
            Err(error) => {
                for receipt in receipts {
                    self.tell(Done::settled(&open, receipt, Outcome::HandBack)).await;
                }
                return Err(error);
            }
        };
        let Sorted { ready, done } = sorted;
        for one in done {
            self.tell(one).await;
        }
        for message in ready {
            let (lease, receipt) = (Arc::clone(&message.lease), message.receipt);
            // While the channel is full the lease is kept alive, and a stop hands the rest back.
            if self.pass_on(message).await.is_err() {
                self.tell(Done::settled(&lease, receipt, Outcome::HandBack)).await;
            }
        }
        Ok(())
    }

    async fn pass_on(&mut self, message: Ready) -> Result<(), ()> {
        if *self.stop.borrow() {
            return Err(());
        }
        let permit = loop {
            let pause = self.desk.config.lease / 4;
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                permit = self.ready.reserve() => break permit,
                _ = stop.wait_for(|stop| *stop) => return Err(()),
                () = self.desk.clock.sleep(pause) => {}
            }
            if let Err(error) = self.renew().await {
                tracing::warn!(error = %error, "renewing a lease failed");
            }
        };
        permit.map_err(|_| ())?.send(message);
        Ok(())
    }

    async fn tell(&self, done: Done) {
        // The recorder outlives the pump; if it is gone, the lease runs out by itself.
        self.done.send(done).await.ok();
    }

    /// Renews leases whose time is half gone.
    async fn renew(&mut self) -> Result<(), StoreError> {
        let ttl = self.desk.config.lease;
        let now = self.desk.clock.now();
        self.leases.retain(|lease| !lease.is_settled());
        let old: Vec<&Arc<OpenLease>> =
            self.leases.iter().filter(|lease| earlier(lease.deadline(), ttl / 2) <= now).collect();
        if old.is_empty() {
            return Ok(());
        }
        let tokens: Vec<LeaseToken> = old.iter().map(|lease| lease.token).collect();
        let answers = self.desk.queue.extend(&tokens, ttl).await?;
        for (lease, answer) in old.iter().zip(answers) {
            match answer {
                Extended::Until(deadline) => lease.extended(deadline),
                // Whatever is not begun yet is refused by nobody and begun by whoever leases it
                // next; what is begun here is safe, because `begin` is the one door.
                Extended::Gone => lease.extended(DateTime::<Utc>::MAX_UTC),
            }
        }
        Ok(())
    }
}
