//! The suite on Redis behind a hostile proxy.

use std::time::Duration;

use async_trait::async_trait;
use rules_core::judge::id::LeaseToken;
use rules_core::store::redis::{Commit, put_out};
use rules_core::work::StoreError;
use rules_core::work::events::Entry;
use rules_core::work::outbox::Outbox;

use super::hostile::Hostile;
use super::*;

/// Repeats every call until it is answered.
#[derive(Debug)]
struct Insistent(Arc<Hostile>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Outbox for Insistent {
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.0.ask(|| self.0.store.pending(max)).await
    }

    async fn relayed(&self, position: u64) -> Result<(), StoreError> {
        self.0.repeat(|| self.0.store.relayed(position), PartialEq::eq).await
    }

    async fn claim(&self, holder: LeaseToken, ttl: Duration) -> Result<bool, StoreError> {
        self.0.repeat(|| self.0.store.claim(holder, ttl), PartialEq::eq).await
    }
}

async fn new() -> Subject {
    let clock = clock();
    let hostile = Hostile::start(Arc::<ManualClock>::clone(&clock), |config| config).await;
    let putting = Arc::clone(&hostile);
    Subject {
        outbox: Arc::new(Insistent(hostile)),
        put_out: Box::new(move |entries| {
            // Without a change of something else it could not be repeated.
            let hostile = Arc::clone(&putting);
            Box::pin(async move {
                let store = &hostile.patient;
                hostile.warm(store).await;
                let mut commit = Commit::new();
                put_out(&mut commit, store, &entries);
                assert!(store.commit(&commit).await.unwrap());
            })
        }),
        advance: Box::new(move |duration| clock.advance(duration)),
        keep: Box::new(()),
    }
}

rules_core::outbox_conformance!(new);
