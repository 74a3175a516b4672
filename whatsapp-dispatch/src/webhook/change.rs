use std::fmt;

use serde::de::MapAccess;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::WebhookError;
use super::inbound::Inbound;
use super::messages::{Contact, Messages, Metadata};
use super::payload::{read, text, unreadable};
use super::preference::{Preference, UserIdUpdate};
use super::rest::Rest;
use super::status::{MessageStatus, StatusUpdate};
use super::survey::Survey;
use super::text::{Text, Timestamp};
use super::value::ChangeValue;
use super::wire::{Key, Read, Wire};
use crate::sender::NumberId;

/// One change that a webhook tells of.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// What changed, in Meta's word: `messages`, `message_template_status_update` ...
    pub field: String,
    /// The WhatsApp business account; empty if it was not said.
    pub waba: String,
    /// When the webhook was made, if it was said.
    pub time: Option<Timestamp>,
    /// The number that it is about, if it is about one.
    pub number_id: Option<NumberId>,
    /// What is said about it.
    pub value: ChangeValue,
    /// How many parts could not be read or have a kind or a word that nobody knows.
    pub unread: usize,
    /// How many fields nobody knows yet; [`unknown_fields`](Self::unknown_fields) says which.
    pub unknown: usize,
    rest: Rest,
}

