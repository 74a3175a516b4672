//! Records packed into blobs: each a length, an optional history, the payload.
//!
//! The length is twice that of the payload, plus one when a history follows: retries,
//! recoveries, and the first code (its length and text). A record that nothing has happened to
//! yet costs one or two bytes more than its payload.

use std::ops::Range;

use bytes::Bytes;

use crate::store::sqlite::SqliteError;

/// How many records and bytes one chunk holds at most, unless a single record is longer. A lease
/// reads a chunk whole, even if it takes a few records only.
const CHUNK_RECORDS: u64 = 128;
const CHUNK_BYTES: usize = 16 * 1024;

/// Packed records and how many they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) records: u64,
}

/// Packed records in order, in chunks of a size that is good to read.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks(pub(super) Vec<Chunk>);

impl Chunks {
    /// Records that nothing has happened to yet.
    pub(super) fn fresh(payloads: &[Bytes]) -> Self {
        let mut chunks = Self::default();
        for payload in payloads {
            chunks.put(|to| push(to, payload, &History::default()));
        }
        chunks
    }

    /// Adds what `write` appends, which is one packed record.
    pub(super) fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let full = |chunk: &Chunk| CHUNK_RECORDS <= chunk.records || CHUNK_BYTES <= chunk.bytes.len();
        if self.0.last().is_none_or(full) {
            self.0.push(Chunk::default());
        }
        if let Some(chunk) = self.0.last_mut() {
            write(&mut chunk.bytes);
            chunk.records += 1;
        }
    }

    pub(super) fn records(&self) -> u64 {
        self.0.iter().map(|chunk| chunk.records).sum()
    }
}

/// What happened to a record so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct History<'a> {
    pub(super) retries: u32,
    pub(super) recoveries: u32,
    /// The first code it was given.
    pub(super) first: Option<&'a str>,
}

/// One packed record.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    /// Where it stands among the bytes, history and all.
    pub(super) whole: Range<usize>,
    /// Where its payload stands.
    pub(super) range: Range<usize>,
    pub(super) payload: &'a [u8],
    pub(super) history: History<'a>,
}

/// Appends a record.
pub(super) fn push(to: &mut Vec<u8>, payload: &[u8], history: &History<'_>) {
    let marked = *history != History::default();
    push_number(to, (payload.len() as u64) << 1 | u64::from(marked));
    if marked {
        let first = history.first.unwrap_or_default();
        push_number(to, history.retries.into());
        push_number(to, history.recoveries.into());
        push_number(to, first.len() as u64);
        to.extend_from_slice(first.as_bytes());
    }
    to.extend_from_slice(payload);
}

/// Appends a number, seven bits to a byte.
pub(super) fn push_number(to: &mut Vec<u8>, mut number: u64) {
    while let Ok(low) = u8::try_from(number & 0x7F)
        && 0x7F < number
    {
        to.push(low | 0x80);
        number >>= 7;
    }
    to.extend(u8::try_from(number));
}

/// Reads what was packed.
#[derive(Debug)]
pub(super) struct Unpack<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Unpack<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next record begins.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.len() <= self.at
    }

    pub(super) fn record(&mut self) -> Result<Record<'a>, SqliteError> {
        let start = self.at;
        let length = self.number()?;
        let mut history = History::default();
        if length & 1 == 1 {
            history.retries = u32::try_from(self.number()?).map_err(SqliteError::damaged)?;
            history.recoveries = u32::try_from(self.number()?).map_err(SqliteError::damaged)?;
            let first = self.number()?;
            let first = std::str::from_utf8(self.slice(first)?).map_err(SqliteError::damaged)?;
            history.first = Some(first).filter(|first| !first.is_empty());
        }
        let from = self.at;
        let payload = self.slice(length >> 1)?;
        Ok(Record { whole: start..self.at, range: from..self.at, payload, history })
    }

    pub(super) fn number(&mut self) -> Result<u64, SqliteError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(cut_short)?;
            self.at += 1;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(cut_short())
    }

    fn slice(&mut self, len: u64) -> Result<&'a [u8], SqliteError> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let slice = end.and_then(|end| self.bytes.get(self.at..end)).ok_or_else(cut_short)?;
        self.at += slice.len();
        Ok(slice)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("packed records are cut short")]
struct CutShort;

/// The error for records that are not all there.
pub(super) fn cut_short() -> SqliteError {
    SqliteError::damaged(CutShort)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_was_packed_is_unpacked(records in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..300), any::<u32>(), 0_u32..3, "([a-z]{1,9})?"), 0..40,
        )) {
            let mut bytes = Vec::new();
            let history = |retries, recoveries, first: &'static str| History {
                retries, recoveries, first: Some(first).filter(|first| !first.is_empty()),
            };
            let records: Vec<_> = records
                .into_iter()
                .map(|(payload, retries, recoveries, first)| {
                    (payload, history(retries % 3, recoveries, String::leak(first)))
                })
                .collect();
            for (payload, history) in &records {
                push(&mut bytes, payload, history);
            }
            let mut unpack = Unpack::new(&bytes, 0);
            for (payload, history) in &records {
                let record = unpack.record().unwrap();
                prop_assert_eq!((record.payload, &record.history), (&payload[..], history));
                prop_assert_eq!(&bytes[record.range], &payload[..]);
            }
            prop_assert!(unpack.is_empty());
            prop_assert!(unpack.record().is_err());
        }

        #[test]
        fn damaged_bytes_are_an_error_and_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut unpack = Unpack::new(&bytes, 0);
            while unpack.record().is_ok() {}
        }
    }
}
