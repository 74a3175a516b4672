use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::{Cause, LONGEST_RECORD};

/// A window on a file that moves forward: what was read and not yet consumed.
#[derive(Debug)]
pub(super) struct Buffer {
    file: File,
    bytes: Vec<u8>,
    start: usize,
    offset: u64,
    ended: bool,
    length: u64,
}

impl Buffer {
    /// An empty window at `offset` of a file that was `length` bytes long when it was opened.
    pub(super) fn at(file: File, offset: u64, length: u64) -> io::Result<Self> {
        let mut buffer = Self { file, bytes: Vec::new(), start: 0, offset: 0, ended: false, length };
        buffer.seek(offset)?;
        Ok(buffer)
    }

    /// What was read and not yet consumed.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Where the rest begins, in bytes from the start of the file.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// True when nothing follows the rest.
    pub(super) const fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += u64::try_from(bytes).unwrap_or_default();
    }

    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.bytes.clear();
        (self.start, self.offset, self.ended) = (0, offset, false);
        Ok(())
    }

    /// Reads more behind the rest, or learns that there is no more.
    pub(super) fn fill(&mut self) -> Result<(), Cause> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let chunk = u64::try_from(LONGEST_RECORD).unwrap_or_default();
        let read = Read::take(&self.file, chunk).read_to_end(&mut self.bytes)?;
        let end = self.offset + u64::try_from(self.bytes.len()).unwrap_or_default();
        self.ended = read == 0;
        if end > self.length || (self.ended && end != self.length) {
            return Err(Cause::Changed);
        }
        Ok(())
    }
}
