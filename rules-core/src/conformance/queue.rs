//! What every [`Queue`] promises.
//!
//! The cases about holds, weights and lanes stand in [`crate::conformance::lanes`]; this suite
//! borrows [`Lanes`] only to look at what is left.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "an assertion is the purpose of a suite")]

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::judge::code::Code;
use crate::judge::id::{BatchId, LeaseToken};
use crate::judge::key::{Lane, Outlet};
use crate::judge::tenant::TenantScope;
use crate::work::clock::{Clock, after};
use crate::work::lanes::{DeadLetter, LaneDepth, Lanes, RECOVERED_TOO_OFTEN};
use crate::work::queue::{
    Allowance, Enqueued, Extended, Lease, LeaseRequest, Outcome, Parcel, Queue, Settled, Settlement,
};

/// A fresh queue under test. Its limits are 100 records, 1,000 bytes, a high-water mark of 250
/// and 2 recoveries.
pub struct Subject {
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// The same queue from its other side.
    pub lanes: Arc<dyn Lanes>,
    /// The clock that the queue reads.
    pub clock: Arc<dyn Clock>,
    /// Moves that clock.
    pub advance: Box<dyn Fn(Duration) + Send + Sync>,
    /// Two tenants.
    pub scopes: [Arc<TenantScope>; 2],
    /// Keeps what the queue needs for as long as the case runs.
    pub keep: Box<dyn std::any::Any + Send + Sync>,
    /// How many ids were made.
    pub made: AtomicU64,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// How long the leases of the suite last.
pub(super) const TTL: Duration = Duration::from_secs(30);
pub(super) const FIRST: Code = Code::known("test.first");
pub(super) const LAST: Code = Code::known("test.last");

impl Subject {
    pub(super) fn outlet(&self, tenant: usize, outlet: &str) -> Outlet {
        Outlet::new(self.scopes.get(tenant).unwrap(), outlet).unwrap()
    }

    pub(super) fn lane(&self, tenant: usize, outlet: &str, topic: &str) -> Lane {
        Lane::new(&self.outlet(tenant, outlet), topic).unwrap()
    }

