use crate::webhook::text::{Json, Text, Timestamp};
use crate::webhook::wire::{object, words};

words! {
    /// How a person answered, or what the business offered from its phone.
    pub enum InteractiveKind {
        ButtonReply = "button_reply",
        ListReply = "list_reply",
        /// A flow or a form was sent in.
        NfmReply = "nfm_reply",
        CallPermissionReply = "call_permission_reply",
        Button = "button",
        List = "list",
        Product = "product",
        ProductList = "product_list",
        CatalogMessage = "catalog_message",
        CtaUrl = "cta_url",
        Flow = "flow",
        LocationRequestMessage = "location_request_message",
        AddressMessage = "address_message",
        OrderDetails = "order_details",
        OrderStatus = "order_status",
        Carousel = "carousel",
        CallPermissionRequest = "call_permission_request",
        VoiceCall = "voice_call",
        RequestContactInfo = "request_contact_info",
    }
}

object! {
    /// An answer by a button, a list, a flow; in echoes also what was offered.
    pub struct Interactive {
        kind = "type": InteractiveKind,
        button_reply: Reply,
        list_reply: Reply,
        nfm_reply: FlowReply,
        call_permission_reply: CallPermissionReply,
        product: Json,
        header: Json,
        body: Json,
        footer: Json,
        action: Json,
    }
}

object! {
    /// The button or the line of a list that was chosen.
    pub struct Reply {
        /// What we put behind it.
        id: Text,
        /// What it shows.
        title: Text,
        description: Text,
    }
}

object! {
    /// What a person filled in.
    pub struct FlowReply {
        name: Text,
        body: Text,
        /// The answers, as JSON inside a text.
        response_json: Text,
    }
}

object! {
    /// Whether we may call.
    pub struct CallPermissionReply {
        /// `accept` or `reject`.
        response: Text,
        is_permanent: bool,
        expiration_timestamp: Timestamp,
        /// `user_action` or `automatic`.
        response_source: Text,
    }
}
