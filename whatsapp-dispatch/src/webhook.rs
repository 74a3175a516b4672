//! What WhatsApp tells us afterwards: signed webhooks, verified before they can be read.
//!
//! Plain functions over the raw body, for any HTTP server; `router` (feature `axum`) wraps them
//! for axum. What the facts mean and where they are stored is not decided here.
//!
//! A webhook becomes a [`Payload`] of [`Change`]s, and goes back to the same JSON. Meta adds
//! fields, kinds and words at any time: what nobody knows yet is kept and counted, and one part
//! that cannot be read never costs the others. [`split`] hands out the changes as bytes, to be
//! queued alone.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

mod handler;
#[cfg(feature = "axum")]
mod router;

// A webhook and its changes.
mod payload;
mod change;
mod value;
mod split;

// What changes say.
mod messages;
mod status;
pub mod inbound;
mod preference;
pub mod template;
pub mod number;
pub mod account;
pub mod group;
pub mod call;
pub mod coexistence;
pub mod events;
pub mod routing;

// How they are read and written.
mod text;
mod wire;
mod rest;
mod survey;
mod mend;

pub use change::Change;
pub use handler::{WebhookError, WebhookHandler};
pub use inbound::{Inbound, InboundKind};
pub use messages::{
    Contact, ConversationContext, LinkClick, Messages, Metadata, Profile, Summary, UserAction,
};
pub use payload::{Entry, Payload};
pub use preference::{
    IdChange, Preference, PreferenceCategory, PreferenceValue, UserIdUpdate, UserIdUpdates, UserPreferences,
};
#[cfg(feature = "axum")]
pub use router::router;
pub use split::{RawChange, split};
pub use status::{
    Amount, Conversation, ErrorData, MessageStatus, Origin, Payment, Pricing, RecipientType, ReportedError,
    Status, StatusKind, StatusUpdate, Transaction,
};
pub use text::{Iter, Json, List, Text, Timestamp};
pub use value::ChangeValue;

/// The largest body that is read. Meta sends up to 3 MB; a receiver that refuses what Meta sends
/// loses webhooks.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The name of the header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// Checks that Meta made a body: `header` is the value of `X-Hub-Signature-256`, an HMAC-SHA256
/// under the app secret over the raw bytes.
///
/// Several secrets are accepted, so that a secret can be rotated without losing a webhook. All
/// are tried, and in constant time.
///
/// ```
/// use secrecy::SecretString;
/// use whatsapp_dispatch::webhook::{signature, verify_signature};
/// let secret = SecretString::from("app secret");
/// let body = br#"{"object":"whatsapp_business_account","entry":[]}"#;
/// let header = signature(&secret, body);
/// let verified = verify_signature(&[secret], Some(&header), body).unwrap();
/// assert!(verified.changes().unwrap().is_empty());
/// ```
///
/// # Errors
/// [`WebhookError::Unsigned`] without a readable header, [`WebhookError::Forged`] when no secret
/// matches, [`WebhookError::TooLarge`] for a body over [`MAX_BODY_BYTES`].
pub fn verify_signature<'a>(
    secrets: &[SecretString],
    header: Option<&str>,
    body: &'a [u8],
) -> Result<VerifiedWebhook<'a>, WebhookError> {
    if MAX_BODY_BYTES < body.len() {
        return Err(WebhookError::TooLarge);
    }
    let claimed = header
        .and_then(|header| header.trim().strip_prefix("sha256="))
        .and_then(digest_from_hex)
        .ok_or(WebhookError::Unsigned)?;
    // No early exit: the time must not tell which secret matched.
    let matching = secrets.iter().filter(|secret| equal(&digest_of(secret, body), &claimed)).count();
    if matching == 0 { Err(WebhookError::Forged) } else { Ok(VerifiedWebhook { body }) }
}

/// The header value that Meta sends with `body`: for tests and simulators.
pub fn signature(secret: &SecretString, body: &[u8]) -> String {
    let mut text = String::with_capacity(71);
    text.push_str("sha256=");
    for byte in digest_of(secret, body) {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
    }
    text
}

/// A body that Meta signed. The only way to read a webhook.
#[derive(Clone, Copy)]
pub struct VerifiedWebhook<'a> {
    body: &'a [u8],
}

