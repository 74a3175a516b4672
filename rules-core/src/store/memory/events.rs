use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::judge::id::EntryId;
use crate::judge::key::ChainKey;
use crate::store::memory::{Memory, Part};
use crate::work::StoreError;
use crate::work::events::{Entry, EventLog, Sealed};
use crate::work::outbox::Outbox;

#[derive(Debug, Default)]
struct Events(Mutex<Logs>);

#[derive(Debug, Default)]
struct Logs {
    chains: HashMap<ChainKey, Vec<Sealed>>,
    numbers: HashMap<EntryId, u64>,
}

impl Part for Events {
    fn new(_: &Memory) -> Self {
        Self::default()
    }
}

#[async_trait]
impl EventLog for Memory {
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError> {
        let events = self.part::<Events>();
        let mut guard = events.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Logs { chains, numbers } = &mut *guard;
        Ok(entries
            .iter()
            .map(|entry| {
                *numbers.entry(entry.id).or_insert_with(|| {
                    let chain = chains.entry(entry.chain.clone()).or_default();
                    let seq = chain.len() as u64 + 1;
                    chain.push(Sealed::new(seq, entry));
                    seq
                })
            })
            .collect())
    }

    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError> {
        let events = self.part::<Events>();
        let logs = events.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = logs.chains.get(chain).map(Vec::as_slice).unwrap_or_default();
        Ok(entries.iter().filter(|entry| from <= entry.seq).take(max).cloned().collect())
    }

    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<u64>, StoreError> {
        let events = self.part::<Events>();
        let logs = events.0.lock().unwrap_or_else(PoisonError::into_inner);
        let len = |chain| logs.chains.get(chain).map_or(0, |entries| entries.len() as u64);
        Ok(chains.iter().map(len).collect())
    }
}

#[derive(Debug, Default)]
struct Waiting(Mutex<(u64, VecDeque<(u64, Entry)>)>);

impl Part for Waiting {
    fn new(_: &Memory) -> Self {
        Self::default()
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
}
