//! Quota on every store of this crate.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rules_core::conformance::quota::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::work::clock::{Clock, ManualClock};
use rules_core::work::quota::Quota;
use rules_core::work::tenants::{FixedTenants, Tenants};

fn clock() -> Arc<ManualClock> {
    let noon: DateTime<Utc> = "2026-01-05T12:00:00Z".parse().unwrap();
    Arc::new(ManualClock::at(noon))
}

#[cfg(feature = "redis")]
#[path = "support/redis.rs"]
mod redis_server;

#[cfg(feature = "redis")]
#[path = "support/hostile.rs"]
mod hostile;

/// `keep` lives as long as the subject.
async fn subject(quota: impl Quota, clock: Arc<ManualClock>, keep: impl Send + Sync + 'static) -> Subject {
    let [a, b] = ["a", "b"].map(|name| TenantId::parse(name).unwrap());
    let tenants = Tenants::new(FixedTenants::new([a.clone(), b.clone()].map(TenantRecord::new)));
    let enter = async |id| -> Arc<TenantScope> { tenants.enter(id).await.unwrap() };
    let shown = Arc::clone(&clock);
    Subject {
        quota: Arc::new(quota),
        a: enter(&a).await,
        b: enter(&b).await,
        now: Box::new(move || shown.now()),
        advance: Box::new(move |duration| {
            let _ = &keep;
            clock.advance(duration);
        }),
    }
}

mod memory {
    use rules_core::store::memory::Memory;
    use rules_core::work::ids::SeededIds;

    use super::*;

    async fn new() -> Subject {
        let clock = clock();
        let store = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        subject(store, clock, ()).await
    }

    rules_core::quota_conformance!(new);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::time::Duration;

    use rules_core::judge::id::{ChargeId, RefundId};
    use rules_core::judge::key::MeterKey;
    use rules_core::judge::window::Window;
    use rules_core::store::sqlite::{Schema, Sqlite, SqliteConfig};
    use rules_core::work::quota::{Charge, Grant, Meter, Refund};

    use super::*;

    async fn open(clock: &Arc<ManualClock>) -> (Sqlite, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(clock));
        (Sqlite::open_with(dir.path().join("quota.db"), config).await.unwrap(), dir)
    }

    async fn new() -> Subject {
        let clock = clock();
        let (store, dir) = open(&clock).await;
        subject(store, clock, dir).await
    }

    rules_core::quota_conformance!(new);

    /// No tables of its own, so that a test may count rows.
    static LOOK: Schema = Schema { name: "look", steps: &[] };

    async fn rows(store: &Sqlite) -> (u64, u64, u64) {
        let count = "SELECT (SELECT count(*) FROM quota_charge), (SELECT count(*) FROM quota_charged),
                            (SELECT count(*) FROM quota_refund)";
        let look = move |tx: &rules_core::store::sqlite::Transaction<'_>| {
            Ok(tx.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
        };
        store.read(&LOOK, look).await.unwrap()
    }

    #[tokio::test]
    async fn old_charges_and_refunds_are_forgotten_in_portions() {
        let clock = clock();
        let (store, dir) = open(&clock).await;
        let subject = subject(store.clone(), clock, dir).await;
        let meter = |window| Meter { key: MeterKey::new(&subject.a, "meter").unwrap(), window, limit: 1_000 };
        let day = Window::Day(chrono_tz::UTC);
        let round = async |number: u8, window| {
            let id = ChargeId::of(&[&[number]]);
            let charge = Charge { id, meters: vec![meter(window)], units: 2, grant: Grant::Whole };
            store.charge(&[charge]).await.unwrap();
            let refund = Refund { id: RefundId::of(&[&[number]]), charge: id, units: 1 };
            store.refund(&[refund]).await.unwrap();
        };
        round(0, Window::Lifetime).await;
        for number in 1..=10 {
            round(number, day).await;
        }
        (subject.advance)(Duration::from_hours(60));
        round(11, day).await;
        assert_eq!(rows(&store).await, (12, 12, 12), "two days are not over");
        (subject.advance)(Duration::from_hours(1));
        for (number, left) in [(12, 9), (13, 6), (14, 5), (15, 6)] {
            round(number, day).await;
            assert_eq!(rows(&store).await, (left, left, left));
        }
    }
}

#[cfg(feature = "redis")]
#[path = "quota/redis.rs"]
mod redis;

#[cfg(feature = "redis")]
#[path = "quota/hostile_redis.rs"]
mod hostile_redis;