    fn id(&self) -> [u8; 16] {
        u128::from(self.made.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }

    pub(super) fn token(&self) -> LeaseToken {
        LeaseToken::from_bytes(self.id())
    }

    pub(super) fn parcel(&self, lane: &Lane, records: impl IntoIterator<Item = u32>) -> Parcel {
        let records = records.into_iter().map(|record| Bytes::from(record.to_string())).collect();
        Parcel { batch: BatchId::from_bytes(self.id()), lane: lane.clone(), due: None, records }
    }

    pub(super) async fn add(&self, lane: &Lane, records: impl IntoIterator<Item = u32>) {
        let parcel = self.parcel(lane, records);
        assert_eq!(self.queue.enqueue(&[parcel]).await.unwrap(), [Enqueued::Added]);
    }

    pub(super) async fn add_delayed(
        &self,
        lane: &Lane,
        by: Duration,
        records: impl IntoIterator<Item = u32>,
    ) {
        let parcel = Parcel { due: Some(self.instant(by)), ..self.parcel(lane, records) };
        assert_eq!(self.queue.enqueue(&[parcel]).await.unwrap(), [Enqueued::Added]);
    }

    pub(super) fn instant(&self, ahead: Duration) -> DateTime<Utc> {
        after(self.clock.now(), ahead)
    }

    pub(super) async fn lease(&self, max: usize) -> Lease {
        self.lease_as(self.token(), max).await
    }

    pub(super) async fn lease_as(&self, token: LeaseToken, max: usize) -> Lease {
        let request = LeaseRequest { token, max, ttl: TTL, allowance: Allowance::Unlimited };
        self.queue.lease(&request).await.unwrap()
    }

    pub(super) async fn lease_within(&self, max: usize, allowance: &[(&Outlet, u32)]) -> Lease {
        let listed = allowance.iter().map(|&(outlet, records)| (outlet.clone(), records)).collect();
        let allowance = Allowance::PerOutlet(listed);
        let request = LeaseRequest { token: self.token(), max, ttl: TTL, allowance };
        self.queue.lease(&request).await.unwrap()
    }

    pub(super) async fn settle(&self, lease: &Lease, outcome: Outcome) -> Settled {
        let settle = |receipt| Settlement { receipt, outcome: outcome.clone() };
        let outcomes: Vec<_> = lease.records.iter().map(|record| settle(record.receipt)).collect();
        self.queue.settle(lease.token, &outcomes).await.unwrap()
    }

    pub(super) async fn settle_one(&self, lease: &Lease, payload: u32, outcome: Outcome) -> Settled {
        let text = payload.to_string();
        let record = lease.records.iter().find(|record| record.payload == text.as_bytes()).unwrap();
        let settlement = Settlement { receipt: record.receipt, outcome };
        self.queue.settle(lease.token, &[settlement]).await.unwrap()
    }

    fn pass(&self, duration: Duration) {
        (self.advance)(duration);
    }

    async fn depths(&self) -> Vec<LaneDepth> {
        self.lanes.depths(None, 100).await.unwrap()
    }

    async fn dead(&self) -> Vec<DeadLetter> {
        self.lanes.dead(None, 100).await.unwrap()
    }

    fn retry(&self, ahead: Duration) -> Outcome {
        Outcome::Retry { at: self.instant(ahead), code: FIRST }
    }
}

/// The payloads of a lease, in order.
pub(super) fn payloads(lease: &Lease) -> Vec<u32> {
    let number = |payload: &Bytes| std::str::from_utf8(payload).unwrap().parse().unwrap();
    lease.records.iter().map(|record| number(&record.payload)).collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<u32> {
    range.collect()
}

/// What is added comes out, with its lane and nothing counted.
pub async fn what_is_added_comes_out(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, [7]).await;
    let lease = s.lease(10).await;
    assert_eq!(payloads(&lease), [7]);
    assert_eq!(lease.deadline, s.instant(TTL));
    let record = lease.records.first().unwrap();
    assert_eq!((&record.lane, record.retries, record.recoveries), (&lane, 0, 0));
}

/// Records of one lane come out in the order in which they wait.
pub async fn a_lane_keeps_its_order(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..100).await;
    s.add(&lane, 100..103).await;
    let mut seen = Vec::new();
    for max in [1, 30, 70, 10] {
        seen.extend(payloads(&s.lease(max).await));
    }
    assert_eq!(seen, numbers(0..103));
}

/// Parcels get one answer each, in order.
pub async fn answers_come_per_parcel_in_order(s: Subject) {
    let lane = s.lane(0, "n", "t");
    let (one, two) = (s.parcel(&lane, 0..2), s.parcel(&lane, 2..4));
    s.queue.enqueue(std::slice::from_ref(&one)).await.unwrap();
    let answers = s.queue.enqueue(&[one, two.clone(), two]).await.unwrap();
    assert_eq!(answers, [Enqueued::Known, Enqueued::Added, Enqueued::Known]);
}

/// A repeat of a batch id changes nothing, even after its records are gone.
pub async fn a_repeated_batch_id_changes_nothing(s: Subject) {
    let parcel = s.parcel(&s.lane(0, "n", "t"), 0..5);
    s.queue.enqueue(std::slice::from_ref(&parcel)).await.unwrap();
    let lease = s.lease(10).await;
    s.settle(&lease, Outcome::Done).await;
    s.pass(Duration::from_mins(59));
    let again = s.queue.enqueue(std::slice::from_ref(&parcel)).await.unwrap();
    assert_eq!(again, [Enqueued::Known]);
    assert!(s.lease(10).await.records.is_empty());
}

/// A batch id is remembered for an hour.
pub async fn a_batch_id_is_forgotten_after_an_hour(s: Subject) {
    let parcel = s.parcel(&s.lane(0, "n", "t"), 0..1);
    s.queue.enqueue(std::slice::from_ref(&parcel)).await.unwrap();
    s.pass(Duration::from_mins(60));
    assert_eq!(s.queue.enqueue(&[parcel]).await.unwrap(), [Enqueued::Added]);
}

/// A parcel above the high-water mark is refused whole, and its batch id stays unknown.
pub async fn above_high_water_a_parcel_is_refused_whole(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..100).await;
    s.add_delayed(&lane, TTL, 100..200).await;
    let (large, small) = (s.parcel(&lane, 200..251), s.parcel(&lane, 200..250));
    let answers = s.queue.enqueue(&[large.clone(), small]).await.unwrap();
    assert_eq!(answers, [Enqueued::Full { depth: 200, high_water: 250 }, Enqueued::Added]);
    assert_eq!(s.lease(100).await.records.len(), 100);
    assert_eq!(s.queue.enqueue(&[large]).await.unwrap(), [Enqueued::Added]);
}