impl Change {
    /// Reads one change as [`RawChange`](super::RawChange) and [`encode`](Self::encode) write it.
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`] when it is not JSON or not a change.
    pub fn decode(bytes: &[u8]) -> Result<Self, WebhookError> {
        let (read, cut) = read::<Alone>(text(bytes)?).map_err(unreadable)?;
        let Alone { waba, time, change: Some(mut change), .. } = read.unwrap_or_default() else {
            return Err(unreadable("there is no change in it"));
        };
        change.belongs_to(waba.as_ref(), time.as_ref());
        change.rest.cut(cut);
        change.unread += cut;
        Ok(change)
    }

    /// The change alone, with the account it is about: the JSON that [`decode`](Self::decode)
    /// reads.
    pub fn encode(&self) -> Value {
        let mut alone = Map::new();
        alone.insert("waba".to_owned(), self.waba.as_str().into());
        if let Some(time) = &self.time {
            alone.insert("time".to_owned(), time.encode());
        }
        alone.insert("change".to_owned(), Wire::encode(self));
        alone.into()
    }

    /// What became of messages that we sent, in Meta's order.
    pub fn statuses(&self) -> impl Iterator<Item = &MessageStatus> {
        self.as_messages().and_then(|value| value.statuses.as_ref()).into_iter().flatten()
    }

    /// The same as facts; without those that lack an id or a status.
    pub fn updates(&self) -> impl Iterator<Item = StatusUpdate> {
        self.statuses().filter_map(MessageStatus::update)
    }

    /// Messages that people sent to us, also in chats that somebody else answers: a STOP is one
    /// wherever it is said.
    pub fn messages(&self) -> impl Iterator<Item = &Inbound> {
        let (own, copies) = match &self.value {
            ChangeValue::Messages(value) => (value.messages.as_ref(), None),
            ChangeValue::Standby(value) => {
                (value.messages.as_ref(), value.standby.as_ref().and_then(|copies| copies.messages.as_ref()))
            }
            _ => (None, None),
        };
        own.into_iter().chain(copies).flatten()
    }

    /// Who wants marketing and who doesn't.
    pub fn preferences(&self) -> impl Iterator<Item = &Preference> {
        let value = match &self.value {
            ChangeValue::Preferences(value) => value.user_preferences.as_ref(),
            ChangeValue::Messages(value) => value.user_preferences.as_ref(),
            _ => None,
        };
        value.into_iter().flatten()
    }

    /// People whom the change is about, by all the names that it gives.
    pub fn contacts(&self) -> impl Iterator<Item = &Contact> {
        let value = match &self.value {
            ChangeValue::Messages(value) => value.contacts.as_ref(),
            ChangeValue::Preferences(value) => value.contacts.as_ref(),
            ChangeValue::UserIds(value) => value.contacts.as_ref(),
            _ => None,
        };
        value.into_iter().flatten()
    }

    /// The number that the change is about as people see it.
    pub fn display_number(&self) -> Option<&Text> {
        self.metadata()?.display_phone_number.as_ref()
    }

    /// People whose id changed.
    pub fn user_ids(&self) -> impl Iterator<Item = &UserIdUpdate> {
        let value = match &self.value {
            ChangeValue::UserIds(value) => value.user_id_update.as_ref(),
            ChangeValue::Messages(value) => value.user_id_update.as_ref(),
            _ => None,
        };
        value.into_iter().flatten()
    }

    /// Where fields stand that nobody knows yet, such as `messages.value.statuses.new`; each once,
    /// at most 256. Names that don't look like Meta's are `?`.
    pub fn unknown_fields(&self) -> Vec<String> {
        let mut survey = Survey::with_paths();
        self.survey(&mut survey);
        survey.into_paths()
    }

    fn as_messages(&self) -> Option<&Messages> {
        match &self.value {
            ChangeValue::Messages(value) => Some(value),
            _ => None,
        }
    }

    fn metadata(&self) -> Option<&Metadata> {
        match &self.value {
            ChangeValue::Messages(value) => value.metadata.as_ref(),
            ChangeValue::Preferences(value) => value.metadata.as_ref(),
            ChangeValue::UserIds(value) => value.metadata.as_ref(),
            ChangeValue::Groups(value) => value.metadata.as_ref(),
            ChangeValue::Calls(value) => value.metadata.as_ref(),
            ChangeValue::History(value) => value.metadata.as_ref(),
            ChangeValue::Echoes(value) => value.metadata.as_ref(),
            ChangeValue::StateSync(value) => value.metadata.as_ref(),
            ChangeValue::Standby(value) => value.metadata.as_ref(),
            ChangeValue::Handovers(value) => value.metadata.as_ref().or(value.recipient.as_ref()),
            ChangeValue::AutomaticEvents(value) => value.metadata.as_ref(),
            ChangeValue::TrackingEvents(value) => value.metadata.as_ref(),
            _ => None,
        }
    }

    /// The number that the change is about, from wherever it stands.
    fn find_number(&self) -> Option<NumberId> {
        let id = match &self.value {
            ChangeValue::Other(value) => value.pointer("/metadata/phone_number_id").and_then(Value::as_str),
            ChangeValue::AccountSettings(value) => value.phone_number_id().map(Text::as_str),
            _ => self.metadata().and_then(|metadata| metadata.phone_number_id.as_ref()).map(Text::as_str),
        };
        NumberId::parse(id?).ok()
    }

    /// Notes what the entry around it says.
    pub(super) fn belongs_to(&mut self, waba: Option<&Text>, time: Option<&Timestamp>) {
        self.waba = waba.map(|id| id.as_str().to_owned()).unwrap_or_default();
        self.time = time.cloned();
    }
}

impl Wire for Change {
    fn map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Read<Self>, A::Error> {
        let mut change = Self::default();
        let (mut field, mut value) = (None::<Text>, None);
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match key.0.as_ref() {
                "field" => change.rest.read("field", &mut map, &mut field)?,
                // Its shape depends on the field, which usually comes after it.
                "value" => value = Some(map.next_value::<&'de RawValue>()?),
                unknown => change.rest.unknown(unknown, &mut map)?,
            }
        }
        if let Some(field) = field {
            // Kept where the field alone would not say how it was written.
            if field.is_number() || field.as_str().is_empty() {
                change.rest.keep("field", field.encode());
            }
            field.as_str().clone_into(&mut change.field);
        }
        if let Some(json) = value {
            let (read, cut) =
                ChangeValue::read(&change.field, json.get()).map_err(serde::de::Error::custom)?;
            change.value = read;
            change.rest.cut(cut);
        }
        change.number_id = change.find_number();
        let mut survey = Survey::counting();
        change.survey(&mut survey);
        change.unread = survey.undecoded_parts();
        change.unknown = survey.unknown_parts();
        Ok(Ok(change))
    }

    fn encode(&self) -> Value {
        let mut object = Map::new();
        if !self.field.is_empty() {
            object.insert("field".to_owned(), self.field.as_str().into());
        }
        object.extend(self.value.encode().map(|value| ("value".to_owned(), value)));
        self.rest.encode(&mut object);
        object.into()
    }

    fn survey(&self, survey: &mut Survey) {
        survey.enter_named(&self.field);
        survey.enter("value");
        self.value.survey(survey);
        survey.leave();
        for _ in self.statuses().filter(|status| !status.is_told()) {
            survey.undecoded();
        }
        self.rest.survey(survey);
        survey.leave();
    }
}

/// Kinds and counts only.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("value", &self.value)
            .field("unread", &self.unread)
            .field("unknown", &self.unknown)
            .finish_non_exhaustive()
    }
}

super::wire::object! {
    /// A change on its own.
    pub(super) struct Alone {
        waba: Text,
        time: Timestamp,
        change: Change,
    }
}
