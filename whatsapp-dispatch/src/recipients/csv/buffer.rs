use std::io::{self, Read, Seek, SeekFrom};

use super::{Cause, LONGEST_RECORD};

/// A file, or what can be read like one.
pub(super) trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// A window on a source that moves forward: what was read and not yet consumed.
pub(super) struct Buffer {
    source: Box<dyn Source>,
    bytes: Vec<u8>,
    start: usize,
    offset: u64,
    ended: bool,
    length: u64,
}

impl Buffer {
    /// An empty window at the start of a source that was `length` bytes long when it was opened.
    pub(super) fn new(mut source: Box<dyn Source>, length: u64) -> io::Result<Self> {
        source.rewind()?;
        Ok(Self { source, bytes: Vec::new(), start: 0, offset: 0, ended: false, length })
    }

    /// What was read and not yet consumed.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Where the rest begins, in bytes from the start of the source.
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
        self.source.seek(SeekFrom::Start(offset))?;
        self.bytes.clear();
        (self.start, self.offset, self.ended) = (0, offset, false);
        Ok(())
    }

    /// Reads more behind the rest, or learns that there is no more.
    pub(super) fn fill(&mut self) -> Result<(), Cause> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let chunk = u64::try_from(LONGEST_RECORD).unwrap_or_default();
        let read = Read::take(&mut self.source, chunk).read_to_end(&mut self.bytes)?;
        let end = self.offset + u64::try_from(self.bytes.len()).unwrap_or_default();
        self.ended = read == 0;
        if end > self.length || (self.ended && end != self.length) {
            return Err(Cause::Changed);
        }
        Ok(())
    }
}
