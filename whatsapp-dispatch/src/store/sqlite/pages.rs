//! Pages of facts as rows: the key is the records' row key divided by 32.

use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};

use crate::delivery::packed::Torn;
use crate::delivery::page::{FactsPage, RECORDS};
use crate::fact::Facts;

/// Records in one row.
const PER_ROW: i64 = RECORDS as i64;

/// The pages that one call touches. What is changed is written by [`Pages::save`].
#[derive(Debug)]
pub(super) struct Pages<'a> {
    tx: &'a Transaction<'a>,
    pages: Vec<(i64, FactsPage)>,
}

impl<'a> Pages<'a> {
    pub(super) const fn of(tx: &'a Transaction<'a>) -> Self {
        Self { tx, pages: Vec::new() }
    }

    /// Reads the pages of these rows at once, so that single rows are found without a statement.
    pub(super) fn load(tx: &'a Transaction<'a>, first: i64, last: i64) -> Result<Self, SqliteError> {
        let mut select = tx.prepare_cached(
            "SELECT page, facts FROM delivery WHERE ?1 <= page AND page <= ?2 ORDER BY page",
        )?;
        let mut rows = select.query([first.div_euclid(PER_ROW), last.div_euclid(PER_ROW)])?;
        let mut pages = Vec::new();
        while let Some(row) = rows.next()? {
            pages.push((row.get(0)?, FactsPage::read(row.get(1)?).map_err(SqliteError::damaged)?));
        }
        Ok(Self { tx, pages })
    }

    fn page(&mut self, key: i64) -> Result<&mut FactsPage, SqliteError> {
        let index = if let Some(index) = self.pages.iter().rposition(|(known, _)| *known == key) {
            index
        } else {
            let mut select = self.tx.prepare_cached("SELECT facts FROM delivery WHERE page = ?1")?;
            let packed: Option<Vec<u8>> = select.query_row([key], |row| row.get(0)).optional()?;
            let page =
                packed.map(FactsPage::read).transpose().map_err(SqliteError::damaged)?.unwrap_or_default();
            self.pages.push((key, page));
            self.pages.len() - 1
        };
        self.pages.get_mut(index).map(|(_, page)| page).ok_or_else(|| SqliteError::damaged(Torn))
    }

    /// What is known of the record in this row; `None` if no message is planned for it.
    pub(super) fn known(&mut self, row: i64) -> Result<Option<Facts>, SqliteError> {
        self.page(row.div_euclid(PER_ROW))?.facts(slot(row)).map_err(SqliteError::damaged)
    }

    /// Changes what is known of a record.
    pub(super) fn change(&mut self, row: i64, facts: Facts) -> Result<(), SqliteError> {
        self.page(row.div_euclid(PER_ROW))?.change(slot(row), facts);
        Ok(())
    }

    /// Notes that a message is planned for the record in this row.
    pub(super) fn plan(&mut self, row: i64) -> Result<(), SqliteError> {
        let page = self.page(row.div_euclid(PER_ROW))?;
        page.plan(slot(row));
        Ok(())
    }

    /// Writes what was changed.
    pub(super) fn save(self) -> Result<(), SqliteError> {
        let mut replace =
            self.tx.prepare_cached("INSERT OR REPLACE INTO delivery (page, facts) VALUES (?1, ?2)")?;
        for (key, page) in self.pages.iter().filter(|(_, page)| page.is_changed()) {
            replace.execute(params![key, page.write()])?;
        }
        Ok(())
    }

    /// The planned records of these pages in order, with what is known of them.
    pub(super) fn each(&self) -> impl Iterator<Item = Result<(i64, Facts), SqliteError>> + '_ {
        self.pages.iter().flat_map(|(key, page)| {
            let row = move |slot| key * PER_ROW + i64::from(slot);
            page.each()
                .map(move |known| known.map(|(slot, facts)| (row(slot), facts)).map_err(SqliteError::damaged))
        })
    }
}

fn slot(row: i64) -> u8 {
    u8::try_from(row.rem_euclid(PER_ROW)).unwrap_or_default()
}
