use std::fmt;

use chrono::{DateTime, Utc};

use super::text::{Json, List, Text, Timestamp};
use super::wire::{object, words};
use crate::gateway::{ApiError, Detail, Wamid};

words! {
    /// What happened to a message.
    pub enum Status {
        /// WhatsApp's servers sent it on.
        Sent = "sent",
        /// It reached a device.
        Delivered = "delivered",
        /// It was shown to the person.
        Read = "read",
        /// A voice message was played.
        Played = "played",
        /// WhatsApp gave up on it.
        Failed = "failed",
        /// The person deleted it.
        Deleted = "deleted",
        /// It shows a product that is not to be had any more.
        Warning = "warning",
        /// Of a payment: the order was opened.
        New = "new",
        /// Of a payment: under way.
        Pending = "pending",
        /// Of a payment: paid.
        Captured = "captured",
        /// Of a payment: called off.
        Canceled = "canceled",
    }
}

words! {
    /// What a status is about.
    pub enum StatusKind {
        Message = "message",
        /// A payment inside WhatsApp.
        Payment = "payment",
    }
}

object! {
    /// What became of one message, as Meta tells it.
    ///
    /// The parent id comes under three names [Status webhook, 2026-05-21; Business-scoped user
    /// ids]: [`parent_id`](Self::parent_id) looks at all.
    pub struct MessageStatus {
        /// WhatsApp's id of the message.
        id: Text,
        status: Status,
        timestamp: Timestamp,
        kind = "type": StatusKind,
        /// The number of the person, or the id of the group; may be absent.
        recipient_id: Text,
        recipient_type: RecipientType,
        recipient_user_id: Text,
        parent_recipient_user_id: Text,
        recipient_parent_user_id: Text,
        parent_user_id: Text,
        recipient_logical_id: Text,
        /// The number of the member of the group.
        recipient_participant_id: Text,
        participant_recipient_id: Text,
        recipient_participant_user_id: Text,
        recipient_participant_parent_user_id: Text,
        recipient_identity_key_hash: Text,
        group_id: Text,
        /// The text that we sent along with the message.
        biz_opaque_callback_data: Text,
        conversation: Box<Conversation>,
        /// Only in `sent` or in the first of `delivered` and `read`.
        pricing: Box<Pricing>,
        /// Why it failed.
        errors: List<ReportedError>,
        payment: Box<Payment>,
        template_id: Text,
        message: Json,
        internal_1p_only_data: Json,
    }
}

words! {
    /// Whom a message went to.
    pub enum RecipientType {
        Individual = "individual",
        Group = "group",
    }
}

object! {
    /// The window of 24 hours that a message opened or fell into. Left out from version 24 on,
    /// except for free entry points.
    pub struct Conversation {
        id: Text,
        expiration_timestamp: Timestamp,
        origin: Origin,
        category: Text,
        /// Of messages to groups.
        pricing: Pricing,
    }
}

object! {
    /// How a conversation began.
    pub struct Origin {
        /// A category, `service` or `referral_conversion`.
        kind = "type": Text,
    }
}

object! {
    /// What a message costs.
    pub struct Pricing {
        billable: bool,
        /// `CBP` by conversation, `PMP` by message.
        pricing_model: Text,
        category: Text,
        /// `regular`, `free_customer_service`, `free_entry_point`.
        kind = "type": Text,
    }
}

object! {
    /// A payment inside WhatsApp.
    pub struct Payment {
        reference_id: Text,
        amount: Amount,
        currency: Text,
        transaction: Transaction,
        receipt: Text,
        notes: Json,
    }
}

object! {
    /// An amount of money: `value` divided by `offset`.
    pub struct Amount {
        value: Text,
        offset: Text,
    }
}

object! {
    /// One try to pay.
    pub struct Transaction {
        id: Text,
        kind = "type": Text,
        status: Text,
        created_timestamp: Timestamp,
        updated_timestamp: Timestamp,
        amount: Amount,
        currency: Text,
        method: Json,
        error: Json,
        refunds: Json,
        pg_transaction_id: Text,
    }
}

