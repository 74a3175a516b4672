//! Recipients from a CSV file, as RFC 4180 has it and as spreadsheets write it.

use std::fmt::{self, Debug, Formatter};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::digest::Digesting;
use super::{Malformed, Position, Recipients, RecipientsError, Row, SourceDigest};
use crate::columns::{Cells, Columns, ColumnsError};

mod buffer;
mod cause;
mod record;

use buffer::{Buffer, Source};
use cause::Cause;
use record::{RawCells, Split, split};

/// A record may be this long. What a stray quote can swallow ends here.
const LONGEST_RECORD: usize = 64 * 1024;

/// A CSV file of recipients: UTF-8, the first record names the columns.
///
/// The delimiter is found by looking at the header (`,` `;` or tab), or given by a first line
/// `sep=;`. Blank lines are skipped, a byte order mark is ignored, empty cells beyond the header's
/// are forgiven. Memory does not depend on the size of the file.
///
/// A record that is not UTF-8, has too few or too many cells or is longer than 64 KiB becomes a
/// malformed row, and reading goes on. Where a quote is never closed, or closes lines below so that
/// the cells don't fit, only the line with the quote is given up.
///
/// Files are read without leaving the calling task: a chunk of 64 KiB comes from the page cache in
/// microseconds, and 500 rows are one chunk. [`Csv::open`] reads the file once from end to end.
pub struct Csv {
    file: PathBuf,
    columns: Columns,
    digest: SourceDigest,
    delimiter: u8,
    buffer: Buffer,
    record: u64,
    line: u64,
    raw: RawCells,
}

impl Csv {
    /// Opens a file, takes its digest and reads its header. Blocks for about a second per GB.
    ///
    /// # Errors
    /// [`RecipientsError`] when the file cannot be read, is not UTF-8 or has no usable header.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecipientsError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|cause| Cause::from(cause).at(path))?;
        Self::from_reader(path, file)
    }

    /// The same over anything that can be read from its start and from any place, such as an upload
    /// in memory. Errors call it `name`.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use whatsapp_dispatch::recipients::{Csv, Recipients};
    /// let upload = Csv::from_reader("upload.csv", Cursor::new("phone,name\n+4915123456789,Ada\n"))?;
    /// assert_eq!(upload.columns().names(), ["phone", "name"]);
    /// # Ok::<(), whatsapp_dispatch::recipients::RecipientsError>(())
    /// ```
    ///
    /// # Errors
    /// As from [`Csv::open`].
    pub fn from_reader(
        name: impl Into<PathBuf>,
        reader: impl Read + Seek + Send + 'static,
    ) -> Result<Self, RecipientsError> {
        let name = name.into();
        Self::opened(&name, Box::new(reader)).map_err(|cause| cause.at(&name))
    }

    fn opened(name: &Path, mut source: Box<dyn Source>) -> Result<Self, Cause> {
        source.rewind()?;
        let mut digest = Digesting::default();
        let mut chunk = vec![0; LONGEST_RECORD];
        loop {
            match source.read(&mut chunk)? {
                0 => break,
                read => digest.add(chunk.get(..read).unwrap_or_default()),
            }
        }
        let digest = digest.finish();
        let mut csv = Self {
            file: name.to_owned(),
            columns: Columns::default(),
            digest,
            delimiter: b',',
            buffer: Buffer::new(source, digest.length())?,
            record: 0,
            line: 1,
            raw: RawCells::default(),
        };
        csv.read_header()?;
        Ok(csv)
    }

    fn read_header(&mut self) -> Result<(), Cause> {
        self.buffer.fill()?;
        let start = self.buffer.rest();
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(Cause::Encoding {
                line: 1,
                what: "it is UTF-16, which spreadsheets call \"Unicode text\"",
            });
        }
        if start.iter().take(1024).any(|byte| *byte == 0) {
            return Err(Cause::Encoding {
                line: 1,
                what: "it holds zero bytes, so it is UTF-16 or no text at all",
            });
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            self.buffer.consume(3);
        }
        self.skip_blank_lines()?;
        let given = match self.buffer.rest() {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter, b'\r' | b'\n', ..] => Some(*delimiter),
            _ => None,
        };
        if let Some(delimiter) = given {
            self.skip_line()?;
            self.skip_blank_lines()?;
            self.delimiter = delimiter;
        } else {
            self.delimiter = likely_delimiter(self.buffer.rest());
        }
        let line = self.line;
        match self.split_record()? {
            Some(Split::Record { bytes, lines, .. }) => self.step(bytes, lines),
            Some(Split::Unfinished { in_quotes: true }) => {
                return Err(Cause::Broken {
                    line,
                    what: "a quote is opened and never closed; close or remove it",
                });
            }
            Some(Split::Unfinished { in_quotes: false }) => {
                let what = "it does not end within 64 KiB, perhaps because the file has no line ends that \
                            are known today; save it as \"CSV UTF-8\" and try again";
                return Err(Cause::Broken { line, what });
            }
            None => return Err(Cause::Columns { line, source: ColumnsError::None }),
        }
        let names = cells(&self.raw).ok_or(Cause::Encoding {
            line,
            what: "its header holds bytes of another encoding, perhaps Windows-1252",
        })?;
        if names.iter().any(|name| name.replace("\r\n", "").contains('\r')) {
            let what = "its lines end as on old Macintoshes; save it as \"CSV UTF-8\" and try again";
            return Err(Cause::Broken { line, what });
        }
        self.columns = Columns::new(names.iter()).map_err(|source| Cause::Columns { line, source })?;
        Ok(())
    }

    /// The next row; `None` at the end of the file.
    fn read_row(&mut self) -> Result<Option<Row>, Cause> {
        self.skip_blank_lines()?;
        let Some(split) = self.split_record()? else { return Ok(None) };
        let (record, line) = (self.record, self.line);
        self.record += 1;
        let expected = self.columns.names().len();
        let cells = match split {
            Split::Record { bytes, lines, ragged } => {
                let found = self.raw.ends.len();
                let is_swallowed = lines > 1 && ragged;
                if self.fits(expected) && !is_swallowed {
                    self.raw.ends.truncate(expected);
                    self.step(bytes, lines);
                    cells(&self.raw).ok_or_else(|| {
                        "it is not UTF-8; save the file as \"CSV UTF-8\" or correct the line".to_owned()
                    })
                } else if lines > 1 {
                    self.skip_line()?;
                    Err("a quote opens here, and the lines up to the next quote are not one record; \
                         close or remove the quote"
                        .to_owned())
                } else {
                    self.step(bytes, lines);
                    Err(format!(
                        "it has {found} cells where the header has {expected}; add what is missing, or put cells \
                         that hold the delimiter in quotes"
                    ))
                }
            }
            Split::Unfinished { in_quotes } => {
                self.skip_line()?;
                Err(if in_quotes {
                    "a quote opens here and is never closed; close or remove it".to_owned()
                } else {
                    "it is longer than 64 KiB; no recipient is".to_owned()
                })
            }
        };
        Ok(Some(Row { record, line, cells: cells.map_err(|what| Malformed::new(line, what)) }))
    }

    /// True when the record has a cell for each column, and beyond them only empty ones.
    fn fits(&self, columns: usize) -> bool {
        let ends = &self.raw.ends;
        columns.checked_sub(1).and_then(|last| ends.get(last)) == ends.last()
    }

    /// Splits the record at the start of the buffer without consuming it. `None` at the end of the
    /// file, `Unfinished` when the record does not end within what a record may take.
    fn split_record(&mut self) -> Result<Option<Split>, Cause> {
        loop {
            let input = self.buffer.rest();
            let window = input.get(..LONGEST_RECORD);
            let at_end = window.is_none() && self.buffer.is_ended();
            match split(window.unwrap_or(input), at_end, self.delimiter, &mut self.raw) {
                Split::Unfinished { .. } if at_end && input.is_empty() => return Ok(None),
                Split::Unfinished { .. } if window.is_none() && !at_end => self.buffer.fill()?,
                split => return Ok(Some(split)),
            }
        }
    }

    fn skip_blank_lines(&mut self) -> Result<(), Cause> {
        loop {
            let input = self.buffer.rest();
            let blank =
                |byte: &u8| matches!(byte, b' ' | b'\r') || (*byte == b'\t' && self.delimiter != b'\t');
            match input.iter().position(|byte| !blank(byte)) {
                Some(end) if input.get(end) == Some(&b'\n') => self.step(end + 1, 1),
                Some(_) => return Ok(()),
                None if self.buffer.is_ended() => {
                    self.step(input.len(), 0);
                    return Ok(());
                }
                None if input.len() > LONGEST_RECORD => return Ok(()),
                None => self.buffer.fill()?,
            }
        }
    }

    /// Consumes what is left of the present line, its end included.
    fn skip_line(&mut self) -> Result<(), Cause> {
        loop {
            let input = self.buffer.rest();
            if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
                self.step(end + 1, 1);
                return Ok(());
            }
            self.step(input.len(), 0);
            if self.buffer.is_ended() {
                return Ok(());
            }
            self.buffer.fill()?;
        }
    }

    fn step(&mut self, bytes: usize, lines: u64) {
        self.buffer.consume(bytes);
        self.line += lines;
    }
}

