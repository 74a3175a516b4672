//! What the queue on Redis promises beyond the suites: nothing is left, nothing is unbounded,
//! nothing that was answered is lost.

#![expect(clippy::unwrap_used, clippy::clone_on_ref_ptr, reason = "a test stops at its first surprise")]

#[path = "support/redis.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use rules_core::judge::code::Code;
use rules_core::judge::id::{BatchId, LeaseToken};
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, ClockExt, ManualClock, SystemClock, after};
use rules_core::work::ids::{Ids, RandomIds};
use rules_core::work::lanes::{Hold, HoldOn, Lanes, Weight};
use rules_core::work::queue::{
    Allowance, Enqueued, Lease, LeaseRequest, Outcome, Parcel, Queue, QueueLimits, Settled, Settlement,
};
use rules_core::work::tenants::{FixedTenants, Tenants};

use support::{Persistence, RedisCluster, RedisServer, key_prefix, shared_url};

const TTL: Duration = Duration::from_secs(30);
const CODE: Code = Code::known("test.code");

async fn connected(config: RedisConfig) -> Redis {
    Redis::connect(config.accepting(Guarantee::Nothing)).await.unwrap()
}

fn shared() -> RedisConfig {
    RedisConfig::parse(&shared_url()).unwrap().named(&key_prefix())
}

/// One lane for each name `tenant outlet topic`.
async fn lanes(names: impl IntoIterator<Item = (String, &str, String)>) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for (tenant, outlet, topic) in names {
        let id = TenantId::parse(&tenant).unwrap();
        let scope =
            Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap();
        lanes.push(Lane::new(&Outlet::new(&scope, outlet).unwrap(), &topic).unwrap());
    }
    lanes
}

async fn tenants(count: usize) -> Vec<Lane> {
    lanes((0..count).map(|number| (format!("tenant-{number:04}"), "n", "t".to_owned()))).await
}

fn parcel(lane: &Lane, records: impl IntoIterator<Item = u32>) -> Parcel {
    let records = records.into_iter().map(|number| Bytes::from(number.to_string())).collect();
    Parcel { batch: BatchId::from(RandomIds.next()), lane: lane.clone(), due: None, records }
}

/// The same with payloads so long that their chunks are kept apart.
fn wide_parcel(lane: &Lane, records: impl IntoIterator<Item = u32>) -> Parcel {
    let records = records.into_iter().map(|number| Bytes::from(format!("{number:0120}"))).collect();
    Parcel { records, ..parcel(lane, []) }
}

async fn add(store: &Redis, lane: &Lane, records: impl IntoIterator<Item = u32>) {
    assert_eq!(store.enqueue(&[parcel(lane, records)]).await.unwrap(), [Enqueued::Added]);
}

async fn lease_for(store: &Redis, max: usize, ttl: Duration, allowance: Allowance) -> Lease {
    let token = LeaseToken::from(RandomIds.next());
    store.lease(&LeaseRequest { token, max, ttl, allowance }).await.unwrap()
}

async fn lease(store: &Redis, max: usize) -> Lease {
    lease_for(store, max, TTL, Allowance::Unlimited).await
}

fn number(payload: &Bytes) -> u32 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

async fn settle(store: &Redis, lease: &Lease, outcome: impl Fn(u32) -> Option<Outcome>) -> Settled {
    let settle = |record: &rules_core::work::queue::Leased| {
        Some(Settlement { receipt: record.receipt, outcome: outcome(number(&record.payload))? })
    };
    let outcomes: Vec<_> = lease.records.iter().filter_map(settle).collect();
    store.settle(lease.token, &outcomes).await.unwrap()
}

/// The keys of a store, without the batch ids that it knows for an hour.
fn keys(server: &RedisServer, name: &str) -> Vec<String> {
    let found = server.command(&["KEYS", &format!("{{{name}}}*")]);
    let keys = found.array().iter().map(|key| key.text().unwrap().to_owned());
    keys.filter(|key| !key.contains(":batches:")).collect()
}

