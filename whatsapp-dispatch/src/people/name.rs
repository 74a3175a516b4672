use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use chrono_tz::Tz;
use rules_core::judge::tenant::{TenantId, TenantScope};

use crate::message::{PersonId, keyed_digest};
use crate::phone::PhoneNumber;
use crate::region::Region;

/// What a person is called: a phone number or an id that Meta gave.
///
/// A person may have several names; [`Lesson::SameAs`](super::Lesson::SameAs) says that two of
/// them are one person's. `Debug` shows numbers masked and ids not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A phone number; all spellings of one line are one name.
    Number(PhoneNumber),
    /// A business-scoped user id, or the id of its parent.
    UserId(UserId),
    /// A `wa_id` that is no phone number.
    WaId(WaId),
}

impl Name {
    /// A `wa_id` as Meta writes it: digits, mostly those of a phone number, perhaps in an older
    /// spelling (Brazil without the ninth digit, Mexico with `1` after `52`). `None` for a text
    /// that names nobody: empty, or longer than 256 bytes.
    pub fn wa_id(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse().ok().and_then(PhoneNumber::from_digits).filter(|_| all_digits) {
            Some(number) => Some(Self::Number(number)),
            None => Some(Self::WaId(WaId(named(text)?))),
        }
    }

    /// A business-scoped user id, such as `IN.1234567890`, or its parent's. `None` for a text that
    /// names nobody: empty, or longer than 256 bytes.
    pub fn user_id(text: &str) -> Option<Self> {
        Some(Self::UserId(UserId(named(text.trim())?)))
    }

    /// The person's country, if the name tells it: from the calling code, or from the two letters
    /// at the beginning of a user id ("Business-scoped user IDs", Meta).
    pub fn region(&self) -> Option<Region> {
        match self {
            Self::Number(number) => number.region(),
            Self::UserId(UserId(id)) => id.split_once('.')?.0.parse().ok(),
            Self::WaId(_) => None,
        }
    }

    /// The zones in which the person may live; empty when the name tells nothing.
    pub fn zones(&self) -> &'static [Tz] {
        match self {
            Self::Number(number) => number.zones(),
            Self::UserId(_) | Self::WaId(_) => self.region().map_or(&[], |region| region.zones()),
        }
    }
}

fn named(text: &str) -> Option<Arc<str>> {
    (1..=256).contains(&text.len()).then(|| text.into())
}

impl From<PhoneNumber> for Name {
    fn from(number: PhoneNumber) -> Self {
        Self::Number(number)
    }
}

/// A business-scoped user id: two letters of a country, a dot, and characters that mean nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserId(Arc<str>);

/// Hidden, because it is a name of a person.
impl Debug for UserId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(hidden)")
    }
}

/// A `wa_id` that is no phone number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WaId(Arc<str>);

/// Hidden, because it is a name of a person.
impl Debug for WaId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("WaId(hidden)")
    }
}

/// Where somebody can be reached, in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    tenant: TenantId,
    name: Name,
}

impl Address {
    /// A number as the tenant knows it.
    pub fn new(scope: &TenantScope, number: PhoneNumber) -> Self {
        Self::named(scope, Name::Number(number))
    }

    /// Any name of a person of the tenant.
    pub fn named(scope: &TenantScope, name: Name) -> Self {
        Self { tenant: scope.id().clone(), name }
    }

    /// A `wa_id` as a webhook tells it; see [`Name::wa_id`].
    pub fn wa_id(scope: &TenantScope, text: &str) -> Option<Self> {
        Some(Self::named(scope, Name::wa_id(text)?))
    }

    /// A business-scoped user id; see [`Name::user_id`].
    pub fn user_id(scope: &TenantScope, text: &str) -> Option<Self> {
        Some(Self::named(scope, Name::user_id(text)?))
    }

