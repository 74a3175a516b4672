use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use super::ChainKey;
use crate::judge::fault::{Classify, Fault};
use crate::judge::tenant::{TenantId, TenantScope};

/// A tenant's folder in an archive: what is listed together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folder {
    tenant: TenantId,
    name: Arc<str>,
}

/// One object of an archive.
///
/// Its name is a path within the folder, such as `2026/08/head.json`. Few characters may stand in
/// it, and an object has an extension while what leads to it has none: so every name is a path on
/// any file system as it is, and none lies inside another.
///
/// ```
/// # use rules_core::judge::key::{ArchiveKey, ChainKey, Folder};
/// # use rules_core::judge::tenant::TenantId;
/// let folder = Folder::events(&ChainKey::of(&TenantId::parse("acme").unwrap()));
/// let key = ArchiveKey::new(&folder, "2026/08/head.json").unwrap();
/// assert_eq!(key.to_string(), "acme/events/2026/08/head.json");
/// assert!(ArchiveKey::new(&folder, "../head.json").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchiveKey {
    folder: Folder,
    name: Arc<str>,
}

impl Folder {
    /// The tenant's folder `name`.
    ///
    /// # Errors
    /// [`ArchiveKeyError`] when the name is not 1 to 64 of the characters `a-z 0-9 _ -`.
    pub fn new(scope: &TenantScope, name: &str) -> Result<Self, ArchiveKeyError> {
        if name.len() <= 64 && is_word(name) {
            Ok(Self { tenant: scope.id().clone(), name: name.into() })
        } else {
            Err(ArchiveKeyError { part: "a folder", name: name.to_owned() })
        }
    }

    /// Where an event log lies that is kept in an archive: the folder `events`. It holds nothing
    /// else.
    pub fn events(chain: &ChainKey) -> Self {
        Self { tenant: chain.tenant().clone(), name: "events".into() }
    }

    /// Whose folder it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The folder's name, unique within its tenant.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl ArchiveKey {
    /// The object `name` of the folder.
    ///
    /// # Errors
    /// [`ArchiveKeyError`] when the name is longer than 128 bytes or not words of `a-z 0-9 _ -`
    /// between single `/`, the last of them followed by an extension such as `.json`.
    pub fn new(folder: &Folder, name: &str) -> Result<Self, ArchiveKeyError> {
        let (path, last) = name.rsplit_once('/').map_or((None, name), |(path, last)| (Some(path), last));
        let fits = name.len() <= 128
            && path.is_none_or(|path| path.split('/').all(is_word))
            && last.contains('.')
            && last.split('.').all(is_word);
        if fits {
            Ok(Self { folder: folder.clone(), name: name.into() })
        } else {
            Err(ArchiveKeyError { part: "an object", name: name.to_owned() })
        }
    }

    /// The JSON Lines object that begins with `number`, such as
    /// `000000000000/0012/3456.jsonl`. Names rise with their numbers, and no more than 10,000 lie
    /// in one place.
    pub fn numbered(folder: &Folder, number: u64) -> Self {
        let (number, low) = (number / 10_000, number % 10_000);
        let (high, middle) = (number / 10_000, number % 10_000);
        Self { folder: folder.clone(), name: format!("{high:012}/{middle:04}/{low:04}.jsonl").into() }
    }

    /// The number, if [`ArchiveKey::numbered`] made the name.
    pub fn number(&self) -> Option<u64> {
        let digits: String = self.name.strip_suffix(".jsonl")?.split('/').collect();
        let number = digits.parse().ok()?;
        (Self::numbered(&self.folder, number) == *self).then_some(number)
    }

    /// Whose object it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.folder.tenant
    }

    /// The folder in which it lies.
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The object's name, unique within its folder.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Display for ArchiveKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.folder.tenant, self.folder.name, self.name)
    }
}

fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    !text.is_empty() && text.bytes().all(fits)
}

/// A name that cannot be part of an archive's key.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{name:?} cannot name {part} of an archive: use a-z 0-9 _ -, and for an object such words with '/' between them and an extension"
)]
pub struct ArchiveKeyError {
    /// What was refused: `a folder` or `an object`.
    pub part: &'static str,
    /// What was given.
    pub name: String,
}

impl Classify for ArchiveKeyError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folder() -> Folder {
        Folder::events(&ChainKey::of(&TenantId::parse("acme").unwrap()))
    }

    #[test]
    fn names_are_paths_that_lead_nowhere_else() {
        for good in ["a.json", "2026/08/head.json", "a-b/c_d.tar.gz", &format!("{}.x", "x".repeat(126))] {
            assert_eq!(ArchiveKey::new(&folder(), good).unwrap().name(), good);
        }
        let bad = ["", "a", "/a.x", "a/.x", "a.x/b.x", "a//b.x", "../a.x", "a.", ".a", "A.x", "a b.x", "ä.x"];
        for bad in bad.into_iter().chain([format!("{}.x", "x".repeat(127)).as_str()]) {
            assert!(ArchiveKey::new(&folder(), bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn numbered_names_rise_with_their_numbers(one: u64, other: u64) {
            let [of_one, of_other] = [one, other].map(|number| ArchiveKey::numbered(&folder(), number));
            prop_assert_eq!(of_one.number(), Some(one));
            prop_assert_eq!(of_one.cmp(&of_other), one.cmp(&other));
            prop_assert!(ArchiveKey::new(&folder(), of_one.name()).is_ok());
        }
    }
}
