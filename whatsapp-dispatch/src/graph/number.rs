use serde::{Deserialize, Serialize};

use crate::json::{Literal, hidden, words};

/// A business's phone number. Which fields there are depends on what was asked for.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumberInfo {
    /// The id under which it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The number as people see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_phone_number: Option<String>,
    /// The name that Meta approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_name: Option<String>,
    /// How people take what it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_rating: Option<QualityRating>,
    /// The same with its age and reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_score: Option<QualityScore>,
    /// Whether it can send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<NumberStatus>,
    /// Whether the name was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_status: Option<NameStatus>,
    /// Whether a name that was asked for was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_name_status: Option<NameStatus>,
    /// Whether the number was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_verification_status: Option<CodeVerificationStatus>,
    /// Whether its name may be used everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unified_cert_status: Option<String>,
    /// Two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// The calling code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_dial_code: Option<String>,
    /// `LIVE` or `SANDBOX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_mode: Option<String>,
    /// `CLOUD_API`, `ON_PREMISE`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_platform: Option<String>,
    /// `CLOUD_API`, `ON_PREMISE`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_type: Option<String>,
    /// How many people a day: `TIER_250`, `TIER_1K`, ... Since 2025 the portfolio's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_limit_tier: Option<String>,
    /// The portfolio's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whatsapp_business_manager_messaging_limit: Option<String>,
    /// How many messages a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Throughput>,
    /// True with the badge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_official_business_account: Option<bool>,
    /// True when two-step verification is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_pin_enabled: Option<bool>,
    /// True when the number is used in the app as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_on_biz_app: Option<bool>,
    /// True for a number that Meta lent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_preverified_number: Option<bool>,
    /// The name by which people find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether people find it by search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_visibility: Option<String>,
    /// A certificate of the old API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// A new certificate of the old API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_certificate: Option<String>,
    /// Greetings, prompts and commands that it offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversational_automation: Option<serde_json::Value>,
    /// Where its webhooks go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_configuration: Option<WebhookConfiguration>,
    /// Whether it can send, and what stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_status: Option<serde_json::Value>,
    /// When it was registered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_onboarded_time: Option<String>,
    /// Whether people find it by Meta's search over all businesses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eligibility_for_api_business_global_search: Option<String>,
}

words! {
    /// How people take what a number or a template sends.
    pub enum QualityRating {
        /// Well.
        Green = "GREEN",
        /// Not so well.
        Yellow = "YELLOW",
        /// Badly.
        Red = "RED",
        /// Not known yet.
        Unknown = "UNKNOWN",
        /// Not known.
        Na = "NA",
    }
}

words! {
    /// Whether a number can send.
    pub enum NumberStatus {
        /// It can.
        Connected = "CONNECTED",
        /// It belongs to the account.
        Linked = "LINKED",
        /// It is being registered.
        Pending = "PENDING",
        /// It lost its registration.
        Disconnected = "DISCONNECTED",
        /// It sent more than its quality allows.
        Flagged = "FLAGGED",
        /// It reached its limit while flagged.
        Restricted = "RESTRICTED",
        /// Sends too much.
        RateLimited = "RATE_LIMITED",
        /// It moves to another account.
        Migrated = "MIGRATED",
        /// Not verified.
        Unverified = "UNVERIFIED",
        /// It is shut out.
        Banned = "BANNED",
        /// It was deleted.
        Deleted = "DELETED",
        /// Nobody knows.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// Whether a display name was approved.
    pub enum NameStatus {
        /// It was.
        Approved = "APPROVED",
        /// It may be used and was not looked at.
        AvailableWithoutReview = "AVAILABLE_WITHOUT_REVIEW",
        /// It was refused.
        Declined = "DECLINED",
        /// Its certificate is too old.
        Expired = "EXPIRED",
        /// It is being looked at.
        PendingReview = "PENDING_REVIEW",
        /// There is none.
        None = "NONE",
        /// There never was one.
        NonExists = "NON_EXISTS",
    }
}

words! {
    /// Whether a number was verified by a code.
    pub enum CodeVerificationStatus {
        /// It was.
        Verified = "VERIFIED",
        /// It was not.
        NotVerified = "NOT_VERIFIED",
        /// It was, too long ago.
        Expired = "EXPIRED",
    }
}

/// A quality with its age and reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityScore {
    /// The quality.
    pub score: QualityRating,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Literal>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<String>>,
}

/// How many messages a second a number can send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// `STANDARD` (80), `HIGH` (1,000) or `NOT_APPLICABLE`.
    pub level: String,
}

/// Where webhooks go, from the narrowest setting to the widest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookConfiguration {
    /// That of the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// That of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whatsapp_business_account: Option<String>,
    /// That of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
}

/// An app that gets an account's webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribedApp {
    /// Which app.
    pub whatsapp_business_api_data: SubscribedAppData,
    /// Where this account's webhooks go instead of the app's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_callback_uri: Option<String>,
}

/// Which app it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribedAppData {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

hidden! { PhoneNumberInfo }
