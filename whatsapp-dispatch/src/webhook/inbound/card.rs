use crate::webhook::text::{Json, List, Text};
use crate::webhook::wire::object;

object! {
    /// The card of a contact that was shared.
    pub struct Card {
        name: CardName,
        phones: List<Phone>,
        emails: List<Email>,
        addresses: List<Address>,
        urls: List<Url>,
        org: Organization,
        birthday: Text,
        ims: Json,
        user_id: Text,
        parent_user_id: Text,
        username: Text,
        origin: Text,
        vcard: Text,
    }
}

object! {
    /// The name on a card.
    pub struct CardName {
        formatted_name: Text,
        first_name: Text,
        middle_name: Text,
        last_name: Text,
        prefix: Text,
        suffix: Text,
    }
}

object! {
    /// A number on a card.
    pub struct Phone {
        phone: Text,
        wa_id: Text,
        user_id: Text,
        kind = "type": Text,
    }
}

object! {
    /// A mail address on a card.
    pub struct Email {
        email: Text,
        kind = "type": Text,
    }
}

object! {
    /// An address on a card.
    pub struct Address {
        street: Text,
        city: Text,
        state: Text,
        zip: Text,
        country: Text,
        country_code: Text,
        kind = "type": Text,
    }
}

object! {
    /// A page on a card.
    pub struct Url {
        url: Text,
        kind = "type": Text,
    }
}

object! {
    /// Where the person works.
    pub struct Organization {
        company: Text,
        department: Text,
        title: Text,
    }
}
