//! The pacer on every store of this crate that has one.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::Arc;

use rules_core::conformance::pacer::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::clock::{Clock, ManualClock};
use rules_core::work::pacer::Pacer;
use rules_core::work::tenants::{FixedTenants, Tenants};

#[cfg(feature = "redis")]
#[path = "support/redis.rs"]
mod support;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap()))
}

async fn subject(pacer: impl Pacer, clock: Arc<ManualClock>) -> Subject {
    let [a, b] = ["a", "b"].map(|name| TenantId::parse(name).unwrap());
    let tenants = Tenants::new(FixedTenants::new([a.clone(), b.clone()].map(TenantRecord::new)));
    let shown = Arc::clone(&clock);
    Subject {
        pacer: Arc::new(pacer),
        a: tenants.enter(&a).await.unwrap(),
        b: tenants.enter(&b).await.unwrap(),
        now: Box::new(move || shown.now()),
        advance: Box::new(move |duration| clock.advance(duration)),
    }
}

mod memory {
    use rules_core::store::memory::Memory;
    use rules_core::work::ids::SeededIds;

    use super::*;

    async fn new() -> Subject {
        let clock = clock();
        let store = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        subject(store, clock).await
    }

    rules_core::pacer_conformance!(new);
}

#[path = "pacer/learning.rs"]
mod learning;

#[cfg(feature = "redis")]
#[path = "pacer/redis.rs"]
mod redis;
