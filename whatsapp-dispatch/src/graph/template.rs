use serde::{Deserialize, Serialize};

use super::number::QualityScore;
use crate::json::{Literal, words};

mod component;

pub use component::{
    AppLink, ButtonType, ComponentFormat, ComponentType, LimitedTimeOffer, NamedSample, OtpType, Samples,
    SupportedApp, TemplateButton, TemplateCard, TemplateComponent, TemplateExample,
};

/// How people take a template.
pub type TemplateQuality = QualityScore;

/// Asks for a template: the body of a POST to `/message_templates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTemplate {
    /// At most 512 of the characters `a-z 0-9 _`.
    pub name: String,
    /// `en`, `en_US`, `pt_BR`.
    pub language: String,
    /// What kind of message it is.
    pub category: TemplateCategory,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<TemplateComponent>>,
    /// Whether variables have numbers or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_format: Option<ParameterFormat>,
    /// True when Meta may choose another category instead of refusing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_category_change: Option<bool>,
    /// For how long WhatsApp tries to deliver its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_send_ttl_seconds: Option<Literal>,
    /// Narrows the category down, such as `ORDER_STATUS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_category: Option<String>,
    /// `ORDER_DETAILS` and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_format: Option<String>,
    /// True when links are not to be tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cta_url_link_tracking_opted_out: Option<bool>,
    /// True when only the person's main device gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_primary_device_delivery_only: Option<bool>,
    /// Built after this template of Meta's library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library_template_name: Option<String>,
    /// With a library template: its buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library_template_button_inputs: Option<Vec<LibraryButton>>,
    /// With a library template: what its body offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library_template_body_inputs: Option<serde_json::Value>,
}

/// A button of a template of Meta's library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryButton {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ButtonType,
    /// With a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// With a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<LibraryLink>,
    /// With a one-time code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_type: Option<OtpType>,
    /// With a one-time code that nobody taps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_tap_terms_accepted: Option<bool>,
    /// With a one-time code: the apps that read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_apps: Option<Vec<SupportedApp>>,
}

/// A link of a template of Meta's library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryLink {
    /// The link with its variable.
    pub base_url: String,
    /// An example of a whole link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_suffix_example: Option<String>,
}

/// A template as the account has it. Which fields there are depends on what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTemplate {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether it can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TemplateStatus>,
    /// What kind of message it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<TemplateCategory>,
    /// What kind it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_category: Option<TemplateCategory>,
    /// What kind it will become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct_category: Option<TemplateCategory>,
    /// Narrows the category down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_category: Option<String>,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<TemplateComponent>>,
    /// Whether variables have numbers or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_format: Option<ParameterFormat>,
    /// How people take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_score: Option<TemplateQuality>,
    /// Why it was refused, `NONE` if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_reason: Option<String>,
    /// The same in detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection_info: Option<serde_json::Value>,
    /// For how long WhatsApp tries to deliver its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_send_ttl_seconds: Option<Literal>,
    /// True when links are not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cta_url_link_tracking_opted_out: Option<bool>,
    /// True when only the person's main device gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_primary_device_delivery_only: Option<bool>,
    /// Built after this template of Meta's library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library_template_name: Option<String>,
    /// Who made it, such as `AUTO_GENERATED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_time: Option<String>,
    /// `ORDER_DETAILS` and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_format: Option<String>,
}

/// The answer to a template that was asked for or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCreated {
    /// Its id.
    pub id: String,
    /// Whether it can be sent already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TemplateStatus>,
    /// What kind of message it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<TemplateCategory>,
    /// After a change: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// After a change: true when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
}

words! {
    /// What kind of message a template is.
    pub enum TemplateCategory {
        /// Offers and news.
        Marketing = "MARKETING",
        /// Follows from something that the person did.
        Utility = "UTILITY",
        /// One-time codes.
        Authentication = "AUTHENTICATION",
        /// Before 2023.
        Transactional = "TRANSACTIONAL",
        /// Before 2023.
        Otp = "OTP",
        /// Before 2023.
        AccountUpdate = "ACCOUNT_UPDATE",
        /// Before 2023.
        PaymentUpdate = "PAYMENT_UPDATE",
        /// Before 2023.
        PersonalFinanceUpdate = "PERSONAL_FINANCE_UPDATE",
        /// Before 2023.
        ShippingUpdate = "SHIPPING_UPDATE",
        /// Before 2023.
        ReservationUpdate = "RESERVATION_UPDATE",
        /// Before 2023.
        IssueResolution = "ISSUE_RESOLUTION",
        /// Before 2023.
        AppointmentUpdate = "APPOINTMENT_UPDATE",
        /// Before 2023.
        TransportationUpdate = "TRANSPORTATION_UPDATE",
        /// Before 2023.
        TicketUpdate = "TICKET_UPDATE",
        /// Before 2023.
        AlertUpdate = "ALERT_UPDATE",
        /// Before 2023.
        AutoReply = "AUTO_REPLY",
    }
}

words! {
    /// Whether a template can be sent.
    pub enum TemplateStatus {
        /// It can.
        Approved = "APPROVED",
        /// It is being looked at.
        Pending = "PENDING",
        /// It was refused.
        Rejected = "REJECTED",
        /// People took it badly: not for some hours.
        Paused = "PAUSED",
        /// People took it badly too often.
        Disabled = "DISABLED",
        /// Somebody objected to the refusal.
        InAppeal = "IN_APPEAL",
        /// It is being deleted.
        PendingDeletion = "PENDING_DELETION",
        /// It is gone.
        Deleted = "DELETED",
        /// The account has too many.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// It was put away.
        Archived = "ARCHIVED",
    }
}

words! {
    /// How the variables of a template are called.
    pub enum ParameterFormat {
        /// `{{1}}`, `{{2}}`, ...
        Positional = "POSITIONAL",
        /// `{{first_name}}`.
        Named = "NAMED",
    }
}
