use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::schema::CORE;
use super::{Sqlite, SqliteError};
use crate::judge::code::Code;
use crate::judge::id::{EntryId, LeaseToken};
use crate::judge::key::{ChainKey, stored};
use crate::judge::tenant::TenantId;
use crate::work::StoreError;
use crate::work::events::{Chain, ChainMac, ChainSecret, Entry, EventLog, Head, Sealed};
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

    /// Only one process writes the file, so the claim lies in its memory.
    async fn claim(&self, holder: LeaseToken, ttl: Duration) -> Result<bool, StoreError> {
        Ok(self.turn().claim(holder, ttl))
    }
}

#[async_trait]
impl EventLog for Sqlite {
    async fn append(&self, entries: &[Entry]) -> Result<Vec<u64>, StoreError> {
        let entries = entries.to_vec();
        let secret =
            self.chain_secret().await.map_err(|error| error.while_doing("reading the chain's secret"))?;
        self.write(&CORE, move |tx| append(tx, &secret, &entries))
            .await
            .map_err(|error| error.while_doing("appending to the event log"))
    }

    async fn read(&self, chain: &ChainKey, from: u64, max: usize) -> Result<Vec<Sealed>, StoreError> {
        let tenant = chain.tenant().clone();
        self.read(&CORE, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT seq, id, at_us, kind, body, mac FROM event WHERE tenant = ?1 AND ?2 <= seq
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
                    mac: ChainMac::from_bytes(row.get(5)?),
                });
            }
            Ok(entries)
        })
        .await
        .map_err(|error| error.while_doing("reading the event log"))
    }

    async fn head(&self, chains: &[ChainKey]) -> Result<Vec<Head>, StoreError> {
        let tenants: Vec<TenantId> = chains.iter().map(|chain| chain.tenant().clone()).collect();
        self.read(&CORE, move |tx| tenants.iter().map(|tenant| head(tx, tenant)).collect())
            .await
            .map_err(|error| error.while_doing("reading the heads of event logs"))
    }
}

impl Sqlite {
    /// The secret under which the file's event log is chained: the configured one, or a random
    /// one that lies in the file. The latter finds accidents and clumsy changes; against somebody
    /// who can write the file configure one that lies elsewhere.
    ///
    /// # Errors
    /// [`SqliteError`] when the file cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn chain_secret(&self) -> Result<ChainSecret, SqliteError> {
        if let Some(secret) = self.known_chain_secret().get() {
            return Ok(secret.clone());
        }
        let secret = if let Some(stored) = self.read(&CORE, stored_secret).await? {
            stored
        } else {
            let fresh = ChainSecret::of(&format!("{}{}", self.ids().next(), self.ids().next()));
            self.write(&CORE, move |tx| {
                tx.prepare_cached("INSERT OR IGNORE INTO event_secret (one, secret) VALUES (1, ?1)")?
                    .execute([fresh.expose()])?;
                Ok(stored_secret(tx)?.unwrap_or_else(|| fresh.clone()))
            })
            .await?
        };
        Ok(self.known_chain_secret().get_or_init(|| secret).clone())
    }

    /// The tenants that have an event log in this file, in order.
    ///
    /// # Errors
    /// [`SqliteError`] when the file cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn chains(&self) -> Result<Vec<ChainKey>, SqliteError> {
        self.read(&CORE, |tx| {
            let mut select = tx.prepare_cached("SELECT tenant FROM event_head ORDER BY tenant")?;
            let mut rows = select.query([])?;
            let mut chains = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                chains.push(stored::chain(TenantId::parse(&name).map_err(SqliteError::damaged)?));
            }
            Ok(chains)
        })
        .await
    }
}

fn stored_secret(tx: &Transaction<'_>) -> Result<Option<ChainSecret>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT secret FROM event_secret WHERE one = 1")?;
    Ok(select.query_row([], |row| row.get(0)).optional()?.map(ChainSecret::from_bytes))
}

fn append(tx: &Transaction<'_>, secret: &ChainSecret, entries: &[Entry]) -> Result<Vec<u64>, SqliteError> {
    let mut chains: Vec<(&ChainKey, Chain)> = Vec::new();
    let mut known = tx.prepare_cached("SELECT seq FROM event WHERE id = ?1")?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO event (tenant, seq, id, at_us, kind, body, mac) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut numbers = Vec::with_capacity(entries.len());
    for entry in entries {
        let found: Option<u64> = known.query_row([entry.id.as_bytes()], |row| row.get(0)).optional()?;
        if let Some(seq) = found {
            numbers.push(seq);
            continue;
        }
        let index = if let Some(index) = chains.iter().position(|(key, _)| *key == &entry.chain) {
            index
        } else {
            let head = head(tx, entry.chain.tenant())?;
            chains.push((&entry.chain, Chain::new(secret, &entry.chain).at(head)));
            chains.len() - 1
        };
        let Some((_, chain)) = chains.get_mut(index) else { continue };
        let sealed = chain.seal(entry);
        insert.execute(params![
            entry.chain.tenant().as_str(),
            sealed.seq,
            sealed.id.as_bytes(),
            sealed.at.timestamp_micros(),
            sealed.kind.as_str(),
            sealed.body,
            sealed.mac.as_bytes(),
        ])?;
        numbers.push(sealed.seq);
    }
    let mut keep = tx.prepare_cached(
        "INSERT INTO event_head (tenant, seq, mac) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, mac = excluded.mac",
    )?;
    for (key, chain) in &chains {
        let Head { seq, mac } = chain.head();
        keep.execute(params![key.tenant().as_str(), seq, mac.as_bytes()])?;
    }
    Ok(numbers)
}

fn head(tx: &Transaction<'_>, tenant: &TenantId) -> Result<Head, SqliteError> {
    let mut select = tx.prepare_cached("SELECT seq, mac FROM event_head WHERE tenant = ?1")?;
    let found = select.query_row([tenant.as_str()], |row| {
        Ok(Head { seq: row.get(0)?, mac: ChainMac::from_bytes(row.get(1)?) })
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn instant(row: &Row<'_>, column: usize) -> Result<DateTime<Utc>, SqliteError> {
    Ok(DateTime::from_timestamp_micros(row.get(column)?).unwrap_or_default())
}

fn code(row: &Row<'_>, column: usize) -> Result<Code, SqliteError> {
    Code::parse(row.get::<_, String>(column)?).map_err(SqliteError::damaged)
}
