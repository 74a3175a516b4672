//! What a writer knows of the end of a chain.

use std::collections::{HashMap, VecDeque};

use super::segment::{BLOCK, Segment, block_of, note_line, sealed};
use crate::judge::id::EntryId;
use crate::judge::key::ChainKey;
use crate::work::events::{Breach, Break, Chain, ChainSecret, Entry, Head, KNOWN};

/// Blocks whose ids are kept: [`KNOWN`] entries and the block that is being filled.
const BLOCKS: u64 = KNOWN / BLOCK + 1;

/// A segment ends when it is so long.
const BYTES: usize = 1024 * 1024;

/// The end of a chain, and the ids of its last entries.
#[derive(Debug)]
pub(super) struct Tail {
    chain: Chain,
    /// The entries' numbers by id, the latest block last.
    blocks: VecDeque<HashMap<EntryId, u64>>,
}

/// A segment that is not put yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) first: u64,
    pub(super) text: String,
    chain: Chain,
    numbers: HashMap<EntryId, u64>,
}

impl Tail {
    /// The end of a chain without entries.
    pub(super) fn new(secret: &ChainSecret, chain: &ChainKey) -> Self {
        Self { chain: Chain::new(secret, chain), blocks: VecDeque::new() }
    }

    pub(super) const fn head(&self) -> Head {
        self.chain.head()
    }

    /// How many ids are known.
    pub(super) fn ids(&self) -> usize {
        self.blocks.iter().map(HashMap::len).sum()
    }

    pub(super) fn number_of(&self, id: EntryId) -> Option<u64> {
        self.blocks.iter().rev().find_map(|block| block.get(&id)).copied()
    }

    /// The next segment: as many of the entries as fit, each once.
    ///
    /// # Errors
    /// The entry that could not be read back.
    pub(super) fn draft(&self, entries: &[(usize, &Entry)]) -> Result<Draft, EntryId> {
        let (mut chain, mut text) = (self.chain.clone(), String::new());
        let last = self.chain.head().seq;
        if 0 < last && last.is_multiple_of(BLOCK) {
            text = note_line(&chain, &self.ids_of_last_block());
            text.push('\n');
        }
        let mut numbers = HashMap::new();
        for (_, entry) in entries {
            let seq = chain.head().seq + 1;
            let full = block_of(seq) != block_of(last + 1) || BYTES <= text.len();
            if full && !numbers.is_empty() {
                break;
            }
            if numbers.contains_key(&entry.id) {
                continue;
            }
            let line = chain.seal(entry).export();
            if line.contains('\n') || sealed(&line).is_none() {
                return Err(entry.id);
            }
            text.push_str(&line);
            text.push('\n');
            numbers.insert(entry.id, seq);
        }
        Ok(Draft { first: last + 1, text, chain, numbers })
    }

    /// Goes on behind a segment that was put.
    pub(super) fn take(&mut self, Draft { chain, numbers, .. }: Draft) {
        self.chain = chain;
        self.remember(numbers);
    }

    /// Goes on behind a segment that somebody put.
    pub(super) fn adopt(&mut self, first: u64, bytes: &[u8]) -> Result<(), Break> {
        let Head { seq, .. } = self.head();
        if first != seq + 1 {
            return Err(Break { seq: seq + 1, what: Breach::Missing });
        }
        let (mut chain, mut numbers) = (self.chain.clone(), HashMap::new());
        for entry in Segment::read(first, bytes)?.entries(first) {
            let entry = entry?;
            chain.check(&entry)?;
            numbers.insert(entry.id, entry.seq);
        }
        self.chain = chain;
        self.remember(numbers);
        Ok(())
    }

    /// Goes on behind the block that the segment's note tells of.
    pub(super) fn jump(&mut self, first: u64, bytes: &[u8]) -> Result<(), Break> {
        let (note, chain) = Segment::read(first, bytes)?.note(self.chain.clone())?;
        self.chain = chain;
        self.remember((first - BLOCK..).zip(note.ids).map(|(seq, id)| (id, seq)).collect());
        Ok(())
    }

    /// Takes in entries of one block.
    fn remember(&mut self, numbers: HashMap<EntryId, u64>) {
        let block = |numbers: &HashMap<EntryId, u64>| numbers.values().next().map(|seq| block_of(*seq));
        match self.blocks.back_mut() {
            Some(last) if block(last) == block(&numbers) => last.extend(numbers),
            _ => self.blocks.push_back(numbers),
        }
        while BLOCKS < self.blocks.len() as u64 {
            self.blocks.pop_front();
        }
    }

    /// The ids of the last block, in the order of their entries.
    fn ids_of_last_block(&self) -> Vec<EntryId> {
        let mut entries: Vec<(u64, EntryId)> =
            self.blocks.iter().rev().take(1).flatten().map(|(id, seq)| (*seq, *id)).collect();
        entries.sort_unstable();
        entries.into_iter().map(|(_, id)| id).collect()
    }
}
