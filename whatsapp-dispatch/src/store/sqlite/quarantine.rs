use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::store::sqlite::rusqlite::{Row, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError};
use rules_core::work::StoreError;

use super::SCHEMA;
use crate::quarantine::{Quarantine, Quarantined, STRAYS_KEPT, STRAYS_KEPT_FOR, Stray};
use crate::sender::NumberId;

/// Changes that one call forgets, at most.
const FORGOTTEN_AT_ONCE: usize = 1_000;

#[async_trait]
impl Quarantine for Sqlite {
    async fn put(&self, strays: &[Stray]) -> Result<(), StoreError> {
        let (strays, now) = (strays.to_vec(), self.clock().now());
        self.write(&SCHEMA, move |tx| put(tx, &strays, now))
            .await
            .map_err(|error| error.while_doing("putting changes of webhooks into quarantine"))
    }

    async fn strays(&self, after: Option<u64>, max: usize) -> Result<Vec<Quarantined>, StoreError> {
        let old_us = old_us(self.clock().now());
        self.read(&SCHEMA, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT number, at_us, code, waba, number_id, field, change FROM quarantine
                 WHERE ?1 < number AND ?2 < at_us ORDER BY number LIMIT ?3",
            )?;
            let mut rows = select.query(params![after.unwrap_or_default(), old_us, max])?;
            let mut strays = Vec::new();
            while let Some(row) = rows.next()? {
                strays.push(read(row)?);
            }
            Ok(strays)
        })
        .await
        .map_err(|error| error.while_doing("reading the quarantine of webhooks"))
    }

    async fn forget_old(&self) -> Result<usize, StoreError> {
        forget_old(self).await.map_err(|error| error.while_doing("forgetting old changes of webhooks"))
    }
}

/// What came until then is too old.
fn old_us(now: DateTime<Utc>) -> i64 {
    (now - TimeDelta::from_std(STRAYS_KEPT_FOR).unwrap_or_default()).timestamp_micros()
}

async fn forget_old(store: &Sqlite) -> Result<usize, SqliteError> {
    let old_us = old_us(store.clock().now());
    // Almost always there is nothing, and whoever only looks keeps nobody from writing.
    if store.read(&SCHEMA, move |tx| is_any_old(tx, old_us)).await? {
        store.write(&SCHEMA, move |tx| delete_old(tx, old_us, FORGOTTEN_AT_ONCE)).await
    } else {
        Ok(0)
    }
}

fn is_any_old(tx: &Transaction<'_>, old_us: i64) -> Result<bool, SqliteError> {
    let mut select = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM (SELECT at_us FROM quarantine ORDER BY number LIMIT 1)
         WHERE at_us <= ?1)",
    )?;
    Ok(select.query_row([old_us], |row| row.get(0))?)
}

fn delete_old(tx: &Transaction<'_>, old_us: i64, max: usize) -> Result<usize, SqliteError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM quarantine WHERE number IN (SELECT number FROM
             (SELECT number, at_us FROM quarantine ORDER BY number LIMIT ?2) WHERE at_us <= ?1)",
    )?;
    Ok(delete.execute(params![old_us, max])?)
}

fn put(tx: &Transaction<'_>, strays: &[Stray], now: DateTime<Utc>) -> Result<(), SqliteError> {
    let old_us = old_us(now);
    let mut forget = tx.prepare_cached("DELETE FROM quarantine WHERE id = ?1 AND at_us <= ?2")?;
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO quarantine (id, at_us, code, waba, number_id, field, change)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for stray in strays {
        let id = stray.id();
        forget.execute(params![id.as_bytes(), old_us])?;
        insert.execute(params![
            id.as_bytes(),
            now.timestamp_micros(),
            stray.code.as_str(),
            stray.waba,
            stray.number_id.as_ref().map(NumberId::as_str),
            stray.field,
            &*stray.kept(),
        ])?;
    }
    // A few more than were added, so that the surplus shrinks.
    let room = strays.len() + 32;
    tx.prepare_cached(
        "DELETE FROM quarantine WHERE number IN (SELECT number FROM quarantine WHERE
             number <= (SELECT max(number) FROM quarantine) - ?1 ORDER BY number LIMIT ?2)",
    )?
    .execute(params![STRAYS_KEPT, room])?;
    delete_old(tx, old_us, room)?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Quarantined, SqliteError> {
    let number_id: Option<String> = row.get(4)?;
    Ok(Quarantined {
        number: row.get(0)?,
        at: DateTime::from_timestamp_micros(row.get(1)?).unwrap_or_default(),
        stray: Stray {
            code: Code::parse(row.get::<_, String>(2)?).map_err(SqliteError::damaged)?,
            waba: row.get(3)?,
            number_id: number_id.map(|id| NumberId::parse(&id)).transpose().map_err(SqliteError::damaged)?,
            field: row.get(5)?,
            change: Bytes::from(row.get::<_, Vec<u8>>(6)?),
        },
    })
}
