use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::store::memory::{Memory, Part};
use rules_core::work::StoreError;
use rules_core::work::ids::Ids;

use super::register::{Register, Row, Rows};
use super::{Address, ConsentChange, Learned, People, PersonKey, Standing};
use crate::message::{PersonId, keyed_digest};

#[derive(Debug)]
struct Known {
    key: [u8; 32],
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    rows: HashMap<PersonKey, Row>,
    tokens: HashMap<PersonKey, u128>,
}

impl Part for Known {
    fn new(store: &Memory) -> Self {
        Self { key: random_key(store.ids()), lists: Mutex::default() }
    }
}

impl Known {
    fn register(&self) -> Register<'_, MutexGuard<'_, Lists>> {
        Register { rows: self.lists.lock().unwrap_or_else(PoisonError::into_inner), key: &self.key }
    }
}

/// Where a person stands at this very moment.
pub(crate) fn standing_of(store: &Memory, tenant: &TenantId, person: PersonId) -> Standing {
    let known = store.part::<Known>();
    let Ok(standing) = known.register().standing(&PersonKey::stored(tenant, person));
    standing
}

/// Counts a marketing message for a person.
pub(crate) fn count_sent(store: &Memory, tenant: &TenantId, person: PersonId, at: DateTime<Utc>) {
    let known = store.part::<Known>();
    let Ok(()) = known.register().count_sent(&PersonKey::stored(tenant, person), at);
}

/// 32 random bytes.
pub(crate) fn random_key(ids: &Arc<dyn Ids>) -> [u8; 32] {
    let (first, second) = (ids.next(), ids.next());
    keyed_digest(&[0; 32], b"key", &[first.as_bytes(), second.as_bytes()])
}

impl Rows for MutexGuard<'_, Lists> {
    type Error = Infallible;

    fn load(&self, person: &PersonKey) -> Result<Option<Row>, Infallible> {
        Ok(self.rows.get(person).cloned())
    }

    fn save(&mut self, person: &PersonKey, row: &Row) -> Result<(), Infallible> {
        self.rows.insert(person.clone(), row.clone());
        Ok(())
    }

    fn delete(&mut self, person: &PersonKey) -> Result<(), Infallible> {
        self.rows.remove(person);
        Ok(())
    }

    fn token(&mut self, person: &PersonKey, fresh: u128) -> Result<u128, Infallible> {
        Ok(*self.tokens.entry(person.clone()).or_insert(fresh))
    }

    fn delete_token(&mut self, person: &PersonKey) -> Result<(), Infallible> {
        self.tokens.remove(person);
        Ok(())
    }
}

#[async_trait]
impl People for Memory {
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError> {
        let known = self.part::<Known>();
        let register = known.register();
        let resolved: Result<_, Infallible> = addresses
            .iter()
            .map(|to| register.person(PersonKey::behind(&known.key, to.tenant(), to.name())))
            .collect();
        let Ok(people) = resolved;
        Ok(people)
    }

    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError> {
        let known = self.part::<Known>();
        let mut register = known.register();
        for one in learned {
            let Ok(()) = register.learn(one);
        }
        Ok(())
    }

    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError> {
        let known = self.part::<Known>();
        let changes: Vec<_> =
            changes.iter().map(|change| (change.clone(), self.ids().next().as_u128())).collect();
        let mut register = known.register();
        let Ok(entries) = register.consent(&changes);
        self.put_out(entries);
        Ok(())
    }

    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError> {
        let known = self.part::<Known>();
        let register = known.register();
        let found: Result<_, Infallible> = people.iter().map(|person| register.standing(person)).collect();
        let Ok(standing) = found;
        Ok(standing)
    }

    async fn forget(&self, people: &[PersonKey]) -> Result<(), StoreError> {
        let known = self.part::<Known>();
        let mut register = known.register();
        for person in people {
            let Ok(()) = register.forget(person);
        }
        Ok(())
    }
}
