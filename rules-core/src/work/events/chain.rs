//! The hash chain over an event log: what was written stays as it was written.
//!
//! Each entry carries an HMAC-SHA256 over the code of the entry before it and its own bytes. A
//! changed, missing, added or moved entry breaks the chain at its place. Whoever knows the secret
//! can write a new chain, so a host that must convince others keeps the secret away from the
//! store; and entries cut off at the end are found only by comparing with the head that the store
//! keeps, or with one that was noted elsewhere.

use std::fmt::{self, Debug, Display, Formatter};

use hmac::{Hmac, KeyInit, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Entry, EventLog, Head, Sealed};
use crate::judge::fault::{Classify, Fault};
use crate::judge::key::ChainKey;
use crate::work::StoreError;

/// The secret under which chains are made.
#[derive(Clone, PartialEq, Eq)]
pub struct ChainSecret([u8; 32]);

impl ChainSecret {
    /// The secret with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret that belongs to a text of any length, such as one from a secret manager.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The bytes, for the store that keeps them.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Debug for ChainSecret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("ChainSecret(hidden)")
    }
}

/// What ties an entry to all those before it; written as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainMac([u8; 32]);

impl ChainMac {
    /// The code with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Display for ChainMac {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Debug for ChainMac {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ChainMac({self})")
    }
}

impl From<ChainMac> for String {
    fn from(mac: ChainMac) -> Self {
        mac.to_string()
    }
}

impl TryFrom<String> for ChainMac {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err("expected 64 hexadecimal digits");
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let digits = str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).map_err(|_| "expected 64 hexadecimal digits")?;
        }
        Ok(Self(bytes))
    }
}

/// A chain at its end: seals the next entry, or checks it.
#[derive(Clone)]
pub struct Chain {
    mac: Hmac<Sha256>,
    head: Head,
}

impl Chain {
    /// The chain of a tenant before its first entry. Each tenant's chain has a key of its own.
    pub fn new(secret: &ChainSecret, chain: &ChainKey) -> Self {
        let mut key = keyed(&secret.0);
        key.update(chain.tenant().as_str().as_bytes());
        Self { mac: keyed(&key.finalize().into_bytes().into()), head: Head::default() }
    }

    /// The same chain after its entry number `head.seq`.
    #[must_use]
    pub fn at(self, head: Head) -> Self {
        Self { head, ..self }
    }

    /// Where the chain ends.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Gives an entry the next number and ties it to the chain.
    pub fn seal(&mut self, entry: &Entry) -> Sealed {
        let seq = self.head.seq + 1;
        let mut sealed = Sealed::new(seq, entry, ChainMac::default());
        sealed.mac = self.mac_of(&sealed.line());
        self.head = Head { seq, mac: sealed.mac };
        sealed
    }

    /// Whether `sealed` is the chain's next entry, as it was written; goes on behind it.
    ///
    /// # Errors
    /// [`Break`] that names the number at which the chain is broken.
    pub fn check(&mut self, sealed: &Sealed) -> Result<(), Break> {
        self.check_line(sealed.seq, &sealed.line(), sealed.mac)
    }

    /// The code of an entry's line, or of another text, at this place of the chain.
    pub(super) fn mac_of(&self, text: &str) -> ChainMac {
        let mac = self.mac.clone().chain_update(self.head.mac.0).chain_update(text);
        ChainMac(mac.finalize().into_bytes().into())
    }

    fn check_line(&mut self, seq: u64, line: &str, mac: ChainMac) -> Result<(), Break> {
        let expected = self.head.seq + 1;
        if seq != expected {
            return Err(Break { seq: expected, what: Breach::Missing });
        }
        if self.mac_of(line) != mac {
            return Err(Break { seq, what: Breach::Altered });
        }
        self.head = Head { seq, mac };
        Ok(())
    }
}

impl Debug for Chain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("head", &self.head).finish_non_exhaustive()
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a key with zeros to the block of its hash; doing it here leaves nothing to fail.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}

