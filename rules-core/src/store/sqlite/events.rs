use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::schema::CORE;
use super::{Sqlite, SqliteError};
use crate::judge::code::Code;
use crate::judge::id::EntryId;
use crate::judge::key::{ChainKey, stored};
use crate::judge::tenant::TenantId;
use crate::work::StoreError;
use crate::work::events::{Entry, EventLog, Sealed};
use crate::work::outbox::Outbox;

/// Puts entries into the outbox, inside the transaction of the change that they are about.
///
/// # Errors
/// [`SqliteError`] of the statement.
pub fn put_out(tx: &Transaction<'_>, entries: &[Entry]) -> Result<(), SqliteError> {
    let mut insert =
        tx.prepare_cached("INSERT INTO outbox (id, tenant, at_us, kind, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for entry in entries {
        insert.execute(params![
            entry.id.as_bytes(),
            entry.chain.tenant().as_str(),
            entry.at.timestamp_micros(),
            entry.kind.as_str(),
            entry.body,
        ])?;
    }
    Ok(())
}

#[async_trait]
impl Outbox for Sqlite {
    async fn pending(&self, max: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.read(&CORE, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT position, id, tenant, at_us, kind, body FROM outbox ORDER BY position LIMIT ?1",
            )?;
            let mut rows = select.query([i64::try_from(max).unwrap_or(i64::MAX)])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let tenant = TenantId::parse(row.get_ref(2)?.as_str().map_err(SqliteError::damaged)?)
                    .map_err(SqliteError::damaged)?;
                entries.push((
                    row.get(0)?,
                    Entry {
                        id: EntryId::from_bytes(row.get(1)?),
                        chain: stored::chain(tenant),
                        at: instant(row, 3)?,
                        kind: code(row, 4)?,
                        body: row.get(5)?,
                    },
                ));
            }
            Ok(entries)
        })
        .await
        .map_err(|error| error.while_doing("reading the outbox"))
    }

    async fn relayed(&self, position: u64) -> Result<(), StoreError> {
        self.write(&CORE, move |tx| {
            tx.prepare_cached("DELETE FROM outbox WHERE position <= ?1")?.execute([position])?;
            Ok(())
        })
        .await
        .map_err(|error| error.while_doing("clearing the outbox"))
    }
}

#[async_trait]
impl EventLog for Sqlite {
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError> {
        let entries = entries.to_vec();
        self.write(&CORE, move |tx| entries.iter().map(|entry| append(tx, entry)).collect())
            .await
            .map_err(|error| error.while_doing("appending to the event log"))
    }

    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError> {
        let tenant = chain.tenant().clone();
        self.read(&CORE, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT seq, id, at_us, kind, body FROM event WHERE tenant = ?1 AND ?2 <= seq
                 ORDER BY seq LIMIT ?3",
            )?;
            let max = i64::try_from(max).unwrap_or(i64::MAX);
            let mut rows = select.query(params![tenant.as_str(), from, max])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(Sealed {
                    seq: row.get(0)?,
                    id: EntryId::from_bytes(row.get(1)?),
                    at: instant(row, 2)?,
                    kind: code(row, 3)?,
                    body: row.get(4)?,
                });
            }
            Ok(entries)
        })
        .await
        .map_err(|error| error.while_doing("reading the event log"))
    }

    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<u64>, StoreError> {
        let tenants: Vec<TenantId> = chains.iter().map(|chain| chain.tenant().clone()).collect();
        self.read(&CORE, move |tx| tenants.iter().map(|tenant| head(tx, tenant)).collect())
            .await
            .map_err(|error| error.while_doing("reading the heads of event logs"))
    }
}

fn append(tx: &Transaction<'_>, entry: &Entry) -> Result<u64, SqliteError> {
    let known: Option<u64> = tx
        .prepare_cached("SELECT seq FROM event WHERE id = ?1")?
        .query_row([entry.id.as_bytes()], |row| row.get(0))
        .optional()?;
    if let Some(seq) = known {
        return Ok(seq);
    }
    let seq = head(tx, entry.chain.tenant())? + 1;
    tx.prepare_cached(
        "INSERT INTO event (tenant, seq, id, at_us, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        entry.chain.tenant().as_str(),
        seq,
        entry.id.as_bytes(),
        entry.at.timestamp_micros(),
        entry.kind.as_str(),
        entry.body,
    ])?;
    Ok(seq)
}

fn head(tx: &Transaction<'_>, tenant: &TenantId) -> Result<u64, SqliteError> {
    let head: Option<u64> = tx
        .prepare_cached("SELECT max(seq) FROM event WHERE tenant = ?1")?
        .query_row([tenant.as_str()], |row| row.get(0))?;
    Ok(head.unwrap_or(0))
}

fn instant(row: &Row<'_>, column: usize) -> Result<DateTime<Utc>, SqliteError> {
    Ok(DateTime::from_timestamp_micros(row.get(column)?).unwrap_or_default())
}

fn code(row: &Row<'_>, column: usize) -> Result<Code, SqliteError> {
    Code::parse(row.get::<_, String>(column)?).map_err(SqliteError::damaged)
}