impl<'a> VerifiedWebhook<'a> {
    /// The bytes that were signed.
    pub(crate) const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What the webhook says, in its own order.
    ///
    /// Fields, kinds and statuses that nobody knows yet never make it fail; what could not be
    /// read is counted in [`Change::unread`].
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`] when the body is not JSON or not a webhook at all.
    pub fn changes(&self) -> Result<Vec<Change>, WebhookError> {
        Ok(self.payload()?.into_changes().collect())
    }

    /// The whole webhook.
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`] when the body is not JSON or not a webhook at all.
    pub fn payload(&self) -> Result<Payload, WebhookError> {
        Payload::decode(self.body)
    }

    /// The changes as bytes, to be queued alone; what they say is not looked at.
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`] when the body is not JSON or not a webhook at all.
    pub fn split(&self) -> Result<Vec<RawChange>, WebhookError> {
        split(self.body)
    }
}

impl std::fmt::Debug for VerifiedWebhook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedWebhook({} bytes)", self.body.len())
    }
}

/// The question that Meta asks an endpoint once, when it is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// `hub.mode`.
    pub mode: String,
    /// `hub.verify_token`.
    pub verify_token: String,
    /// `hub.challenge`.
    pub challenge: String,
}

impl Handshake {
    /// The text to answer with, if the question comes from somebody who knows our token.
    ///
    /// # Errors
    /// [`WebhookError::Handshake`] for another token or mode.
    pub fn answer(&self, expected: &SecretString) -> Result<String, WebhookError> {
        // Digests have one length, so the comparison tells nothing about that of the token.
        let (theirs, ours) = (Sha256::digest(&self.verify_token), Sha256::digest(expected.expose_secret()));
        if equal(&theirs.into(), &ours.into()) && self.mode == "subscribe" {
            Ok(self.challenge.clone())
        } else {
            Err(WebhookError::Handshake)
        }
    }
}

fn digest_of(secret: &SecretString, body: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so the empty digest is never reached.
    Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_or([0; 32], |mac| mac.chain_update(body).finalize().into_bytes().into())
}

fn equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    std::hint::black_box(left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right))) == 0
}

fn digest_from_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        // printf 'hello' | openssl dgst -sha256 -hmac key
        assert_eq!(
            signature(&secret("key"), b"hello"),
            "sha256=9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b"
        );
    }

    #[test]
    fn old_and_new_secret_are_good_during_a_rotation_and_others_are_not() {
        let secrets = [secret("old"), secret("new")];
        for good in ["old", "new"] {
            let header = signature(&secret(good), BODY);
            assert!(verify_signature(&secrets, Some(&header), BODY).is_ok());
        }
        let header = signature(&secret("other"), BODY);
        assert!(matches!(verify_signature(&secrets, Some(&header), BODY), Err(WebhookError::Forged)));
        let header = signature(&secret("old"), b"another body");
        assert!(matches!(verify_signature(&secrets, Some(&header), BODY), Err(WebhookError::Forged)));
        assert!(matches!(verify_signature(&[], Some(&header), BODY), Err(WebhookError::Forged)));
    }

    #[test]
    fn a_header_that_is_none_is_told_apart_from_a_wrong_one() {
        let good = signature(&secret("s"), BODY);
        let short = good.get(..70);
        for header in [None, Some(""), Some("sha1=00"), Some("sha256="), Some("sha256=zz"), short] {
            assert!(
                matches!(verify_signature(&[secret("s")], header, BODY), Err(WebhookError::Unsigned)),
                "{header:?}"
            );
        }
        let upper = format!("sha256={}", good.trim_start_matches("sha256=").to_uppercase());
        assert!(verify_signature(&[secret("s")], Some(&upper), BODY).is_ok());
    }

    #[test]
    fn only_who_knows_the_token_gets_the_challenge_back() {
        let question = Handshake {
            mode: "subscribe".to_owned(),
            verify_token: "token".to_owned(),
            challenge: "1158201444".to_owned(),
        };
        assert_eq!(question.answer(&secret("token")).unwrap(), "1158201444");
        assert!(question.answer(&secret("tokem")).is_err());
        assert!(Handshake { mode: "other".to_owned(), ..question }.answer(&secret("token")).is_err());
    }

    proptest! {
        #[test]
        fn only_the_right_header_is_taken(
            body in any::<Vec<u8>>(), any in ".{0,80}", at in 0_usize..71, bits in 1_u8..=255,
        ) {
            let secret = [secret("s")];
            let right = signature(&secret[0], &body);
            prop_assert!(verify_signature(&secret, Some(&right), &body).is_ok());
            prop_assert!(verify_signature(&secret, Some(&any), &body).is_err());
            let mut near = right.clone().into_bytes();
            near[at] ^= bits;
            let near = String::from_utf8_lossy(&near);
            let is_right = near.starts_with("sha256=") && near.eq_ignore_ascii_case(&right);
            prop_assert_eq!(verify_signature(&secret, Some(&near), &body).is_ok(), is_right);
            prop_assert!(verify_signature(&secret, Some(&right), &[&body[..], b"\0"].concat()).is_err());
        }
    }
}
