use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::judge::id::{EntryId, LeaseToken};
use crate::judge::key::ChainKey;
use crate::store::memory::{Memory, Part};
use crate::work::StoreError;
use crate::work::events::{Chain, ChainSecret, Entry, EventLog, Head, Sealed};
use crate::work::outbox::{Outbox, Turn};

#[derive(Debug)]
struct Events {
    secret: ChainSecret,
    logs: Mutex<Logs>,
}

#[derive(Debug, Default)]
struct Logs {
    chains: HashMap<ChainKey, Vec<Sealed>>,
    numbers: HashMap<EntryId, u64>,
}

impl Part for Events {
    fn new(store: &Memory) -> Self {
        let (first, second) = (store.ids().next(), store.ids().next());
        let secret = ChainSecret::of(&format!("{first}{second}"));
        Self { secret, logs: Mutex::default() }
    }
}

impl Events {
    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// The secret under which this store's event log is chained; random, and gone with the store.
    pub fn chain_secret(&self) -> ChainSecret {
        self.part::<Events>().secret.clone()
    }
}

fn head(entries: &[Sealed]) -> Head {
    entries.last().map_or_else(Head::default, |last| Head { seq: last.seq, mac: last.mac })
}

#[async_trait]
impl EventLog for Memory {
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError> {
        let events = self.part::<Events>();
        let mut guard = events.logs();
        let Logs { chains, numbers } = &mut *guard;
        Ok(entries
            .iter()
            .map(|entry| {
                *numbers.entry(entry.id).or_insert_with(|| {
                    let written = chains.entry(entry.chain.clone()).or_default();
                    let mut chain = Chain::new(&events.secret, &entry.chain).at(head(written));
                    written.push(chain.seal(entry));
                    chain.head().seq
                })
            })
            .collect())
    }

    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError> {
        let events = self.part::<Events>();
        let logs = events.logs();
        let entries = logs.chains.get(chain).map(Vec::as_slice).unwrap_or_default();
        let from = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX);
        Ok(entries.iter().skip(from).take(max).cloned().collect())
    }

    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<Head>, StoreError> {
        let events = self.part::<Events>();
        let logs = events.logs();
        let end = |chain| head(logs.chains.get(chain).map(Vec::as_slice).unwrap_or_default());
        Ok(chains.iter().map(end).collect())
    }
}

#[derive(Debug, Default)]
struct Waiting(Mutex<(u64, VecDeque<(u64, Entry)>)>);

impl Part for Waiting {
    fn new(_: &Memory) -> Self {
        Self::default()
    }
}

impl Part for Turn {
    fn new(store: &Memory) -> Self {
        Self::new(Arc::clone(store.clock()))
    }
}

impl Memory {
    /// Puts entries into this store's outbox. For the ports of sibling crates, which call it
    /// while they hold the lock on the change that the entries are about.
    pub fn put_out(&self, entries: impl IntoIterator<Item = Entry>) {
        let waiting = self.part::<Waiting>();
        let mut guard = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, queue) = &mut *guard;
        for entry in entries {
            *last += 1;
            queue.push_back((*last, entry));
        }
    }
}

#[async_trait]
impl Outbox for Memory {
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        let waiting = self.part::<Waiting>();
        let guard = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(guard.1.iter().take(max).cloned().collect())
    }

    async fn relayed(&self, position: u64) -> Result<(), StoreError> {
        let waiting = self.part::<Waiting>();
        let mut guard = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        guard.1.retain(|(at, _)| position < *at);
        Ok(())
    }

    async fn claim(&self, holder: LeaseToken, ttl: Duration) -> Result<bool, StoreError> {
        Ok(self.part::<Turn>().claim(holder, ttl))
    }
}
