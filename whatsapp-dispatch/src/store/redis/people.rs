use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Redis, RedisError, Reply};
use rules_core::work::StoreError;

use super::PAGE;
use super::remembered::{Person, Refusal, Remembered, key_of_mark};
use super::sheet::{Sheet, computed, computed_on, key_of_row};
use crate::message::PersonId;
use crate::people::{Address, ConsentChange, Learned, People, PersonKey, Register, Standing, random_key};

#[cfg(test)]
mod tests;

#[async_trait]
impl People for Redis {
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError> {
        let fresh = random_key(self.ids());
        let mut people = Vec::with_capacity(addresses.len());
        for page in addresses.chunks(PAGE) {
            let found = computed(self, |sheet| resolved(sheet, &fresh, page)).await;
            people.extend(found.map_err(|error| error.while_doing("resolving people"))?);
        }
        Ok(people)
    }

    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError> {
        let fresh = random_key(self.ids());
        computed(self, |sheet| {
            let Some(key) = sheet.store_key(&fresh)? else { return Ok(()) };
            let mut register = Register { rows: sheet, key: &key };
            learned.iter().try_for_each(|one| register.learn(one))
        })
        .await
        .map_err(|error| error.while_doing("noting what was learned about people"))
    }

    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError> {
        let fresh = random_key(self.ids());
        let changes: Vec<_> =
            changes.iter().map(|change| (change.clone(), self.ids().next().as_u128())).collect();
        computed(self, |sheet| {
            let Some(key) = sheet.store_key(&fresh)? else { return Ok(()) };
            let entries = Register { rows: &mut *sheet, key: &key }.consent(&changes)?;
            sheet.put_out(entries);
            Ok(())
        })
        .await
        .map_err(|error| error.while_doing("noting what people said"))
    }

    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError> {
        let mut standings = Vec::with_capacity(people.len());
        for page in people.chunks(PAGE) {
            let found = standings_of(self, page).await;
            standings.extend(found.map_err(|error| error.while_doing("reading where people stand"))?);
        }
        Ok(standings)
    }

    async fn forget(&self, people: &[PersonKey]) -> Result<(), StoreError> {
        computed(self, |sheet| {
            let mut register = Register { rows: sheet, key: &NO_KEY };
            people.iter().try_for_each(|person| register.forget(person))
        })
        .await
        .map_err(|error| error.while_doing("forgetting people"))
    }
}

/// For what goes by people alone and needs no names.
const NO_KEY: [u8; 32] = [0; 32];

/// Where people stand, which is remembered: it is asked when messages are judged.
async fn standings_of(store: &Redis, people: &[PersonKey]) -> Result<Vec<Standing>, RedisError> {
    let keys: Vec<String> = people.iter().map(|person| key_of_row(store, person)).collect();
    let ask = keys.iter().fold(Command::new("MGET", &key_of_mark(store)), Command::arg);
    let mut read = store.read(&[ask]).await?.into_iter().flat_map(Reply::list).map(Reply::bytes);
    let mark = read.next().flatten();
    let rows: Vec<Option<Bytes>> = read.collect();
    // Most people never said anything.
    let standings = if rows.iter().all(Option::is_none) {
        vec![Standing::default(); people.len()]
    } else {
        let sheet = Sheet::having_read(store, keys.into_iter().zip(rows.iter().cloned())).at_once();
        computed_on(sheet, |sheet| {
            let register = Register { rows: sheet, key: &NO_KEY };
            people.iter().map(|person| register.standing(person)).collect::<Result<Vec<_>, _>>()
        })
        .await?
    };
    let known = standings.iter().map(Refusal::of).zip(rows).map(|(refusal, row)| Person { refusal, row });
    store.part(Remembered::default).note(&mark, people.iter().cloned().zip(known));
    Ok(standings)
}

/// Where a person stands.
///
/// Ask about everybody; then, until the sheet is whole, read its questions, take the answers and
/// ask again: once, and once more if somebody has several names. A commit that rests on the sheet
/// is made only if nobody has said anything since.
pub(super) fn standing(
    sheet: &mut Sheet<'_>,
    tenant: &TenantId,
    person: PersonId,
) -> Result<Standing, RedisError> {
    Register { rows: sheet, key: &NO_KEY }.standing(&PersonKey::stored(tenant, person))
}

/// Counts a marketing message for a person, on a sheet that was read whole.
pub(super) fn count_sent(
    sheet: &mut Sheet<'_>,
    tenant: &TenantId,
    person: PersonId,
    at: DateTime<Utc>,
) -> Result<(), RedisError> {
    Register { rows: sheet, key: &NO_KEY }.count_sent(&PersonKey::stored(tenant, person), at)
}

fn resolved(
    sheet: &mut Sheet<'_>,
    fresh: &[u8; 32],
    addresses: &[Address],
) -> Result<Vec<PersonKey>, RedisError> {
    let merged = sheet.is_anybody_merged();
    let Some(key) = sheet.store_key(fresh)? else { return Ok(Vec::new()) };
    let register = Register { rows: sheet, key: &key };
    let behind = addresses.iter().map(|to| PersonKey::behind(&key, to.tenant(), to.name()));
    if merged { behind.map(|person| register.person(person)).collect() } else { Ok(behind.collect()) }
}
