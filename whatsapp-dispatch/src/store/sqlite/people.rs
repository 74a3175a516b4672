use async_trait::async_trait;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError};
use rules_core::work::StoreError;

use super::SCHEMA;
use crate::people::{Address, ConsentChange, People, PersonKey, Standing, random_key};

#[async_trait]
impl People for Sqlite {
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError> {
        let failed = |error: SqliteError| error.while_doing("resolving people");
        let known = self.read(&SCHEMA, stored_key).await.map_err(failed)?;
        let key = if let Some(key) = known {
            key
        } else {
            let fresh = random_key(self.ids());
            let stored = self.write(&SCHEMA, move |tx| {
                tx.prepare_cached("INSERT OR IGNORE INTO person_key (one, key) VALUES (1, ?1)")?
                    .execute([&fresh])?;
                Ok(stored_key(tx)?.unwrap_or(fresh))
            });
            stored.await.map_err(failed)?
        };
        Ok(addresses.iter().map(|address| PersonKey::behind(&key, address)).collect())
    }

    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError> {
        let changes = changes.to_vec();
        self.write(&SCHEMA, move |tx| {
            let mut upsert = tx.prepare_cached(
                "INSERT INTO person_consent (tenant, person, opted_out, source, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (tenant, person) DO UPDATE
                 SET opted_out = excluded.opted_out, source = excluded.source, at_us = excluded.at_us
                 WHERE (at_us, opted_out) < (excluded.at_us, excluded.opted_out)",
            )?;
            for change in &changes {
                upsert.execute(params![
                    change.person.tenant().as_str(),
                    change.person.id().as_bytes(),
                    change.opted_out,
                    change.source,
                    change.at.timestamp_micros(),
                ])?;
            }
            Ok(())
        })
        .await
        .map_err(|error| error.while_doing("noting what people said"))
    }

    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError> {
        let people = people.to_vec();
        self.read(&SCHEMA, move |tx| {
            let mut select =
                tx.prepare_cached("SELECT opted_out FROM person_consent WHERE tenant = ?1 AND person = ?2")?;
            people
                .iter()
                .map(|person| {
                    let (tenant, id) = (person.tenant().as_str(), person.id());
                    let opted_out =
                        select.query_row(params![tenant, id.as_bytes()], |row| row.get(0)).optional()?;
                    Ok(Standing { opted_out })
                })
                .collect()
        })
        .await
        .map_err(|error| error.while_doing("reading where people stand"))
    }
}

fn stored_key(tx: &Transaction<'_>) -> Result<Option<[u8; 32]>, SqliteError> {
    Ok(tx
        .prepare_cached("SELECT key FROM person_key WHERE one = 1")?
        .query_row([], |row| row.get(0))
        .optional()?)
}
