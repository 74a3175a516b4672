//! News about calls.

use super::messages::{Contact, Metadata};
use super::status::ReportedError;
use super::text::{Json, List, Text, Timestamp};
use super::wire::object;

object! {
    /// Calls began, ended, were answered.
    pub struct Calls {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        calls: List<Call>,
        statuses: List<CallStatus>,
        errors: List<ReportedError>,
    }
}

object! {
    /// The beginning or end of a call.
    pub struct Call {
        id: Text,
        from: Text,
        from_user_id: Text,
        from_parent_user_id: Text,
        to: Text,
        to_user_id: Text,
        to_parent_user_id: Text,
        /// `connect`, `terminate`, `call_created`, `call_recording_available` ...
        event: Text,
        timestamp: Timestamp,
        /// `USER_INITIATED`, `BUSINESS_INITIATED`.
        direction: Text,
        session: Session,
        connection: Json,
        /// `COMPLETED`, `FAILED`; also a list of them.
        status: Json,
        start_time: Timestamp,
        end_time: Timestamp,
        /// Seconds.
        duration: Text,
        deeplink_payload: Text,
        cta_payload: Text,
        biz_opaque_callback_data: Text,
        context: Json,
        call_recording: Json,
        call_transcript: Json,
        errors: List<ReportedError>,
    }
}

object! {
    /// The media session that a call offers.
    pub struct Session {
        sdp_type: Text,
        sdp: Text,
    }
}

object! {
    /// What became of a call that we made.
    pub struct CallStatus {
        id: Text,
        kind = "type": Text,
        /// `RINGING`, `ACCEPTED`, `REJECTED`.
        status: Text,
        timestamp: Timestamp,
        recipient_id: Text,
        recipient_user_id: Text,
        parent_recipient_user_id: Text,
        recipient_parent_user_id: Text,
        biz_opaque_callback_data: Text,
        errors: List<ReportedError>,
    }
}
