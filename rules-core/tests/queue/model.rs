//! Random use of a queue beside a model of it: nothing is lost, nothing is in two live leases,
//! nothing that is held or delayed comes out, and in the end all of it is accounted for.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rules_core::conformance::queue::Subject;
use rules_core::judge::code::Code;
use rules_core::judge::id::{BatchId, LeaseToken};
use rules_core::judge::key::{Lane, Outlet};
use rules_core::work::lanes::{Hold, HoldOn};
use rules_core::work::queue::{
    Allowance, Enqueued, Extended, LeaseRequest, Outcome, Parcel, Settled, Settlement,
};

const CODE: Code = Code::known("test.code");
const LANES: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Enqueue { lane: usize, records: u32, delay: Option<u64> },
    Lease { max: usize, ttl: u64, paced: Option<u32> },
    LeaseAgain { lease: usize },
    Settle { lease: usize, receipts: Vec<(u32, u8)> },
    Extend { lease: usize, ttl: u64 },
    Advance { seconds: u64 },
    Hold { on: usize, until: Option<u64> },
    Release { on: usize },
    Drop { lane: usize, max: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..LANES, 0_u32..60, prop::option::weighted(0.2, 0_u64..40))
            .prop_map(|(lane, records, delay)| Step::Enqueue { lane, records, delay }),
        5 => (0_usize..60, 1_u64..40, prop::option::weighted(0.3, 0_u32..20))
            .prop_map(|(max, ttl, paced)| Step::Lease { max, ttl, paced }),
        1 => any::<usize>().prop_map(|lease| Step::LeaseAgain { lease }),
        5 => (any::<usize>(), prop::collection::vec((0_u32..60, 0_u8..8), 0..40))
            .prop_map(|(lease, receipts)| Step::Settle { lease, receipts }),
        1 => (any::<usize>(), 1_u64..40).prop_map(|(lease, ttl)| Step::Extend { lease, ttl }),
        3 => (1_u64..30).prop_map(|seconds| Step::Advance { seconds }),
        1 => (0..LANES * 3, prop::option::of(0_u64..40)).prop_map(|(on, until)| Step::Hold { on, until }),
        1 => (0..LANES * 3).prop_map(|on| Step::Release { on }),
        1 => (0..LANES, 0_usize..40).prop_map(|(lane, max)| Step::Drop { lane, max }),
    ]
}

/// Where the model believes a record to be.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    Waiting,
    Delayed(DateTime<Utc>),
    Leased(usize),
    Gone,
}

#[derive(Debug)]
struct Known {
    lane: usize,
    place: Place,
    retries: u32,
}

#[derive(Debug)]
struct Live {
    token: LeaseToken,
    deadline: DateTime<Utc>,
    /// The record of each receipt that is open.
    open: HashMap<u32, u32>,
}

struct Model {
    subject: Subject,
    lanes: Vec<Lane>,
    records: HashMap<u32, Known>,
    leases: Vec<Live>,
    holds: HashMap<HoldOn, Option<DateTime<Utc>>>,
    /// How many records were dropped; the model does not know which.
    dropped: usize,
    /// How many ids were made.
    made: u128,
}

impl Model {
    fn new(subject: Subject) -> Self {
        let lane = |tenant: usize, outlet: &str, topic: &str| {
            Lane::new(&Outlet::new(&subject.scopes[tenant], outlet).unwrap(), topic).unwrap()
        };
        let lanes = vec![
            lane(0, "n", "t"),
            lane(0, "n", "u"),
            lane(0, "m", "t"),
            lane(1, "n", "t"),
            lane(1, "n", "v"),
        ];
        Self {
            subject,
            lanes,
            records: HashMap::new(),
            leases: Vec::new(),
            holds: HashMap::new(),
            dropped: 0,
            made: 0,
        }
    }

    fn id(&mut self) -> [u8; 16] {
        self.made += 1;
        self.made.to_be_bytes()
    }

    fn now(&self) -> DateTime<Utc> {
        self.subject.clock.now()
    }

    fn ahead(&self, seconds: u64) -> DateTime<Utc> {
        self.now() + Duration::from_secs(seconds)
    }

    fn on(&self, on: usize) -> HoldOn {
        let lane = &self.lanes[on % LANES];
        match on / LANES {
            0 => HoldOn::Lane(lane.clone()),
            1 => HoldOn::Outlet(lane.outlet().clone()),
            _ => HoldOn::Tenant(lane.tenant().clone()),
        }
    }

