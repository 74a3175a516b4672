use super::inbound::Inbound;
use super::preference::{Preference, UserIdUpdate};
use super::status::{MessageStatus, ReportedError};
use super::text::{List, Text, Timestamp};
use super::wire::object;

object! {
    /// What a number received and what became of what it sent.
    pub struct Messages {
        messaging_product: Text,
        metadata: Metadata,
        contacts: List<Contact>,
        statuses: List<MessageStatus>,
        messages: List<Inbound>,
        /// Messages that the business sent some other way.
        message_echoes: List<Inbound>,
        /// What went wrong with the webhook itself.
        errors: List<ReportedError>,
        user_preferences: List<Preference>,
        user_id_update: List<UserIdUpdate>,
        user_actions: List<UserAction>,
        /// What was said before the chat was handed to us.
        conversation_context: ConversationContext,
    }
}

object! {
    /// The number that a webhook is about.
    pub struct Metadata {
        display_phone_number: Text,
        phone_number_id: Text,
        username: Text,
    }
}

object! {
    /// A person whom a webhook is about. At least one of the ids is there.
    pub struct Contact {
        profile: Profile,
        /// The number in WhatsApp's own spelling; absent when the person hides it.
        wa_id: Text,
        /// The business-scoped user id.
        user_id: Text,
        /// The id within the enterprise that the business belongs to.
        parent_user_id: Text,
        identity_key_hash: Text,
        input: Text,
    }
}

object! {
    /// How a person calls themselves.
    pub struct Profile {
        name: Text,
        username: Text,
        country_code: Text,
    }
}

object! {
    /// What was said before, told by a machine.
    pub struct ConversationContext {
        kind = "type": Text,
        summary: Summary,
    }
}

object! {
    /// What was said, in few words.
    pub struct Summary {
        text: Text,
    }
}

object! {
    /// What a person did with a message.
    pub struct UserAction {
        /// `marketing_messages_link_click`.
        action_type: Text,
        timestamp: Timestamp,
        marketing_messages_link_click_data: LinkClick,
    }
}

object! {
    /// A click on a marketing message.
    pub struct LinkClick {
        /// `cta` or `body`.
        click_component: Text,
        product_id: Text,
        click_id: Text,
        tracking_token: Text,
    }
}
