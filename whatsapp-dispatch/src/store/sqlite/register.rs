use async_trait::async_trait;
use chrono::DateTime;
use rules_core::judge::tenant::TenantId;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Row, params};
use rules_core::store::sqlite::{Sqlite, SqliteError};
use rules_core::work::StoreError;

use super::SCHEMA;
use crate::register::{Note, NoteKey, NoteKind, Register};

#[async_trait]
impl Register for Sqlite {
    async fn note(&self, notes: &[Note]) -> Result<(), StoreError> {
        let notes = notes.to_vec();
        self.write(&SCHEMA, move |tx| {
            let mut upsert = tx.prepare_cached(
                "INSERT INTO note (kind, owner, name, at_us, text) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET at_us = excluded.at_us, text = excluded.text
                 WHERE (at_us, text) < (excluded.at_us, excluded.text)",
            )?;
            for Note { key, at, text } in &notes {
                upsert.execute(params![
                    key.kind().as_str(),
                    owner(key),
                    key.name(),
                    at.timestamp_micros(),
                    text
                ])?;
            }
            Ok(())
        })
        .await
        .map_err(|error| error.while_doing("noting what was told"))
    }

    async fn look(&self, subjects: &[NoteKey]) -> Result<Vec<Option<Note>>, StoreError> {
        let keys = subjects.to_vec();
        self.read(&SCHEMA, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT owner, name, at_us, text FROM note WHERE kind = ?1 AND owner = ?2 AND name = ?3",
            )?;
            let mut look = |key: &NoteKey| {
                let name = params![key.kind().as_str(), owner(key), key.name()];
                select.query_row(name, |row| Ok(note(key.kind(), row))).optional()?.transpose()
            };
            keys.iter().map(&mut look).collect()
        })
        .await
        .map_err(|error| error.while_doing("looking up what was told"))
    }

    async fn list(
        &self,
        kind: NoteKind,
        after: Option<NoteKey>,
        max: usize,
    ) -> Result<Vec<Note>, StoreError> {
        self.read(&SCHEMA, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT owner, name, at_us, text FROM note WHERE kind = ?1 AND (?2, ?3) < (owner, name)
                 ORDER BY owner, name LIMIT ?4",
            )?;
            let (owner, name) = after.as_ref().map_or(("", ""), |key| (owner(key), key.name()));
            let max = i64::try_from(max).unwrap_or(i64::MAX);
            let mut rows = select.query(params![kind.as_str(), owner, name, max])?;
            let mut notes = Vec::new();
            while let Some(row) = rows.next()? {
                notes.push(note(kind, row)?);
            }
            Ok(notes)
        })
        .await
        .map_err(|error| error.while_doing("listing what was told"))
    }

    async fn forget(&self, subjects: &[NoteKey]) -> Result<(), StoreError> {
        let keys = subjects.to_vec();
        self.write(&SCHEMA, move |tx| {
            let mut delete =
                tx.prepare_cached("DELETE FROM note WHERE kind = ?1 AND owner = ?2 AND name = ?3")?;
            for key in &keys {
                delete.execute(params![key.kind().as_str(), owner(key), key.name()])?;
            }
            Ok(())
        })
        .await
        .map_err(|error| error.while_doing("forgetting what was told"))
    }
}

fn owner(key: &NoteKey) -> &str {
    key.owner().map_or("", TenantId::as_str)
}

fn note(kind: NoteKind, row: &Row<'_>) -> Result<Note, SqliteError> {
    let owner: String = row.get(0)?;
    let owner = if owner.is_empty() { None } else { Some(TenantId::parse(&owner)) };
    let owner = owner.transpose().map_err(SqliteError::damaged)?;
    Ok(Note {
        key: NoteKey::stored(kind, owner, row.get(1)?),
        at: DateTime::from_timestamp_micros(row.get(2)?).unwrap_or_default(),
        text: row.get(3)?,
    })
}
