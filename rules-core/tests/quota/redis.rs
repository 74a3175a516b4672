//! Quota on a real Redis server: the suite, the same answers as in memory, calls that are cut off,
//! and keys that go by themselves.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;
use rules_core::judge::id::{ChargeId, MemberId, RefundId};
use rules_core::judge::key::MeterKey;
use rules_core::judge::window::Window;
use rules_core::store::redis::{Command, Guarantee, Redis, RedisConfig, Reply};
use rules_core::work::quota::{Admission, Charge, Crowd, Grant, MemoryQuota, Meter, Refund};

use super::redis_server::{Persistence, RedisCluster, RedisServer, key_prefix, shared_url};
use super::*;

async fn store_at(url: &str, name: &str, clock: Option<Arc<ManualClock>>) -> Redis {
    let config = RedisConfig::parse(url).unwrap().named(name).accepting(Guarantee::Nothing);
    Redis::connect(match clock {
        Some(clock) => config.with_clock(clock),
        None => config,
    })
    .await
    .unwrap()
}

async fn new() -> Subject {
    let clock = clock();
    let store = store_at(&shared_url(), &key_prefix(), Some(Arc::clone(&clock))).await;
    subject(store, clock, ()).await
}

rules_core::quota_conformance!(new);

mod by_the_servers_clock {
    use super::*;

    async fn new() -> Subject {
        let store = store_at(&shared_url(), &key_prefix(), None).await;
        let clock = Arc::clone(store.clock());
        let subject = subject(store, super::clock(), ()).await;
        Subject { now: Box::new(move || clock.now()), ..subject }
    }

    rules_core::quota_conformance! { new:
        a_charge_takes_from_all_its_meters
        a_whole_charge_takes_nothing_when_one_meter_has_too_little
        a_known_charge_returns_the_same_grant_and_takes_nothing_more
        refunds_never_exceed_the_grant
        concurrent_chargers_never_exceed_the_limit
    }
}

/// The tenant of all tests here. Entered on a thread of its own, because strategies are built
/// outside of every runtime and tests run inside one.
fn scope() -> &'static TenantScope {
    static SCOPE: OnceLock<Arc<TenantScope>> = OnceLock::new();
    let enter = || {
        let id = TenantId::parse("a").unwrap();
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]));
        block_on(async { tenants.enter(&id).await.unwrap() })
    };
    SCOPE.get_or_init(|| std::thread::spawn(enter).join().unwrap())
}

fn charge_id(number: u32) -> ChargeId {
    ChargeId::of(&[&number.to_be_bytes()])
}

fn refund(number: u32, charge: u32, units: u64) -> Refund {
    Refund { id: RefundId::of(&[&number.to_be_bytes()]), charge: charge_id(charge), units }
}

fn meter(name: &str, window: Window, limit: u64) -> Meter {
    Meter { key: MeterKey::new(scope(), name).unwrap(), window, limit }
}

const DAY: Window = Window::Day(Tz::UTC);
const ROLLING: Duration = Duration::from_hours(24);

fn admission(number: u32, name: &str, limit: u64, member: u32) -> Admission {
    let crowd = Crowd { key: MeterKey::new(scope(), name).unwrap(), within: ROLLING, limit };
    Admission { id: charge_id(number), crowd, member: MemberId::of(&[&member.to_be_bytes()]) }
}

#[derive(Clone, Debug)]
enum Step {
    Charge(Vec<Charge>),
    Refund(Vec<Refund>),
    Admit(Vec<Admission>),
    Advance(Duration),
}

fn charges() -> impl Strategy<Value = Vec<Charge>> {
    let zone = prop::sample::select(vec![Tz::UTC, Tz::America__New_York, Tz::Asia__Kolkata]);
    let meter = (prop::sample::select(vec!["day", "plan", "both"]), zone, 60..120_u64).prop_map(
        |(name, zone, limit)| {
            let window = if name == "plan" { Window::Lifetime } else { Window::Day(zone) };
            meter(name, window, if name == "plan" { 3 * limit } else { limit })
        },
    );
    let grant = prop_oneof![Just(Grant::Whole), Just(Grant::Prefix)];
    let charge = (0..1_000_u32, prop::collection::vec(meter, 1..4), 0..80_u64, grant).prop_map(
        |(id, mut meters, units, grant)| {
            // A charge that names a meter in two zones at once would contradict itself.
            let named = meters.clone();
            for meter in &mut meters {
                meter.window = named.iter().find(|one| one.key == meter.key).unwrap().window;
            }
            Charge { id: charge_id(id), meters, units, grant }
        },
    );
    prop::collection::vec(charge, 1..4)
}

