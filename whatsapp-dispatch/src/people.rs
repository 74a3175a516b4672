//! People, who are not phone numbers: what they are called here, and what they said about being
//! messaged.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::store::memory::{Memory, Part};
use rules_core::work::StoreError;
use rules_core::work::ids::Ids;

use crate::message::{PersonId, keyed_digest};
use crate::phone::PhoneNumber;

/// What is known about people.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait People: Debug + Send + Sync + 'static {
    /// The person behind each address, in order. Two spellings of one number are one person;
    /// the same number in two tenants is two.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError>;

    /// Notes what people said. Of two words of one person the later counts, whatever the order
    /// in which they are noted; of two at one instant, the wish to get no messages.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError>;

    /// Where each person stands, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError>;
}
const _: fn(&dyn People) = |_| {};

/// Where somebody can be reached, in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    tenant: TenantId,
    number: PhoneNumber,
}

impl Address {
    /// A number as the tenant knows it.
    pub fn new(scope: &TenantScope, number: PhoneNumber) -> Self {
        Self { tenant: scope.id().clone(), number }
    }

    /// Whose address book.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The number.
    pub const fn number(&self) -> PhoneNumber {
        self.number
    }
}

/// A person of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey {
    tenant: TenantId,
    id: PersonId,
}

impl PersonKey {
    /// The tenant's person with this id.
    pub fn new(scope: &TenantScope, id: PersonId) -> Self {
        Self { tenant: scope.id().clone(), id }
    }

    /// Whose person.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The person's id.
    pub const fn id(&self) -> PersonId {
        self.id
    }

    /// The person behind an address under a store's key.
    pub(crate) fn behind(key: &[u8; 32], address: &Address) -> Self {
        let digits = address.number.canonical().digits().to_be_bytes();
        let digest = keyed_digest(key, b"person", &[address.tenant.as_str().as_bytes(), &digits]);
        let id = digest.first_chunk().copied().unwrap_or_default();
        Self { tenant: address.tenant.clone(), id: PersonId::from_bytes(id) }
    }
}

/// Something a person said about being messaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentChange {
    /// Who.
    pub person: PersonKey,
    /// True when the person wants no messages.
    pub opted_out: bool,
    /// When they said so.
    pub at: DateTime<Utc>,
    /// Where it is known from, such as `column` or `webhook`.
    pub source: String,
}

/// Where a person stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The person's last word: `Some(true)` wants no messages, `Some(false)` agreed to them,
    /// `None` said nothing.
    pub opted_out: Option<bool>,
}

#[derive(Debug)]
struct Known {
    key: [u8; 32],
    said: Mutex<HashMap<PersonKey, (DateTime<Utc>, bool)>>,
}

impl Part for Known {
    fn new(store: &Memory) -> Self {
        Self { key: random_key(store.ids()), said: Mutex::default() }
    }
}

/// 32 random bytes.
pub(crate) fn random_key(ids: &Arc<dyn Ids>) -> [u8; 32] {
    let (first, second) = (ids.next(), ids.next());
    keyed_digest(&[0; 32], b"key", &[first.as_bytes(), second.as_bytes()])
}

#[async_trait]
impl People for Memory {
    async fn resolve(&self, addresses: &[Address]) -> Result<Vec<PersonKey>, StoreError> {
        let known = self.part::<Known>();
        Ok(addresses.iter().map(|address| PersonKey::behind(&known.key, address)).collect())
    }

    async fn consent(&self, changes: &[ConsentChange]) -> Result<(), StoreError> {
        let known = self.part::<Known>();
        let mut said = known.said.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let word = (change.at, change.opted_out);
            said.entry(change.person.clone()).and_modify(|last| *last = word.max(*last)).or_insert(word);
        }
        Ok(())
    }

    async fn standing(&self, people: &[PersonKey]) -> Result<Vec<Standing>, StoreError> {
        let known = self.part::<Known>();
        let said = known.said.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = |person| Standing { opted_out: said.get(person).map(|(_, out)| *out) };
        Ok(people.iter().map(standing).collect())
    }
}
