use super::messages::{Contact, Metadata};
use super::status::ReportedError;
use super::text::{List, Text, Timestamp};
use super::wire::{object, words};

object! {
    /// Who wants marketing and who doesn't.
    pub struct UserPreferences {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        user_preferences: List<Preference>,
        errors: List<ReportedError>,
    }
}

words! {
    /// What the person decided.
    pub enum PreferenceValue {
        /// No more.
        Stop = "stop",
        /// Again.
        Resume = "resume",
        /// For the first time, by a link.
        Signup = "signup",
    }
}

words! {
    /// What the person decided about.
    pub enum PreferenceCategory {
        MarketingMessages = "marketing_messages",
    }
}

object! {
    /// What one person wants.
    pub struct Preference {
        wa_id: Text,
        user_id: Text,
        parent_user_id: Text,
        detail: Text,
        category: PreferenceCategory,
        value: PreferenceValue,
        /// Comes as a number, where most times are texts.
        timestamp: Timestamp,
        signup_id: Text,
    }
}

object! {
    /// People whose id changed.
    pub struct UserIdUpdates {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        user_id_update: List<UserIdUpdate>,
        errors: List<ReportedError>,
    }
}

object! {
    /// One person's new id.
    pub struct UserIdUpdate {
        wa_id: Text,
        detail: Text,
        user_id: IdChange,
        parent_user_id: IdChange,
        timestamp: Timestamp,
    }
}

object! {
    /// An id that became another.
    pub struct IdChange {
        previous: Text,
        current: Text,
    }
}
