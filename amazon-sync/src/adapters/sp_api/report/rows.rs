use std::fmt::{self, Debug, Formatter};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::{Column, ColumnNames, Header};
use super::lines::{Line, Lines};
use super::unreadable;
use crate::listing::{Channel, ListingState};
use crate::marketplace::{MarketError, RowError, SnapshotKind, SnapshotRow, SnapshotRows};
use crate::order::OrderId;
use crate::quantity::Quantity;
use crate::sku::{Asin, Sku};

/// The rows of a report.
pub(super) struct Rows {
    kind: SnapshotKind,
    as_of: DateTime<Utc>,
    lines: Lines,
    header: Header,
}

impl Rows {
    /// Reads the header.
    pub(super) async fn open(
        kind: SnapshotKind,
        as_of: DateTime<Utc>,
        mut lines: Lines,
        names: &ColumnNames,
    ) -> Result<Self, MarketError> {
        let line =
            lines.next().await?.ok_or_else(|| unreadable("line 1", "is missing: the report is empty"))?;
        let text =
            line.text().ok_or_else(|| unreadable("line 1", "is not UTF-8, and no charset was told"))?;
        let header =
            Header::read(kind, &text, names).map_err(|reason| unreadable("line 1, the header", reason))?;
        Ok(Self { kind, as_of, lines, header })
    }

    /// The row of a line; `None` for one that is not asked for.
    fn row(&self, line: &Line) -> Result<Option<SnapshotRow>, RowError> {
        let wrong = |reason: String| RowError { line: line.number, reason };
        let text =
            line.text().ok_or_else(|| wrong("is not written in the charset of the report".to_owned()))?;
        let cells: Vec<&str> = text.split('\t').collect();
        if cells.len() < self.header.least() {
            return Err(wrong(format!("has {} columns of {}", cells.len(), self.header.width)));
        }
        match self.kind {
            SnapshotKind::Listings => self.listing(&cells).map(Some).map_err(wrong),
            SnapshotKind::AmazonStock => self.amazon_stock(&cells).map(Some).map_err(wrong),
            SnapshotKind::Orders => self.order_line(&cells).map_err(wrong),
        }
    }

    fn listing(&self, cells: &[&str]) -> Result<SnapshotRow, String> {
        let channel = self.needed(cells, Column::Channel)?;
        let quantity = self
            .header
            .cell(cells, Column::Quantity)
            .map(|cell| count(cell, Column::Quantity))
            .transpose()?;
        let buyable = match self.header.cell(cells, Column::Status).map(str::to_lowercase).as_deref() {
            Some("active" | "aktiv" | "actif" | "attivo" | "activo") => Some(true),
            Some("inactive" | "inaktiv" | "inactif" | "inattivo" | "inactivo" | "incomplete") => Some(false),
            _ => None,
        };
        Ok(SnapshotRow::Listing(ListingState {
            sku: self.sku(cells)?,
            channel: Channel::of(channel),
            declared: None,
            effective: quantity,
            product_type: None,
            asin: self.asin(cells),
            buyable,
            as_of: self.as_of,
        }))
    }

    fn amazon_stock(&self, cells: &[&str]) -> Result<SnapshotRow, String> {
        let fulfillable = count(self.needed(cells, Column::Fulfillable)?, Column::Fulfillable)?;
        Ok(SnapshotRow::AmazonStock { sku: self.sku(cells)?, asin: self.asin(cells), fulfillable })
    }

    fn order_line(&self, cells: &[&str]) -> Result<Option<SnapshotRow>, String> {
        // What Amazon ships never was on our shelf, so nobody misses it.
        let channel = self.header.cell(cells, Column::Channel).unwrap_or_default();
        if channel.to_lowercase().starts_with("amazon") || channel == "AFN" {
            return Ok(None);
        }
        let order = OrderId::parse(self.needed(cells, Column::Order)?).map_err(|error| error.to_string())?;
        let updated_at = DateTime::parse_from_rfc3339(self.needed(cells, Column::UpdatedAt)?)
            .map_err(|_| format!("the {} is no instant", Column::UpdatedAt.what()))?;
        Ok(Some(SnapshotRow::OrderLine { order, updated_at: updated_at.with_timezone(&Utc) }))
    }

    fn needed<'a>(&self, cells: &[&'a str], column: Column) -> Result<&'a str, String> {
        self.header.cell(cells, column).ok_or_else(|| format!("the {} is missing", column.what()))
    }

    fn sku(&self, cells: &[&str]) -> Result<Sku, String> {
        Sku::parse(self.needed(cells, Column::Sku)?).map_err(|error| error.to_string())
    }

    fn asin(&self, cells: &[&str]) -> Option<Asin> {
        Asin::parse(self.header.cell(cells, Column::Asin)?).ok()
    }
}

fn count(cell: &str, column: Column) -> Result<Quantity, String> {
    // The cell is not shown: with shifted columns it may be anything.
    let number: i64 = cell.parse().map_err(|_| format!("the {} is no whole number", column.what()))?;
    Quantity::new(number).map_err(|error| format!("the {}: {error}", column.what()))
}

#[async_trait]
impl SnapshotRows for Rows {
    async fn next(&mut self, max: usize) -> Result<Vec<Result<SnapshotRow, RowError>>, MarketError> {
        let mut rows = Vec::with_capacity(max.min(10_000));
        while rows.len() < max {
            let Some(line) = self.lines.next().await? else { break };
            match self.row(&line) {
                Ok(None) => {}
                // A line without anything on it is the end of a file, or nothing.
                Err(_) if line.text().is_some_and(|text| text.trim().is_empty()) => {}
                Ok(Some(row)) => rows.push(Ok(row)),
                Err(error) => rows.push(Err(error)),
            }
        }
        Ok(rows)
    }
}

impl Debug for Rows {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("kind", &self.kind).finish_non_exhaustive()
    }
}