#[async_trait]
impl Recipients for Csv {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn digest(&self) -> SourceDigest {
        self.digest
    }

    async fn next(&mut self, max: usize) -> Result<Vec<Row>, RecipientsError> {
        let mut rows = Vec::with_capacity(max.min(1024));
        while rows.len() < max {
            match self.read_row() {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => break,
                Err(cause) => return Err(cause.at(&self.file)),
            }
        }
        Ok(rows)
    }

    fn position(&self) -> Position {
        Position { byte: self.buffer.offset(), record: self.record, line: self.line, source: self.digest }
    }

    async fn resume(&mut self, from: &Position) -> Result<(), RecipientsError> {
        if from.source != self.digest {
            return Err(RecipientsError::Differs { name: self.file.display().to_string() });
        }
        self.buffer.seek(from.byte).map_err(|cause| Cause::from(cause).at(&self.file))?;
        self.record = from.record;
        self.line = from.line;
        Ok(())
    }
}

/// Where it stands; nothing of what was read.
impl Debug for Csv {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv")
            .field("file", &self.file)
            .field("record", &self.record)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// The delimiter that the header uses most outside quotes; a comma when it uses none.
fn likely_delimiter(input: &[u8]) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for &byte in input {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if !quoted => {
                for (_, count) in counts.iter_mut().filter(|(delimiter, _)| *delimiter == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max();
    counts.iter().find(|(_, count)| Some(*count) == most).map_or(b',', |(delimiter, _)| *delimiter)
}

/// The cells as text; `None` when they are not UTF-8.
fn cells(raw: &RawCells) -> Option<Cells> {
    let text = std::str::from_utf8(&raw.bytes).ok()?;
    Cells::from_parts(text.to_owned(), raw.ends.clone())
}

#[cfg(test)]
mod tests;