#[tokio::test]
async fn not_a_key_is_left_when_everything_is_settled() {
    let server = RedisServer::start(Persistence::None);
    let clock = Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()));
    let config = RedisConfig::parse(&server.url()).unwrap().named("q").with_clock(clock.clone());
    let store = connected(config).await;
    let names = ["a", "b", "c"].into_iter().flat_map(|tenant| {
        ["t", "u"].into_iter().map(move |topic| (tenant.to_owned(), "n", topic.to_owned()))
    });
    for lane in lanes(names).await {
        let due = (lane.topic() == "u").then(|| after(clock.now(), Duration::from_secs(5)));
        store.enqueue(&[Parcel { due, ..parcel(&lane, 0..150) }]).await.unwrap();
        store.enqueue(&[Parcel { due, ..wide_parcel(&lane, 0..150) }]).await.unwrap();
    }
    for round in 0..60_u32 {
        let lease = lease_for(&store, 150, Duration::from_secs(1), Allowance::Unlimited).await;
        let outcome = |number: u32| match (round, number % 5) {
            // Every tenth lease is left to run out with what it has of these.
            _ if round % 10 == 9 && number.is_multiple_of(3) => None,
            (..10, 0) => Some(Outcome::HandBack),
            (..10, 1) => Some(Outcome::Retry { at: after(clock.now(), Duration::from_secs(1)), code: CODE }),
            _ => Some(Outcome::Done),
        };
        settle(&store, &lease, outcome).await;
        clock.advance(Duration::from_secs(2));
    }
    assert_eq!(store.depths(None, 10).await.unwrap(), []);
    assert_eq!(keys(&server, "q"), Vec::<String>::new());
    let batches = server.command(&["KEYS", "*:batches:*"]);
    let ttl = server.command(&["TTL", batches.array()[0].text().unwrap()]).integer().unwrap();
    assert!((1..=7_200).contains(&ttl), "batch ids stay for {ttl} s");
}

#[tokio::test]
async fn a_full_memory_refuses_work_and_lets_it_be_done() {
    let server = RedisServer::options().memory("8mb", "noeviction").start();
    let store = connected(RedisConfig::parse(&server.url()).unwrap()).await;
    let lane = &tenants(1).await[0];
    let records = vec![Bytes::from(vec![b'7'; 1_000]); 500];
    let mut added = 0;
    let refused = loop {
        match store.enqueue(&[Parcel { records: records.clone(), ..parcel(lane, []) }]).await {
            Ok(answers) => assert_eq!(answers, [Enqueued::Added]),
            Err(error) => break error,
        }
        added += records.len();
        assert!(added < 20_000, "8 MB took {added} records of 1,000 bytes");
    };
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    let mut done = 0;
    while done < added {
        let lease = lease(&store, 500).await;
        assert!(!lease.records.is_empty(), "{done} of {added} came out");
        let retry = Outcome::Retry { at: store.now(), code: CODE };
        let first = Settlement { receipt: lease.records[0].receipt, outcome: retry };
        let done_ones = lease.records[1..].iter().map(|record| record.receipt);
        let mut outcomes: Vec<_> =
            done_ones.map(|receipt| Settlement { receipt, outcome: Outcome::Done }).collect();
        done += outcomes.len();
        if done + 1 == added {
            done += 1;
            outcomes.push(Settlement { receipt: first.receipt, outcome: Outcome::Done });
        } else {
            outcomes.push(first);
        }
        assert_eq!(store.settle(lease.token, &outcomes).await.unwrap(), Settled::Applied(outcomes.len()));
    }
    assert_eq!(store.enqueue(&[Parcel { records, ..parcel(lane, []) }]).await.unwrap(), [Enqueued::Added]);
}

