//! Versioned tables. Each owner of tables (this crate, a sibling) has a name and a list of steps;
//! step *n* brings its tables from version *n* - 1 to *n*. Steps are only ever added.

use rusqlite::{OptionalExtension, Transaction, params};

use super::SqliteError;

/// The tables of one owner.
#[derive(Debug)]
pub struct Schema {
    /// Whose tables: the name of a crate.
    pub name: &'static str,
    /// What brings them from each version to the next, from nothing on.
    pub steps: &'static [&'static str],
}

impl Schema {
    fn version(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    /// Brings the tables to the newest version.
    pub(super) fn apply(&self, tx: &Transaction<'_>) -> Result<(), SqliteError> {
        tx.execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
        )?;
        let found: u32 = tx
            .query_row("SELECT version FROM schema_version WHERE name = ?1", [self.name], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        let known = self.version();
        if known < found {
            return Err(SqliteError::Newer { schema: self.name.to_owned(), found, known });
        }
        for step in self.steps.iter().skip(found as usize) {
            tx.execute_batch(step)?;
        }
        tx.execute(
            "INSERT INTO schema_version (name, version) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET version = excluded.version",
            params![self.name, known],
        )?;
        Ok(())
    }
}

/// The tables of this crate: outbox and event log here, queue and quota beside their ports.
pub(super) static CORE: Schema = Schema {
    name: "rules-core",
    steps: &[concat!(include_str!("events.sql"), include_str!("queue.sql"), include_str!("quota.sql"))],
};
