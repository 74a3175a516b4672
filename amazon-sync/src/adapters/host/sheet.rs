//! Rows of a CSV or TSV file, one at a time: nothing is held whole, and a row that cannot be read
//! holds up no other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A row may be this long, and take so many lines. What a stray quote can swallow ends here.
const LONGEST_ROW: usize = 64 * 1024;
const MOST_LINES: usize = 20;

/// A file whose first row names the columns.
#[derive(Debug)]
pub(super) struct Sheet {
    input: BufReader<File>,
    delimiter: u8,
    columns: Vec<String>,
    /// The line that comes next.
    line: u64,
    /// Lines that were read and belong to no row yet.
    ahead: VecDeque<Vec<u8>>,
    cells: Cells,
}

/// The cells of a row.
#[derive(Debug, Default)]
pub(super) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// A row, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// Where it begins; the first line of the file is 1.
    pub(super) line: u64,
    pub(super) cells: Result<&'a Cells, String>,
}

/// Why a file is no sheet.
#[derive(Debug, thiserror::Error)]
pub(super) enum SheetError {
    #[error("the file cannot be read")]
    Unreadable(#[from] io::Error),
    #[error("{0}")]
    Unusable(String),
}

impl Sheet {
    /// Opens a file and reads its header. The delimiter is the one of `,` `;` and tab that the
    /// header uses most.
    pub(super) fn open(path: &Path) -> Result<Self, SheetError> {
        let mut sheet = Self {
            input: BufReader::with_capacity(LONGEST_ROW, File::open(path)?),
            delimiter: b',',
            columns: Vec::new(),
            line: 1,
            ahead: VecDeque::new(),
            cells: Cells::default(),
        };
        let start = sheet.input.fill_buf()?;
        if start.iter().take(1_024).any(|byte| *byte == 0) {
            return Err(unusable("it is UTF-16 or no text at all; save it as \"CSV UTF-8\""));
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            sheet.input.consume(3);
        }
        while let Some(line) = sheet.take_line()? {
            if is_blank(&line, None) {
                sheet.line += 1;
                continue;
            }
            sheet.delimiter = likely_delimiter(&line);
            sheet.ahead.push_front(line);
            break;
        }
        let Some(row) = sheet.next()? else {
            return Err(unusable("it is empty; its first row must name the columns"));
        };
        let line = row.line;
        let cells =
            row.cells.map_err(|what| SheetError::Unusable(format!("line {line}, the header: {what}")))?;
        sheet.columns =
            (0..cells.len()).map(|n| cells.get(n).unwrap_or_default().trim().to_owned()).collect();
        Ok(sheet)
    }

    /// The names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next row; `None` at the end. Blank lines are passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        let mut text = loop {
            let Some(line) = self.take_line()? else { return Ok(None) };
            if !is_blank(&line, Some(self.delimiter)) {
                break line;
            }
            self.line += 1;
        };
        let (first, line) = (text.len(), self.line);
        let mut lines = vec![first];
        let mut split = self.cells.split(&text, self.delimiter);
        while split == Split::OpenQuote && lines.len() < MOST_LINES && text.len() < LONGEST_ROW {
            let Some(more) = self.take_line()? else { break };
            lines.push(more.len());
            text.extend(more);
            split = self.cells.split(&text, self.delimiter);
        }
        let expected = if self.columns.is_empty() { self.cells.len() } else { self.columns.len() };
        let fits = split == Split::Row && self.cells.fit(expected);
        let what = if fits || lines.len() == 1 {
            self.line += lines.len() as u64;
            (!fits).then(|| self.cells.what_is_wrong(split, first, expected))
        } else {
            // The quote took lines that belong to other rows: only its own line is given up.
            self.line += 1;
            let mut rest = text.get(first..).unwrap_or_default();
            let mut given_back = Vec::new();
            for length in lines.iter().skip(1) {
                let (one, others) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
                given_back.push(one.to_vec());
                rest = others;
            }
            for line in given_back.into_iter().rev() {
                self.ahead.push_front(line);
            }
            Some("a quote opens here, and the lines up to the next quote are not one row; close or remove the quote".to_owned())
        };
        let what = what.or_else(|| {
            let is_text = std::str::from_utf8(&self.cells.bytes).is_ok();
            (!is_text)
                .then(|| "it is not UTF-8; save the file as \"CSV UTF-8\" or correct the line".to_owned())
        });
        Ok(Some(Row { line, cells: what.map_or(Ok(&self.cells), Err) }))
    }

    /// The next line with its end; what exceeds the longest row is dropped, and a row that long is
    /// refused for it.
    fn take_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let longest = LONGEST_ROW as u64 + 1;
        self.input.by_ref().take(longest).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.len() > LONGEST_ROW && line.last() != Some(&b'\n') {
            self.skip_line()?;
        }
        Ok(Some(line))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let (end, taken) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (true, at + 1),
                None => (buffer.is_empty(), buffer.len()),
            };
            self.input.consume(taken);
            if end {
                return Ok(());
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    Row,
    OpenQuote,
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a cell, empty where the row has none.
    pub(super) fn get(&self, n: usize) -> Option<&str> {
        let end = *self.ends.get(n)?;
        let start = n.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        std::str::from_utf8(self.bytes.get(start..end)?).ok()
    }

    /// True when there is a cell for each column, and beyond them only empty ones.
    fn fit(&self, columns: usize) -> bool {
        columns
            .checked_sub(1)
            .and_then(|last| self.ends.get(last))
            .is_some_and(|end| Some(end) == self.ends.last())
    }

    /// Splits one row as RFC 4180 has it: a quote opens a quoted cell only as its first character;
    /// inside, a doubled quote is a quote.
    fn split(&mut self, text: &[u8], delimiter: u8) -> Split {
        self.bytes.clear();
        self.ends.clear();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let (mut quoted, mut at_start) = (false, true);
        let mut bytes = text.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' if quoted && bytes.peek() == Some(&b'"') => {
                    bytes.next();
                    self.bytes.push(b'"');
                }
                b'"' if quoted => quoted = false,
                b'"' if at_start => quoted = true,
                byte if byte == delimiter && !quoted => {
                    self.ends.push(self.bytes.len());
                    at_start = true;
                    continue;
                }
                byte => self.bytes.push(byte),
            }
            at_start = false;
        }
        self.ends.push(self.bytes.len());
        if quoted { Split::OpenQuote } else { Split::Row }
    }

    fn what_is_wrong(&self, split: Split, length: usize, expected: usize) -> String {
        match split {
            _ if length > LONGEST_ROW => "it is longer than 64 KiB; no row of stock is".to_owned(),
            Split::OpenQuote => "a quote opens here and is never closed; close or remove it".to_owned(),
            Split::Row => format!(
                "it has {} cells where the header has {expected}; add what is missing, or put cells that hold the delimiter in quotes",
                self.len()
            ),
        }
    }
}

