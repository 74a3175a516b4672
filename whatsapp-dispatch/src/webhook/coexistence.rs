//! News from numbers that are used from a phone as well.

use super::inbound::Inbound;
use super::messages::{Contact, Metadata};
use super::status::ReportedError;
use super::text::{List, Text, Timestamp};
use super::wire::object;

object! {
    /// Messages from before the number came to the Cloud API.
    pub struct History {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        history: List<HistoryChunk>,
        /// Media of which the chunks said only that they were there.
        messages: List<Inbound>,
        message_echoes: List<Inbound>,
        errors: List<ReportedError>,
    }
}

object! {
    /// A piece of the history.
    pub struct HistoryChunk {
        metadata: HistoryProgress,
        threads: List<Thread>,
        errors: List<ReportedError>,
    }
}

object! {
    /// How far the history has been told.
    pub struct HistoryProgress {
        phase: Text,
        chunk_order: Text,
        /// Percent.
        progress: Text,
    }
}

object! {
    /// One chat of the history.
    pub struct Thread {
        /// The number of the person.
        id: Text,
        context: ThreadContext,
        messages: List<Inbound>,
    }
}

object! {
    /// The person of a chat.
    pub struct ThreadContext {
        wa_id: Text,
        user_id: Text,
        parent_user_id: Text,
        username: Text,
    }
}

object! {
    /// Messages that the business sent from its phone.
    pub struct MessageEchoes {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        message_echoes: List<Inbound>,
        errors: List<ReportedError>,
    }
}

object! {
    /// Contacts of the business's phone.
    pub struct StateSync {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        state_sync: List<SyncedState>,
        errors: List<ReportedError>,
    }
}

object! {
    /// One contact that was added or removed.
    pub struct SyncedState {
        kind = "type": Text,
        contact: SyncedContact,
        /// `add` also stands for an edit.
        action: Text,
        metadata: SyncMetadata,
    }
}

object! {
    /// A contact of the business's phone.
    pub struct SyncedContact {
        full_name: Text,
        first_name: Text,
        phone_number: Text,
        user_id: Text,
        parent_user_id: Text,
        username: Text,
    }
}

object! {
    /// When a contact was changed.
    pub struct SyncMetadata {
        timestamp: Timestamp,
        version: Text,
    }
}