/// A parcel that breaks the limits is refused before anything is added.
pub async fn a_parcel_that_breaks_the_limits_is_refused(s: Subject) {
    let lane = s.lane(0, "n", "t");
    let fine = s.parcel(&lane, 0..1);
    let many = s.parcel(&lane, 0..101);
    let long = Parcel { records: vec![vec![0; 1_001].into()], ..s.parcel(&lane, []) };
    for bad in [many, long] {
        s.queue.enqueue(&[fine.clone(), bad]).await.unwrap_err();
    }
    assert!(s.lease(10).await.records.is_empty());
}

/// The longest payload that is allowed and an empty one come out as they went in.
pub async fn payloads_come_out_as_they_went_in(s: Subject) {
    let lane = s.lane(0, "n", "t");
    let records: Vec<Bytes> =
        [0, 1, 63, 64, 127, 128, 1_000].iter().map(|&len| vec![0xA5; len].into()).collect();
    let parcel = Parcel { records: records.clone(), ..s.parcel(&lane, []) };
    s.queue.enqueue(&[parcel]).await.unwrap();
    let lease = s.lease(10).await;
    let seen: Vec<Bytes> = lease.records.into_iter().map(|record| record.payload).collect();
    assert_eq!(seen, records);
}

/// A delayed parcel comes out at its instant and not before, behind what waits.
pub async fn a_delayed_parcel_comes_out_at_its_instant(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add_delayed(&lane, Duration::from_secs(60), 5..8).await;
    s.pass(Duration::from_secs(59));
    let early = s.lease(10).await;
    assert!(early.records.is_empty());
    assert_eq!(early.next_due, Some(s.instant(Duration::from_secs(1))));
    s.add(&lane, 0..2).await;
    s.pass(Duration::from_secs(1));
    assert_eq!(payloads(&s.lease(10).await), [0, 1, 5, 6, 7]);
}

/// A leased record is kept from everybody else.
pub async fn a_leased_record_is_kept_from_others(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..3).await;
    assert_eq!(payloads(&s.lease(2).await), [0, 1]);
    assert_eq!(payloads(&s.lease(10).await), [2]);
    assert!(s.lease(10).await.records.is_empty());
}

/// The token of a live lease returns that lease, less what is settled.
pub async fn the_same_token_returns_the_same_lease(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..5).await;
    let lease = s.lease(3).await;
    s.pass(Duration::from_secs(10));
    let again = s.lease_as(lease.token, 10).await;
    assert_eq!((&again.records, again.deadline), (&lease.records, lease.deadline));
    s.settle_one(&lease, 1, Outcome::Done).await;
    let rest = s.lease_as(lease.token, 10).await;
    assert_eq!(payloads(&rest), [0, 2]);
    assert_eq!(rest.records.last(), lease.records.last());
}

