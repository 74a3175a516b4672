//! A merchant's returns in a CSV or TSV file.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use super::file::quantity;
use super::sheet::{Cells, Sheet, SheetError};
use crate::host_stock::HostRowError;
use crate::ledger::Movement;
use crate::quantity::Quantity;
use crate::returns::Return;
use crate::sku::ItemCode;

/// What a file of returns says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReturnsFile {
    /// To be booked with [`Sync::book`](crate::sync::Sync::book): receipts, and inspections where
    /// there are any. A file that is read again moves nothing twice.
    pub movements: Vec<Movement>,
    /// Rows that cannot be read, each with place and reason.
    pub refused: Vec<HostRowError>,
}

/// The columns, each with the names that it may have.
const RETURN: &[&str] = &["return", "return_id", "rma"];
const ITEM: &[&str] = &["item", "item_code", "code", "sku"];
const RECEIVED: &[&str] = &["received", "quantity", "qty"];
const SELLABLE: &[&str] = &["sellable"];
const UNSELLABLE: &[&str] = &["unsellable"];
const AT: &[&str] = &["at", "received_at"];

struct Columns {
    of: usize,
    item: usize,
    received: usize,
    sellable: Option<usize>,
    unsellable: Option<usize>,
    at: Option<usize>,
}

impl ReturnsFile {
    /// Reads a file with the columns `return`, `item` and `received`, and, for what was looked at,
    /// `sellable` and `unsellable`; `at` says when, as RFC 3339 has it, and without it the return
    /// came when the file was written. The delimiter is the one of `,` `;` and tab that the header
    /// uses most.
    ///
    /// Several rows of one return and item count once: the first receipt and the first inspection.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read, or has no such columns.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn read(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path: PathBuf = path.into();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let doing = format!("reading the returns file {name}");
        let read = tokio::task::spawn_blocking(move || read(&path, &name)).await;
        let unavailable = |source| StoreError::Unavailable { doing: doing.clone().into(), source };
        read.map_err(|source| unavailable(source.into()))?.map_err(|error| match error {
            SheetError::Unreadable(source) => unavailable(source.into()),
            SheetError::Unusable(reason) => {
                StoreError::Refused { doing: doing.clone().into(), reason: reason.into() }
            }
        })
    }
}

fn read(path: &Path, name: &str) -> Result<ReturnsFile, SheetError> {
    let written_at: DateTime<Utc> = fs::metadata(path)?.modified()?.into();
    let mut sheet = Sheet::open(path)?;
    let columns = Columns::find(sheet.columns())?;
    let mut file = ReturnsFile::default();
    while let Some(row) = sheet.next()? {
        match row.cells.and_then(|cells| columns.movements(cells, written_at)) {
            Ok(movements) => file.movements.extend(movements),
            Err(reason) => {
                file.refused.push(HostRowError { place: format!("{name} line {}", row.line), reason });
            }
        }
    }
    Ok(file)
}

impl Columns {
    fn find(header: &[String]) -> Result<Self, SheetError> {
        let place = |names: &[&str]| {
            names.iter().find_map(|name| header.iter().position(|column| column.eq_ignore_ascii_case(name)))
        };
        let one = |names: &[&str]| {
            place(names).ok_or_else(|| {
                let header = header.join(", ");
                SheetError::Unusable(format!(
                    "the header has none of the columns {}; it names {header}",
                    names.join(", ")
                ))
            })
        };
        Ok(Self {
            of: one(RETURN)?,
            item: one(ITEM)?,
            received: one(RECEIVED)?,
            sellable: place(SELLABLE),
            unsellable: place(UNSELLABLE),
            at: place(AT),
        })
    }

    fn movements(&self, cells: &Cells, written_at: DateTime<Utc>) -> Result<Vec<Movement>, String> {
        let cell = |n: usize| cells.get(n).unwrap_or_default().trim();
        let filled = |n: Option<usize>| n.map(cell).filter(|text| !text.is_empty());
        let name = cell(self.of);
        if name.is_empty() || 64 < name.len() || name.chars().any(char::is_control) {
            return Err("the return has no name; give it 1 to 64 bytes, unique among the returns".to_owned());
        }
        let item = ItemCode::parse(cell(self.item)).map_err(|error| error.to_string())?;
        let of =
            |what: &str, text: &str| quantity(text).map_err(|reason| format!("{what} of {item}: {reason}"));
        let at = match filled(self.at) {
            None => written_at,
            Some(text) => DateTime::parse_from_rfc3339(text)
                .map_err(|_| format!("{text:?} is no instant; write it as 2026-11-02T10:00:00Z"))?
                .to_utc(),
        };
        let received = of("received", cell(self.received))?;
        let inspected = |n: Option<usize>, what: &str| filled(n).map(|text| of(what, text)).transpose();
        let (sellable, unsellable) =
            (inspected(self.sellable, "sellable")?, inspected(self.unsellable, "unsellable")?);
        let looked_at =
            [sellable, unsellable].into_iter().flatten().map(|found| u64::from(found.get())).sum::<u64>();
        if u64::from(received.get()) < looked_at {
            return Err(format!(
                "{received} of {item} were received and {looked_at} were looked at; correct one of them"
            ));
        }
        let back = Return::new(name, item);
        let mut movements = vec![back.received(received, at)];
        if 0 < looked_at {
            let or_none = |found: Option<Quantity>| found.unwrap_or(Quantity::ZERO);
            movements.extend(back.inspected(or_none(sellable), or_none(unsellable), at));
        }
        Ok(movements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Bucket;

    #[tokio::test]
    async fn returns_are_read_with_their_inspections_and_doubtful_rows_are_told() {
        let file = tempfile::NamedTempFile::with_suffix("returns.csv").unwrap();
        let text = "rma;item;received;sellable;unsellable;at\nR-1;mug;3;2;1;2026-11-02T10:00:00Z\nR-2;cup;1;;;\n;cup;1;;;\nR-3;pen;1;2;;\nR-4;pen;-1;;;\n";
        fs::write(file.path(), text).unwrap();
        let read = ReturnsFile::read(file.path()).await.unwrap();
        let moved: Vec<_> =
            read.movements.iter().map(|moved| (moved.item.as_str(), moved.bucket, moved.by.get())).collect();
        assert_eq!(
            moved,
            [
                ("mug", Bucket::Quarantine, 3),
                ("mug", Bucket::Quarantine, -3),
                ("mug", Bucket::OnHand, 2),
                ("cup", Bucket::Quarantine, 1),
            ]
        );
        let reasons: Vec<_> = read.refused.iter().map(|refused| refused.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "the return has no name; give it 1 to 64 bytes, unique among the returns",
                "1 of pen were received and 2 were looked at; correct one of them",
                "received of pen: -1 is no quantity: use 0 to 99999999; write 0 when none is left, or correct the export",
            ]
        );
        assert!(read.refused[0].place.ends_with("returns.csv line 4"));
    }
}
