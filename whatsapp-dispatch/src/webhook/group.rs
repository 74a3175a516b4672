//! News about groups.

use super::messages::{Contact, Metadata};
use super::status::ReportedError;
use super::text::{List, Text, Timestamp};
use super::wire::object;

object! {
    /// Groups were made, changed, joined, left, suspended.
    pub struct Groups {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        groups: List<GroupUpdate>,
        errors: List<ReportedError>,
    }
}

object! {
    /// What happened to one group.
    pub struct GroupUpdate {
        timestamp: Timestamp,
        group_id: Text,
        /// `group_create`, `group_delete`, `group_participants_add` ...
        kind = "type": Text,
        request_id: Text,
        subject: Text,
        description: Text,
        invite_link: Text,
        join_approval_mode: Text,
        added_participants: List<Participant>,
        removed_participants: List<Participant>,
        failed_participants: List<Participant>,
        join_request_id: Text,
        wa_id: Text,
        user_id: Text,
        parent_user_id: Text,
        username: Text,
        reason: Text,
        initiated_by: Text,
        profile_picture: GroupSetting,
        group_subject: GroupSetting,
        group_description: GroupSetting,
        errors: List<ReportedError>,
    }
}

object! {
    /// Somebody in a group.
    pub struct Participant {
        /// As we wrote it.
        input: Text,
        wa_id: Text,
        user_id: Text,
        parent_user_id: Text,
        username: Text,
        errors: List<ReportedError>,
    }
}

object! {
    /// A setting of a group, and whether it could be changed.
    pub struct GroupSetting {
        text: Text,
        mime_type: Text,
        sha256: Text,
        update_successful: bool,
        errors: List<ReportedError>,
    }
}