/// A lease that took nothing does not live: its token may lease again.
pub async fn an_empty_lease_does_not_live(s: Subject) {
    let token = s.token();
    assert!(s.lease_as(token, 10).await.records.is_empty());
    s.add(&s.lane(0, "n", "t"), 0..1).await;
    assert_eq!(payloads(&s.lease_as(token, 10).await), [0]);
}

/// A lease holds at most what was asked for and what the limits allow.
pub async fn a_lease_is_no_larger_than_the_limits(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..100).await;
    s.add(&lane, 100..200).await;
    assert!(s.lease(0).await.records.is_empty());
    assert_eq!(s.lease(1_000).await.records.len(), 100);
}

/// An outlet gives no more than its allowance, and one that is not listed gives nothing.
pub async fn allowances_are_respected(s: Subject) {
    let (paced, open, unlisted) = (s.lane(0, "paced", "t"), s.lane(0, "open", "t"), s.lane(1, "other", "t"));
    s.add(&paced, 0..50).await;
    s.add(&s.lane(0, "paced", "u"), 50..100).await;
    s.add(&open, 100..130).await;
    s.add(&unlisted, 130..150).await;
    let lease = s.lease_within(100, &[(paced.outlet(), 21), (open.outlet(), 90)]).await;
    let from = |outlet| lease.records.iter().filter(|record| record.lane.outlet() == outlet).count();
    assert_eq!((from(paced.outlet()), from(open.outlet()), from(unlisted.outlet())), (21, 30, 0));
    assert!(s.lease_within(100, &[(unlisted.outlet(), 0)]).await.records.is_empty());
}

/// Of an outlet that is listed twice the first entry counts.
pub async fn the_first_allowance_of_an_outlet_counts(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..50).await;
    let lease = s.lease_within(100, &[(lane.outlet(), 3), (lane.outlet(), 20)]).await;
    assert_eq!(lease.records.len(), 3);
}

/// Outlets that still have due work are reported whatever the allowance; drained ones are not.
pub async fn ready_lists_outlets_with_due_work(s: Subject) {
    let (one, two) = (s.lane(0, "one", "t"), s.lane(1, "two", "t"));
    s.add(&one, 0..5).await;
    s.add(&two, 5..6).await;
    s.add_delayed(&s.lane(0, "later", "t"), TTL, 6..7).await;
    let nothing = s.lease_within(100, &[]).await;
    assert!(nothing.records.is_empty());
    let mut ready = nothing.ready;
    ready.sort();
    assert_eq!(ready, [one.outlet().clone(), two.outlet().clone()]);
    let some = s.lease_within(100, &[(one.outlet(), 3), (two.outlet(), 3)]).await;
    assert_eq!(some.ready, [one.outlet().clone()]);
    assert_eq!(s.lease(100).await.ready, []);
}

/// An expired lease comes back at the head of its lane, in order, with one more recovery.
pub async fn an_expired_lease_comes_back_at_the_head(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..6).await;
    let lease = s.lease(4).await;
    s.settle_one(&lease, 1, Outcome::Done).await;
    s.pass(TTL);
    let again = s.lease(10).await;
    assert_eq!(payloads(&again), [0, 2, 3, 4, 5]);
    let recoveries: Vec<u32> = again.records.iter().map(|record| record.recoveries).collect();
    assert_eq!(recoveries, [1, 1, 1, 0, 0]);
}

/// Until the deadline a lease lives; from it on it is gone, whether or not anybody has noticed.
pub async fn a_lease_lives_until_its_deadline(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..2).await;
    let lease = s.lease(10).await;
    s.pass(TTL.saturating_sub(Duration::from_millis(1)));
    assert_eq!(s.settle_one(&lease, 0, Outcome::Done).await, Settled::Applied(1));
    s.pass(Duration::from_millis(1));
    assert_eq!(s.settle_one(&lease, 1, Outcome::Done).await, Settled::Gone);
    assert_eq!(s.queue.extend(&[lease.token], TTL).await.unwrap(), [Extended::Gone]);
    assert_eq!(payloads(&s.lease(10).await), [1]);
}