#[tokio::test]
async fn a_cluster_serves_the_queue() {
    let cluster = RedisCluster::start();
    let nodes: Vec<String> = cluster.urls().iter().map(|url| url.replace("redis://", "")).collect();
    let store = connected(RedisConfig::parse(&format!("redis+cluster://{}", nodes.join(","))).unwrap()).await;
    let lanes = tenants(3).await;
    for lane in &lanes {
        add(&store, lane, 0..50).await;
    }
    let hold = Hold { on: HoldOn::Tenant(lanes[0].tenant().clone()), until: None, code: CODE };
    store.hold(std::slice::from_ref(&hold)).await.unwrap();
    store.weigh(&[Weight::Lane(lanes[1].clone(), 2)]).await.unwrap();
    let taken = lease(&store, 200).await;
    assert_eq!(taken.records.len(), 100);
    assert_eq!(store.extend(&[taken.token], TTL).await.unwrap().len(), 1);
    settle(&store, &taken, |number| {
        Some(if number == 7 { Outcome::Dead { code: CODE } } else { Outcome::Done })
    })
    .await;
    assert_eq!(store.dead(None, 10).await.unwrap().len(), 2);
    assert_eq!(store.depths(None, 10).await.unwrap()[0].waiting, 50);
    assert_eq!(store.drop_lane(&lanes[0], 100).await.unwrap().removed, 50);
    assert_eq!(store.depths(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn long_records_are_cut_repeated_and_dropped_like_short_ones() {
    let server = RedisServer::start(Persistence::None);
    let store = connected(RedisConfig::parse(&server.url()).unwrap().named("q")).await;
    let lane = &tenants(1).await[0];
    store.enqueue(&[wide_parcel(lane, 0..100)]).await.unwrap();
    let soon = Some(after(SystemClock.now(), TTL));
    store.enqueue(&[Parcel { due: soon, ..wide_parcel(lane, 100..200) }]).await.unwrap();
    let taken = lease(&store, 10).await;
    let numbers =
        |lease: &Lease| lease.records.iter().map(|record| number(&record.payload)).collect::<Vec<_>>();
    assert_eq!(numbers(&taken), (0..10).collect::<Vec<_>>());
    assert_eq!(
        settle(&store, &taken, |number| (number < 5).then_some(Outcome::Done)).await,
        Settled::Applied(5)
    );
    let request = LeaseRequest { token: taken.token, max: 10, ttl: TTL, allowance: Allowance::Unlimited };
    assert_eq!(numbers(&store.lease(&request).await.unwrap()), (5..10).collect::<Vec<_>>());
    assert_eq!(store.drop_lane(lane, 20).await.unwrap().removed, 20);
    let next = lease(&store, 10).await;
    assert_eq!(numbers(&next), (30..40).collect::<Vec<_>>());
    assert_eq!(store.drop_lane(lane, 65).await.unwrap().removed, 65);
    assert_eq!(store.depths(None, 10).await.unwrap()[0].delayed, 95);
    assert_eq!(store.drop_lane(lane, 1_000).await.unwrap().removed, 95);
    for lease in [&taken, &next] {
        settle(&store, lease, |_| Some(Outcome::Done)).await;
    }
    assert_eq!(keys(&server, "q"), Vec::<String>::new());
}

#[tokio::test]
async fn a_killed_server_has_lost_nothing_that_it_answered() {
    let mut server = RedisServer::start(Persistence::Always);
    let store = Redis::connect(RedisConfig::parse(&server.url()).unwrap()).await.unwrap();
    let lane = &tenants(1).await[0];
    for part in 0..4 {
        let first = parcel(lane, part * 500..part * 500 + 500);
        store.enqueue(std::slice::from_ref(&first)).await.unwrap();
        let taken = lease(&store, 300).await;
        settle(&store, &taken, |number| number.is_multiple_of(2).then_some(Outcome::Done)).await;
        server.kill();
        store.enqueue(std::slice::from_ref(&first)).await.unwrap_err();
        server.start_again();
        let again = loop {
            match store.enqueue(std::slice::from_ref(&first)).await {
                Ok(again) => break again,
                Err(_) => SystemClock.sleep(Duration::from_millis(20)).await,
            }
        };
        assert_eq!(again, [Enqueued::Known]);
        let request = LeaseRequest { token: taken.token, max: 1, ttl: TTL, allowance: Allowance::Unlimited };
        let rest = store.lease(&request).await.unwrap();
        let odd = taken.records.iter().filter(|record| !number(&record.payload).is_multiple_of(2));
        assert_eq!(rest.records, odd.cloned().collect::<Vec<_>>());
        assert_eq!(settle(&store, &rest, |_| Some(Outcome::Done)).await, Settled::Applied(150));
    }
    assert_eq!(store.depths(None, 10).await.unwrap()[0].waiting, 800);
}

#[tokio::test]
async fn a_dead_workers_records_come_back_within_a_second_of_their_deadline() {
    let store = connected(shared()).await;
    let lanes = tenants(20).await;
    for lane in &lanes {
        for _ in 0..20 {
            add(&store, lane, 0..500).await;
        }
    }
    let ttl = Duration::from_millis(300);
    let lost = lease_for(&store, 500, ttl, Allowance::Unlimited).await;
    let deadline = after(SystemClock.now(), ttl);
    let mut back = 0;
    while back < lost.records.len() {
        let lease = lease(&store, 500).await;
        back += lease.records.iter().filter(|record| 0 < record.recoveries).count();
        settle(&store, &lease, |_| Some(Outcome::Done)).await;
        let late = SystemClock.now() - deadline;
        assert!(late < TimeDelta::seconds(1), "{back} of {} came back", lost.records.len());
    }
    assert_eq!(settle(&store, &lost, |_| Some(Outcome::Done)).await, Settled::Gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_account_for_every_record() {
    let server = RedisServer::start(Persistence::None);
    let config = || RedisConfig::parse(&server.url()).unwrap().named("q");
    let mut limits = QueueLimits::default();
    limits.max_recoveries = 1_000;
    let names = (0..12).map(|number| {
        (format!("tenant-{}", number % 4), if number % 2 == 0 { "m" } else { "n" }, number.to_string())
    });
    let lanes = Arc::new(lanes(names).await);
    let total = 12_000_u32;
    let done = Arc::new(Mutex::new(BTreeMap::new()));
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..6_u32 {
        let store = connected(config().with_queue_limits(limits)).await;
        let (lanes, done) = (lanes.clone(), done.clone());
        workers.spawn(async move {
            // A third of the work is added while the others are at it already.
            for part in (worker..total / 100).step_by(6) {
                let lane = &lanes[part as usize % lanes.len()];
                let numbers = part * 100..part * 100 + 100;
                let parcel = if part % 2 == 0 { parcel(lane, numbers) } else { wide_parcel(lane, numbers) };
                for expected in [Enqueued::Added, Enqueued::Known] {
                    assert_eq!(store.enqueue(std::slice::from_ref(&parcel)).await.unwrap(), [expected]);
                }
            }
            for round in worker.. {
                let ttl = Duration::from_millis(if round.is_multiple_of(11) { 50 } else { 5_000 });
                let lease = lease_for(&store, 97, ttl, Allowance::Unlimited).await;
                if lease.records.is_empty() && done.lock().unwrap().len() == total as usize {
                    return;
                }
                if round.is_multiple_of(11) {
                    continue;
                }
                let soon = after(store.now(), Duration::from_millis(20));
                let outcome = |number: u32| match (number + round) % 7 {
                    0 => Outcome::HandBack,
                    1 => Outcome::Retry { at: soon, code: CODE },
                    _ => Outcome::Done,
                };
                for half in [0, 1] {
                    let of_half = |number: u32| (number % 2 == half).then(|| outcome(number));
                    let before: Vec<u32> =
                        lease.records.iter().map(|record| number(&record.payload)).collect();
                    if settle(&store, &lease, of_half).await != Settled::Gone {
                        let finished = before
                            .iter()
                            .filter(|number| *number % 2 == half && outcome(**number) == Outcome::Done);
                        for number in finished {
                            *done.lock().unwrap().entry(*number).or_insert(0) += 1;
                        }
                    }
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    let done = done.lock().unwrap();
    assert!(done.values().all(|times| *times == 1), "a record was settled as done twice");
    assert_eq!(done.len(), total as usize);
    assert_eq!(keys(&server, "q"), Vec::<String>::new());
}

#[tokio::test]
async fn more_outlets_than_a_lease_reports_are_all_served() {
    let store = connected(shared()).await;
    let names = (0..1_300).map(|number| (format!("tenant-{:03}", number % 650), "m", number.to_string()));
    let mut lanes = lanes(names).await;
    // Of one tenant alone there are more than fit, too.
    let id = lanes[0].tenant().clone();
    let scope = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap();
    for number in 0..1_100 {
        lanes.push(Lane::new(&Outlet::new(&scope, &format!("n-{number:04}")).unwrap(), "t").unwrap());
    }
    let parcels: Vec<Parcel> = lanes.iter().map(|lane| parcel(lane, 0..2)).collect();
    store.enqueue(&parcels).await.unwrap();
    let mut ready = lease_for(&store, 500, TTL, Allowance::PerOutlet(Vec::new())).await.ready;
    let mut served = BTreeSet::new();
    for _ in 0..200 {
        assert!(ready.len() <= 1_000);
        // Whoever was served has no allowance for a while, and still has work.
        let open = ready.iter().filter(|outlet| !served.contains(*outlet));
        let listed = open.map(|outlet| (outlet.clone(), 1)).collect();
        let lease = lease_for(&store, 500, TTL, Allowance::PerOutlet(listed)).await;
        served.extend(lease.records.iter().map(|record| record.lane.outlet().clone()));
        ready = lease.ready;
    }
    let outlets: BTreeSet<Outlet> = lanes.iter().map(|lane| lane.outlet().clone()).collect();
    assert_eq!(served, outlets);
}

#[tokio::test]
async fn a_crowd_of_delayed_records_comes_out_in_bounded_steps() {
    let clock = Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()));
    let store = connected(shared().with_clock(clock.clone())).await;
    let lane = &tenants(1).await[0];
    for part in 0..20 {
        let due = Some(after(clock.now(), Duration::from_secs(40 - part)));
        store.enqueue(&[Parcel { due, ..parcel(lane, [u32::try_from(part).unwrap(); 500]) }]).await.unwrap();
    }
    clock.advance(Duration::from_secs(60));
    let first = lease(&store, 500).await;
    assert!(first.next_due.unwrap() <= clock.now(), "more is there to be looked at now");
    let mut seen = vec![first];
    while seen.last().unwrap().records.len() == 500 {
        seen.push(lease(&store, 500).await);
    }
    let parts: Vec<u32> =
        seen.iter().flat_map(|lease| &lease.records).map(|record| number(&record.payload)).collect();
    assert_eq!(parts.len(), 10_000);
    assert!(parts.is_sorted_by(|one, other| other <= one), "the earliest comes first");
}

#[tokio::test]
async fn shares_follow_the_weights_of_tenants_and_of_their_lanes() {
    let store = connected(shared()).await;
    let names = (0..12).map(|number| (format!("tenant-{}", number / 3), "n", number.to_string()));
    let lanes = lanes(names).await;
    let weights: Vec<Weight> = (1..5)
        .map(|weight| Weight::Tenant(lanes[3 * (weight as usize - 1)].tenant().clone(), weight))
        .chain((0..12).map(|number| Weight::Lane(lanes[number as usize].clone(), 1 + number % 3)))
        .collect();
    store.weigh(&weights).await.unwrap();
    for lane in &lanes {
        for _ in 0..8 {
            add(&store, lane, 0..700).await;
        }
    }
    let mut served: HashMap<Lane, u32> = HashMap::new();
    let total = 20 * 500;
    for _ in 0..20 {
        for record in lease(&store, 500).await.records {
            *served.entry(record.lane).or_default() += 1;
        }
    }
    for (number, lane) in (0_u32..).zip(&lanes) {
        let ideal = f64::from(total) * f64::from(number / 3 + 1) / 10.0 * f64::from(1 + number % 3) / 6.0;
        let error = (f64::from(served[lane]) - ideal).abs();
        assert!(error <= (ideal * 0.05).max(16.0), "lane {number} got {} instead of {ideal}", served[lane]);
    }
}

#[tokio::test]
async fn names_of_any_length_and_alphabet_come_out_as_they_went_in() {
    let store = connected(shared()).await;
    let long = "ä{*}:\u{7FF}".repeat(18);
    let topic = long.chars().take(60).collect::<String>();
    let lane = &lanes([("a".repeat(64), topic.as_str(), topic.clone())]).await[0];
    add(&store, lane, 0..40).await;
    store.hold(&[Hold { on: HoldOn::Lane(lane.clone()), until: None, code: CODE }]).await.unwrap();
    assert_eq!(store.depths(None, 1).await.unwrap()[0].holds.len(), 1);
    store.release(&[HoldOn::Lane(lane.clone())]).await.unwrap();
    let listed = Allowance::PerOutlet(vec![(lane.outlet().clone(), 10)]);
    let lease = lease_for(&store, 500, TTL, listed).await;
    assert_eq!((lease.records.len(), &lease.records[0].lane), (10, lane));
    assert_eq!(lease.ready, [lane.outlet().clone()]);
}
