//! Messages that people sent to us, and those that the business sent from its phone.

use chrono::{DateTime, Utc};

use super::status::ReportedError;
use super::text::{Json, List, Text, Timestamp};
use super::wire::{object, words};
use crate::gateway::Wamid;

mod card;
mod interactive;
mod parts;

pub use card::{Address, Card, CardName, Email, Organization, Phone, Url};
pub use interactive::{CallPermissionReply, FlowReply, Interactive, InteractiveKind, Reply};
pub use parts::{
    Button, Context, Edit, HistoryContext, Identity, Location, Media, Order, OrderItem, Reaction, Referral,
    ReferredProduct, Revoke, System, SystemKind, TextBody, Unsupported, WelcomeMessage,
};

words! {
    /// What kind of message it is: names the part that holds its content.
    pub enum InboundKind {
        Text = "text",
        /// An answer by the button of a template.
        Button = "button",
        /// An answer by a button, a list, a flow.
        Interactive = "interactive",
        Image = "image",
        Video = "video",
        Audio = "audio",
        Voice = "voice",
        Document = "document",
        Sticker = "sticker",
        Location = "location",
        Contacts = "contacts",
        Reaction = "reaction",
        Order = "order",
        /// Something about the person changed.
        System = "system",
        /// The chat was opened for the first time; no content.
        RequestWelcome = "request_welcome",
        Edit = "edit",
        Revoke = "revoke",
        /// Nothing that WhatsApp hands on.
        Unsupported = "unsupported",
        Unknown = "unknown",
        Ephemeral = "ephemeral",
        /// A medium of which the history says only that it was there.
        MediaPlaceholder = "media_placeholder",
        Template = "template",
    }
}

object! {
    /// One message, as Meta tells it.
    pub struct Inbound {
        /// The number of the sender; absent when the person hides it.
        from: Text,
        /// The business-scoped id of the sender.
        from_user_id: Text,
        from_parent_user_id: Text,
        from_logical_id: Text,
        /// The receiver, in messages that the business sent.
        to: Text,
        to_user_id: Text,
        to_parent_user_id: Text,
        /// WhatsApp's id of the message.
        id: Text,
        timestamp: Timestamp,
        kind = "type": InboundKind,
        /// The group that it was sent to.
        group_id: Text,
        /// What it answers, and whether it was forwarded.
        context: Box<Context>,
        text: Box<TextBody>,
        button: Box<Button>,
        interactive: Box<Interactive>,
        image: Box<Media>,
        video: Box<Media>,
        audio: Box<Media>,
        voice: Box<Media>,
        document: Box<Media>,
        sticker: Box<Media>,
        location: Box<Location>,
        contacts: List<Card>,
        reaction: Box<Reaction>,
        order: Box<Order>,
        system: Box<System>,
        edit: Box<Edit>,
        revoke: Box<Revoke>,
        unsupported: Box<Unsupported>,
        /// The advertisement that led to it.
        referral: Box<Referral>,
        identity: Box<Identity>,
        history_context: Box<HistoryContext>,
        errors: List<ReportedError>,
        template: Json,
        message_creation_type: Text,
        internal_1p_only_data: Json,
    }
}

impl Inbound {
    /// WhatsApp's id of the message.
    pub fn wamid(&self) -> Option<Wamid> {
        filled(self.id.as_ref()).map(Wamid::new)
    }

    /// The sender's number in WhatsApp's spelling (digits, no plus); absent when it is hidden.
    pub fn from_number(&self) -> Option<&str> {
        filled(self.from.as_ref())
    }

    /// The sender's business-scoped id.
    pub fn from_user(&self) -> Option<&str> {
        filled(self.from_user_id.as_ref())
    }

    /// When it was sent, to the second.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.timestamp.as_ref().and_then(Timestamp::instant)
    }

    /// What the person wrote or pressed: the text, the button's label, the title of the answer,
    /// the caption of a medium, the text of an order; of an edit, the new text.
    pub fn text(&self) -> Option<&str> {
        let text = self.text.as_ref().and_then(|text| text.body.as_ref());
        let button = self.button.as_ref().and_then(|button| button.text.as_ref().or(button.payload.as_ref()));
        let reply = self.reply().and_then(|reply| reply.title.as_ref().or(reply.id.as_ref()));
        let media = [&self.image, &self.video, &self.document, &self.audio, &self.voice];
        let caption = media.into_iter().flatten().find_map(|media| media.caption.as_ref());
        let order = self.order.as_ref().and_then(|order| order.text.as_ref());
        let own = text.or(button).or(reply).or(caption).or(order);
        filled(own).or_else(|| self.edit.as_ref()?.message.as_ref()?.text())
    }

    /// Everything that may hold a key word such as STOP: the text, a button's label and payload,
    /// an answer's title and id.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let button = self.button.as_ref();
        let reply = self.reply();
        let behind =
            [button.and_then(|button| button.payload.as_ref()), reply.and_then(|reply| reply.id.as_ref())];
        let behind = behind.into_iter().filter_map(filled);
        let shown = self.text();
        shown.into_iter().chain(behind.filter(move |word| Some(*word) != shown))
    }

    /// The answer that was chosen from buttons or a list.
    pub fn reply(&self) -> Option<&Reply> {
        let interactive = self.interactive.as_ref()?;
        interactive.button_reply.as_ref().or(interactive.list_reply.as_ref())
    }

    /// The message that it answers.
    pub fn answers(&self) -> Option<Wamid> {
        filled(self.context.as_ref()?.id.as_ref()).map(Wamid::new)
    }
}

fn filled(text: Option<&Text>) -> Option<&str> {
    text.map(Text::as_str).filter(|text| !text.is_empty())
}
