use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rules_core::judge::id::BatchId;
use rules_core::judge::tenant::TenantRecord;
use rules_core::store::memory::Memory;
use rules_core::work::clock::ManualClock;
use rules_core::work::ids::SeededIds;
use rules_core::work::lanes::Lanes;
use rules_core::work::queue::{Parcel, Queue};
use rules_core::work::tenants::{FixedTenants, Tenants};

use super::*;
use crate::delivery::MockDeliveryLog;
use crate::dispatch::Dispatch;
use crate::fact::{Fact, Recorded, Subject};
use crate::gateway::MockMessageGateway;
use crate::inbox::lane;

/// A dispatcher on memory with a delivery log that answers as it is told.
struct House {
    clock: Arc<ManualClock>,
    store: Memory,
    desk: Arc<Desk>,
    asked: Arc<AtomicUsize>,
    stop: (watch::Sender<bool>, watch::Receiver<bool>),
}

type Answer = Result<Vec<Recorded>, StoreError>;

fn main_tenant() -> TenantRecord {
    TenantRecord::new(TenantId::parse("main").unwrap())
}

impl House {
    fn new(tenant: TenantRecord, record: fn(usize, &[Fact]) -> Answer) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()));
        let store = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let tenants = Tenants::new(FixedTenants::new([tenant])).with_clock(Arc::<ManualClock>::clone(&clock));
        let mut dispatch =
            Dispatch::builder(&store, MockMessageGateway::new()).tenants(tenants).build().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let mut log = MockDeliveryLog::new();
        let count = Arc::clone(&asked);
        log.expect_record().returning(move |facts| record(count.fetch_add(1, Ordering::Relaxed), facts));
        Arc::get_mut(&mut dispatch.desk).unwrap().log = Arc::new(log);
        Self { clock, store, desk: Arc::clone(&dispatch.desk), asked, stop: watch::channel(false) }
    }

    async fn with(self, payloads: &[Bytes]) -> Self {
        // The tenant may be switched off by now; it was not when these came.
        let tenants = Tenants::new(FixedTenants::new([main_tenant()]));
        let scope = tenants.enter(&main_tenant().id).await.unwrap();
        let lane = lane(&scope, None).unwrap();
        let batch = BatchId::of(&[b"batch"]);
        let parcel = Parcel { batch, lane, due: None, records: payloads.to_vec() };
        self.store.enqueue(&[parcel]).await.unwrap();
        self
    }

    /// One turn, while time goes by a second at a time.
    async fn turn(&self) -> bool {
        let (desk, mut stop) = (Arc::clone(&self.desk), self.stop.1.clone());
        let turn = tokio::spawn(async move { Applier::new(desk).turn(&mut stop).await.unwrap() });
        while !turn.is_finished() {
            tokio::task::yield_now().await;
            self.clock.advance(Duration::from_secs(1));
        }
        turn.await.unwrap()
    }

    /// What waits, what is delayed, what a worker has.
    async fn depth(&self) -> [u64; 3] {
        let depths = self.store.depths(None, 10).await.unwrap();
        depths.first().map_or([0; 3], |depth| [depth.waiting, depth.delayed, depth.leased])
    }

    async fn dead(&self) -> Vec<String> {
        let dead = self.store.dead(None, 10).await.unwrap();
        dead.iter().map(|letter| letter.last.to_string()).collect()
    }
}

fn change(wamid: &str) -> Bytes {
    let statuses = format!(r#"[{{"id":"{wamid}","status":"sent","timestamp":"1"}}]"#);
    format!(r#"{{"waba":"1","change":{{"field":"messages","value":{{"statuses":{statuses}}}}}}}"#).into()
}

fn away() -> Answer {
    Err(StoreError::Unavailable { doing: "recording".into(), source: "away".into() })
}

#[expect(clippy::unnecessary_wraps, reason = "an answer like the others")]
fn known(facts: &[Fact]) -> Answer {
    Ok(vec![Recorded::Applied; facts.len()])
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_lost() {
    let house = House::new(main_tenant(), |asked, facts| if asked < 200 { away() } else { known(facts) });
    let house = house.with(&[change("a"), change("b")]).await;
    assert!(!house.turn().await);
    // Longer than a lease lasts, so it was kept alive.
    assert!(house.desk.config.lease < Duration::from_secs(200));
    assert_eq!((house.depth().await, house.dead().await), ([0; 3], Vec::<String>::new()));
    assert_eq!(house.asked.load(Ordering::Relaxed), 201, "one call for all of it once the store is back");
}

#[tokio::test]
async fn at_a_stop_while_the_store_is_away_everything_goes_back() {
    let house = House::new(main_tenant(), |_, _| away()).with(&[change("a"), change("b")]).await;
    house.stop.0.send_replace(true);
    house.turn().await;
    assert_eq!((house.depth().await, house.dead().await), ([2, 0, 0], Vec::<String>::new()));
}

#[tokio::test]
async fn what_is_refused_or_unreadable_dies_alone() {
    let house = House::new(main_tenant(), |_, facts| {
        let bad = |fact: &Fact| matches!(&fact.of, Subject::Wamid(_, wamid) if wamid.expose() == "bad");
        if facts.iter().any(bad) {
            return Err(StoreError::Refused { doing: "recording".into(), reason: "it is bad".into() });
        }
        known(facts)
    });
    let payloads = [change("a"), Bytes::from_static(b"nothing"), change("bad"), change("b")];
    let house = house.with(&payloads).await;
    house.turn().await;
    assert_eq!(house.depth().await, [0; 3]);
    let mut dead = house.dead().await;
    dead.sort();
    assert_eq!(dead, ["webhook.refused", "webhook.unreadable"]);
    // All four, which is refused; then each of the three that can be read.
    assert_eq!(house.asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn the_webhooks_of_a_tenant_that_is_switched_off_wait() {
    let mut off = main_tenant();
    off.enabled = false;
    let house = House::new(off, |_, facts| known(facts)).with(&[change("a")]).await;
    house.turn().await;
    assert_eq!((house.depth().await, house.asked.load(Ordering::Relaxed)), ([0, 1, 0], 0));
}

#[tokio::test]
async fn campaigns_are_left_to_the_dispatcher() {
    let house = House::new(main_tenant(), |_, facts| known(facts));
    let tenants = Tenants::new(FixedTenants::new([main_tenant()]));
    let scope = tenants.enter(&main_tenant().id).await.unwrap();
    let lane = rules_core::judge::key::Lane::new(&Outlet::new(&scope, "4711").unwrap(), "1").unwrap();
    let records = vec![change("a")];
    let parcel = Parcel { batch: BatchId::of(&[b"campaign"]), lane, due: None, records };
    house.store.enqueue(&[parcel]).await.unwrap();
    assert!(!house.turn().await);
    assert_eq!(house.depth().await, [1, 0, 0]);
}
