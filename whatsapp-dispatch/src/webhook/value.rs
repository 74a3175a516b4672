use std::fmt;

use serde_json::Value;

use super::account::{
    AccountAlert, AccountReview, AccountSettings, AccountUpdate, BusinessCapability, BusinessStatus,
    PartnerSolution, PaymentConfiguration,
};
use super::call::Calls;
use super::coexistence::{History, MessageEchoes, StateSync};
use super::events::{AutomaticEvents, FlowUpdate, TrackingEvents};
use super::group::Groups;
use super::messages::Messages;
use super::number::{PhoneName, PhoneQuality, Security, UsernameUpdate};
use super::payload::read;
use super::preference::{UserIdUpdates, UserPreferences};
use super::routing::{Handovers, Standby};
use super::survey::Survey;
use super::template::{TemplateCategory, TemplateComponents, TemplateQuality, TemplateStatusUpdate};
use super::text::Json;
use super::wire::Wire;

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
            pub(super) fn read(field: &str, json: &str) -> Result<(Self, usize), serde_json::Error> {
                match field {
                    $($($field)|+ => {
                        let (read, cut) = read::<$kind>(json)?;
                        Ok((read.map_or_else(Self::Other, |value| Self::$variant(Box::new(value))), cut))
                    })*
                    _ => {
                        let (read, cut) = read::<Json>(json)?;
                        Ok((Self::Other(read.map_or_else(|value| value, |json| json.encode())), cut))
                    }
                }
            }

            pub(super) fn encode(&self) -> Option<Value> {
                match self {
                    $(Self::$variant(value) => Some(value.encode()),)*
                    Self::Other(value) => Some(value.clone()),
                    Self::Absent => None,
                }
            }

            pub(super) fn survey(&self, survey: &mut Survey) {
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
