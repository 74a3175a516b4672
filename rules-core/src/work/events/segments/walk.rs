//! How the segments of a chain are found.

use super::segment::{BLOCK, block_of};
use super::tail::Tail;
use super::{AT_ONCE, Segments, damaged};
use crate::judge::key::{ArchiveKey, ChainKey, Folder};
use crate::work::StoreError;
use crate::work::archive::ListRequest;
use crate::work::events::{Breach, Break, KNOWN};

impl Segments {
    /// The end of a chain as its last block begins, with the ids of the blocks before it.
    pub(super) async fn last_block(&self, chain: &ChainKey) -> Result<Tail, StoreError> {
        let (folder, mut tail) = (Folder::events(chain), Tail::new(&self.secret, chain));
        let last = self.number_of_last_block(&folder).await?;
        let noted: Vec<u64> =
            (1 + last.saturating_sub(KNOWN / BLOCK)..=last).map(|block| block * BLOCK + 1).collect();
        let keys: Vec<ArchiveKey> = noted.iter().map(|first| ArchiveKey::numbered(&folder, *first)).collect();
        for (first, bytes) in noted.into_iter().zip(self.archive.get(&keys).await?) {
            let missing = Break { seq: first, what: Breach::Missing };
            let jumped = bytes.ok_or(missing).and_then(|bytes| tail.jump(first, &bytes));
            jumped.map_err(|broken| damaged(chain, broken))?;
        }
        Ok(tail)
    }

    /// In which block the last segment lies. Looks ever farther ahead, then halves, so a chain of
    /// millions costs a few listings more than a short one.
    async fn number_of_last_block(&self, folder: &Folder) -> Result<u64, StoreError> {
        let next = async |block: u64| {
            let next = self.listed(folder, block * BLOCK, 1).await?;
            Ok::<_, StoreError>(next.first().map(|(first, _)| block_of(*first)))
        };
        let (mut low, mut step) = (0, 1);
        while let Some(found) = next(low + step).await? {
            (low, step) = (found, step * 2);
        }
        let mut high = low + step;
        while low + 1 < high {
            let middle = low.midpoint(high);
            match next(middle).await? {
                Some(found) => low = found,
                None => high = middle,
            }
        }
        Ok(low)
    }

    /// Up to `max` segments behind `number`, each with the number of its first entry.
    pub(super) async fn listed(
        &self,
        folder: &Folder,
        number: u64,
        max: usize,
    ) -> Result<Vec<(u64, ArchiveKey)>, StoreError> {
        let after = Some(ArchiveKey::numbered(folder, number));
        let keys = self.archive.list(&ListRequest { folder: folder.clone(), after, max }).await?;
        let numbered = |key: ArchiveKey| match key.number() {
            Some(first) => Ok((first, key)),
            None => Err(StoreError::Refused {
                doing: format!("reading the event log of {}", folder.tenant()).into(),
                reason: format!("{key} is none of its segments; take it away").into(),
            }),
        };
        keys.into_iter().map(numbered).collect()
    }

    /// Goes on behind what others wrote meanwhile; false when there was nothing.
    pub(super) async fn read_on(&self, chain: &ChainKey, tail: &mut Tail) -> Result<bool, StoreError> {
        let head = tail.head().seq;
        let mut segments = self.listed(&Folder::events(chain), head, AT_ONCE).await?;
        // Not more than stays known, so that the caller can look at all of it.
        let near = segments.iter().take_while(|(first, _)| *first <= head + KNOWN - BLOCK).count();
        segments.truncate(near.max(1));
        self.adopt(chain, tail, &segments).await?;
        Ok(head < tail.head().seq)
    }

    async fn adopt(
        &self,
        chain: &ChainKey,
        tail: &mut Tail,
        segments: &[(u64, ArchiveKey)],
    ) -> Result<(), StoreError> {
        let keys: Vec<ArchiveKey> = segments.iter().map(|(_, key)| key.clone()).collect();
        for ((first, _), bytes) in segments.iter().zip(self.archive.get(&keys).await?) {
            let missing = Break { seq: *first, what: Breach::Missing };
            let adopted = bytes.ok_or(missing).and_then(|bytes| tail.adopt(*first, &bytes));
            adopted.map_err(|broken| damaged(chain, broken))?;
        }
        Ok(())
    }
}
