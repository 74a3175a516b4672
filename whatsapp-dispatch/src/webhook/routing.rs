//! News about chats that somebody else answers: another application, an agent of Meta's.

use super::inbound::Inbound;
use super::messages::{Contact, ConversationContext, Metadata};
use super::status::{MessageStatus, ReportedError};
use super::text::{Json, List, Text, Timestamp};
use super::wire::object;

object! {
    /// A chat was handed to us, or taken.
    pub struct Handovers {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        sender: HandoverSender,
        recipient: Metadata,
        /// `control_passed` to us, `control_taken` from us.
        kind = "type": Text,
        timestamp: Timestamp,
        control_passed: Handover,
        control_taken: Handover,
        control_requested: Handover,
        errors: List<ReportedError>,
    }
}

object! {
    /// The person of the chat.
    pub struct HandoverSender {
        phone_number: Text,
        user_id: Text,
        parent_user_id: Text,
    }
}

object! {
    /// Who had the chat and who has it.
    pub struct Handover {
        previous_owner_app_id: Text,
        previous_owner_app_role: Text,
        previous_owner_role: Text,
        new_owner_app_id: Text,
        new_owner_role: Text,
        requested_owner_app_id: Text,
        metadata: Text,
        conversation_context: ConversationContext,
    }
}

object! {
    /// Copies of what is said in a chat that somebody else answers.
    pub struct Standby {
        messaging_product: Text,
        metadata: Metadata,
        standby: StandbyCopies,
        contacts: List<Contact>,
        messages: List<Inbound>,
        message_echoes: List<StandbyEcho>,
        statuses: List<MessageStatus>,
        errors: List<ReportedError>,
    }
}

object! {
    /// The copies.
    pub struct StandbyCopies {
        contacts: List<Contact>,
        messages: List<Inbound>,
        message_echoes: List<StandbyEcho>,
        /// Of messages that somebody else sent.
        statuses: List<MessageStatus>,
    }
}

object! {
    /// A message that somebody else sent, as they asked WhatsApp to.
    pub struct StandbyEcho {
        id: Text,
        timestamp: Timestamp,
        message: Json,
        template: Json,
        flow: Json,
    }
}
