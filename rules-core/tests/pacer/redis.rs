//! The pacer on a real Redis server: the suite, the same answers as in memory, and keys that go by
//! themselves.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use rules_core::judge::key::Outlet;
use rules_core::judge::tenant::TenantScope;
use rules_core::store::redis::{Command, Guarantee, Redis, RedisConfig, Reply};
use rules_core::work::pacer::{Ask, MemoryPacer, Observation, Rate};

use super::support::{key_prefix, shared_url};
use super::*;

async fn store(clock: Option<Arc<ManualClock>>) -> Redis {
    let config =
        RedisConfig::parse(&shared_url()).unwrap().named(&key_prefix()).accepting(Guarantee::Nothing);
    Redis::connect(match clock {
        Some(clock) => config.with_clock(clock),
        None => config,
    })
    .await
    .unwrap()
}

async fn new() -> Subject {
    let clock = clock();
    subject(store(Some(Arc::clone(&clock))).await, clock).await
}

rules_core::pacer_conformance!(new);

/// An outlet of the tenant of all tests here. Entered on a thread of its own, because strategies
/// are built outside of every runtime and tests run inside one.
fn outlet(name: &str) -> Outlet {
    static SCOPE: OnceLock<Arc<TenantScope>> = OnceLock::new();
    let enter = || {
        let id = TenantId::parse("a").unwrap();
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]));
        block_on(async { tenants.enter(&id).await.unwrap() })
    };
    Outlet::new(SCOPE.get_or_init(|| std::thread::spawn(enter).join().unwrap()), name).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[derive(Clone, Debug)]
enum Step {
    Take(Vec<Ask>),
    Observe(Vec<Observation>),
    Advance(Duration),
}

const NAMES: [&str; 4] = ["1", "2", "slow", "learns"];

/// One of a few rates, so that there is something to learn of each. Now and then one that does not learn.
fn learnt(per_second: f64, burst: u32) -> Rate {
    match burst % 16 {
        0 => Rate::new(per_second, burst),
        1..3 => Rate::expected(0.02, 3),
        _ => Rate::expected(80.0, 20),
    }
}

fn asks() -> impl Strategy<Value = Ask> {
    let rate = prop_oneof![
        (0.000_01..5.0_f64, 1..5_u32),
        (5.0..20_000.0_f64, 1..1_000_u32),
        (1..1_000_u32, 1..300_u32).prop_map(|(rate, burst)| (f64::from(rate), burst)),
    ];
    (prop::sample::select(&NAMES[..]), rate, 0..2_000_u32, prop_oneof![3 => Just(0), 1 => 0..500_u32])
        .prop_map(|(name, (per_second, burst), want, unused)| Ask {
            outlet: outlet(name),
            rate: if name == "learns" { learnt(per_second, burst) } else { Rate::new(per_second, burst) },
            want,
            unused,
        })
}

fn observations() -> impl Strategy<Value = Observation> {
    let name = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        (name(), prop::option::of(0..5_000_000_u64)).prop_map(|(name, micros)| Observation::Throttled {
            outlet: outlet(name),
            retry_after: micros.map(Duration::from_micros),
        }),
        (name(), prop_oneof![Just(0.02), Just(80.0), 0.001..500.0_f64, Just(0.0), Just(f64::NAN)])
            .prop_map(|(name, per_second)| Observation::Limit { outlet: outlet(name), per_second }),
        (name(), prop_oneof![0..500_u32, Just(u32::MAX)])
            .prop_map(|(name, permits)| Observation::Consumed { outlet: outlet(name), permits }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(asks(), 1..4).prop_map(Step::Take),
        2 => prop::collection::vec(observations(), 1..3).prop_map(Step::Observe),
        3 => (0..3_000_000_u64).prop_map(|micros| Step::Advance(Duration::from_micros(micros))),
        1 => (0..60_u64).prop_map(|seconds| Step::Advance(Duration::from_secs(seconds))),
    ];
    prop::collection::vec(step, 1..60)
}

async fn same_answers(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let clock = clock();
    let memory = MemoryPacer::new(Arc::<ManualClock>::clone(&clock));
    let redis = store(Some(Arc::clone(&clock))).await;
    for step in steps {
        match &step {
            Step::Take(asks) => {
                let expected = memory.take(asks).await.unwrap();
                let permits = redis.take(asks).await.unwrap();
                prop_assert_eq!(permits, expected, "{:?}", &step);
            }
            Step::Observe(observations) => {
                memory.observe(observations).await.unwrap();
                redis.observe(observations).await.unwrap();
            }
            Step::Advance(duration) => clock.advance(*duration),
        }
        let outlets = NAMES.map(outlet);
        let expected = memory.rates(&outlets).await.unwrap();
        prop_assert_eq!(redis.rates(&outlets).await.unwrap(), expected, "{:?}", &step);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_history_has_the_answers_that_it_has_in_memory(steps in steps()) {
        block_on(same_answers(steps))?;
    }
}

#[tokio::test]
async fn concurrent_takers_get_no_more_than_the_burst() {
    let store = store(None).await;
    let ask = Ask { outlet: outlet("1"), rate: Rate::new(0.001, 500), want: 7, unused: 0 };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, ask) = (store.clone(), ask.clone());
        tasks.spawn(async move {
            let mut granted = 0;
            for _ in 0..10 {
                granted += store.take(std::slice::from_ref(&ask)).await.unwrap()[0].granted;
            }
            granted
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 500);
}

#[tokio::test]
async fn an_outlet_is_forgotten_an_hour_after_it_was_used_or_held_back() {
    let clock = clock();
    let store = store(Some(Arc::clone(&clock))).await;
    let ask =
        |name, per_second| Ask { outlet: outlet(name), rate: Rate::new(per_second, 1), want: 1, unused: 0 };
    store.take(&[ask("idle", 80.0), ask("daily", 1.0 / 86_400.0), ask("quiet", 80.0)]).await.unwrap();
    let retry_after = Some(Duration::from_hours(3));
    store.observe(&[Observation::Throttled { outlet: outlet("quiet"), retry_after }]).await.unwrap();
    for (name, hours) in [("idle", 1), ("daily", 24), ("quiet", 4)] {
        let key = store.key(&[&"pace", &"a", &name]);
        let ttl = store
            .read(&[Command::new("PTTL", &key)])
            .await
            .unwrap()
            .pop()
            .as_ref()
            .and_then(Reply::int)
            .unwrap();
        let expected = TimeDelta::hours(hours).num_milliseconds();
        assert!((expected - 10_000..=expected + 1).contains(&ttl), "{name}: {ttl}");
    }
    clock.advance(Duration::from_hours(1));
    let known = store.rates(&["idle", "daily", "quiet"].map(outlet)).await.unwrap();
    assert_eq!(known.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true]);
}