    /// Whose address book.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The name.
    pub const fn name(&self) -> &Name {
        &self.name
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

    /// A person as it comes back out of a store.
    pub(crate) fn stored(tenant: &TenantId, id: PersonId) -> Self {
        Self { tenant: tenant.clone(), id }
    }

    /// Another person of the same tenant.
    pub(crate) fn beside(&self, id: PersonId) -> Self {
        Self { tenant: self.tenant.clone(), id }
    }

    /// The person that a name of the tenant stands for under a store's key, as long as nobody
    /// says that two names are one person's. No name is stored anywhere: only this digest.
    pub(crate) fn behind(key: &[u8; 32], tenant: &TenantId, name: &Name) -> Self {
        let whose = tenant.as_str().as_bytes();
        let digest = match name {
            Name::Number(number) => {
                keyed_digest(key, b"person", &[whose, &number.canonical().digits().to_be_bytes()])
            }
            Name::UserId(UserId(id)) => keyed_digest(key, b"person.user_id", &[whose, id.as_bytes()]),
            Name::WaId(WaId(id)) => keyed_digest(key, b"person.wa_id", &[whose, id.as_bytes()]),
        };
        let id = digest.first_chunk().copied().unwrap_or_default();
        Self { tenant: tenant.clone(), id: PersonId::from_bytes(id) }
    }
}

/// Somebody that a call is about: a person, or whoever is behind an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A person that was resolved before.
    Person(PersonKey),
    /// The person behind an address, which need not be known.
    Address(Address),
}

impl Who {
    pub(crate) fn key(&self, key: &[u8; 32]) -> PersonKey {
        match self {
            Self::Person(person) => person.clone(),
            Self::Address(address) => PersonKey::behind(key, &address.tenant, &address.name),
        }
    }
}

impl From<PersonKey> for Who {
    fn from(person: PersonKey) -> Self {
        Self::Person(person)
    }
}

impl From<Address> for Who {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Name {
        Name::Number(PhoneNumber::parse(text).unwrap())
    }

    fn behind(name: &Name) -> PersonKey {
        PersonKey::behind(&[7; 32], &TenantId::parse("acme").unwrap(), name)
    }

    #[test]
    fn a_wa_id_is_the_number_in_any_spelling() {
        for (wa_id, dialled) in [
            ("551187654321", "+5511987654321"),
            ("5511987654321", "+551187654321"),
            ("5215512345678", "+525512345678"),
            ("525512345678", "+5215512345678"),
            ("+919876543210", "+919876543210"),
        ] {
            assert_eq!(behind(&Name::wa_id(wa_id).unwrap()), behind(&number(dialled)), "{wa_id}");
        }
    }

    #[test]
    fn a_text_that_names_nobody_is_no_name() {
        let long = "1".repeat(257);
        for text in ["", "  ", &long] {
            assert_eq!((Name::wa_id(text), Name::user_id(text)), (None, None), "{text:?}");
        }
        for odd in ["12", "abc", "+", "1234567890123456789012"] {
            assert!(matches!(Name::wa_id(odd), Some(Name::WaId(_))), "{odd}");
        }
    }

    #[test]
    fn kinds_of_names_are_kept_apart() {
        let texts = ["919876543210", "12"];
        let names = texts.iter().flat_map(|text| [Name::wa_id(text).unwrap(), Name::user_id(text).unwrap()]);
        let mut people: Vec<PersonKey> = names.map(|name| behind(&name)).collect();
        people.sort();
        people.dedup();
        assert_eq!(people.len(), 4);
    }

    #[test]
    fn a_user_id_tells_country_and_zones_and_shows_nothing() {
        let name = Name::user_id("IN.1234567890").unwrap();
        assert_eq!(name.region(), Some(Region::known("IN")));
        assert_eq!(name.zones(), [Tz::Asia__Kolkata]);
        assert!(!format!("{name:?}").contains("1234"));
        for odd in ["IN", "ZZ.123", "INDIA.1"] {
            assert_eq!(Name::user_id(odd).unwrap().region(), None, "{odd}");
            assert!(Name::user_id(odd).unwrap().zones().is_empty());
        }
    }
}
