use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_json::error::Error as JsonError;

use super::WebhookError;
use super::change::Change;
use super::mend::mended;
use super::survey::Survey;
use super::text::{List, Text, Timestamp};
use super::wire::{Read, Reader, Wire, object};

object! {
    /// A whole webhook.
    pub struct Payload {
        /// `whatsapp_business_account`.
        object: Text,
        entry: List<Entry>,
    }
}

object! {
    /// What a webhook says about one business account.
    pub struct Entry {
        /// The business account.
        id: Text,
        /// When the webhook was made.
        time: Timestamp,
        changes: List<Change>,
    }
}

impl Payload {
    /// Reads a whole webhook. Fields, kinds and words that nobody knows yet never make it fail,
    /// nor do parts of unexpected shapes: they are kept and counted.
    ///
    /// ```
    /// use whatsapp_dispatch::webhook::{Payload, Status};
    /// let body = br#"{"object": "whatsapp_business_account", "entry": [{"id": "17", "changes": [
    ///     {"field": "messages", "value": {"statuses": [{"id": "wamid.x", "status": "read"}]}}]}]}"#;
    /// let payload = Payload::decode(body)?;
    /// let status = payload.changes().flat_map(|change| change.statuses()).next();
    /// assert_eq!(status.and_then(|status| status.status.as_ref()), Some(&Status::Read));
    /// assert_eq!(payload.encode(), serde_json::from_slice::<serde_json::Value>(body)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`] when the body is not JSON or has no list called `entry`.
    pub fn decode(body: &[u8]) -> Result<Self, WebhookError> {
        let (read, cut) = read::<Self>(text(body)?).map_err(unreadable)?;
        let mut payload = read.map_err(|_| unreadable("it is not an object"))?;
        let entries = payload.entry.as_mut().ok_or_else(|| unreadable("there is no list called entry"))?;
        for entry in entries.iter_mut() {
            let Entry { id, time, changes, .. } = entry;
            for change in changes.iter_mut().flat_map(List::iter_mut) {
                change.belongs_to(id.as_ref(), time.as_ref());
            }
        }
        payload.rest.cut(cut);
        Ok(payload)
    }

    /// The JSON that was read. Differs only where a part was nested too deep to be kept.
    pub fn encode(&self) -> Value {
        Wire::encode(self)
    }

    /// The changes of all entries, in their order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.entry.iter().flatten().flat_map(|entry| entry.changes.iter().flatten())
    }

    /// The same, taken out.
    pub fn into_changes(self) -> impl Iterator<Item = Change> {
        let entries = self.entry.into_iter().flat_map(List::into_read);
        entries.flat_map(|entry| entry.changes.into_iter().flat_map(List::into_read))
    }

    /// How many parts could not be read or have a kind or a word that nobody knows.
    pub fn undecoded(&self) -> usize {
        let mut survey = Survey::counting();
        self.survey(&mut survey);
        survey.undecoded_parts()
    }

    /// Where fields stand that nobody knows yet, such as `entry.changes.messages.value.new`; each
    /// once, at most 256. Names that don't look like Meta's are `?`.
    pub fn unknown_fields(&self) -> Vec<String> {
        let mut survey = Survey::with_paths();
        self.survey(&mut survey);
        survey.into_paths()
    }
}

/// The body as text.
pub(super) fn text(body: &[u8]) -> Result<&str, WebhookError> {
    str::from_utf8(body).map_err(unreadable)
}

/// Reads JSON as a `T`; JSON that `serde_json` refuses for other reasons than its grammar is mended
/// first. Also says how many parts had to be changed.
pub(super) fn read<T: Wire>(json: &str) -> Result<(Read<T>, usize), JsonError> {
    if let Ok(read) = read_strictly(json) {
        return Ok((read, 0));
    }
    let (mended, changed) = mended(json);
    Ok((read_strictly(&mended)?, changed))
}

fn read_strictly<T: Wire>(json: &str) -> Result<Read<T>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = DeserializeSeed::deserialize(Reader::<T>::new(), &mut deserializer)?;
    deserializer.end()?;
    Ok(read)
}

pub(super) fn unreadable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WebhookError {
    WebhookError::Unreadable { source: source.into() }
}
