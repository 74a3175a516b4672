//! A message: one intention towards one person.

use std::fmt::{self, Debug, Display, Formatter};

use hmac::{Hmac, KeyInit, Mac};
use rules_core::judge::tenant::{TenantId, TenantScope};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

mod token;

pub use token::{CallbackToken, UnverifiedToken};

/// One campaign of one tenant, by the number that its store gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignKey {
    tenant: TenantId,
    number: u32,
}

impl CampaignKey {
    /// The tenant's campaign with this number.
    pub fn new(scope: &TenantScope, number: u32) -> Self {
        Self { tenant: scope.id().clone(), number }
    }

    /// A key as it comes back out of a store.
    pub(crate) fn stored(tenant: &TenantId, number: u32) -> Self {
        Self { tenant: tenant.clone(), number }
    }

    /// Whose campaign.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Its number, unique in its store.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The message of the record with this number in the campaign's source.
    pub fn message(&self, record: u32) -> MessageKey {
        MessageKey { campaign: self.clone(), record }
    }
}

impl Display for CampaignKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.number)
    }
}

/// One message of a campaign, by the number of its record in plan order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    campaign: CampaignKey,
    record: u32,
}

impl MessageKey {
    /// The campaign.
    pub const fn campaign(&self) -> &CampaignKey {
        &self.campaign
    }

    /// The number of the record, from 0 in plan order.
    pub const fn record(&self) -> u32 {
        self.record
    }

    /// The integer under which rows of the message lie: campaign, then record.
    pub fn row(&self) -> i64 {
        row(self.campaign.number, self.record)
    }
}

/// The integer key of a record: rows of one campaign lie together, in plan order.
pub(crate) fn row(campaign: u32, record: u32) -> i64 {
    (i64::from(campaign) << 32) | i64::from(record)
}

impl Display for MessageKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.campaign, self.record)
    }
}

/// A person, by a keyed digest that reveals nothing without the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId([u8; 16]);

impl PersonId {
    /// The person with these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Stands for a person where the caller's key says which message it is.
pub(crate) fn keyed_person(key: &str) -> PersonId {
    let digest = keyed_digest(&[0; 32], b"direct", &[key.as_bytes()]);
    PersonId(digest.first_chunk().copied().unwrap_or_default())
}

/// A message's identity: the first 128 bits of an HMAC under the campaign's random salt over step
/// and person. It repeats safely, so one person is planned once, and it reveals nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// The id with these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Debug for MessageId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The step of a campaign's only message so far.
pub(crate) const FIRST_STEP: u16 = 0;

/// A campaign's random secret, from which message ids and callback tokens are made.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// What stands where a salt was that is not kept any more.
    pub const GONE: Self = Self([0; 32]);

    /// The salt with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the store that keeps the campaign.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the message of `step` to `person`.
    pub fn message(&self, step: u16, person: PersonId) -> MessageId {
        let digest = self.digest(b"message", &[&step.to_be_bytes(), person.as_bytes()]);
        let (first, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        MessageId(*first)
    }

    pub(crate) fn digest(&self, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        keyed_digest(&self.0, domain, parts)
    }
}

impl Debug for Salt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(hidden)")
    }
}

/// HMAC-SHA256 under `key` over a domain and parts, each with its length.
pub(crate) fn keyed_digest(key: &[u8; 32], domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a key with zeros to the block of its hash; doing it here leaves nothing to fail.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    let mut add = |part: &[u8]| {
        mac.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        mac.update(part);
    };
    add(domain);
    for part in parts {
        add(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_salt_step_and_person() {
        let (salt, other) = (Salt::from_bytes([1; 32]), Salt::from_bytes([2; 32]));
        let (anna, ben) = (PersonId::from_bytes([3; 16]), PersonId::from_bytes([4; 16]));
        assert_eq!(salt.message(0, anna), salt.message(0, anna));
        for different in [salt.message(1, anna), salt.message(0, ben), other.message(0, anna)] {
            assert_ne!(salt.message(0, anna), different);
        }
    }

    #[test]
    fn rows_of_one_campaign_lie_together_in_plan_order() {
        assert!(row(1, u32::MAX) < row(2, 0));
        assert!(row(2, 0) < row(2, 1));
    }
}