/// The token of a lease that ran out leases anew.
pub async fn an_expired_token_leases_anew(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..2).await;
    let lease = s.lease(10).await;
    s.pass(TTL);
    let again = s.lease_as(lease.token, 10).await;
    assert_eq!(again.deadline, s.instant(TTL));
    assert!(again.records.iter().all(|record| record.recoveries == 1));
    assert_eq!(again.records.len(), 2);
}

/// Recoveries are capped: the record is a dead letter then.
pub async fn recoveries_are_capped(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, [9]).await;
    for recoveries in 0..=2 {
        let lease = s.lease(10).await;
        assert_eq!(lease.records.first().unwrap().recoveries, recoveries);
        s.pass(TTL);
    }
    assert!(s.lease(10).await.records.is_empty());
    let dead = s.dead().await;
    let letter = dead.first().unwrap();
    assert_eq!((letter.first.clone(), letter.last.clone()), (RECOVERED_TOO_OFTEN, RECOVERED_TOO_OFTEN));
    assert_eq!((letter.recoveries, &letter.lane, &letter.payload[..]), (3, &lane, &b"9"[..]));
    assert_eq!(letter.at, s.clock.now());
}

/// A receipt that was settled before is passed over, and of two outcomes the first counts.
pub async fn a_second_settlement_is_passed_over(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..3).await;
    let lease = s.lease(10).await;
    let done = |receipt| Settlement { receipt, outcome: Outcome::Done };
    let dead = Settlement { receipt: 0, outcome: Outcome::Dead { code: LAST } };
    let outcomes = [done(0), dead, done(1), done(77)];
    assert_eq!(s.queue.settle(lease.token, &outcomes).await.unwrap(), Settled::Applied(2));
    assert_eq!(s.queue.settle(lease.token, &outcomes).await.unwrap(), Settled::Applied(0));
    assert!(s.dead().await.is_empty());
    assert_eq!(payloads(&s.lease_as(lease.token, 10).await), [2]);
}

/// A token that nobody leased with, or whose lease was settled whole, is gone.
pub async fn a_settled_lease_is_gone(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..3).await;
    let lease = s.lease(10).await;
    assert_eq!(s.settle(&lease, Outcome::Done).await, Settled::Applied(3));
    assert_eq!(s.settle(&lease, Outcome::Done).await, Settled::Gone);
    assert_eq!(s.queue.settle(s.token(), &[]).await.unwrap(), Settled::Gone);
    assert_eq!(s.queue.extend(&[lease.token, s.token()], TTL).await.unwrap(), [Extended::Gone; 2]);
}

/// What is handed back goes to the head of its lane, in order, with nothing counted.
pub async fn handing_back_keeps_order_and_counts_nothing(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..6).await;
    let lease = s.lease(4).await;
    s.settle_one(&lease, 0, Outcome::Done).await;
    let back = |receipt| Settlement { receipt, outcome: Outcome::HandBack };
    s.queue.settle(lease.token, &[back(3), back(1), back(2)]).await.unwrap();
    let again = s.lease(10).await;
    assert_eq!(payloads(&again), [1, 2, 3, 4, 5]);
    assert!(again.records.iter().all(|record| record.retries == 0 && record.recoveries == 0));
}

/// A retry comes out not before its instant, with one more retry.
pub async fn a_retry_comes_out_at_its_instant(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..2).await;
    let lease = s.lease(10).await;
    s.settle_one(&lease, 0, s.retry(Duration::from_secs(10))).await;
    s.settle_one(&lease, 1, Outcome::Done).await;
    s.pass(Duration::from_secs(9));
    assert!(s.lease(10).await.records.is_empty());
    s.pass(Duration::from_secs(1));
    let again = s.lease(10).await;
    let record = again.records.first().unwrap();
    assert_eq!((payloads(&again), record.retries, record.recoveries), (vec![0], 1, 0));
}

