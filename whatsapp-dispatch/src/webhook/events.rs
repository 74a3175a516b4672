//! News about flows and about what people did after a message.

use super::messages::{Contact, Metadata};
use super::status::ReportedError;
use super::text::{Json, List, Text, Timestamp};
use super::wire::object;

object! {
    /// A flow changed its state, or its endpoint is slow or failing.
    pub struct FlowUpdate {
        /// `FLOW_STATUS_CHANGE`, `ENDPOINT_LATENCY` ...
        event: Text,
        message: Text,
        flow_id: Text,
        old_status: Text,
        new_status: Text,
        /// Percent.
        error_rate: Text,
        threshold: Text,
        alert_state: Text,
        errors: List<FlowError>,
        p50_latency: Text,
        p90_latency: Text,
        requests_count: Text,
        availability: Text,
        warning: Text,
        version: Text,
    }
}

object! {
    /// One kind of error of a flow.
    pub struct FlowError {
        error_type: Text,
        error_rate: Text,
        error_count: Text,
    }
}

object! {
    /// Leads and purchases that Meta recognized in chats.
    pub struct AutomaticEvents {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        automatic_events: List<AutomaticEvent>,
        errors: List<ReportedError>,
    }
}

object! {
    /// One lead or purchase.
    pub struct AutomaticEvent {
        /// The message that it was recognized in.
        id: Text,
        /// `LeadSubmitted`, `Purchase`.
        event_name: Text,
        timestamp: Timestamp,
        ctwa_clid: Text,
        custom_data: Purchase,
    }
}

object! {
    /// What was bought for.
    pub struct Purchase {
        currency: Text,
        /// Thousandths.
        value: Text,
    }
}

object! {
    /// What people did with marketing messages.
    pub struct TrackingEvents {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        events: List<TrackingEvent>,
        tracking_events: List<TrackingEvent>,
        errors: List<ReportedError>,
    }
}

object! {
    /// One thing that a person did.
    pub struct TrackingEvent {
        id: Text,
        event_name: Text,
        timestamp: Timestamp,
        tracking_data: TrackingData,
        custom_data: Json,
    }
}

object! {
    /// Which click it followed.
    pub struct TrackingData {
        click_id: Text,
        tracking_token: Text,
    }
}
