use chrono::{DateTime, NaiveDateTime, Utc};
use rules_core::store::sqlite::rusqlite::types::ValueRef;
use rules_core::store::sqlite::rusqlite::{Error, Row};

use super::mark::{Stamp, TableMark};
use crate::adapters::host::file::quantity;
use crate::host_stock::Count;
use crate::ledger::Seq;
use crate::quantity::Quantity;
use crate::sku::ItemCode;

/// One item of the table.
#[derive(Debug)]
pub(super) struct Read {
    /// Its code as it stands there.
    pub(super) item: String,
    /// Rows that hold it.
    pub(super) rows: u64,
    pub(super) count: Result<Count, String>,
    /// The place behind it.
    pub(super) mark: TableMark,
}

/// Item, number, rows, change, instant, included movement.
pub(super) fn read(row: &Row<'_>, now: DateTime<Utc>) -> Result<Read, Error> {
    let item = text(row.get_ref(0)?);
    let changed = match row.get_ref(3)? {
        ValueRef::Integer(number) => Some(Stamp::Integer(number)),
        ValueRef::Real(number) => Some(Stamp::Real(number)),
        ValueRef::Null => None,
        other => Some(Stamp::Text(text(other))),
    };
    let count = count(&item, row.get_ref(1)?, row.get_ref(4)?, row.get_ref(5)?, now);
    Ok(Read {
        rows: row.get(2)?,
        count,
        mark: TableMark { page: 0, changed, after: Some(item.clone()) },
        item,
    })
}

fn count(
    item: &str,
    number: ValueRef<'_>,
    at: ValueRef<'_>,
    includes: ValueRef<'_>,
    now: DateTime<Utc>,
) -> Result<Count, String> {
    let item = ItemCode::parse(item).map_err(|error| error.to_string())?;
    let quantity = match number {
        ValueRef::Integer(number) => Quantity::new(number).map_err(|error| error.to_string())?,
        other => quantity(&text(other))?,
    };
    let at = match at {
        ValueRef::Null => now,
        other => instant(other)?,
    };
    let includes = match includes {
        ValueRef::Null => None,
        ValueRef::Integer(seq) => {
            Some(Seq(u64::try_from(seq).map_err(|_| format!("{seq} is no number of a movement"))?))
        }
        other => return Err(format!("{:?} is no number of a movement", text(other))),
    };
    Ok(Count { item, quantity, includes, at })
}

fn instant(value: ValueRef<'_>) -> Result<DateTime<Utc>, String> {
    let found = match value {
        ValueRef::Integer(seconds) => DateTime::from_timestamp(seconds, 0),
        other => {
            let text = text(other);
            let plain =
                || NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").map(|at| at.and_utc());
            DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc()).or_else(|_| plain()).ok()
        }
    };
    found.ok_or_else(|| format!("{:?} is no instant; write it as 2026-11-02T10:00:00Z", text(value)))
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
