//! News about sending numbers.

use super::text::{Text, Timestamp};
use super::wire::{object, words};

words! {
    /// What happened to a number's quality, limit or throughput.
    pub enum PhoneQualityEvent {
        /// The number's first limit.
        Onboarding = "ONBOARDING",
        Upgrade = "UPGRADE",
        Downgrade = "DOWNGRADE",
        Flagged = "FLAGGED",
        Unflagged = "UNFLAGGED",
        /// 1,000 messages a second from now on.
        ThroughputUpgrade = "THROUGHPUT_UPGRADE",
    }
}

object! {
    /// A number's quality, limit or throughput changed.
    pub struct PhoneQuality {
        display_phone_number: Text,
        event: PhoneQualityEvent,
        old_limit: Text,
        /// To be removed in 2026; see the next [`phone_number_quality_update`, 2026-05-21].
        current_limit: Text,
        /// `TIER_250` to `TIER_UNLIMITED`, shared by the portfolio's numbers.
        max_daily_conversations_per_business: Text,
    }
}

object! {
    /// A number's display name was decided on.
    pub struct PhoneName {
        display_phone_number: Text,
        /// `APPROVED`, `REJECTED`, `PENDING`, `DEFERRED`.
        decision: Text,
        requested_verified_name: Text,
        rejection_reason: Text,
    }
}

object! {
    /// A number's user name changed.
    pub struct UsernameUpdate {
        display_phone_number: Text,
        phone_number_id: Text,
        username: Text,
        status: Text,
        event: Text,
        timestamp: Timestamp,
    }
}

object! {
    /// A number's two-step verification changed.
    pub struct Security {
        display_phone_number: Text,
        /// `PIN_CHANGED`, `PIN_RESET_REQUEST`, `PIN_REQUEST_SUCCESS`.
        event: Text,
        requester: Text,
    }
}
