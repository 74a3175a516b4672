use chrono::{DateTime, Utc};
use rules_core::store::sqlite::rusqlite::params_from_iter;
use rules_core::store::sqlite::rusqlite::types::Value;
use rules_core::store::sqlite::{SqliteError, Transaction};

use super::mark::TableMark;
use super::row::{Read, read};
use crate::host_stock::Count;
use crate::sku::ItemCode;

/// How the table and its columns are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumns {
    table: String,
    item: String,
    quantity: String,
    changed: Option<String>,
    counted_at: Option<String>,
    includes: Option<String>,
}

impl TableColumns {
    /// The table, its column of items and its column of numbers.
    pub fn named(table: impl Into<String>, item: impl Into<String>, quantity: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            item: item.into(),
            quantity: quantity.into(),
            changed: None,
            counted_at: None,
            includes: None,
        }
    }

    /// A column whose value rises with every change of a row, in the order in which changes are
    /// committed: a version from a trigger, or an instant. Items must be unique.
    #[must_use]
    pub fn changed(self, column: impl Into<String>) -> Self {
        Self { changed: Some(column.into()), ..self }
    }

    /// A column with the instant of each count: RFC 3339, `2026-11-02 10:00:00` in UTC, or seconds
    /// since 1970. Without it, a number is counted when it is read.
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

    pub(super) fn table(&self) -> &str {
        &self.table
    }
}

/// The columns of a table or view; none when there is no such table.
pub(super) fn columns_of(tx: &Transaction<'_>, table: &str) -> Result<Vec<String>, SqliteError> {
    let mut statement = tx.prepare("SELECT name FROM pragma_table_xinfo(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The statements of one table, written once.
#[derive(Debug)]
pub(super) struct Queries {
    by_change: bool,
    /// From the start, from a change on, from an item on.
    start: String,
    from: String,
    after: String,
    named: String,
}

impl Queries {
    pub(super) fn new(columns: &TableColumns, has: &[String]) -> Result<Self, String> {
        let TableColumns { table, .. } = columns;
        if has.is_empty() {
            return Err(format!("there is no table {table:?} in the file"));
        }
        // With the table's alias a name is never taken for a text, as SQLite does with unknown
        // names in double quotes.
        let quoted = |name: &str| {
            if has.iter().any(|column| column.eq_ignore_ascii_case(name)) {
                Ok(format!("s.{}", quote(name)))
            } else {
                Err(format!("the table {table:?} has no column {name:?}; it has {}", has.join(", ")))
            }
        };
        let extra = |name: &Option<String>| name.as_deref().map_or(Ok("NULL".to_owned()), quoted);
        let (item, quantity) = (quoted(&columns.item)?, quoted(&columns.quantity)?);
        let (counted_at, includes) = (extra(&columns.counted_at)?, extra(&columns.includes)?);
        let table = quote(table);
        let rest = format!("{counted_at}, {includes}");
        let by_item =
            format!("SELECT {item}, min({quantity}), count(*), NULL, {rest} FROM {table} AS s WHERE");
        let grouped = format!("GROUP BY {item}");
        let named = format!("{by_item} {item} = ?1 {grouped}");
        let Some(changed) = columns.changed.as_deref() else {
            let paged = format!("{grouped} ORDER BY {item} LIMIT ?1");
            let start = format!("{by_item} {item} IS NOT NULL {paged}");
            let after = format!("{by_item} {item} > ?2 {paged}");
            return Ok(Self { by_change: false, from: start.clone(), start, after, named });
        };
        let changed = quoted(changed)?;
        let select = format!(
            "SELECT {item}, {quantity}, 1, {changed}, {rest} FROM {table} AS s WHERE {item} IS NOT NULL AND"
        );
        let paged = format!("ORDER BY {changed}, {item} LIMIT ?1");
        Ok(Self {
            by_change: true,
            start: format!("{select} {changed} IS NOT NULL {paged}"),
            from: format!("{select} {changed} >= ?2 {paged}"),
            after: format!("{select} ({changed}, {item}) > (?2, ?3) {paged}"),
            named,
        })
    }

    /// True when rows are read in the order of their changes.
    pub(super) const fn by_change(&self) -> bool {
        self.by_change
    }

    pub(super) fn page(
        &self,
        tx: &Transaction<'_>,
        from: &TableMark,
        max: usize,
        now: DateTime<Utc>,
    ) -> Result<Vec<Read>, SqliteError> {
        let mut values = vec![Value::Integer(i64::try_from(max).unwrap_or(i64::MAX))];
        let changed = from.changed.clone().filter(|_| self.by_change);
        let statement = match (&changed, &from.after) {
            (None, None) => &self.start,
            (Some(_), None) => &self.from,
            (_, Some(_)) if self.by_change && changed.is_none() => &self.start,
            (_, Some(_)) => &self.after,
        };
        values.extend(changed.map(Value::from));
        if *statement == self.after {
            values.extend(from.after.clone().map(Value::Text));
        }
        let mut statement = tx.prepare_cached(statement)?;
        let rows = statement.query_map(params_from_iter(values), |row| read(row, now))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn named(
        &self,
        tx: &Transaction<'_>,
        items: &[ItemCode],
        now: DateTime<Utc>,
    ) -> Result<Vec<Option<Count>>, SqliteError> {
        let mut statement = tx.prepare_cached(&self.named)?;
        let mut counts = Vec::with_capacity(items.len());
        for item in items {
            let mut rows = statement.query([item.as_str()])?;
            let read = rows.next()?.map(|row| read(row, now)).transpose()?;
            counts.push(read.and_then(|read| read.count.ok()));
        }
        Ok(counts)
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
