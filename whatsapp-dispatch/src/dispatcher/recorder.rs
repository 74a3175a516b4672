//! Writes down what came of messages, then settles their references, in groups.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::chain;
use rules_core::judge::id::{ChargeId, RefundId};
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;
use rules_core::work::queue::{Outcome, Settlement};
use rules_core::work::quota::Refund;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::begin::Ready;
use super::lease::OpenLease;
use crate::aftermath::{Beyond, News};
use crate::delivery::change::word;
use crate::desk::{Active, Desk};
use crate::fact::{Fact, What};
use crate::message::{CampaignKey, MessageKey};
use crate::people::{Learned, Lesson, Name, PersonKey};
use crate::telemetry;

/// What came of one leased record.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) lease: Arc<OpenLease>,
    pub(super) receipt: u32,
    pub(super) outcome: Outcome,
    pub(super) fact: Option<Fact>,
    pub(super) beyond: Beyond,
    pub(super) about: Option<News>,
    /// Other names of the person, as WhatsApp's answer tells them.
    pub(super) also: Vec<Name>,
    /// The message, if it was ready to be begun.
    pub(super) message: Option<MessageKey>,
    pub(super) refund: Option<Back>,
    pub(super) campaign: Option<Arc<Active>>,
    pub(super) person: Option<PersonKey>,
    /// Held until the outcome is recorded.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// Under which instant the message was counted for its person.
    pub(super) counted_at: Option<DateTime<Utc>>,
}

/// Units that go back to their quotas.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) key: MessageKey,
    pub(super) attempt: u16,
    pub(super) charges: Charges,
}

/// What a message took from quotas before it was begun.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charges {
    /// Of the tenant's day.
    pub(super) day: Option<ChargeId>,
    /// The person's place in the portfolio's crowd.
    pub(super) person: Option<ChargeId>,
}

impl Back {
    fn refunds(&self) -> impl Iterator<Item = Refund> {
        let row = self.key.row().to_be_bytes();
        let attempt = self.attempt.to_be_bytes();
        [self.charges.day, self.charges.person].into_iter().flatten().map(move |charge| Refund {
            id: RefundId::of(&[charge.as_bytes(), &row, &attempt]),
            charge,
            units: 1,
        })
    }
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
            about: None,
            also: Vec::new(),
            message: None,
            refund: None,
            campaign: None,
            person: None,
            place: None,
            counted_at: None,
        }
    }

    /// A record that was ready to be begun; if it was not, its unit goes back.
    pub(super) fn back(ready: &Ready, outcome: Outcome, place: Option<OwnedSemaphorePermit>) -> Self {
        let refund = Back { key: ready.key.clone(), attempt: 0, charges: ready.charges };
        Self {
            refund: Some(refund),
            message: Some(ready.key.clone()),
            campaign: Some(Arc::clone(&ready.campaign)),
            person: Some(ready.person.clone()),
            place,
            counted_at: ready.counted_at,
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
        let mut learned: Vec<Learned> = group.iter().filter_map(not_sent).collect();
        learned.extend(group.iter_mut().flat_map(|done| self.names(done)));
        if !learned.is_empty() {
            self.until_done("noting what answers tell of people", || self.desk.people.learn(&learned)).await;
        }
        let facts: Vec<Fact> = group.iter_mut().filter_map(|done| done.fact.take()).collect();
        if !facts.is_empty() {
            let span = tracing::debug_span!("dispatch.record", facts = facts.len());
            self.until_done("recording outcomes", || self.desk.log.record(&facts)).instrument(span).await;
            for fact in &facts {
                telemetry::count("dispatch_facts_total", Some(("fact", word(&fact.what).0)), 1);
            }
        }
        let refunds: Vec<Refund> =
            group.iter().filter_map(|done| done.refund.as_ref()).flat_map(Back::refunds).collect();
        if !refunds.is_empty() {
            self.until_done("giving units back", || self.desk.quota.refund(&refunds)).await;
        }
        let news: Vec<_> = group.iter_mut().filter_map(|done| done.about.take()).collect();
        if !news.is_empty() {
            self.until_done("noting what refusals tell of people", || self.desk.about_people(&news)).await;
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

    /// Names of the person that were not met together with the number lately.
    fn names(&self, done: &mut Done) -> Vec<Learned> {
        let also = std::mem::take(&mut done.also);
        let (Some(person), Some(fact)) = (&done.person, &done.fact) else { return Vec::new() };
        let news = also.into_iter().filter(|name| !self.desk.acquainted.know(person, name));
        news.map(|name| Learned::new(person.clone(), fact.at, Lesson::SameAs(name))).collect()
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

    /// Slows down and holds what the answers asked for.
    async fn react(&self, group: &[Done]) {
        let mut reacted_to: Vec<(&CampaignKey, &Beyond)> = Vec::new();
        for done in group.iter().filter(|done| done.beyond != Beyond::Nothing) {
            let (Some(campaign), Some(message)) = (&done.campaign, &done.message) else { continue };
            // A group often brings the same news many times.
            let news = (&campaign.record.key, &done.beyond);
            if reacted_to.contains(&news) {
                continue;
            }
            reacted_to.push(news);
            if let Err(error) = done.beyond.apply(&self.desk, &campaign.record, message).await {
                tracing::warn!(error = %chain(&error), "reacting to an answer failed");
            }
        }
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

/// What a frequency cap counted when it was begun, and what certainly did not reach WhatsApp.
fn not_sent(done: &Done) -> Option<Learned> {
    let (counted_at, fact) = (done.counted_at?, done.fact.as_ref()?);
    let may_be_sent = matches!(fact.what, What::Accepted { .. } | What::Held { .. } | What::InDoubt { .. });
    (!may_be_sent).then_some(Learned::new(done.person.clone()?, counted_at, Lesson::NotSent))
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
