use std::fmt;

use serde::de::MapAccess;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::WebhookError;
use super::account::{
    AccountAlert, AccountReview, AccountSettings, AccountUpdate, BusinessCapability, BusinessStatus,
    PartnerSolution, PaymentConfiguration,
};
use super::call::Calls;
use super::coexistence::{History, MessageEchoes, StateSync};
use super::events::{AutomaticEvents, FlowUpdate, TrackingEvents};
use super::group::Groups;
use super::inbound::Inbound;
use super::messages::{Messages, Metadata};
use super::number::{PhoneName, PhoneQuality, Security, UsernameUpdate};
use super::payload::{read, text, unreadable};
use super::preference::{Preference, UserIdUpdate, UserIdUpdates, UserPreferences};
use super::routing::{Handovers, Standby};
use super::status::{MessageStatus, StatusUpdate};
use super::survey::Survey;
use super::template::{TemplateCategory, TemplateComponents, TemplateQuality, TemplateStatusUpdate};
use super::text::{Text, Timestamp};
use super::wire::{Key, Read, Rest, Wire};
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

/// Declares [`ChangeValue`]: Meta's fields, the variant and its type.
macro_rules! values {
    ($($(#[$doc:meta])* $variant:ident($kind:ty) = $($field:literal)|+,)*) => {
        /// What a change says, by its field.
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub enum ChangeValue {
            $($(#[$doc])* $variant(Box<$kind>),)*
            /// A field that did not exist when this was written, or a value that is not of the
            /// field's shape.
            Other(Value),
            /// There was no value.
            #[default]
            Absent,
        }

        impl ChangeValue {
            fn read(field: &str, json: &str) -> Result<(Self, usize), serde_json::Error> {
                match field {
                    $($($field)|+ => {
                        let (read, cut) = read::<$kind>(json)?;
                        Ok((read.map_or_else(Self::Other, |value| Self::$variant(Box::new(value))), cut))
                    })*
                    _ => {
                        let (read, cut) = read::<super::text::Json>(json)?;
                        Ok((Self::Other(read.map_or_else(|value| value, |json| json.encode())), cut))
                    }
                }
            }

            fn encode(&self) -> Option<Value> {
                match self {
                    $(Self::$variant(value) => Some(value.encode()),)*
                    Self::Other(value) => Some(value.clone()),
                    Self::Absent => None,
                }
            }

            fn survey(&self, survey: &mut Survey) {
                match self {
                    $(Self::$variant(value) => value.survey(survey),)*
                    Self::Other(_) | Self::Absent => survey.undecoded(),
                }
            }
        }

        /// Kinds and counts only.
        impl fmt::Debug for ChangeValue {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(value) => value.fmt(f),)*
                    Self::Other(_) => f.write_str("Other(hidden)"),
                    Self::Absent => f.write_str("Absent"),
                }
            }
        }
    };
}

values! {
    /// Messages that people sent to us, and what became of ours.
    Messages(Messages) = "messages",
    /// What is said in chats that somebody else answers.
    Standby(Standby) = "standby",
    /// Who wants marketing and who doesn't.
    Preferences(UserPreferences) = "user_preferences",
    /// People whose id changed.
    UserIds(UserIdUpdates) = "user_id_update",
    /// A template was approved, rejected, paused ...
    TemplateStatus(TemplateStatusUpdate) = "message_template_status_update",
    /// A template's quality changed.
    TemplateQuality(TemplateQuality) = "message_template_quality_update",
    /// A template's category changed or will.
    TemplateCategory(TemplateCategory) =
        "template_category_update" | "template_correct_category_detection",
    /// A template's content changed.
    TemplateComponents(TemplateComponents) = "message_template_components_update",
    /// A number's quality, limit or throughput changed.
    PhoneQuality(PhoneQuality) = "phone_number_quality_update",
    /// A number's display name was decided on.
    PhoneName(PhoneName) = "phone_number_name_update",
    /// A number's user name changed.
    Username(UsernameUpdate) = "business_username_update" | "business_username_updates",
    /// A number's two-step verification changed.
    Security(Security) = "security",
    /// An account was restricted, banned, shared, moved to another price tier ...
    Account(AccountUpdate) = "account_update",
    /// Something about an account wants attention.
    AccountAlert(AccountAlert) = "account_alerts",
    /// An account was reviewed.
    AccountReview(AccountReview) = "account_review_update",
    /// Settings of an account or a number changed.
    AccountSettings(AccountSettings) = "account_settings_update",
    /// Limits of an account changed.
    BusinessCapability(BusinessCapability) = "business_capability_update",
    /// A business portfolio was verified, restricted ...
    BusinessStatus(BusinessStatus) = "business_status_update",
    /// A multi-partner solution changed.
    PartnerSolution(PartnerSolution) = "partner_solutions",
    /// A way of paying inside WhatsApp changed.
    PaymentConfiguration(PaymentConfiguration) = "payment_configuration_update",
    /// Groups were made, changed, joined, left, suspended.
    Groups(Groups) = "group_lifecycle_update"
        | "group_participants_update"
        | "group_participant_update"
        | "group_settings_update"
        | "group_status_update",
    /// Calls began, ended, were answered.
    Calls(Calls) = "calls",
    /// Messages from before the number came to the Cloud API.
    History(History) = "history",
    /// Messages that the business sent from its phone.
    Echoes(MessageEchoes) = "smb_message_echoes" | "message_echoes",
    /// Contacts of the business's phone.
    StateSync(StateSync) = "smb_app_state_sync",
    /// A flow changed its state, or its endpoint is slow or failing.
    Flow(FlowUpdate) = "flows",
    /// Who talks to the person changed.
    Handovers(Handovers) = "messaging_handovers",
    /// Leads and purchases that Meta recognized in chats.
    AutomaticEvents(AutomaticEvents) = "automatic_events",
    /// What people did with marketing messages.
    TrackingEvents(TrackingEvents) = "tracking_events",
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