/// Retries and recoveries are counted apart and survive each other.
pub async fn retries_and_recoveries_add_up(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..1).await;
    for _ in 0..2 {
        let lease = s.lease(10).await;
        s.settle(&lease, s.retry(Duration::ZERO)).await;
    }
    s.lease(10).await;
    s.pass(TTL);
    let again = s.lease(10).await;
    s.settle(&again, Outcome::HandBack).await;
    let record = s.lease(10).await.records.first().cloned().unwrap();
    assert_eq!((record.retries, record.recoveries), (2, 1));
}

/// Dead letters keep the first and the last code, and their order.
pub async fn dead_letters_keep_the_first_and_the_last_code(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..3).await;
    let lease = s.lease(10).await;
    s.settle_one(&lease, 1, Outcome::Dead { code: LAST }).await;
    s.settle_one(&lease, 2, s.retry(Duration::ZERO)).await;
    s.settle_one(&lease, 0, Outcome::Done).await;
    let again = s.lease(10).await;
    s.settle(&again, Outcome::Dead { code: LAST }).await;
    let dead = s.dead().await;
    let codes: Vec<_> = dead.iter().map(|letter| (letter.first.clone(), letter.last.clone())).collect();
    assert_eq!(codes, [(LAST, LAST), (FIRST, LAST)]);
    assert_eq!(dead.iter().map(|letter| letter.retries).collect::<Vec<_>>(), [0, 1]);
    assert!(s.lease(10).await.records.is_empty());
}

/// A record that died by its leases keeps the code that it was retried with as its first.
pub async fn a_recovered_record_keeps_its_first_code(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..1).await;
    let lease = s.lease(10).await;
    s.settle(&lease, s.retry(Duration::ZERO)).await;
    for _ in 0..3 {
        s.lease(10).await;
        s.pass(TTL);
    }
    s.lease(10).await;
    let letter = s.dead().await.into_iter().next().unwrap();
    assert_eq!((letter.first, letter.last), (FIRST, RECOVERED_TOO_OFTEN));
}

/// Extending moves the deadline to now plus the time given.
pub async fn extending_moves_the_deadline(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..1).await;
    let lease = s.lease(10).await;
    s.pass(Duration::from_secs(20));
    let until = Extended::Until(s.instant(TTL));
    assert_eq!(s.queue.extend(&[s.token(), lease.token], TTL).await.unwrap(), [Extended::Gone, until]);
    s.pass(Duration::from_secs(29));
    assert!(s.lease(10).await.records.is_empty());
    assert_eq!(s.settle(&lease, Outcome::Done).await, Settled::Applied(1));
}

/// The next instant worth waking for is the deadline of another lease, or a delayed record.
pub async fn next_due_is_the_earliest_instant_worth_waking_for(s: Subject) {
    assert_eq!(s.lease(10).await.next_due, None);
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..2).await;
    let own = s.lease(1).await;
    assert_eq!(own.next_due, None);
    let other = s.lease(10).await;
    assert_eq!(other.next_due, Some(own.deadline));
    s.add_delayed(&lane, Duration::from_secs(5), 2..3).await;
    assert_eq!(s.lease(10).await.next_due, Some(s.instant(Duration::from_secs(5))));
}

/// All expired leases come back, a bounded number of them with each call.
pub async fn every_expired_lease_comes_back(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..70).await;
    for _ in 0..7 {
        s.lease(10).await;
    }
    s.pass(TTL);
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.extend(payloads(&s.lease(100).await));
    }
    seen.sort_unstable();
    assert_eq!(seen, numbers(0..70));
}