/// Where a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain is broken at entry {seq}: {what}")]
pub struct Break {
    /// The number of the first entry that is not as it was written.
    pub seq: u64,
    /// What is wrong there.
    pub what: Breach,
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The entry of this number is not there, or not in its place.
    Missing,
    /// The entry, or its code, was changed.
    Altered,
    /// The chain ends before the head that the store keeps.
    CutOff {
        /// The number of the last entry according to the store.
        head: u64,
    },
    /// The entry, or its line of an export, cannot be read.
    Unreadable,
}

impl Display for Breach {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it is missing or out of place"),
            Self::Altered => f.write_str("it was changed, or another secret made the chain"),
            Self::CutOff { head } => write!(f, "it is missing, and the last one should be number {head}"),
            Self::Unreadable => f.write_str("it cannot be read"),
        }
    }
}

/// Why a chain could not be shown to be whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not.
    #[error(transparent)]
    Broken(#[from] Break),
    /// The log does not answer.
    #[error("reading the event log to verify it")]
    Store(#[from] StoreError),
}

impl Classify for VerifyError {
    fn fault(&self) -> Fault {
        match self {
            Self::Broken(_) => Fault::Rejected,
            Self::Store(error) => error.fault(),
        }
    }
}

/// Entries that are read at once.
const PAGE: usize = 1_000;

/// Checks a tenant's whole chain, a page at a time, and returns its head.
///
/// # Errors
/// [`VerifyError::Broken`] names the first entry that is not as it was written.
///
/// # Cancel safety
/// Dropping the future changes nothing.
pub async fn verify(log: &dyn EventLog, chain: &ChainKey, secret: &ChainSecret) -> Result<Head, VerifyError> {
    // If it is damaged, what comes first on the way there tells more.
    let kept = log.head(std::slice::from_ref(chain)).await;
    let mut checked = Chain::new(secret, chain);
    loop {
        let page = page(log, chain, checked.head.seq + 1).await?;
        for sealed in &page {
            checked.check(sealed)?;
        }
        if page.is_empty() {
            break;
        }
    }
    let kept = match kept {
        Ok(heads) => heads.first().copied().unwrap_or_default(),
        Err(StoreError::Damaged { doing, source }) => {
            return Err(match source.downcast::<Break>() {
                Ok(broken) => VerifyError::Broken(*broken),
                Err(source) => VerifyError::Store(StoreError::Damaged { doing, source }),
            });
        }
        Err(error) => return Err(error.into()),
    };
    // The log may have grown meanwhile, never shrunk.
    if checked.head.seq < kept.seq {
        return Err(Break { seq: checked.head.seq + 1, what: Breach::CutOff { head: kept.seq } }.into());
    }
    Ok(checked.head)
}

/// The next entries; one at a time towards an entry that cannot be read.
async fn page(log: &dyn EventLog, chain: &ChainKey, from: u64) -> Result<Vec<Sealed>, VerifyError> {
    match log.read(chain, from, PAGE).await {
        Err(StoreError::Damaged { .. }) => {}
        read => return Ok(read?),
    }
    match log.read(chain, from, 1).await {
        Err(StoreError::Damaged { .. }) => Err(Break { seq: from, what: Breach::Unreadable }.into()),
        read => Ok(read?),
    }
}

/// Checks an export, the lines that [`Sealed::export`] wrote, one by one.
#[derive(Debug)]
pub struct ExportCheck(Chain);

impl ExportCheck {
    /// Before the first line of the tenant's export.
    pub fn new(secret: &ChainSecret, chain: &ChainKey) -> Self {
        Self(Chain::new(secret, chain))
    }

    /// Checks the next line.
    ///
    /// # Errors
    /// [`Break`] that names the number at which the chain is broken.
    pub fn line(&mut self, line: &str) -> Result<(), Break> {
        #[derive(Deserialize)]
        struct Exported<'a> {
            mac: ChainMac,
            #[serde(borrow)]
            entry: &'a serde_json::value::RawValue,
        }
        #[derive(Deserialize)]
        struct Numbered {
            seq: u64,
        }
        let broken = |_| Break { seq: self.0.head.seq + 1, what: Breach::Unreadable };
        let Exported { mac, entry } = serde_json::from_str(line).map_err(broken)?;
        let Numbered { seq } = serde_json::from_str(entry.get()).map_err(broken)?;
        self.0.check_line(seq, entry.get(), mac)
    }

    /// The head of what was checked.
    pub const fn head(&self) -> Head {
        self.0.head
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::judge::code::Code;
    use crate::judge::id::EntryId;
    use crate::judge::tenant::TenantId;

    fn chain(name: &str) -> ChainKey {
        ChainKey::of(&TenantId::parse(name).unwrap())
    }

    fn entry(number: u32) -> Entry {
        Entry {
            id: EntryId::of(&[&number.to_be_bytes()]),
            chain: chain("acme"),
            at: DateTime::from_timestamp_micros(1_767_614_400_000_000 + i64::from(number)).unwrap(),
            kind: Code::known("test.happened"),
            body: format!(r#"{{"number":{number}}}"#),
        }
    }

    fn sealed(count: u32) -> Vec<Sealed> {
        let mut chain = Chain::new(&ChainSecret::of("secret"), &chain("acme"));
        (0..count).map(|number| chain.seal(&entry(number))).collect()
    }

    fn first_break(entries: &[Sealed]) -> Option<u64> {
        let mut chain = Chain::new(&ChainSecret::of("secret"), &chain("acme"));
        entries.iter().find_map(|sealed| chain.check(sealed).err()).map(|broken| broken.seq)
    }

    #[test]
    fn an_export_is_checked_line_by_line() {
        let entries = sealed(3);
        let lines: Vec<String> = entries.iter().map(Sealed::export).collect();
        let mut check = ExportCheck::new(&ChainSecret::of("secret"), &chain("acme"));
        for line in &lines {
            check.line(line).unwrap();
        }
        assert_eq!(check.head(), Head { seq: 3, mac: entries[2].mac });
        let mut check = ExportCheck::new(&ChainSecret::of("secret"), &chain("acme"));
        check.line(&lines[0]).unwrap();
        let altered = lines[1].replace("\"number\":1", "\"number\":7");
        assert_eq!(check.line(&altered), Err(Break { seq: 2, what: Breach::Altered }));
        assert_eq!(check.line("{}"), Err(Break { seq: 2, what: Breach::Unreadable }));
        assert_eq!(check.line(&lines[2]), Err(Break { seq: 2, what: Breach::Missing }));
    }

    #[test]
    fn another_secret_or_tenant_makes_another_chain() {
        let entries = sealed(1);
        for mut other in [
            Chain::new(&ChainSecret::of("other"), &chain("acme")),
            Chain::new(&ChainSecret::of("secret"), &chain("other")),
        ] {
            assert_eq!(other.check(&entries[0]), Err(Break { seq: 1, what: Breach::Altered }));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_changed_is_found_at_its_place(count in 1_u32..12, at in 0_usize..12, how in 0..6) {
            let mut entries = sealed(count);
            prop_assert_eq!(first_break(&entries), None);
            let at = at % entries.len();
            let mut broken = at + 1;
            match how {
                0 => entries[at].body.push(' '),
                1 => entries[at].at += chrono::TimeDelta::microseconds(1),
                2 => entries[at].kind = Code::known("test.other"),
                3 => entries[at].id = EntryId::of(&[b"other"]),
                4 => entries[at].mac = ChainMac::from_bytes([1; 32]),
                _ if at + 1 < entries.len() => entries.swap(at, at + 1),
                _ => {
                    // Twice the last one: what stands behind it is not the next entry.
                    entries.push(entries[at].clone());
                    broken = at + 2;
                }
            }
            prop_assert_eq!(first_break(&entries), Some(broken as u64));
        }
    }
}