fn unusable(what: &str) -> SheetError {
    SheetError::Unusable(what.to_owned())
}

/// Nothing but white space, and delimiters where these are known: spreadsheets write rows of them.
fn is_blank(line: &[u8], delimiter: Option<u8>) -> bool {
    line.iter().all(|byte| byte.is_ascii_whitespace() || Some(*byte) == delimiter)
}

fn likely_delimiter(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        if !quoted {
            counts.iter_mut().filter(|(delimiter, _)| delimiter == byte).for_each(|(_, count)| *count += 1);
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max();
    counts.iter().find(|(_, count)| Some(*count) == most).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(content: &[u8]) -> Vec<(u64, Result<Vec<String>, String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let mut sheet = Sheet::open(file.path()).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = sheet.next().unwrap() {
            let cells =
                row.cells.map(|cells| (0..cells.len()).map(|n| cells.get(n).unwrap().to_owned()).collect());
            rows.push((row.line, cells));
        }
        rows
    }

    #[test]
    fn delimiters_quotes_and_blank_lines_are_read_as_spreadsheets_write_them() {
        let read = rows(
            b"\xef\xbb\xbfitem;note;quantity\r\n\r\nmug;\"blue; 11\"\"\r\nlarge\";4\r\n;;\r\npen;5\" long;2",
        );
        let cells = |texts: [&str; 3]| Ok(texts.map(str::to_owned).to_vec());
        assert_eq!(
            read,
            [(3, cells(["mug", "blue; 11\"\r\nlarge", "4"])), (6, cells(["pen", "5\" long", "2"]))]
        );
    }

    #[test]
    fn a_stray_quote_costs_its_own_line() {
        let read = rows(b"item,quantity\n\"mug,4\npen,2\ncup,\"3\"\nend,1\n");
        assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert!(read[0].1.as_ref().unwrap_err().contains("a quote opens here"));
        assert!(read[1..].iter().all(|(_, cells)| cells.is_ok()));
    }

    #[test]
    fn rows_that_do_not_fit_and_bytes_of_other_encodings_are_told_by_line() {
        let read = rows(b"item\tquantity\nmug\npen\t2\t\t\ncaf\xe9\t1\n");
        assert!(read[0].1.as_ref().unwrap_err().starts_with("it has 1 cells where the header has 2"));
        assert!(read[1].1.is_ok());
        assert!(read[2].1.as_ref().unwrap_err().starts_with("it is not UTF-8"));
    }

    #[test]
    fn a_row_without_end_is_refused_and_not_held() {
        let long = [b"item,quantity\n".to_vec(), vec![b'x'; 3 * LONGEST_ROW], b"\nmug,1\n".to_vec()].concat();
        let read = rows(&long);
        assert!(read[0].1.as_ref().unwrap_err().contains("longer than 64 KiB"));
        assert_eq!((read[1].0, read[1].1.is_ok()), (3, true));
    }

    #[test]
    fn what_is_no_sheet_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Sheet::open(file.path()).unwrap_err().to_string().starts_with("it is empty"));
        std::fs::write(file.path(), b"i\0t\0e\0m\0").unwrap();
        assert!(Sheet::open(file.path()).unwrap_err().to_string().starts_with("it is UTF-16"));
    }
}
