use chrono::{DateTime, Utc};

use crate::adapters::host::sheet::{Cells, SheetError};
use crate::host_stock::Count;
use crate::ledger::Seq;
use crate::quantity::Quantity;
use crate::sku::ItemCode;

/// How the columns of a file are called. Names are compared without case and surrounding space.
///
/// Without names of its own, the item is in the column `item`, `item_code`, `code` or `sku`, and
/// the number in `quantity`, `qty`, `on_hand` or `stock`; the first of these that the header has
/// counts. Other columns are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockColumns {
    item: Option<String>,
    quantity: Option<String>,
    counted_at: Option<String>,
    includes: Option<String>,
}

const ITEM: &[&str] = &["item", "item_code", "code", "sku"];
const QUANTITY: &[&str] = &["quantity", "qty", "on_hand", "stock"];

impl StockColumns {
    /// The columns of items and of numbers, by name.
    pub fn named(item: impl Into<String>, quantity: impl Into<String>) -> Self {
        Self { item: Some(item.into()), quantity: Some(quantity.into()), ..Self::default() }
    }

    /// A column with the instant at which each number was counted, as RFC 3339 has it. Without
    /// it, all were counted when the file was written.
    #[must_use]
    pub fn counted_at(self, column: impl Into<String>) -> Self {
        Self { counted_at: Some(column.into()), ..self }
    }

    /// A column with the last movement of the ledger that each number includes, for a host that
    /// books Amazon's orders itself; see [`Count::includes`].
    #[must_use]
    pub fn includes(self, column: impl Into<String>) -> Self {
        Self { includes: Some(column.into()), ..self }
    }

    pub(super) fn find(&self, header: &[String]) -> Result<Found, SheetError> {
        let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name.trim()));
        let one = |named: Option<&String>, what: &str, usual: &[&str]| {
            let found = named.map_or_else(|| usual.iter().find_map(|name| place(name)), |name| place(name));
            found.ok_or_else(|| {
                let wanted = named.map_or_else(|| usual.join(", "), |name| format!("{name:?}"));
                SheetError::Unusable(format!(
                    "the header has no column for the {what} ({wanted}); it names {}. Name the columns with StockColumns::named",
                    header.join(", ")
                ))
            })
        };
        let extra = |named: &Option<String>, what: &str| {
            named.as_ref().map(|name| one(Some(name), what, &[])).transpose()
        };
        Ok(Found {
            item: one(self.item.as_ref(), "item", ITEM)?,
            quantity: one(self.quantity.as_ref(), "quantity", QUANTITY)?,
            counted_at: extra(&self.counted_at, "instant of the count")?,
            includes: extra(&self.includes, "movement that is included")?,
        })
    }
}

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    item: usize,
    quantity: usize,
    counted_at: Option<usize>,
    includes: Option<usize>,
}

impl Found {
    /// The count in a row; `at` where the row has no instant of its own.
    pub(super) fn count(&self, cells: &Cells, at: DateTime<Utc>) -> Result<Count, String> {
        let cell = |n: usize| cells.get(n).unwrap_or_default().trim();
        let filled = |n: Option<usize>| n.map(cell).filter(|text| !text.is_empty());
        let item = ItemCode::parse(cell(self.item)).map_err(|error| error.to_string())?;
        let quantity = quantity(cell(self.quantity)).map_err(|what| format!("{item}: {what}"))?;
        let at = match filled(self.counted_at) {
            None => at,
            Some(text) => DateTime::parse_from_rfc3339(text)
                .map_err(|_| format!("{item}: {text:?} is no instant; write it as 2026-11-02T10:00:00Z"))?
                .to_utc(),
        };
        let includes = match filled(self.includes) {
            None => None,
            Some(text) => {
                Some(Seq(text.parse().map_err(|_| format!("{item}: {text:?} is no number of a movement"))?))
            }
        };
        Ok(Count { item, quantity, includes, at })
    }
}

/// A whole number, as people and spreadsheets write it.
pub(in crate::adapters::host) fn quantity(text: &str) -> Result<Quantity, String> {
    if text.is_empty() {
        return Err("the quantity is empty; write 0 when none is left".to_owned());
    }
    let whole =
        text.split_once('.').filter(|(_, rest)| !rest.is_empty() && rest.bytes().all(|byte| byte == b'0'));
    let digits = whole.map_or(text, |(whole, _)| whole);
    // `1,250` and `1.250` mean different numbers in different countries, so neither is guessed.
    let number: i64 = digits.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        format!("{shown:?} is no whole number; write it without separators")
    })?;
    Quantity::new(number).map_err(|error| match number {
        ..0 => format!("{error}; write 0 when none is left, or correct the export"),
        _ => format!("{error}; perhaps another column, such as a barcode, stands in its place"),
    })
}
