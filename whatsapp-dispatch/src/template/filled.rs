use std::fmt::{self, Debug, Formatter};

use bytes::Bytes;
use rules_core::judge::fault::{Classify, Fault};

/// The values of one message's variables in one piece of memory: for each, its length in two
/// bytes (big endian) and its text. Hides its text in `Debug`.
///
/// ```
/// use whatsapp_dispatch::template::FilledParameters;
/// let filled: FilledParameters = ["Asha", "20 %"].into_iter().collect();
/// let stored = filled.into_bytes();
/// let back = FilledParameters::from_bytes(stored).unwrap();
/// assert_eq!(back.iter().collect::<Vec<_>>(), ["Asha", "20 %"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct FilledParameters(Bytes);

impl FilledParameters {
    /// Reads what [`Self::into_bytes`] gave.
    ///
    /// # Errors
    /// [`DamagedParameters`] when the bytes are something else.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, DamagedParameters> {
        let mut rest: &[u8] = &bytes;
        while !rest.is_empty() {
            let (text, after) = first(rest).ok_or(DamagedParameters)?;
            std::str::from_utf8(text).map_err(|_| DamagedParameters)?;
            rest = after;
        }
        Ok(Self(bytes))
    }

    /// The bytes to store.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The values, in the order of the template's variables.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (text, after) = first(rest)?;
            rest = after;
            std::str::from_utf8(text).ok()
        })
    }
}

impl<T: AsRef<str>> FromIterator<T> for FilledParameters {
    /// A value longer than 65,535 bytes, which no template allows, is cut.
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut bytes = Vec::new();
        for value in values {
            let value = value.as_ref();
            let text = value.get(..value.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default();
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Self(bytes.into())
    }
}

fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

impl Debug for FilledParameters {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "FilledParameters({} in {} bytes)", self.iter().count(), self.0.len())
    }
}

/// Stored bytes that are not the values of a message.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the stored parameters of a message are damaged")]
pub struct DamagedParameters;

impl Classify for DamagedParameters {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
