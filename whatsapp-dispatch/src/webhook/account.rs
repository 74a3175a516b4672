//! News about business accounts and portfolios.

use super::text::{Json, List, Text, Timestamp};
use super::wire::{object, words};

words! {
    /// What happened to an account.
    pub enum AccountEvent {
        AccountDeleted = "ACCOUNT_DELETED",
        AccountLocked = "ACCOUNT_LOCKED",
        /// The business left the Cloud API from its phone.
        AccountOffboarded = "ACCOUNT_OFFBOARDED",
        AccountReconnected = "ACCOUNT_RECONNECTED",
        AccountRestriction = "ACCOUNT_RESTRICTION",
        AccountUpdate = "ACCOUNT_UPDATE",
        AccountViolation = "ACCOUNT_VIOLATION",
        AdAccountLinked = "AD_ACCOUNT_LINKED",
        AuthIntlPriceEligibilityUpdate = "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
        BusinessPrimaryLocationCountryUpdate = "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
        BusinessVerificationStatusUpdate = "BUSINESS_VERIFICATION_STATUS_UPDATE",
        /// Banned, to be banned, or no longer.
        DisabledUpdate = "DISABLED_UPDATE",
        MmLiteTermsSigned = "MM_LITE_TERMS_SIGNED",
        PartnerAdded = "PARTNER_ADDED",
        PartnerAppInstalled = "PARTNER_APP_INSTALLED",
        PartnerAppUninstalled = "PARTNER_APP_UNINSTALLED",
        PartnerClientCertificationNeeded = "PARTNER_CLIENT_CERTIFICATION_NEEDED",
        PartnerClientCertificationStatusUpdate = "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        PartnerRemoved = "PARTNER_REMOVED",
        PhoneNumberAdded = "PHONE_NUMBER_ADDED",
        PhoneNumberRemoved = "PHONE_NUMBER_REMOVED",
        VerifiedAccount = "VERIFIED_ACCOUNT",
        VolumeBasedPricingTierUpdate = "VOLUME_BASED_PRICING_TIER_UPDATE",
    }
}

object! {
    /// An account was restricted, banned, shared, moved to another price tier ...
    pub struct AccountUpdate {
        event: AccountEvent,
        country: Text,
        phone_number: Text,
        waba_info: Box<WabaInfo>,
        ban_info: Box<BanInfo>,
        violation_info: Box<ViolationInfo>,
        restriction_info: List<Restriction>,
        lock_info: Json,
        auth_international_rate_eligibility: Box<RateEligibility>,
        volume_tier_info: Box<VolumeTier>,
        partner_client_certification_info: Box<Certification>,
        partner_client_certification_needed_info: Json,
        business_verification_status: Text,
        disconnection_info: Box<Disconnection>,
        rejection_reasons: List<Text>,
    }
}

object! {
    /// Which account, whose, and by whom it is used.
    pub struct WabaInfo {
        waba_id: Text,
        owner_business_id: Text,
        partner_app_id: Text,
        ad_account_linked: Text,
        ad_account_id: Text,
        solution_id: Text,
        solution_partner_business_ids: List<Text>,
    }
}

object! {
    /// A ban.
    pub struct BanInfo {
        /// `SCHEDULE_FOR_DISABLE`, `DISABLE`, `REINSTATE`.
        waba_ban_state: Text,
        /// A date in words.
        waba_ban_date: Text,
        current_state: Text,
    }
}

object! {
    /// A rule that was broken.
    pub struct ViolationInfo {
        violation_type: Text,
        remediation: Text,
    }
}

object! {
    /// Something that the account may not do for a while.
    pub struct Restriction {
        restriction_type: Text,
        expiration: Timestamp,
        remediation: Text,
    }
}

object! {
    /// From when on international authentication rates hold.
    pub struct RateEligibility {
        start_time: Timestamp,
        exception_countries: List<ExceptionCountry>,
    }
}

object! {
    /// A country with a start of its own.
    pub struct ExceptionCountry {
        country_code: Text,
        start_time: Timestamp,
    }
}

object! {
    /// A step of volume pricing.
    pub struct VolumeTier {
        tier_update_time: Timestamp,
        pricing_category: Text,
        tier: Text,
        effective_month: Text,
        region: Text,
    }
}

object! {
    /// How a verification by a partner went.
    pub struct Certification {
        client_business_id: Text,
        status: Text,
        rejection_reasons: List<Text>,
    }
}

object! {
    /// Why the phone and the Cloud API parted.
    pub struct Disconnection {
        reason: Text,
        initiated_by: Text,
    }
}

object! {
    /// Something about an account wants attention.
    pub struct AccountAlert {
        entity_type: Text,
        entity_id: Text,
        alert_info: AlertInfo,
        alert_severity: Text,
        alert_status: Text,
        alert_type: Text,
        alert_description: Text,
    }
}

object! {
    /// What wants attention, and how much.
    pub struct AlertInfo {
        alert_severity: Text,
        alert_status: Text,
        alert_type: Text,
        alert_description: Text,
    }
}

object! {
    /// An account was reviewed.
    pub struct AccountReview {
        /// `APPROVED`, `REJECTED`, `PENDING`, `DEFERRED`.
        decision: Text,
    }
}

object! {
    /// Settings of an account or a number changed.
    pub struct AccountSettings {
        messaging_product: Text,
        timestamp: Timestamp,
        kind = "type": Text,
        phone_number_settings: PhoneSettings,
    }
}

object! {
    /// Settings of a number.
    pub struct PhoneSettings {
        phone_number_id: Text,
        calling: Json,
        user_identity_change: Json,
        storage_configuration: Json,
        payload_encryption: Json,
    }
}

impl AccountSettings {
    /// The number that the settings are of.
    pub(super) fn phone_number_id(&self) -> Option<&Text> {
        self.phone_number_settings.as_ref()?.phone_number_id.as_ref()
    }
}

object! {
    /// Limits of an account changed.
    pub struct BusinessCapability {
        max_daily_conversation_per_phone: Text,
        /// A number, or `TIER_250` to `TIER_UNLIMITED`.
        max_daily_conversations_per_business: Text,
        max_phone_numbers_per_business: Text,
        max_phone_numbers_per_business_portfolio: Text,
        max_phone_numbers_per_waba: Text,
    }
}

object! {
    /// A business portfolio was verified, restricted ...
    pub struct BusinessStatus {
        business_id: Text,
        event: Text,
        status: Text,
        reason: Text,
    }
}

object! {
    /// A multi-partner solution changed.
    pub struct PartnerSolution {
        event: Text,
        solution_id: Text,
        solution_status: Text,
    }
}

object! {
    /// A way of paying inside WhatsApp changed.
    pub struct PaymentConfiguration {
        configuration_name: Text,
        provider_name: Text,
        provider_mid: Text,
        status: Text,
        created_timestamp: Timestamp,
        updated_timestamp: Timestamp,
    }
}
