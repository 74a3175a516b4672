//! What a queue carries of a message: a reference, never the message itself.

use bytes::Bytes;

/// Campaign and record, 9 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) campaign: u32,
    pub(crate) record: u32,
}

const VERSION: u8 = 1;

impl Reference {
    pub(crate) fn encode(self) -> Bytes {
        let mut bytes = Vec::with_capacity(9);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.campaign.to_be_bytes());
        bytes.extend_from_slice(&self.record.to_be_bytes());
        Bytes::from(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (campaign, record) = rest.split_first_chunk()?;
        let known = *version == VERSION;
        known.then_some(Self {
            campaign: u32::from_be_bytes(*campaign),
            record: u32::from_be_bytes(record.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_comes_back_and_nothing_else_is_one() {
        let reference = Reference { campaign: 7, record: u32::MAX };
        assert_eq!(Reference::decode(&reference.encode()), Some(reference));
        for odd in [&b""[..], b"\x01", b"\x02\0\0\0\x07\0\0\0\x01", b"\x01\0\0\0\x07\0\0\0\x01\0"] {
            assert_eq!(Reference::decode(odd), None);
        }
    }
}
