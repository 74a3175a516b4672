//! 128-bit ids that make repeated calls harmless: the same work carries the same id.

use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The id that belongs to `parts`: the first 128 bits of a SHA-256 over them, each
            /// with its length, so the same parts give the same id everywhere.
            pub fn of(parts: &[&[u8]]) -> Self {
                Self::from_bytes(digest(parts))
            }

            /// The 16 bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names one parcel that is put into a queue; a repeat with the same id changes nothing.
    BatchId
}
id! {
    /// Names one lease; made by the worker, so that a lost answer can be asked for again.
    LeaseToken
}
id! {
    /// Names one charge of a quota; a repeat with the same id returns the same grant.
    ChargeId
}
id! {
    /// Names one refund of a charge; a repeat with the same id gives back nothing more.
    RefundId
}
id! {
    /// Names one member of a crowd that is counted.
    MemberId
}
id! {
    /// Names one entry of an event log; a repeat with the same id is not appended again.
    EntryId
}

fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_kept_apart() {
        assert_eq!(BatchId::of(&[b"ab", b"c"]), BatchId::of(&[b"ab", b"c"]));
        assert_ne!(BatchId::of(&[b"ab", b"c"]), BatchId::of(&[b"a", b"bc"]));
    }
}