/// Ids of refunds and admissions are few, so that many are repeated; one always asks for the same.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let charge = charges().prop_map(Step::Charge);
    let refund = (0..40_u32, 0..40_u32, prop_oneof![0..80_u64, Just(u64::MAX)])
        .prop_map(|(id, charge, units)| refund(id, charge, units));
    let refund = prop::collection::vec(refund, 1..4).prop_map(Step::Refund);
    let admission = (0..40_u32, 0..6_u64).prop_map(|(id, limit)| {
        admission(id + 1_000, if id % 3 == 0 { "others" } else { "people" }, limit, id % 7)
    });
    let admit = prop::collection::vec(admission, 1..5).prop_map(Step::Admit);
    let undo = (0..40_u32).prop_map(|id| Step::Refund(vec![refund_of_admission(id + 1_000)]));
    let advance =
        prop_oneof![Just(ROLLING / 2), Just(ROLLING), (0..90_000_u64).prop_map(Duration::from_secs)];
    let step = prop_oneof![
        4 => charge, 2 => refund, 3 => admit, 2 => undo, 2 => advance.prop_map(Step::Advance),
    ];
    prop::collection::vec(step, 1..50)
}

fn refund_of_admission(id: u32) -> Refund {
    refund(id, id, 1)
}

/// The same steps with one charge in three a repeat of one that is still known. Ids are kept for
/// longer than two days where the clock that counts is not the server's.
fn with_repeats(steps: Vec<Step>) -> Vec<Step> {
    let mut made: Vec<Charge> = Vec::new();
    let mut known = 0;
    let mut elapsed = Duration::ZERO;
    let repeated = |made: &mut Vec<Charge>, known: usize, charge: Charge| {
        let pick = known + usize::from(charge.id.as_bytes()[0]) % (3 * (made.len() - known) + 1);
        made.get(pick).cloned().unwrap_or_else(|| {
            let charge = Charge { id: charge_id(u32::try_from(made.len()).unwrap()), ..charge };
            made.push(charge.clone());
            charge
        })
    };
    let mut step = |step| match step {
        Step::Charge(charges) => {
            Step::Charge(charges.into_iter().map(|charge| repeated(&mut made, known, charge)).collect())
        }
        Step::Advance(duration) => {
            elapsed += duration;
            if 2 * ROLLING < elapsed {
                (known, elapsed) = (made.len(), Duration::ZERO);
            }
            Step::Advance(duration)
        }
        other => other,
    };
    steps.into_iter().map(&mut step).collect()
}

mod over_resp3 {
    use super::*;

    async fn new() -> Subject {
        let clock = clock();
        let url = format!("{}?protocol=resp3", shared_url());
        subject(store_at(&url, &key_prefix(), Some(Arc::clone(&clock))).await, clock, ()).await
    }

