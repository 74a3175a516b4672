use super::Inbound;
use crate::webhook::text::{Json, List, Text, Timestamp};
use crate::webhook::wire::{object, words};

object! {
    /// A written text.
    pub struct TextBody {
        body: Text,
        preview_url: bool,
    }
}

object! {
    /// The button of a template that was pressed.
    pub struct Button {
        /// What we put behind it.
        payload: Text,
        /// What it shows.
        text: Text,
    }
}

object! {
    /// What a message answers, and whether it was forwarded.
    pub struct Context {
        /// The sender of the message that it answers.
        from: Text,
        from_user_id: Text,
        from_parent_user_id: Text,
        /// The message that it answers.
        id: Text,
        forwarded: bool,
        frequently_forwarded: bool,
        referred_product: ReferredProduct,
        mentions: Json,
    }
}

object! {
    /// The product that a message asks about.
    pub struct ReferredProduct {
        catalog_id: Text,
        product_retailer_id: Text,
    }
}

object! {
    /// A picture, film, sound, document or sticker.
    pub struct Media {
        id: Text,
        mime_type: Text,
        sha256: Text,
        caption: Text,
        filename: Text,
        url: Text,
        link: Text,
        /// Recorded in the chat.
        voice: bool,
        animated: bool,
    }
}

object! {
    /// A place.
    pub struct Location {
        latitude: Text,
        longitude: Text,
        name: Text,
        address: Text,
        url: Text,
    }
}

object! {
    /// A reaction to a message; without an emoji it was taken back.
    pub struct Reaction {
        message_id: Text,
        emoji: Text,
    }
}

object! {
    /// A basket.
    pub struct Order {
        catalog_id: Text,
        text: Text,
        product_items: List<OrderItem>,
    }
}

object! {
    /// One line of a basket.
    pub struct OrderItem {
        product_retailer_id: Text,
        quantity: Text,
        item_price: Text,
        currency: Text,
    }
}

words! {
    /// What changed about a person.
    pub enum SystemKind {
        /// The number, and with it the business-scoped id.
        UserChangedNumber = "user_changed_number",
        /// The business-scoped id; the number can't be told [Changelog, 2026-08-11].
        UserChangedUserId = "user_changed_user_id",
        /// The keys of the chat's encryption.
        UserIdentityChanged = "user_identity_changed",
        CustomerChangedNumber = "customer_changed_number",
        CustomerIdentityChanged = "customer_identity_changed",
    }
}

object! {
    /// Something about the person changed.
    pub struct System {
        body: Text,
        kind = "type": SystemKind,
        /// The new number.
        wa_id: Text,
        new_wa_id: Text,
        user_id: Text,
        parent_user_id: Text,
        previous_user_id: Text,
        previous_parent_user_id: Text,
        identity: Text,
        customer: Text,
        user: Text,
    }
}

impl System {
    /// The number from now on, whichever name it came under.
    pub fn new_number(&self) -> Option<&Text> {
        self.wa_id.as_ref().or(self.new_wa_id.as_ref())
    }
}

object! {
    /// New words for an earlier message.
    pub struct Edit {
        original_message_id: Text,
        message: Box<Inbound>,
    }
}

object! {
    /// An earlier message was deleted.
    pub struct Revoke {
        original_message_id: Text,
    }
}

object! {
    /// What WhatsApp does not hand on.
    pub struct Unsupported {
        kind = "type": Text,
        title: Text,
        description: Text,
    }
}

object! {
    /// The advertisement or post that led a person to us.
    pub struct Referral {
        source_url: Text,
        source_id: Text,
        source_type: Text,
        headline: Text,
        body: Text,
        media_type: Text,
        image_url: Text,
        video_url: Text,
        thumbnail_url: Text,
        /// Id of the click.
        ctwa_clid: Text,
        welcome_message: WelcomeMessage,
        image: Media,
        video: Media,
        ref_data = "ref": Text,
    }
}

object! {
    /// What an advertisement said first.
    pub struct WelcomeMessage {
        text: Text,
    }
}

object! {
    /// The keys of the chat's encryption.
    pub struct Identity {
        acknowledged: bool,
        created_timestamp: Timestamp,
        hash: Text,
    }
}

object! {
    /// What had become of a message before its history was told.
    pub struct HistoryContext {
        status: Text,
        from_me: bool,
    }
}