/// After everything is settled nothing is left.
pub async fn nothing_is_left_after_everything_is_settled(s: Subject) {
    for (number, topic) in ["t", "u", "v"].iter().enumerate() {
        s.add(&s.lane(number % 2, "n", topic), 0..40).await;
    }
    let depths = s.depths().await;
    assert!(depths.iter().all(|depth| depth.waiting == 40));
    let lease = s.lease(100).await;
    s.settle(&lease, s.retry(Duration::ZERO)).await;
    for _ in 0..2 {
        let lease = s.lease(100).await;
        s.settle(&lease, Outcome::Done).await;
    }
    assert_eq!(s.depths().await, []);
    assert_eq!(s.dead().await, []);
    assert_eq!((s.lease(10).await.next_due, s.lease(10).await.ready), (None, vec![]));
}

/// Two tenants with equal names of outlet and topic do not mix.
pub async fn equal_names_of_two_tenants_do_not_mix(s: Subject) {
    let (a, b) = (s.lane(0, "n", "t"), s.lane(1, "n", "t"));
    s.add(&a, 0..10).await;
    s.add(&b, 10..20).await;
    let lease = s.lease_within(100, &[(b.outlet(), 100)]).await;
    assert_eq!(payloads(&lease), numbers(10..20));
    assert!(lease.records.iter().all(|record| record.lane == b));
    assert_eq!(lease.ready, [a.outlet().clone()]);
}

/// Tenants get equal shares however much each has.
pub async fn a_large_tenant_does_not_starve_a_small_one(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..100).await;
    s.add(&s.lane(0, "n", "u"), 100..200).await;
    s.add(&s.lane(1, "n", "t"), 200..240).await;
    let lease = s.lease(100).await;
    assert_eq!(lease.records.iter().filter(|record| record.lane == s.lane(1, "n", "t")).count(), 40);
}

/// A parcel without records is added, and nothing waits because of it.
pub async fn an_empty_parcel_is_added(s: Subject) {
    s.add(&s.lane(0, "n", "t"), []).await;
    assert_eq!(s.depths().await, []);
    assert!(s.lease(10).await.records.is_empty());
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! queue_conformance {
    ($new:path) => {
        $crate::queue_conformance! { $new:
            what_is_added_comes_out
            a_lane_keeps_its_order
            answers_come_per_parcel_in_order
            a_repeated_batch_id_changes_nothing
            a_batch_id_is_forgotten_after_an_hour
            above_high_water_a_parcel_is_refused_whole
            a_parcel_that_breaks_the_limits_is_refused
            payloads_come_out_as_they_went_in
            a_delayed_parcel_comes_out_at_its_instant
            a_leased_record_is_kept_from_others
            the_same_token_returns_the_same_lease
            an_empty_lease_does_not_live
            a_lease_is_no_larger_than_the_limits
            allowances_are_respected
            the_first_allowance_of_an_outlet_counts
            ready_lists_outlets_with_due_work
            an_expired_lease_comes_back_at_the_head
            a_lease_lives_until_its_deadline
            an_expired_token_leases_anew
            recoveries_are_capped
            a_second_settlement_is_passed_over
            a_settled_lease_is_gone
            handing_back_keeps_order_and_counts_nothing
            a_retry_comes_out_at_its_instant
            retries_and_recoveries_add_up
            dead_letters_keep_the_first_and_the_last_code
            a_recovered_record_keeps_its_first_code
            extending_moves_the_deadline
            next_due_is_the_earliest_instant_worth_waking_for
            every_expired_lease_comes_back
            nothing_is_left_after_everything_is_settled
            equal_names_of_two_tenants_do_not_mix
            a_large_tenant_does_not_starve_a_small_one
            an_empty_parcel_is_added
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::queue::$case($new().await).await;
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("queue.rs");
        let (suite, list) = source.split_once("macro_rules!").unwrap();
        let cases: Vec<&str> =
            suite.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next()).collect();
        let (list, _) = list.split_once('}').unwrap();
        let listed: Vec<&str> = list.lines().map(str::trim).filter(|line| cases.contains(line)).collect();
        assert_eq!(listed, cases);
    }
}
