//! A host's stock in a table of a SQLite file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rules_core::store::sqlite::{Schema, Sqlite};
use rules_core::work::StoreError;

use super::told::{Met, Told};
use crate::host_stock::{Count, HostChange, HostChanges, HostMark, HostRowError, HostStock};
use crate::sku::ItemCode;

mod mark;
mod query;
mod row;

pub use query::TableColumns;

use mark::TableMark;
use query::Queries;

/// Rows that are read together.
const PAGE: usize = 1_000;

/// A host's tables are the host's: nothing is made in them.
static HOST: Schema = Schema { name: "host", steps: &[] };

/// A table, or view, with a column of items and one of quantities. Open the host's file with
/// [`Sqlite::open_read_only`]: nothing is written to it and it is not locked.
///
/// With a column that rises with every change of a row ([`TableColumns::changed`]) only newer rows
/// are read; without one all rows are read each time and only those whose number is another than
/// was told are told again. Either way the column of items, or the pair of both, needs an index.
///
/// Rows that hold a negative or absurd number are refused one by one, with a remedy, and the rest
/// goes on. Of several rows for one item the lowest number counts. Rows without an item are passed
/// over. An item that is missing keeps its number: absent is not zero.
#[derive(Clone, Debug)]
pub struct StockTable {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sqlite: Sqlite,
    table: String,
    queries: Queries,
    state: Mutex<State>,
}

/// What this process remembers of the table. Without it everything since the mark is told again,
/// which is recognised.
#[derive(Debug, Default)]
struct State {
    /// The last mark that was given. Whoever asks from another place may not have kept what was
    /// told since.
    given: Option<TableMark>,
    told: Told,
    /// True within a pass.
    begun: bool,
}

impl StockTable {
    /// The table of these columns.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the file has no such table or columns, with those that it has.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn open(sqlite: Sqlite, columns: TableColumns) -> Result<Self, StoreError> {
        let doing = "looking at the stock table";
        let table = columns.table().to_owned();
        let name = table.clone();
        let has = sqlite.read(&HOST, move |tx| query::columns_of(tx, &name)).await;
        let has = has.map_err(|error| error.while_doing(doing))?;
        let queries = Queries::new(&columns, &has)
            .map_err(|reason| StoreError::Refused { doing: doing.into(), reason: reason.into() })?;
        let inner = Inner { sqlite, table, queries, state: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn rows(&self, from: &TableMark) -> Result<Vec<row::Read>, StoreError> {
        let (inner, from) = (Arc::clone(&self.inner), from.clone());
        let now = self.inner.sqlite.clock().now();
        let rows = self.inner.sqlite.read(&HOST, move |tx| inner.queries.page(tx, &from, PAGE, now)).await;
        rows.map_err(|error| error.while_doing("reading the stock table"))
    }

    /// Tells rows until the page is full, and says where it stopped.
    fn tell(&self, rows: &[row::Read], max: usize, page: &mut HostChanges) -> Option<TableMark> {
        let mut state = self.lock();
        let mut last = None;
        for row in rows {
            if max <= page.changes.len() + page.refused.len() {
                break;
            }
            last = Some(row.mark.clone());
            let doubt = match &row.count {
                Err(reason) => Some(reason.clone()),
                Ok(count) => {
                    if matches!(state.told.meet(count, 0), Met::Changed | Met::Again { lower: true, .. }) {
                        page.changes.push(HostChange::Counted(count.clone()));
                    }
                    (1 < row.rows).then(|| {
                        let rows = row.rows;
                        format!("it stands in {rows} rows, and the lowest number counts; keep one row for each item")
                    })
                }
            };
            // Rows are read again and again, and what is wrong with them is told once.
            if let Some(reason) = doubt.filter(|reason| state.told.refuse(&row.item, reason)) {
                let place = format!("table {}, item {}", self.inner.table, row.item);
                page.refused.push(HostRowError { place, reason });
            }
        }
        last
    }
}

#[async_trait]
impl HostStock for StockTable {
    async fn read(&self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, StoreError> {
        let (inner, items) = (Arc::clone(&self.inner), items.to_vec());
        let now = self.inner.sqlite.clock().now();
        let counts = self.inner.sqlite.read(&HOST, move |tx| inner.queries.named(tx, &items, now)).await;
        counts.map_err(|error| error.while_doing("reading the stock table"))
    }

    async fn changes(&self, since: Option<HostMark>, max: usize) -> Result<HostChanges, StoreError> {
        let since = since.as_ref().and_then(TableMark::of);
        {
            let mut state = self.lock();
            if state.given != since {
                *state = State { given: since.clone(), ..State::default() };
            }
            if !state.begun {
                state.told.begin_pass();
                state.begun = true;
            }
        }
        let mut at = since.clone().unwrap_or_default();
        let mut page = HostChanges { changes: Vec::new(), refused: Vec::new(), mark: None };
        let ended = loop {
            let rows = self.rows(&at).await?;
            let told = self.tell(&rows, max.max(1), &mut page);
            let whole = told.as_ref() == rows.last().map(|row| &row.mark);
            at = told.unwrap_or(at);
            if !whole || rows.len() < PAGE {
                break whole;
            }
        };
        let mut state = self.lock();
        if ended {
            at = at.at_the_end();
            state.begun = false;
            if !self.inner.queries.by_change() {
                page.refused.extend(state.told.missing(&format!("table {}", self.inner.table)));
            }
        }
        let before = since.unwrap_or_default();
        let tells = !page.changes.is_empty() || !page.refused.is_empty();
        at.page = before.page + u64::from(tells);
        if at != before {
            page.mark = Some(at.to_mark());
            state.given = Some(at);
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests;