object! {
    /// Why something failed, in Meta's words.
    pub struct ReportedError {
        code: Text,
        error_subcode: Text,
        title: Text,
        message: Text,
        kind = "type": Text,
        details: Text,
        error_data: ErrorData,
        error_user_title: Text,
        error_user_msg: Text,
        is_transient: bool,
        /// Where the code is explained.
        href: Text,
        fbtrace_id: Text,
    }
}

object! {
    /// More about an error.
    pub struct ErrorData {
        details: Text,
        messaging_product: Text,
    }
}

impl ReportedError {
    /// What decisions are made on; a code that is no number is 0.
    pub fn api_error(&self) -> ApiError {
        let number = |text: &Option<Text>| text.as_ref().and_then(Text::parse).unwrap_or_default();
        let data = self.error_data.as_ref().and_then(|data| data.details.as_ref());
        let details = data.or(self.details.as_ref()).map_or(Detail::Other, |text| Detail::of(text.as_str()));
        let subcode = number(&self.error_subcode);
        ApiError { subcode, details, ..ApiError::new(number(&self.code), 0) }
    }
}

impl MessageStatus {
    /// The status as a fact about a message; `None` without an id or a status, and for what is
    /// about a payment.
    pub fn update(&self) -> Option<StatusUpdate> {
        if !matches!(self.kind, None | Some(StatusKind::Message)) {
            return None;
        }
        let filled = |text: &&Text| !text.as_str().is_empty();
        let (id, status) = self.told()?;
        Some(StatusUpdate {
            wamid: Wamid::new(id.as_str()),
            status: status.clone(),
            at: self.timestamp.as_ref().and_then(Timestamp::instant),
            callback: self
                .biz_opaque_callback_data
                .as_ref()
                .filter(filled)
                .map(|text| text.as_str().to_owned()),
            errors: self.errors.iter().flatten().map(ReportedError::api_error).collect(),
        })
    }

    /// True if it has an id and a status: without, it says nothing.
    pub(super) fn is_told(&self) -> bool {
        self.told().is_some()
    }

    fn told(&self) -> Option<(&Text, &Status)> {
        let id = self.id.as_ref().filter(|id| !id.as_str().is_empty())?;
        Some((id, self.status.as_ref().filter(|status| !status.as_str().is_empty())?))
    }

    /// The recipient's id within the enterprise, whichever name it came under.
    pub fn parent_id(&self) -> Option<&Text> {
        let names = [&self.parent_recipient_user_id, &self.recipient_parent_user_id, &self.parent_user_id];
        names.into_iter().flatten().next()
    }
}

/// What became of one message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusUpdate {
    /// WhatsApp's id of the message.
    pub wamid: Wamid,
    /// What happened.
    pub status: Status,
    /// When it happened, to the second; `None` if it was not said.
    pub at: Option<DateTime<Utc>>,
    /// The text that we sent along with the message (`biz_opaque_callback_data`).
    pub callback: Option<String>,
    /// Why it failed.
    pub errors: Vec<ApiError>,
}

impl fmt::Debug for StatusUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusUpdate")
            .field("status", &self.status)
            .field("at", &self.at)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{Change, Payload};

    #[test]
    fn the_details_of_an_error_say_who_is_not_on_whatsapp() {
        for (error, expected) in [
            (r#"{"code":100,"error_data":{"details":"Not a valid WhatsApp user"}}"#, Detail::NotOnWhatsApp),
            (r#"{"code":"100","details":"Recipient is not on WhatsApp"}"#, Detail::NotOnWhatsApp),
            (r#"{"code":100,"error_data":{"details":"Parameter is missing"}}"#, Detail::Other),
            (r#"{"code":100,"error_data":7}"#, Detail::Other),
        ] {
            let body = format!(
                r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"statuses":[
                {{"id":"w","status":"failed","errors":[{error}]}}]}}}}]}}]}}"#
            );
            let payload = Payload::decode(body.as_bytes()).unwrap();
            let update = payload.changes().flat_map(Change::updates).next().unwrap();
            let [error] = update.errors.as_slice() else { panic!("{body}") };
            assert_eq!((error.code, error.details), (100, expected));
        }
    }
}
