use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::cells::{Found, StockColumns};
use super::mark::{FileMark, Stamp};
use crate::adapters::host::sheet::{Sheet, SheetError};
use crate::adapters::host::told::{Met, Told};
use crate::host_stock::{Count, HostChange, HostChanges, HostRowError};
use crate::sku::ItemCode;

/// One reading of a file from its beginning to its end.
#[derive(Debug)]
pub(super) struct Pass {
    sheet: Sheet,
    name: String,
    found: Found,
    at: DateTime<Utc>,
    stamp: Stamp,
    digest: String,
    /// The line behind the last one that was told; `None` at the end.
    line: Option<u64>,
    begun: bool,
}

impl Pass {
    pub(super) fn open(
        path: &Path,
        name: String,
        columns: &StockColumns,
        at: DateTime<Utc>,
        stamp: Stamp,
        digest: String,
    ) -> Result<Self, SheetError> {
        let sheet = Sheet::open(path)?;
        let found = columns.find(sheet.columns())?;
        Ok(Self { sheet, name, found, at, stamp, digest, line: Some(0), begun: false })
    }

    pub(super) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// How far it has got.
    pub(super) fn mark(&self) -> FileMark {
        FileMark { digest: self.digest.clone(), line: self.line }
    }

    fn begin(&mut self, told: &mut Told) {
        if !self.begun {
            told.begin_pass();
            self.begun = true;
        }
    }

    /// Passes over what was told before this process began, and learns it.
    pub(super) fn skip_to(&mut self, line: u64, told: &mut Told) -> Result<(), SheetError> {
        self.begin(told);
        while self.line.is_some_and(|at| at < line) {
            let Some(row) = self.sheet.next()? else { break };
            self.line = Some(row.line + 1);
            if let Ok(count) = row.cells.and_then(|cells| self.found.count(cells, self.at)) {
                told.meet(&count, row.line);
            }
        }
        Ok(())
    }

    /// The next changes and refused rows, at most `max` together; its mark is for the caller to set.
    pub(super) fn page(&mut self, told: &mut Told, max: usize) -> Result<HostChanges, SheetError> {
        self.begin(told);
        let (mut changes, mut refused) = (Vec::new(), Vec::new());
        while changes.len() + refused.len() < max.max(1) {
            let Some(row) = self.sheet.next()? else {
                self.line = None;
                refused.extend(told.missing(&self.name));
                break;
            };
            self.line = Some(row.line + 1);
            let place = |line| format!("{} line {line}", self.name);
            match row.cells.and_then(|cells| self.found.count(cells, self.at)) {
                Err(reason) => refused.push(HostRowError { place: place(row.line), reason }),
                Ok(count) => match told.meet(&count, row.line) {
                    Met::Unchanged => {}
                    Met::Changed => changes.push(HostChange::Counted(count)),
                    Met::Again { line, lower } => {
                        let reason = format!(
                            "{} stands in line {line} already, and the lower number counts; keep one row for each item",
                            count.item
                        );
                        refused.push(HostRowError { place: place(row.line), reason });
                        if lower {
                            changes.push(HostChange::Counted(count));
                        }
                    }
                },
            }
        }
        Ok(HostChanges { changes, refused, mark: None })
    }

    /// What the file says of each item, in order.
    pub(super) fn read(mut self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, SheetError> {
        let mut counts: HashMap<&str, Option<Count>> =
            items.iter().map(|item| (item.as_str(), None)).collect();
        while let Some(row) = self.sheet.next()? {
            let Ok(count) = row.cells.and_then(|cells| self.found.count(cells, self.at)) else { continue };
            if let Some(place) = counts.get_mut(count.item.as_str())
                && place.as_ref().is_none_or(|known| count.quantity < known.quantity)
            {
                *place = Some(count);
            }
        }
        Ok(items.iter().map(|item| counts.get(item.as_str()).cloned().flatten()).collect())
    }
}
