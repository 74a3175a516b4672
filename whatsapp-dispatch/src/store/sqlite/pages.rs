//! The facts of 32 neighbouring records in one row, because messages leave in the order of their
//! records: a group that begins together changes one or two rows instead of 32.
//!
//! A row holds one bit per record that is planned, then the packed facts of each record that has
//! any. Its key is the records' row key divided by 32.

use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};

use super::facts::{self, Reader, damaged, number};
use crate::fact::Facts;

/// Records in one row.
const RECORDS: i64 = 32;
const SLOTS: usize = 32;

/// A row that was read.
#[derive(Debug, Default)]
pub(super) struct FactsPage {
    planned: u32,
    /// Packed facts as they were read, with the place of each record's in it.
    packed: Vec<u8>,
    places: [(u32, u32); SLOTS],
    changed: Vec<(u8, Facts)>,
    is_changed: bool,
}

impl FactsPage {
    fn read(packed: Vec<u8>) -> Result<Self, SqliteError> {
        let mut reader = Reader(&packed);
        let planned = u32::from_le_bytes(reader.chunk()?);
        let mut places = [(0, 0); SLOTS];
        while !reader.0.is_empty() {
            let slot = usize::from(reader.byte()?);
            let bytes = reader.bytes()?;
            let end = packed.len() - reader.0.len();
            let start = end - bytes.len();
            let place = places.get_mut(slot).ok_or_else(damaged)?;
            *place = (
                u32::try_from(start).map_err(SqliteError::damaged)?,
                u32::try_from(end).map_err(SqliteError::damaged)?,
            );
        }
        Ok(Self { planned, packed, places, ..Self::default() })
    }

    fn write(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(self.packed.len() + 64 * self.changed.len() + 8);
        to.extend_from_slice(&self.planned.to_le_bytes());
        let mut fresh = Vec::with_capacity(128);
        for (slot, place) in (0_u8..).zip(self.places) {
            let changed = self.changed.iter().find(|(changed, _)| *changed == slot);
            let bytes = match changed {
                Some((_, facts)) => {
                    fresh.clear();
                    facts::pack(facts, &mut fresh);
                    fresh.as_slice()
                }
                None => self.packed.get(place.0 as usize..place.1 as usize).unwrap_or_default(),
            };
            if !bytes.is_empty() {
                to.push(slot);
                number(bytes.len() as u64, &mut to);
                to.extend_from_slice(bytes);
            }
        }
        to
    }

    /// What is known of a record; `None` if no message is planned for it.
    pub(super) fn facts(&self, slot: u8) -> Result<Option<Facts>, SqliteError> {
        if self.planned >> slot & 1 == 0 {
            return Ok(None);
        }
        if let Some((_, facts)) = self.changed.iter().find(|(changed, _)| *changed == slot) {
            return Ok(Some(facts.clone()));
        }
        let place = self.places.get(usize::from(slot)).copied().unwrap_or_default();
        match self.packed.get(place.0 as usize..place.1 as usize) {
            None | Some([]) => Ok(Some(Facts::default())),
            Some(bytes) => facts::unpack(bytes).map(Some),
        }
    }

    fn change(&mut self, slot: u8, facts: Facts) {
        self.is_changed = true;
        match self.changed.iter_mut().find(|(changed, _)| *changed == slot) {
            Some((_, known)) => *known = facts,
            None => self.changed.push((slot, facts)),
        }
    }
}

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
        let mut rows = select.query([first.div_euclid(RECORDS), last.div_euclid(RECORDS)])?;
        let mut pages = Vec::new();
        while let Some(row) = rows.next()? {
            pages.push((row.get(0)?, FactsPage::read(row.get(1)?)?));
        }
        Ok(Self { tx, pages })
    }

    fn page(&mut self, key: i64) -> Result<&mut FactsPage, SqliteError> {
        let index = if let Some(index) = self.pages.iter().rposition(|(known, _)| *known == key) {
            index
        } else {
            let mut select = self.tx.prepare_cached("SELECT facts FROM delivery WHERE page = ?1")?;
            let packed: Option<Vec<u8>> = select.query_row([key], |row| row.get(0)).optional()?;
            let page = packed.map(FactsPage::read).transpose()?.unwrap_or_default();
            self.pages.push((key, page));
            self.pages.len() - 1
        };
        self.pages.get_mut(index).map(|(_, page)| page).ok_or_else(damaged)
    }

    /// What is known of the record in this row; `None` if no message is planned for it.
    pub(super) fn known(&mut self, row: i64) -> Result<Option<Facts>, SqliteError> {
        self.page(row.div_euclid(RECORDS))?.facts(slot(row))
    }

    /// Changes what is known of a record.
    pub(super) fn change(&mut self, row: i64, facts: Facts) -> Result<(), SqliteError> {
        self.page(row.div_euclid(RECORDS))?.change(slot(row), facts);
        Ok(())
    }

    /// Notes that a message is planned for the record in this row.
    pub(super) fn plan(&mut self, row: i64) -> Result<(), SqliteError> {
        let page = self.page(row.div_euclid(RECORDS))?;
        page.planned |= 1 << slot(row);
        page.is_changed = true;
        Ok(())
    }

    /// Writes what was changed.
    pub(super) fn save(self) -> Result<(), SqliteError> {
        let mut replace =
            self.tx.prepare_cached("INSERT OR REPLACE INTO delivery (page, facts) VALUES (?1, ?2)")?;
        for (key, page) in self.pages.iter().filter(|(_, page)| page.is_changed) {
            replace.execute(params![key, page.write()])?;
        }
        Ok(())
    }

    /// The planned records of these pages in order, with what is known of them.
    pub(super) fn each(&self) -> impl Iterator<Item = Result<(i64, Facts), SqliteError>> + '_ {
        self.pages.iter().flat_map(|(key, page)| {
            (0_u8..32).filter_map(move |slot| {
                let facts = page.facts(slot).transpose()?;
                Some(facts.map(|facts| (key * RECORDS + i64::from(slot), facts)))
            })
        })
    }
}

fn slot(row: i64) -> u8 {
    u8::try_from(row.rem_euclid(RECORDS)).unwrap_or_default()
}
