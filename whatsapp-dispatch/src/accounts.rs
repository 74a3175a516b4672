//! What is known of numbers and portfolios: how fast a number may send now, and to how many
//! people a portfolio may write in 24 hours. Configured by the host, raised and lowered by what
//! WhatsApp tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::id::MemberId;
use rules_core::judge::key::MeterKey;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;
use rules_core::work::clock::after;
use rules_core::work::quota::Crowd;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::message::keyed_digest;
use crate::people::random_key;
use crate::phone::PhoneNumber;
use crate::register::{Note, NoteKey, NoteKind};
use crate::sender::{NumberId, Sender};

/// What is left of the 1,000 messages a second of an upgraded number for those who send
/// campaigns; the rest is for replies ("Throughput", Meta, 2026-09-11: in and out together).
const UPGRADED_RATE: u32 = 900;

/// People count for so long after a message ("Messaging limits", Meta).
const PEOPLE_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// What was told is believed for so long before the register is asked again.
const BELIEVED_FOR: Duration = Duration::from_secs(5);

/// What WhatsApp told of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NumberNote {
    /// Its throughput was raised to 1,000 messages a second.
    pub(crate) upgraded: bool,
    /// The last event that was told, such as `FLAGGED`.
    pub(crate) event: Option<String>,
}

/// What WhatsApp told of a portfolio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PortfolioNote {
    /// Different people in 24 hours outside of service windows; `None` is no limit.
    pub(crate) people_per_day: Option<u64>,
}

/// What was found under a key, and until when it is believed.
type Believed = (Option<Arc<str>>, DateTime<Utc>);

/// What is remembered of the register for a moment.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    known: Mutex<HashMap<NoteKey, Believed>>,
    rates: Mutex<HashMap<NumberId, u32>>,
}

