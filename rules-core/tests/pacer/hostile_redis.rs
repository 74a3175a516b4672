//! The suite on Redis behind a hostile proxy.

use std::time::Duration;

use async_trait::async_trait;
use rules_core::judge::fault::Classify;
use rules_core::judge::key::Outlet;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::work::StoreError;
use rules_core::work::pacer::{Ask, Observation, Permit, Rate};

use super::hostile::Hostile;
use super::redis_server::{Chaos, FaultProxy, key_prefix, shared_url};
use super::*;

/// Repeats every call until it is answered. Permits whose answer was lost are lost, and what was
/// consumed would count twice: those calls meet no trouble that leaves a doubt.
#[derive(Debug)]
struct Insistent(Arc<Hostile>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Pacer for Insistent {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Permit>, StoreError> {
        self.0.once(|| self.0.patient.take(asks)).await
    }

    async fn observe(&self, observations: &[Observation]) -> Result<(), StoreError> {
        if observations.iter().any(|seen| matches!(seen, Observation::Consumed { .. })) {
            return self.0.once(|| self.0.patient.observe(observations)).await;
        }
        self.0.repeat(|| self.0.store.observe(observations), PartialEq::eq).await
    }

    async fn rates(&self, outlets: &[Outlet]) -> Result<Vec<Option<Rate>>, StoreError> {
        self.0.ask(|| self.0.store.rates(outlets)).await
    }
}

async fn new() -> Subject {
    let clock = clock();
    let hostile = Hostile::start(Arc::<ManualClock>::clone(&clock), |config| config).await;
    subject(Insistent(hostile), clock).await
}

rules_core::pacer_conformance!(new);

#[tokio::test]
async fn permits_whose_answer_is_lost_are_lost_and_nobody_gets_more_for_it() {
    const BURST: u32 = 700;
    const WANT: u32 = 7;
    let server = shared_url();
    let proxy = FaultProxy::start(server.strip_prefix("redis://").unwrap().parse().unwrap());
    let clock = clock();
    let config = RedisConfig::parse(&proxy.url()).unwrap().named(&key_prefix());
    let config = config.accepting(Guarantee::Nothing).with_clock(Arc::<ManualClock>::clone(&clock));
    let pacer = Redis::connect(config).await.unwrap();
    let subject = subject(pacer.clone(), Arc::clone(&clock)).await;
    let outlet = Outlet::new(&subject.a, "15550001").unwrap();
    let rate = Rate { per_second: 0.01, burst: BURST, learns: false };
    let ask = [Ask { outlet, rate, want: WANT, unused: 0 }];
    for seed in 0..2 {
        let (mut granted, mut lost, mut empty) = (0, 0, 0);
        proxy.chaos(Chaos { longest_delay: Duration::from_millis(1), ..Chaos::seeded(seed) });
        while empty < 3 {
            match pacer.take(&ask).await {
                Ok(permits) if permits[0].granted == 0 => empty += 1,
                Ok(permits) => granted += permits[0].granted,
                Err(error) if error.fault().is_definite() => {}
                Err(_) => lost += WANT,
            }
        }
        proxy.heal();
        assert!(granted <= BURST && BURST <= granted + lost, "{granted} granted, {lost} lost at most");
        assert!(0 < lost && granted < BURST, "nothing was lost: {:?}", proxy.counts());
        clock.advance(Duration::from_secs(100 * u64::from(BURST)));
    }
}
