//! Worlds from files.

use std::collections::HashMap;
use std::io::Read;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};

use super::super::account::AmazonAccount;
use super::builder::{WorldBuilder, WorldError};
use super::listing_plan::ListingPlan;
use crate::sku::{Asin, ItemCode, Sku};

/// A file's rows by the names of its columns.
struct Table {
    columns: HashMap<String, usize>,
    rows: Vec<StringRecord>,
}

impl Table {
    fn read(text: impl Read) -> Result<Self, WorldError> {
        let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let broken = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            WorldError::Row { line, reason: error.to_string() }
        };
        let names = reader.headers().map_err(broken)?.clone();
        let columns = names.iter().enumerate().map(|(place, name)| (name.to_owned(), place)).collect();
        let rows = reader.into_records().collect::<Result<_, _>>().map_err(broken)?;
        Ok(Self { columns, rows })
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        // The header is line 1.
        self.rows.iter().zip(2..).map(|(cells, line)| Row { table: self, cells, line })
    }
}

#[derive(Clone, Copy)]
struct Row<'a> {
    table: &'a Table,
    cells: &'a StringRecord,
    line: u64,
}

impl<'a> Row<'a> {
    fn wrong(self, reason: impl Into<String>) -> WorldError {
        WorldError::Row { line: self.line, reason: reason.into() }
    }

    /// What stands in a column; `None` when that is nothing.
    fn text(self, column: &str) -> Option<&'a str> {
        let place = self.table.columns.get(column)?;
        self.cells.get(*place).filter(|text| !text.is_empty())
    }

    fn must(self, column: &str) -> Result<&'a str, WorldError> {
        self.text(column).ok_or_else(|| self.wrong(format!("{column} is missing")))
    }

    fn number<T: FromStr>(self, column: &str) -> Result<Option<T>, WorldError> {
        let read =
            |text: &str| text.parse().map_err(|_| self.wrong(format!("{column} is no number: {text:?}")));
        self.text(column).map(read).transpose()
    }
}

impl WorldBuilder {
    /// The listings of a seller from CSV, with these columns in any order; all but `sku` may be
    /// missing or empty.
    ///
    /// | column | |
    /// |---|---|
    /// | `sku` | the listing |
    /// | `channel` | `merchant` (default) or `amazon` |
    /// | `quantity` | what it shows, or what lies on Amazon's shelf |
    /// | `made_of` | `cup*2 box`: two cups and a box make one; without it the item called like it |
    /// | `per_hour` | buyers an hour |
    /// | `most_units` | what one buyer takes at most |
    /// | `lead_time_days` | the handling time |
    /// | `product_type`, `asin` | as Amazon has them |
    ///
    /// # Errors
    /// [`WorldError::Row`] with the line of the first row that cannot be read.
    pub fn listings_csv(mut self, account: &AmazonAccount, text: impl Read) -> Result<Self, WorldError> {
        for row in Table::read(text)?.rows() {
            self = self.listing(account, listing(row)?);
        }
        Ok(self)
    }

    /// The items on the merchant's shelf from CSV with the columns `item`, `on_hand` and, if the
    /// shop sells it, `shop_per_hour`.
    ///
    /// # Errors
    /// [`WorldError::Row`] with the line of the first row that cannot be read.
    pub fn items_csv(mut self, text: impl Read) -> Result<Self, WorldError> {
        for row in Table::read(text)?.rows() {
            let item = item(row, row.must("item")?)?;
            let on_hand = row.number("on_hand")?.ok_or_else(|| row.wrong("on_hand is missing"))?;
            if let Some(per_hour) = row.number("shop_per_hour")? {
                self = self.shop_wants(item.clone(), per_hour);
            }
            self = self.item(item, on_hand);
        }
        Ok(self)
    }
}

fn listing(row: Row<'_>) -> Result<ListingPlan, WorldError> {
    let sku = Sku::parse(row.must("sku")?).map_err(|error| row.wrong(error.to_string()))?;
    let quantity = row.number("quantity")?.unwrap_or(0);
    let mut plan = match row.text("channel") {
        None | Some("merchant") => ListingPlan::merchant(sku, quantity),
        Some("amazon") => ListingPlan::amazon(sku, quantity),
        Some(other) => return Err(row.wrong(format!("channel is merchant or amazon, not {other:?}"))),
    };
    let parts = row.text("made_of").unwrap_or_default().split_whitespace();
    let parts: Vec<_> = parts.map(|part| made_of(row, part)).collect::<Result<_, _>>()?;
    if let Some(asin) = row.text("asin") {
        plan = plan.asin(Asin::parse(asin).map_err(|error| row.wrong(error.to_string()))?);
    }
    if let Some(days) = row.number("lead_time_days")? {
        plan = plan.lead_time(days);
    }
    if let Some(product_type) = row.text("product_type") {
        plan = plan.product_type(product_type);
    }
    let (per_hour, most_units) = (row.number("per_hour")?, row.number("most_units")?);
    Ok(plan.made_of(parts).wanted(per_hour.unwrap_or(0.0)).up_to(most_units.unwrap_or(1)))
}

/// `cup*2`: two cups; `cup`: one.
fn made_of(row: Row<'_>, part: &str) -> Result<(ItemCode, u32), WorldError> {
    let (name, units) = part.rsplit_once('*').unwrap_or((part, "1"));
    let units = units.parse().ok().filter(|units| 0 < *units);
    let units = units.ok_or_else(|| row.wrong(format!("made_of: {part:?} says no number of units")))?;
    Ok((item(row, name)?, units))
}

fn item(row: Row<'_>, name: &str) -> Result<ItemCode, WorldError> {
    ItemCode::parse(name).map_err(|error| row.wrong(error.to_string()))
}
