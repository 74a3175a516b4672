//! The ends of chains that are remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::tail::Tail;
use crate::judge::key::ChainKey;
use crate::work::events::ChainSecret;

/// Ids that are remembered over all chains, about 50 MB. Chains that were not used for longest
/// are read anew.
const IDS: usize = 1_000_000;

#[derive(Default)]
pub(super) struct Tails(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    chains: HashMap<ChainKey, Place>,
    uses: u64,
}

struct Place {
    tail: Arc<AsyncMutex<Tail>>,
    ids: usize,
    /// Which use was the last one.
    used: u64,
}

impl Tails {
    /// What is remembered of a chain.
    pub(super) fn of(&self, chain: &ChainKey, secret: &ChainSecret) -> Arc<AsyncMutex<Tail>> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { chains, uses } = &mut *guard;
        *uses += 1;
        let fresh = || Place { tail: Arc::new(AsyncMutex::new(Tail::new(secret, chain))), ids: 0, used: 0 };
        let place = chains.entry(chain.clone()).or_insert_with(fresh);
        place.used = *uses;
        Arc::clone(&place.tail)
    }

    /// Notes how much a chain's end takes, and forgets others for it. A chain that is forgotten
    /// while somebody uses it is only read once more: the archive says who comes first.
    pub(super) fn weigh(&self, chain: &ChainKey, tail: &Tail) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let chains = &mut guard.chains;
        if let Some(place) = chains.get_mut(chain) {
            place.ids = tail.ids();
        }
        let mut sum: usize = chains.values().map(|place| place.ids).sum();
        while IDS < sum {
            let others = chains.iter().filter(|(other, _)| *other != chain);
            let oldest = others.min_by_key(|(_, place)| place.used).map(|(oldest, _)| oldest.clone());
            let Some(oldest) = oldest else { return };
            sum -= chains.remove(&oldest).map_or(0, |place| place.ids);
        }
    }
}
