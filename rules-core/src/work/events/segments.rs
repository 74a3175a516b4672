//! The event log as sealed segments in an archive.
//!
//! An append writes one object per chain, a segment, under the number of its first entry. Two
//! writers that do not know of each other want the same name; [`Archive::put_once`] lets one of
//! them have it, and the other reads on from there and tries again. So a chain has no gap and no
//! fork however many write it, and nobody needs a lock. What a writer remembers of a chain is
//! only a guess at its end.
//!
//! No segment goes across a multiple of 1,000 entries, so it is known where one begins. The first
//! segment behind such a multiple repeats the ids of the 1,000 entries before it. Whoever starts
//! finds the end of a chain in a few listings and reads ten such notes and the last thousand
//! entries at most, however long the chain is.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use self::segment::{BLOCK, Segment, block_of};
use self::tail::{Draft, Tail};
use self::tails::Tails;
use super::{Break, ChainSecret, Entry, EventLog, Head, Sealed};
use crate::judge::key::{ArchiveKey, ChainKey, Folder};
use crate::work::StoreError;
use crate::work::archive::{Archive, Object, Put};

mod segment;
mod tail;
mod tails;
mod walk;

/// Segments that are read at once.
const AT_ONCE: usize = 32;

/// Segments that are listed at once, towards the one that holds an entry.
const PAGE: usize = 1_000;

/// An [`EventLog`] in an [`Archive`]. Clones share what they remember.
///
/// Any number of processes may append to one archive under one secret.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use rules_core::judge::code::Code;
/// use rules_core::judge::id::EntryId;
/// use rules_core::judge::key::ChainKey;
/// use rules_core::judge::tenant::TenantId;
/// use rules_core::store::files::Files;
/// use rules_core::work::events::{ChainSecret, Entry, EventLog, Segments, verify};
///
/// let place = tempfile::tempdir().unwrap();
/// let secret = ChainSecret::of("from a secret manager");
/// let segments = Segments::new(Arc::new(Files::at(place.path())), secret.clone());
/// let entry = Entry {
///     id: EntryId::of(&[b"order 17"]),
///     chain: ChainKey::of(&TenantId::parse("acme").unwrap()),
///     at: "2026-11-22T09:00:00Z".parse().unwrap(),
///     kind: Code::known("order.shipped"),
///     body: r#"{"order":17}"#.to_owned(),
/// };
/// assert_eq!(segments.append(&[entry.clone()]).await.unwrap(), [1]);
/// assert_eq!(segments.append(&[entry.clone()]).await.unwrap(), [1]);
/// assert_eq!(verify(&segments, &entry.chain, &secret).await.unwrap().seq, 1);
/// # });
/// ```
#[derive(Clone)]
pub struct Segments {
    archive: Arc<dyn Archive>,
    secret: ChainSecret,
    tails: Arc<Tails>,
}

/// The entries of one chain that have no number yet, each with its place in the call.
struct Writing<'a> {
    chain: &'a ChainKey,
    tail: OwnedMutexGuard<Tail>,
    waiting: Vec<(usize, &'a Entry)>,
}

impl Writing<'_> {
    /// Gives the numbers that are known by now.
    fn settle(&mut self, numbers: &mut [u64]) {
        let tail = &self.tail;
        self.waiting.retain(|(place, entry)| match (tail.number_of(entry.id), numbers.get_mut(*place)) {
            (Some(seq), Some(number)) => {
                *number = seq;
                false
            }
            _ => true,
        });
    }

    fn draft(&self) -> Result<Draft, StoreError> {
        self.tail.draft(&self.waiting).map_err(|id| StoreError::Refused {
            doing: format!("appending the entry {id} to the event log of {}", self.chain.tenant()).into(),
            reason: "its body must be one JSON object on one line".into(),
        })
    }
}

impl Segments {
    /// The event log in `archive`, whose chains are made under `secret`.
    pub fn new(archive: Arc<dyn Archive>, secret: ChainSecret) -> Self {
        Self { archive, secret, tails: Arc::default() }
    }

    /// What is known of the end of a chain, for one user at a time; read if nothing is.
    async fn tail(&self, chain: &ChainKey) -> Result<OwnedMutexGuard<Tail>, StoreError> {
        let mut tail = self.tails.of(chain, &self.secret).lock_owned().await;
        if tail.head().seq == 0 {
            *tail = self.last_block(chain).await?;
            while self.read_on(chain, &mut tail).await? {}
            self.tails.weigh(chain, &tail);
        }
        Ok(tail)
    }

