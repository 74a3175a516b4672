//! Rows of the shop's own files. Everything that is wrong is told at once, each with its line and what
//! would be right.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use csv::{ReaderBuilder, StringRecord, Trim};

/// So many faults of a file are told.
const TOLD: usize = 10;
/// More than any shop has.
const MOST_UNITS: u32 = 9_999_999;
const MOST_AN_HOUR: f64 = 10_000.0;

/// A row whose cells are asked for by column.
pub(super) struct Row<'a> {
    columns: &'a [String],
    cells: &'a StringRecord,
}

/// Reads a file whose first column names what a row is about, once, with the columns `required` and
/// `optional`.
pub(super) fn read<T>(
    path: &Path,
    required: &[&str],
    optional: &[&str],
    row: impl Fn(&Row<'_>) -> Result<T, String>,
) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(file);
    let all = || [required, optional].concat().join(", ");
    let header = reader.headers().with_context(|| format!("the first line of {}", path.display()))?;
    let columns: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
    for needed in required {
        if !columns.iter().any(|column| column == needed) {
            bail!("{}, line 1: there is no column {needed}; name the columns {}", path.display(), all());
        }
    }
    for column in &columns {
        if ![required, optional].concat().contains(&column.as_str()) {
            bail!("{}, line 1: column {column:?} is not known; use {}", path.display(), all());
        }
    }
    let (mut rows, mut faults, mut named) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (nth, cells) in reader.into_records().enumerate() {
        let line = |cells: &StringRecord| cells.position().map_or(nth as u64 + 2, csv::Position::line);
        let (line, read) = match &cells {
            Err(error) => {
                let line = error.position().map_or(nth as u64 + 2, csv::Position::line);
                (line, Err("it is not UTF-8; save the file as \"CSV UTF-8\" or correct the line".to_owned()))
            }
            Ok(cells) if cells.len() != columns.len() => {
                let (has, expected) = (cells.len(), columns.len());
                (line(cells), Err(format!("it has {has} cells where the header has {expected}")))
            }
            Ok(cells) if !named.insert(cells.get(0).unwrap_or_default().to_owned()) => {
                let name = cells.get(0).unwrap_or_default();
                (line(cells), Err(format!("{name:?} has a row already; keep one of them")))
            }
            Ok(cells) => (line(cells), row(&Row { columns: &columns, cells })),
        };
        match read {
            Ok(read) => rows.push(read),
            Err(fault) => faults.push(format!("\n  line {line}: {fault}")),
        }
    }
    if faults.is_empty() {
        return Ok(rows);
    }
    let more = faults.len().saturating_sub(TOLD);
    let told: String = faults.into_iter().take(TOLD).collect();
    let rest = if more == 0 { String::new() } else { format!("\n  and {more} more") };
    bail!("{} cannot be used:{told}{rest}", path.display());
}

impl Row<'_> {
    /// The cell of a column, empty when the file does not have the column.
    pub(super) fn text(&self, column: &str) -> &str {
        let place = self.columns.iter().position(|named| named == column);
        place.and_then(|place| self.cells.get(place)).unwrap_or_default()
    }

    /// A whole number; `None` for an empty cell.
    pub(super) fn units(&self, column: &str) -> Result<Option<u32>, String> {
        let text = self.text(column);
        let number = text.parse::<u32>().ok().filter(|number| *number <= MOST_UNITS);
        match number {
            _ if text.is_empty() => Ok(None),
            Some(number) => Ok(Some(number)),
            None => Err(format!("{column} is {text:?}; write a whole number from 0 to {MOST_UNITS}")),
        }
    }

    /// So many an hour; none for an empty cell.
    pub(super) fn per_hour(&self, column: &str) -> Result<f64, String> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(0.0);
        }
        let number = text.parse::<f64>().ok().filter(|number| (0.0..=MOST_AN_HOUR).contains(number));
        number.ok_or_else(|| {
            format!("{column} is {text:?}; write a number from 0 to {MOST_AN_HOUR}, such as 0.25")
        })
    }
}