    fn is_held(&self, lane: usize) -> bool {
        let lasts =
            |on| self.holds.get(&on).is_some_and(|until| until.is_none_or(|until| self.now() < until));
        (0..3).any(|level| lasts(self.on(level * LANES + lane)))
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Enqueue { lane, records, delay } => self.enqueue(lane, records, delay).await,
            Step::Lease { max, ttl, paced } => self.lease(max, ttl, paced).await,
            Step::LeaseAgain { lease } => self.lease_again(lease).await,
            Step::Settle { lease, receipts } => self.settle(lease, &receipts).await,
            Step::Extend { lease, ttl } => self.extend(lease, ttl).await,
            Step::Advance { seconds } => (self.subject.advance)(Duration::from_secs(seconds)),
            Step::Hold { on, until } => {
                let (on, until) = (self.on(on), until.map(|until| self.ahead(until)));
                self.subject.lanes.hold(&[Hold { on: on.clone(), until, code: CODE }]).await.unwrap();
                self.holds.insert(on, until);
            }
            Step::Release { on } => {
                let on = self.on(on);
                self.subject.lanes.release(std::slice::from_ref(&on)).await.unwrap();
                self.holds.remove(&on);
            }
            Step::Drop { lane, max } => {
                let dropped = self.subject.lanes.drop_lane(&self.lanes[lane], max).await.unwrap();
                assert!(dropped.removed <= max);
                self.dropped += dropped.removed;
            }
        }
    }

    async fn enqueue(&mut self, lane: usize, count: u32, delay: Option<u64>) {
        let first = u32::try_from(self.records.len()).unwrap();
        let numbers = first..first + count;
        let due = delay.map(|delay| self.ahead(delay));
        let parcel = Parcel {
            batch: BatchId::from_bytes(self.id()),
            lane: self.lanes[lane].clone(),
            due,
            records: numbers.clone().map(|number| Bytes::copy_from_slice(&number.to_be_bytes())).collect(),
        };
        let answer = self.subject.queue.enqueue(&[parcel.clone(), parcel]).await.unwrap();
        if answer[0] == Enqueued::Added {
            assert_eq!(answer[1], Enqueued::Known);
            let place = due.map_or(Place::Waiting, Place::Delayed);
            self.records
                .extend(numbers.map(|number| (number, Known { lane, place: place.clone(), retries: 0 })));
        }
    }

    async fn lease(&mut self, max: usize, ttl: u64, paced: Option<u32>) {
        let token = LeaseToken::from_bytes(self.id());
        let outlet = self.lanes[0].outlet().clone();
        let allowance = paced
            .map_or(Allowance::Unlimited, |records| Allowance::PerOutlet(vec![(outlet.clone(), records)]));
        let request = LeaseRequest { token, max, ttl: Duration::from_secs(ttl), allowance };
        let lease = self.subject.queue.lease(&request).await.unwrap();
        assert!(lease.records.len() <= max.min(paced.map_or(max, |paced| paced as usize)));
        let mut open = HashMap::new();
        let now = self.now();
        for record in &lease.records {
            let number = u32::from_be_bytes(record.payload[..].try_into().unwrap());
            let (lane, place) = (self.records[&number].lane, self.records[&number].place.clone());
            match place {
                Place::Waiting => {}
                Place::Delayed(due) => assert!(due <= now, "record {number} came out early"),
                Place::Leased(other) => {
                    assert!(self.leases[other].deadline <= now, "record {number} is in two live leases");
                }
                Place::Gone => panic!("record {number} came back"),
            }
            assert_eq!(record.lane, self.lanes[lane]);
            assert_eq!(record.retries, self.records[&number].retries);
            assert!(!self.is_held(lane), "record {number} is held");
            assert!(paced.is_none() || *record.lane.outlet() == outlet);
            self.records.get_mut(&number).unwrap().place = Place::Leased(self.leases.len());
            assert_eq!(open.insert(record.receipt, number), None);
        }
        self.leases.push(Live { token, deadline: lease.deadline, open });
        self.ready_is_what_waits(lease.ready).await;
    }

    /// The outlets that a lease reports are those with due records that nobody holds.
    async fn ready_is_what_waits(&self, mut ready: Vec<Outlet>) {
        let depths = self.subject.lanes.depths(None, 100).await.unwrap();
        let waits = depths.iter().filter(|depth| 0 < depth.waiting && depth.holds.is_empty());
        let mut waiting: Vec<Outlet> = waits.map(|depth| depth.lane.outlet().clone()).collect();
        waiting.dedup();
        ready.sort();
        assert_eq!(ready, waiting);
    }

    fn pick(&self, lease: usize) -> Option<usize> {
        (!self.leases.is_empty()).then(|| lease % self.leases.len())
    }

    fn is_live(&self, lease: usize) -> bool {
        !self.leases[lease].open.is_empty() && self.now() < self.leases[lease].deadline
    }

    async fn lease_again(&mut self, lease: usize) {
        let Some(lease) = self.pick(lease) else { return };
        if !self.is_live(lease) {
            return;
        }
        let live = &self.leases[lease];
        let (token, allowance) = (live.token, Allowance::Unlimited);
        let request = LeaseRequest { token, max: 1, ttl: Duration::from_secs(1), allowance };
        let again = self.subject.queue.lease(&request).await.unwrap();
        let seen: HashSet<u32> = again.records.iter().map(|record| record.receipt).collect();
        assert_eq!(seen, live.open.keys().copied().collect());
        assert_eq!(again.deadline, live.deadline);
    }

    async fn settle(&mut self, lease: usize, receipts: &[(u32, u8)]) {
        let Some(lease) = self.pick(lease) else { return };
        let later = self.ahead(10);
        let outcome = |kind| match kind {
            0 => Outcome::Retry { at: later, code: CODE },
            1 => Outcome::Dead { code: CODE },
            2 => Outcome::HandBack,
            _ => Outcome::Done,
        };
        let settle = |&(receipt, kind): &(u32, u8)| Settlement { receipt, outcome: outcome(kind) };
        let outcomes: Vec<Settlement> = receipts.iter().map(settle).collect();
        let live = self.is_live(lease);
        let answer = self.subject.queue.settle(self.leases[lease].token, &outcomes).await.unwrap();
        if !live {
            assert_eq!(answer, Settled::Gone);
            return;
        }
        let mut applied = 0;
        for Settlement { receipt, outcome } in outcomes {
            let Some(number) = self.leases[lease].open.remove(&receipt) else { continue };
            let record = self.records.get_mut(&number).unwrap();
            applied += 1;
            record.place = match outcome {
                Outcome::Done | Outcome::Dead { .. } => Place::Gone,
                Outcome::HandBack => Place::Waiting,
                Outcome::Retry { at, .. } => {
                    record.retries += 1;
                    Place::Delayed(at)
                }
            };
        }
        assert_eq!(answer, Settled::Applied(applied));
    }

    async fn extend(&mut self, lease: usize, ttl: u64) {
        let Some(lease) = self.pick(lease) else { return };
        let token = self.leases[lease].token;
        let answer = self.subject.queue.extend(&[token], Duration::from_secs(ttl)).await.unwrap();
        if self.is_live(lease) {
            let until = self.ahead(ttl);
            assert_eq!(answer, [Extended::Until(until)]);
            self.leases[lease].deadline = until;
        } else {
            assert_eq!(answer, [Extended::Gone]);
        }
    }

    /// What the queue says it holds is what the model knows of, less what was dropped and died.
    async fn count(&self) {
        let depths = self.subject.lanes.depths(None, 100).await.unwrap();
        let held: u64 = depths.iter().map(|depth| depth.waiting + depth.delayed + depth.leased).sum();
        let dead = self.subject.lanes.dead(None, usize::from(u16::MAX)).await.unwrap();
        let by_recoveries = dead.iter().filter(|letter| letter.last != CODE).count();
        let known = self.records.values().filter(|record| record.place != Place::Gone).count();
        assert_eq!(held, (known - self.dropped - by_recoveries) as u64);
    }

    /// Frees everything and takes all of it out.
    async fn finish(mut self) {
        let on: Vec<HoldOn> = self.holds.drain().map(|(on, _)| on).collect();
        self.subject.lanes.release(&on).await.unwrap();
        (self.subject.advance)(Duration::from_secs(60));
        for _ in 0..1_000 {
            self.lease(100, 1_000, None).await;
            let lease = self.leases.len() - 1;
            let done: Vec<_> = self.leases[lease].open.keys().map(|receipt| (*receipt, 7)).collect();
            if done.is_empty() && self.subject.lanes.depths(None, 1).await.unwrap().is_empty() {
                let known = self.records.values().filter(|record| record.place != Place::Gone).count();
                let dead = self.subject.lanes.dead(None, usize::from(u16::MAX)).await.unwrap();
                let by_recoveries = dead.iter().filter(|letter| letter.last != CODE).count();
                assert_eq!(known, self.dropped + by_recoveries);
                return;
            }
            if !done.is_empty() {
                self.settle(lease, &done).await;
            }
        }
        panic!("the queue does not run empty");
    }
}

async fn play(subject: Subject, steps: Vec<Step>) {
    let mut model = Model::new(subject);
    for step in steps {
        model.step(step).await;
        model.count().await;
    }
    model.finish().await;
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn memory_accounts_for_every_record(steps in prop::collection::vec(step(), 0..60)) {
        block_on(async { play(super::memory::subject().await, steps).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn sqlite_accounts_for_every_record(steps in prop::collection::vec(step(), 0..60)) {
        block_on(async { play(super::sqlite::subject().await, steps).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn redis_accounts_for_every_record(steps in prop::collection::vec(step(), 0..60)) {
        block_on(async { play(super::redis::subject().await, steps).await });
    }
}
