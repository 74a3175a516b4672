//! News about message templates.

use super::text::{Json, List, Text, Timestamp};
use super::wire::{object, words};

words! {
    /// What happened to a template.
    pub enum TemplateEvent {
        Approved = "APPROVED",
        Archived = "ARCHIVED",
        Deleted = "DELETED",
        Disabled = "DISABLED",
        /// At risk of being disabled.
        Flagged = "FLAGGED",
        InAppeal = "IN_APPEAL",
        /// The account has as many templates as it may.
        LimitExceeded = "LIMIT_EXCEEDED",
        Locked = "LOCKED",
        Unlocked = "UNLOCKED",
        Paused = "PAUSED",
        Unpaused = "UNPAUSED",
        Pending = "PENDING",
        PendingDeletion = "PENDING_DELETION",
        /// No longer flagged or disabled.
        Reinstated = "REINSTATED",
        Rejected = "REJECTED",
        Unarchived = "UNARCHIVED",
    }
}

object! {
    /// A template's state changed.
    pub struct TemplateStatusUpdate {
        event: TemplateEvent,
        message_template_id: Text,
        message_template_name: Text,
        message_template_language: Text,
        message_template_category: Text,
        /// Why, if it was rejected.
        reason: Text,
        disable_info: DisableInfo,
        other_info: OtherInfo,
        rejection_info: RejectionInfo,
    }
}

object! {
    /// When a template was disabled.
    pub struct DisableInfo {
        /// Seconds, or a date in words.
        disable_date: Text,
    }
}

object! {
    /// More about a pause.
    pub struct OtherInfo {
        /// `FIRST_PAUSE`, `SECOND_PAUSE`, `RATE_LIMITING_PAUSE`, `UNPAUSE`, `DISABLED`.
        title: Text,
        description: Text,
    }
}

object! {
    /// Why a template was rejected and what to do about it.
    pub struct RejectionInfo {
        reason: Text,
        recommendation: Text,
    }
}

object! {
    /// A template's quality changed.
    pub struct TemplateQuality {
        /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
        previous_quality_score: Text,
        new_quality_score: Text,
        message_template_id: Text,
        message_template_name: Text,
        message_template_language: Text,
    }
}

object! {
    /// A template's category changed, or will within a day.
    pub struct TemplateCategory {
        message_template_id: Text,
        message_template_name: Text,
        message_template_language: Text,
        previous_category: Text,
        new_category: Text,
        /// The category that it has, where Meta finds another one right.
        category: Text,
        /// The category that it will get.
        correct_category: Text,
        category_update_timestamp: Timestamp,
        category_update_date: Text,
    }
}

object! {
    /// A template's content changed.
    pub struct TemplateComponents {
        message_template_id: Text,
        message_template_name: Text,
        message_template_language: Text,
        message_template_title: Text,
        message_template_element: Text,
        message_template_footer: Text,
        message_template_buttons: List<TemplateButton>,
        message_template_components: Json,
    }
}

object! {
    /// A button of a template.
    pub struct TemplateButton {
        kind = "message_template_button_type": Text,
        text = "message_template_button_text": Text,
        url = "message_template_button_url": Text,
        phone_number = "message_template_button_phone_number": Text,
    }
}