impl Accounts {
    fn get(&self, key: &NoteKey, now: DateTime<Utc>) -> Option<Believed> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(_, until)| now < *until).cloned()
    }

    fn put(&self, key: NoteKey, text: Option<Arc<str>>, until: DateTime<Utc>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (text, until));
    }

    fn forget(&self, key: &NoteKey) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Desk {
    async fn noted(&self, key: NoteKey) -> Result<Option<Arc<str>>, StoreError> {
        let now = self.clock.now();
        if let Some((text, _)) = self.accounts.get(&key, now) {
            return Ok(text);
        }
        let found = self.register.look(std::slice::from_ref(&key)).await?.pop().flatten();
        let text: Option<Arc<str>> = found.map(|note| note.text.into());
        self.accounts.put(key, text.clone(), after(now, BELIEVED_FOR));
        Ok(text)
    }

    async fn note(&self, key: NoteKey, at: DateTime<Utc>, text: String) -> Result<(), StoreError> {
        self.register.note(&[Note { key: key.clone(), at, text }]).await?;
        self.accounts.forget(&key);
        Ok(())
    }

    /// How many messages a second the number may send now.
    pub(crate) async fn rate(&self, scope: &TenantScope, sender: &Sender) -> Result<u32, StoreError> {
        let configured = sender.rate();
        if sender.shared_with_app {
            return Ok(configured);
        }
        let noted = self.noted(number_key(scope, sender)).await?;
        let note: NumberNote = noted.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let rate = if note.upgraded { configured.max(UPGRADED_RATE) } else { configured };
        let mut rates = self.accounts.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.insert(sender.number_id.clone(), rate);
        Ok(rate)
    }

    /// The rate that was last found for the number, without asking the store.
    pub(crate) fn last_rate(&self, sender: &Sender) -> u32 {
        let rates = self.accounts.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.get(&sender.number_id).copied().unwrap_or(sender.rate())
    }

    /// Notes what WhatsApp told of a number.
    pub(crate) async fn note_number(
        &self,
        scope: &TenantScope,
        sender: &Sender,
        at: DateTime<Utc>,
        change: impl FnOnce(&mut NumberNote, bool) + Send,
    ) -> Result<(), StoreError> {
        let key = number_key(scope, sender);
        let noted = self.register.look(std::slice::from_ref(&key)).await?.pop().flatten();
        let known_at = noted.as_ref().map_or(at, |note| note.at);
        let mut note: NumberNote =
            noted.and_then(|note| serde_json::from_str(&note.text).ok()).unwrap_or_default();
        // Older news may hold something that is not told again.
        change(&mut note, known_at <= at);
        self.note(key, at.max(known_at), serde_json::to_string(&note).unwrap_or_default()).await
    }

    /// Notes which number is shown under these digits: some news name it by them alone.
    pub(crate) async fn note_display(
        &self,
        scope: &TenantScope,
        digits: &str,
        number: &NumberId,
    ) -> Result<(), StoreError> {
        let key = display_key(scope, digits);
        let known = self.noted(key.clone()).await?;
        if known.as_deref() == Some(number.as_str()) {
            return Ok(());
        }
        self.note(key, self.clock.now(), number.as_str().to_owned()).await
    }

    /// The id of the number that is shown under these digits, if it was ever told.
    pub(crate) async fn displayed(
        &self,
        scope: &TenantScope,
        digits: &str,
    ) -> Result<Option<Arc<str>>, StoreError> {
        self.noted(display_key(scope, digits)).await
    }

    /// Notes to how many people a portfolio may write.
    pub(crate) async fn note_portfolio(
        &self,
        scope: &TenantScope,
        portfolio: &str,
        at: DateTime<Utc>,
        note: PortfolioNote,
    ) -> Result<(), StoreError> {
        let key = NoteKey::portfolio(scope, portfolio);
        self.note(key, at, serde_json::to_string(&note).unwrap_or_default()).await
    }

    /// The crowd of people that the number's portfolio writes to, if it is limited.
    pub(crate) async fn crowd(
        &self,
        scope: &TenantScope,
        sender: &Sender,
    ) -> Result<Option<Crowd>, StoreError> {
        let noted = self.noted(NoteKey::portfolio(scope, &sender.portfolio)).await?;
        let note: Option<PortfolioNote> = noted.and_then(|text| serde_json::from_str(&text).ok());
        let limit = note.map_or(sender.people_per_day, |note| note.people_per_day);
        let key = MeterKey::shared(scope, &sender.portfolio, "people");
        Ok(limit.zip(key.ok()).map(|(limit, key)| Crowd { key, within: PEOPLE_WINDOW, limit }))
    }

    /// Who somebody is in a portfolio's crowd: the same for all its tenants, and nothing to
    /// whoever does not have the register.
    pub(crate) async fn member(
        &self,
        scope: &TenantScope,
        portfolio: &str,
        number: PhoneNumber,
    ) -> Result<MemberId, StoreError> {
        let key = NoteKey::portfolio(scope, format!("{portfolio}/salt"));
        let salt = if let Some(salt) = self.noted(key.clone()).await? {
            salt
        } else {
            // Two who note a salt at once end with the same one, because the greater text counts.
            let fresh = MemberId::of(&[&random_key(&self.ids)]).to_string();
            self.note(key.clone(), DateTime::UNIX_EPOCH, fresh.clone()).await?;
            self.noted(key).await?.unwrap_or_else(|| fresh.into())
        };
        let mut secret = [0; 32];
        for (to, from) in secret.iter_mut().zip(salt.bytes()) {
            *to = from;
        }
        let digest = keyed_digest(&secret, b"member", &[&number.canonical().digits().to_be_bytes()]);
        Ok(MemberId::from_bytes(digest.first_chunk().copied().unwrap_or_default()))
    }
}

/// The business's own number, by its digits however they are written.
fn display_key(scope: &TenantScope, written: &str) -> NoteKey {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    NoteKey::new(scope, NoteKind::Number, format!("shown/{digits}"))
}

fn number_key(scope: &TenantScope, sender: &Sender) -> NoteKey {
    NoteKey::new(scope, NoteKind::Number, sender.number_id.as_str())
}
