use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError, put_out};
use rules_core::work::StoreError;

use super::SCHEMA;
use crate::message::PersonId;
use crate::people::{
    Address, ConsentChange, Learned, Lesson, People, PersonKey, Register, Row, Rows, Standing, random_key,
};

#[async_trait]
impl People for Sqlite {
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError> {
        let failed = |error: SqliteError| error.while_doing("resolving people");
        let wanted = addresses.to_vec();
        let found = self.read(&SCHEMA, move |tx| {
            let Some((key, merged)) = stored_key(tx)? else { return Ok(None) };
            resolved(tx, &key, merged, &wanted).map(Some)
        });
        if let Some(people) = found.await.map_err(failed)? {
            return Ok(people);
        }
        let (fresh, wanted) = (random_key(self.ids()), addresses.to_vec());
        self.write(&SCHEMA, move |tx| {
            let (key, merged) = ensured_key(tx, &fresh)?;
            resolved(tx, &key, merged, &wanted)
        })
        .await
        .map_err(failed)
    }

    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError> {
        let failed = |error: SqliteError| error.while_doing("noting what was learned about people");
        let learned = learned.to_vec();
        if learned.iter().all(|one| one.what == Lesson::Reached) {
            // The usual news, which usually changes nothing: looking costs less than writing.
            let usual = learned.clone();
            let known = self.read(&SCHEMA, move |tx| {
                let Some((key, _)) = stored_key(tx)? else { return Ok(true) };
                Register { rows: Table(tx), key: &key }.knows_all(&usual)
            });
            if known.await.map_err(failed)? {
                return Ok(());
            }
        }
        let fresh = random_key(self.ids());
        self.write(&SCHEMA, move |tx| {
            let (key, _) = ensured_key(tx, &fresh)?;
            let mut register = Register { rows: Table(tx), key: &key };
            learned.iter().try_for_each(|one| register.learn(one))
        })
        .await
        .map_err(failed)
    }

    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError> {
        let fresh = random_key(self.ids());
        let changes: Vec<_> =
            changes.iter().map(|change| (change.clone(), self.ids().next().as_u128())).collect();
        self.write(&SCHEMA, move |tx| {
            let (key, _) = ensured_key(tx, &fresh)?;
            let entries = Register { rows: Table(tx), key: &key }.consent(&changes)?;
            put_out(tx, &entries)
        })
        .await
        .map_err(|error| error.while_doing("noting what people said"))
    }

    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError> {
        let people = people.to_vec();
        self.read(&SCHEMA, move |tx| {
            let register = Register { rows: Table(tx), key: &[0; 32] };
            people.iter().map(|person| register.standing(person)).collect()
        })
        .await
        .map_err(|error| error.while_doing("reading where people stand"))
    }

    async fn forget(&self, people: &[PersonKey]) -> Result<(), StoreError> {
        let people = people.to_vec();
        self.write(&SCHEMA, move |tx| {
            let mut register = Register { rows: Table(tx), key: &[0; 32] };
            people.iter().try_for_each(|person| register.forget(person))
        })
        .await
        .map_err(|error| error.while_doing("forgetting people"))
    }
}

/// Where a person stands, as of this transaction.
pub(super) fn standing(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    person: PersonId,
) -> Result<Standing, SqliteError> {
    Register { rows: Table(tx), key: &[0; 32] }.standing(&PersonKey::stored(tenant, person))
}

/// Counts a marketing message for a person.
pub(super) fn count_sent(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    person: PersonId,
    at: DateTime<Utc>,
) -> Result<(), SqliteError> {
    Register { rows: Table(tx), key: &[0; 32] }.count_sent(&PersonKey::stored(tenant, person), at)
}

fn resolved(
    tx: &Transaction<'_>,
    key: &[u8; 32],
    merged: bool,
    addresses: &[Address],
) -> Result<Vec<PersonKey>, SqliteError> {
    let register = Register { rows: Table(tx), key };
    let behind = addresses.iter().map(|to| PersonKey::behind(key, to.tenant(), to.name()));
    if merged { behind.map(|person| register.person(person)).collect() } else { Ok(behind.collect()) }
}

/// The store's key, and whether any two names are one person's.
fn stored_key(tx: &Transaction<'_>) -> Result<Option<([u8; 32], bool)>, SqliteError> {
    Ok(tx
        .prepare_cached("SELECT key, merged FROM person_key WHERE one = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

fn ensured_key(tx: &Transaction<'_>, fresh: &[u8; 32]) -> Result<([u8; 32], bool), SqliteError> {
    if let Some(known) = stored_key(tx)? {
        return Ok(known);
    }
    tx.prepare_cached("INSERT INTO person_key (one, key) VALUES (1, ?1)")?.execute([fresh])?;
    Ok((*fresh, false))
}

struct Table<'a>(&'a Transaction<'a>);

impl Rows for Table<'_> {
    type Error = SqliteError;

    fn load(&self, person: &PersonKey) -> Result<Option<Row>, SqliteError> {
        let mut select = self
            .0
            .prepare_cached("SELECT profile, merged_into FROM person WHERE tenant = ?1 AND person = ?2")?;
        let mut rows = select.query(params![person.tenant().as_str(), person.id().as_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        if let Some(into) = row.get(1)? {
            return Ok(Some(Row::Merged { into: PersonId::from_bytes(into) }));
        }
        let profile = row.get_ref(0)?.as_str().map_err(SqliteError::damaged)?;
        Ok(Some(Row::Known(serde_json::from_str(profile).map_err(SqliteError::damaged)?)))
    }

    fn save(&mut self, person: &PersonKey, row: &Row) -> Result<(), SqliteError> {
        let (profile, into) = match row {
            Row::Known(profile) => {
                (Some(serde_json::to_string(profile).map_err(SqliteError::damaged)?), None)
            }
            Row::Merged { into } => {
                self.0.prepare_cached("UPDATE person_key SET merged = 1 WHERE merged = 0")?.execute([])?;
                (None, Some(into.as_bytes()))
            }
        };
        self.0
            .prepare_cached(
                "INSERT INTO person (tenant, person, profile, merged_into) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (tenant, person) DO UPDATE
                 SET profile = excluded.profile, merged_into = excluded.merged_into",
            )?
            .execute(params![person.tenant().as_str(), person.id().as_bytes(), profile, into])?;
        Ok(())
    }

    fn delete(&mut self, person: &PersonKey) -> Result<(), SqliteError> {
        self.0
            .prepare_cached("DELETE FROM person WHERE tenant = ?1 AND person = ?2")?
            .execute(params![person.tenant().as_str(), person.id().as_bytes()])?;
        Ok(())
    }

    fn token(&mut self, person: &PersonKey, fresh: u128) -> Result<u128, SqliteError> {
        let (tenant, id) = (person.tenant().as_str(), person.id());
        self.0
            .prepare_cached("INSERT OR IGNORE INTO person_token (tenant, person, token) VALUES (?1, ?2, ?3)")?
            .execute(params![tenant, id.as_bytes(), fresh.to_be_bytes()])?;
        let token = self
            .0
            .prepare_cached("SELECT token FROM person_token WHERE tenant = ?1 AND person = ?2")?
            .query_row(params![tenant, id.as_bytes()], |row| row.get(0))?;
        Ok(u128::from_be_bytes(token))
    }

    fn delete_token(&mut self, person: &PersonKey) -> Result<(), SqliteError> {
        self.0
            .prepare_cached("DELETE FROM person_token WHERE tenant = ?1 AND person = ?2")?
            .execute(params![person.tenant().as_str(), person.id().as_bytes()])?;
        Ok(())
    }
}
