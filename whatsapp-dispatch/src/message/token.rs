//! The token that travels with an attempt and comes back in its webhooks.
//!
//! The Cloud API has no idempotency key. `biz_opaque_callback_data` (at most 512 characters) is
//! echoed in status webhooks and is the one handle on an attempt whose answer was lost. Every app
//! that listens to the account can read it, so it holds numbers and a MAC and nothing personal.

use std::fmt::Write as _;

use crate::message::{CampaignKey, MessageKey, Salt};
use rules_core::judge::tenant::TenantScope;

/// Campaign, record and attempt under a MAC of the campaign's salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackToken {
    /// The message.
    pub message: MessageKey,
    /// Which attempt of it, from 1.
    pub attempt: u16,
}

const PREFIX: &str = "v1.";
const MAC_BYTES: usize = 8;

impl CallbackToken {
    /// The text that goes out with the attempt: 47 characters of `a-z 0-9 .`.
    pub fn encode(&self, salt: &Salt) -> String {
        let (campaign, record) = (self.message.campaign.number, self.message.record);
        let mac = mac(salt, campaign, record, self.attempt);
        let (attempt, mac) = (self.attempt, u64::from_be_bytes(mac));
        let mut text = String::with_capacity(48);
        // Writing to a string cannot fail.
        write!(text, "{PREFIX}{campaign:08x}{record:08x}{attempt:04x}.{mac:016x}").unwrap_or_default();
        text
    }
}

/// A token as it came in: what it claims must be checked against the campaign's salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnverifiedToken {
    campaign: u32,
    record: u32,
    attempt: u16,
    mac: [u8; MAC_BYTES],
}

impl UnverifiedToken {
    /// Reads a token; `None` for text that another sender put there.
    pub fn read(text: &str) -> Option<Self> {
        let (claim, mac) = text.strip_prefix(PREFIX)?.split_once('.')?;
        if claim.len() != 20 || mac.len() != 16 || !claim.is_ascii() {
            return None;
        }
        Some(Self {
            campaign: u32::from_str_radix(claim.get(..8)?, 16).ok()?,
            record: u32::from_str_radix(claim.get(8..16)?, 16).ok()?,
            attempt: u16::from_str_radix(claim.get(16..)?, 16).ok()?,
            mac: u64::from_str_radix(mac, 16).ok()?.to_be_bytes(),
        })
    }

    /// The campaign that the token claims, in the tenant to whom the webhook belongs.
    pub fn campaign(&self, scope: &TenantScope) -> CampaignKey {
        CampaignKey::new(scope, self.campaign)
    }

    /// The token, if its MAC is right.
    pub fn verify(&self, scope: &TenantScope, salt: &Salt) -> Option<CallbackToken> {
        let expected = mac(salt, self.campaign, self.record, self.attempt);
        // Without early exit, so that the time tells nothing about the MAC.
        let differing = expected.iter().zip(self.mac).fold(0, |all, (left, right)| all | (left ^ right));
        (differing == 0).then(|| CallbackToken {
            message: self.campaign(scope).message(self.record),
            attempt: self.attempt,
        })
    }
}

fn mac(salt: &Salt, campaign: u32, record: u32, attempt: u16) -> [u8; MAC_BYTES] {
    let parts: [&[u8]; 3] = [&campaign.to_be_bytes(), &record.to_be_bytes(), &attempt.to_be_bytes()];
    let digest = salt.digest(b"token", &parts);
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rules_core::judge::tenant::{TenantId, TenantRecord};
    use rules_core::work::tenants::{FixedTenants, Tenants};

    use super::*;

    #[tokio::test]
    async fn a_token_comes_back_whole_or_not_at_all() {
        let id = TenantId::parse("acme").unwrap();
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]));
        let scope = tenants.enter(&id).await.unwrap();
        let (salt, other) = (Salt::from_bytes([7; 32]), Salt::from_bytes([8; 32]));
        let token = CallbackToken { message: CampaignKey::new(&scope, 3).message(99), attempt: 2 };
        let text = token.encode(&salt);
        assert!(text.len() < 80);
        let read = UnverifiedToken::read(&text).unwrap();
        assert_eq!(read.verify(&scope, &salt), Some(token));
        assert_eq!(read.verify(&scope, &other), None);
        let forged = text.replace("00000063", "00000064");
        assert_eq!(UnverifiedToken::read(&forged).unwrap().verify(&scope, &salt), None);
        for foreign in [
            "",
            "v1.",
            "order-17",
            "v1.zz.zz",
            &text[..text.len() - 1],
            "v1.äääääääääääääääääääää.0000000000000000",
        ] {
            assert_eq!(UnverifiedToken::read(foreign), None, "{foreign:?}");
        }
    }
}