    rules_core::quota_conformance! { new:
        a_known_charge_returns_the_same_grant_and_takes_nothing_more
        a_changed_zone_buys_no_second_allowance
        a_refund_gives_back_to_all_meters_of_the_charge
        a_full_crowd_lets_in_only_who_is_in_and_says_when_there_is_room
        a_refunded_admission_leaves_the_crowd_as_it_was
        a_crowd_counts_each_member_once
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_quota_on_one_node() {
    let cluster = RedisCluster::start();
    let nodes: Vec<String> = cluster.urls().iter().map(|url| url.replace("redis://", "")).collect();
    let url = format!("redis+cluster://{}", nodes.join(","));
    for name in ["one", "two", "three"] {
        let clock = clock();
        let subject = subject(store_at(&url, name, Some(Arc::clone(&clock))).await, clock, ()).await;
        rules_core::conformance::quota::a_refund_goes_to_the_window_that_was_charged(subject).await;
        let store = store_at(&url, name, None).await;
        assert!(store.admit(&[admission(7, "people", 1, 1)]).await.unwrap()[0].is_in());
        store.refund(&[refund(7, 7, 1)]).await.unwrap();
        assert!(store.admit(&[admission(8, "people", 1, 2)]).await.unwrap()[0].is_in());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn same_answers(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let clock = clock();
    let memory = MemoryQuota::new(Arc::<ManualClock>::clone(&clock));
    let redis = store_at(&shared_url(), &key_prefix(), Some(Arc::clone(&clock))).await;
    let meters: Vec<Meter> =
        [("day", DAY), ("plan", Window::Lifetime), ("both", Window::Day(Tz::Asia__Kolkata))]
            .map(|(name, window)| meter(name, window, 100))
            .into();
    let crowds = ["people", "others"].map(|name| admission(0, name, 3, 0).crowd);
    for step in steps {
        match &step {
            Step::Charge(charges) => {
                let expected = memory.charge(charges).await.unwrap();
                prop_assert_eq!(redis.charge(charges).await.unwrap(), expected, "{:?}", &step);
            }
            Step::Refund(refunds) => {
                memory.refund(refunds).await.unwrap();
                redis.refund(refunds).await.unwrap();
            }
            Step::Admit(admissions) => {
                let expected = memory.admit(admissions).await.unwrap();
                prop_assert_eq!(redis.admit(admissions).await.unwrap(), expected, "{:?}", &step);
            }
            Step::Advance(duration) => clock.advance(*duration),
        }
        let expected = memory.usage(&meters).await.unwrap();
        prop_assert_eq!(redis.usage(&meters).await.unwrap(), expected, "{:?}", &step);
        let expected = memory.crowds(&crowds).await.unwrap();
        prop_assert_eq!(redis.crowds(&crowds).await.unwrap(), expected, "{:?}", &step);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_has_the_answers_that_it_has_in_memory(steps in steps()) {
        block_on(same_answers(with_repeats(steps)))?;
    }
}

/// Calls that are dropped at some instant and repeated until one is answered.
async fn insistently<T, F: Future<Output = T>>(mut dropped: Vec<u64>, call: impl Fn() -> F) -> T {
    loop {
        let Some(micros) = dropped.pop() else { return call().await };
        if let Ok(answer) = tokio::time::timeout(Duration::from_micros(micros), call()).await {
            return answer;
        }
    }
}

/// Instants to drop at, from a number.
fn drops(seed: u32) -> Vec<u64> {
    let mixed = |turn: u32| u64::from(seed.wrapping_mul(2_654_435_761).rotate_left(turn * 7) % 900);
    (0..seed % 4).map(mixed).collect()
}

/// Waits until all that was sent on the handle's two connections has been done, answered or not.
async fn quiet(store: &Redis) {
    for _ in 0..2 {
        store.read(&[Command::new("EXISTS", &store.key(&[&"quota"]))]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_dropped_at_random_and_repeated_count_once() {
    let (url, name) = (shared_url(), key_prefix());
    let meters = vec![meter("day", DAY, 5_003), meter("plan", Window::Lifetime, 9_000)];
    let charge = move |number| {
        let meters = meters.clone();
        Charge { id: charge_id(number), meters, units: 13, grant: Grant::Prefix }
    };
    let numbers = |task: u32| (0..40).map(move |round| task * 1_000 + round);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let (store, charge) = (store_at(&url, &name, None).await, charge.clone());
        tasks.spawn(async move {
            let mut back = 0;
            for number in numbers(task) {
                let wish = [charge(number)];
                let call = async || store.charge(&wish).await.unwrap();
                let granted = insistently(drops(number), call).await[0].units;
                if number % 3 == 0 && 0 < granted {
                    let refund = [refund(number, number, 5)];
                    insistently(drops(number + 7), async || store.refund(&refund).await.unwrap()).await;
                    back += granted.min(5);
                }
                let wish = [admission(number + 100_000, "people", 300, number % 450)];
                insistently(drops(number + 3), async || store.admit(&wish).await.unwrap()).await;
            }
            quiet(&store).await;
            back
        });
    }
    let back: u64 = tasks.join_all().await.into_iter().sum();
    // A call that was dropped may have been late and have taken what its repeat did not get.
    let store = store_at(&url, &name, None).await;
    let wishes: Vec<Charge> = (0..16).flat_map(numbers).map(&charge).collect();
    let granted: u64 = store.charge(&wishes).await.unwrap().iter().map(|granted| granted.units).sum();
    assert_eq!(granted - back, 5_003);
    for usage in store.usage(&wishes[0].meters).await.unwrap() {
        assert_eq!(usage.used, 5_003);
    }
    let crowd = admission(0, "people", 300, 0).crowd;
    assert_eq!(store.crowds(&[crowd]).await.unwrap()[0].used, 300);
}

/// The keys of a private server, each with its time to live in milliseconds.
fn keys(server: &RedisServer) -> Vec<(String, i64)> {
    let reply = server.command(&["KEYS", "*"]);
    let keys: Vec<String> = reply.array().iter().map(|key| key.text().unwrap().to_owned()).collect();
    keys.into_iter().map(|key| (key.clone(), server.command(&["PTTL", &key]).integer().unwrap())).collect()
}

#[tokio::test]
async fn what_is_over_leaves_by_itself_and_allowances_stay() {
    let server = RedisServer::start(Persistence::None);
    let store = store_at(&server.url(), "quota", None).await;
    let charge = |number, meter: Meter| Charge {
        id: charge_id(number),
        meters: vec![meter],
        units: 1,
        grant: Grant::Whole,
    };
    let day = DAY.at(store.now()).end.unwrap() - store.now();
    store.charge(&[charge(1, meter("day", DAY, 10))]).await.unwrap();
    store.refund(&[refund(1, 1, 1)]).await.unwrap();
    store.admit(&[admission(2, "people", 10, 1)]).await.unwrap();
    let (rolling, room) = (TimeDelta::from_std(ROLLING).unwrap(), TimeDelta::minutes(1));
    let expected = |key: &str| match key {
        quota if quota.contains(":quota:") => (day + TimeDelta::days(2), room),
        // A parcel stays as long as its last member.
        parcel if parcel.contains(":admitted") => (rolling, room + rolling / 16),
        _ => (rolling, room),
    };
    let before = keys(&server);
    assert_eq!(before.len(), 6, "{before:?}");
    for (key, ttl) in &before {
        let ((expected, room), ttl) = (expected(key), TimeDelta::milliseconds(*ttl));
        assert!(expected - TimeDelta::minutes(1) <= ttl && ttl <= expected + room, "{key}: {ttl}");
    }
    store.charge(&[charge(3, meter("plan", Window::Lifetime, 10))]).await.unwrap();
    for (key, ttl) in keys(&server) {
        assert_eq!(ttl == -1, !before.iter().any(|(known, _)| *known == key), "{key}");
    }
}

#[tokio::test]
async fn old_members_and_parcels_leave_in_portions() {
    let server = RedisServer::start(Persistence::None);
    let clock = clock();
    let store = store_at(&server.url(), "crowd", Some(Arc::clone(&clock))).await;
    let wishes: Vec<Admission> =
        (0..1_200).map(|number| admission(number, "people", 2_000, number)).collect();
    store.admit(&wishes).await.unwrap();
    clock.advance(2 * ROLLING);
    let size = async || {
        let key = store.key(&[&"crowd", &"members", &"a:people"]);
        store
            .read(&[Command::new("ZCARD", &key)])
            .await
            .unwrap()
            .pop()
            .and_then(|size: Reply| size.int())
            .unwrap()
    };
    for (number, left) in [(2_000, 701), (2_001, 202), (2_002, 3), (2_003, 4)] {
        store.admit(&[admission(number, "people", 2_000, number)]).await.unwrap();
        assert_eq!(size().await, left);
        let counted = store.crowds(&[wishes[0].crowd.clone()]).await.unwrap()[0].used;
        assert_eq!(counted, u64::from(number) - 1_999, "who has not left yet does not count");
    }
    assert_eq!(keys(&server).iter().filter(|(key, _)| key.contains("admitted:")).count(), 1);
}

#[tokio::test]
async fn a_group_can_be_called_anything() {
    let store = store_at(&shared_url(), &key_prefix(), Some(clock())).await;
    let crowd = |group: &str, name: &str| Crowd {
        key: MeterKey::shared(scope(), group, name).unwrap(),
        within: ROLLING,
        limit: 1,
    };
    let names = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("{a}", "c")];
    for (number, (group, name)) in (0..).zip(names) {
        let wish = Admission { crowd: crowd(group, name), ..admission(number, "people", 1, number) };
        assert!(store.admit(&[wish]).await.unwrap()[0].is_in(), "{group} {name}");
    }
}
