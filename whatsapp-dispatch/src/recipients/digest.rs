use std::fmt::{self, Debug, Display, Formatter};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Identifies the content of a source: its length and a SHA-256 over all of it, wherever it lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceDigest {
    length: u64,
    hash: [u8; 32],
}

impl SourceDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Digesting::default();
        digest.add(bytes);
        digest.finish()
    }

    /// How many bytes the source has.
    pub const fn length(&self) -> u64 {
        self.length
    }
}

/// A digest that is still being taken.
#[derive(Debug, Default)]
pub(super) struct Digesting {
    length: u64,
    hash: Sha256,
}

impl Digesting {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.length += u64::try_from(bytes.len()).unwrap_or_default();
        self.hash.update(bytes);
    }

    pub(super) fn finish(self) -> SourceDigest {
        SourceDigest { length: self.length, hash: self.hash.finalize().into() }
    }
}

/// `length:hash`, the hash in lower-case hexadecimal.
impl Display for SourceDigest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.length)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Debug for SourceDigest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "SourceDigest({self})")
    }
}

impl From<SourceDigest> for String {
    fn from(digest: SourceDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for SourceDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const NOT_ONE: &str = "not the digest of a source: expected length:hash";
        let (length, hex) = text.split_once(':').ok_or(NOT_ONE)?;
        let mut hash = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(NOT_ONE);
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            let pair = hex.get(index * 2..index * 2 + 2).ok_or(NOT_ONE)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NOT_ONE)?;
        }
        Ok(Self { length: length.parse().map_err(|_| NOT_ONE)?, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let digest = SourceDigest::of(b"phone\n+4915123456789\n");
        assert_eq!(SourceDigest::try_from(digest.to_string()), Ok(digest));
        assert_ne!(digest, SourceDigest::of(b"phone\n+4915123456780\n"));
        assert!(SourceDigest::try_from("12:xyz".to_owned()).is_err());
    }
}