    /// Puts the next segment of each chain; of those that are taken, reads what took them.
    async fn put(&self, writings: &mut [Writing<'_>], numbers: &mut [u64]) -> Result<(), StoreError> {
        let drafts = writings.iter().map(Writing::draft).collect::<Result<Vec<_>, _>>()?;
        let object = |(writing, draft): (&Writing<'_>, &Draft)| Object {
            key: ArchiveKey::numbered(&Folder::events(writing.chain), draft.first),
            bytes: Bytes::copy_from_slice(draft.text.as_bytes()),
        };
        let objects: Vec<Object> = writings.iter().zip(&drafts).map(object).collect();
        let puts = self.archive.put_once(&objects).await?;
        for ((writing, draft), put) in writings.iter_mut().zip(drafts).zip(puts) {
            if put != Put::Taken {
                writing.tail.take(draft);
                writing.settle(numbers);
                continue;
            }
            let before = writing.tail.head();
            while self.read_on(writing.chain, &mut writing.tail).await? {
                writing.settle(numbers);
            }
            if writing.tail.head() == before {
                return Err(StoreError::Unavailable {
                    doing: format!("appending to the event log of {}", writing.chain.tenant()).into(),
                    source: "the archive holds the next segment and does not list it yet".into(),
                });
            }
        }
        Ok(())
    }
}

fn damaged(chain: &ChainKey, broken: Break) -> StoreError {
    let doing = format!("reading the event log of {}", chain.tenant()).into();
    StoreError::Damaged { doing, source: Box::new(broken) }
}

#[async_trait]
impl EventLog for Segments {
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError> {
        let mut numbers = vec![0; entries.len()];
        // In the order of the chains, so that two calls do not wait for each other.
        let mut chains: BTreeMap<&ChainKey, Vec<(usize, &Entry)>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            chains.entry(&entry.chain).or_default().push((place, entry));
        }
        let mut writings = Vec::with_capacity(chains.len());
        for (chain, waiting) in chains {
            let mut writing = Writing { chain, tail: self.tail(chain).await?, waiting };
            writing.settle(&mut numbers);
            writings.push(writing);
        }
        loop {
            writings.retain(|writing| {
                if writing.waiting.is_empty() {
                    self.tails.weigh(writing.chain, &writing.tail);
                }
                !writing.waiting.is_empty()
            });
            if writings.is_empty() {
                return Ok(numbers);
            }
            self.put(&mut writings, &mut numbers).await?;
        }
    }

    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError> {
        let (folder, from) = (Folder::events(chain), from.max(1));
        let mut after = block_of(from) * BLOCK;
        let mut entries = Vec::new();
        while entries.len() < max {
            let segments = self.listed(&folder, after, PAGE).await?;
            let Some((last, _)) = segments.last() else { break };
            after = *last;
            // The last one that begins at or before `from`, and those behind it.
            let holds_from = segments.iter().rposition(|(first, _)| *first <= from).unwrap_or(0);
            for some in segments.split_at(holds_from).1.chunks(AT_ONCE.min(max)) {
                let keys: Vec<ArchiveKey> = some.iter().map(|(_, key)| key.clone()).collect();
                for ((first, _), bytes) in some.iter().zip(self.archive.get(&keys).await?) {
                    // One that is gone meanwhile is missing, which who checks the chain will see.
                    let Some(bytes) = bytes else { continue };
                    let segment = Segment::read(*first, &bytes).map_err(|broken| damaged(chain, broken))?;
                    for entry in segment.entries(from).take(max - entries.len()) {
                        entries.push(entry.map_err(|broken| damaged(chain, broken))?);
                    }
                }
                if entries.len() == max {
                    break;
                }
            }
        }
        Ok(entries)
    }

    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<Head>, StoreError> {
        let mut heads = Vec::with_capacity(chains.len());
        for chain in chains {
            let mut tail = self.tail(chain).await?;
            while self.read_on(chain, &mut tail).await? {}
            self.tails.weigh(chain, &tail);
            heads.push(tail.head());
        }
        Ok(heads)
    }
}

impl Debug for Segments {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segments").field("archive", &self.archive).finish_non_exhaustive()
    }
}
