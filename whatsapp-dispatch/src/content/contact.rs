use serde::{Deserialize, Serialize};

use crate::json::hidden;

/// The card of a person or a company.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The name; the only part that WhatsApp wants.
    pub name: ContactName,
    /// Where they live or work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<ContactAddress>>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    /// Their mail addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emails: Option<Vec<ContactEmail>>,
    /// Where they work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<ContactOrg>,
    /// Their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phones: Option<Vec<ContactPhone>>,
    /// Their sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<ContactUrl>>,
}

impl Contact {
    /// A card with a name alone.
    pub fn named(first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        let (first, last) = (first_name.into(), last_name.into());
        let name = ContactName {
            formatted_name: format!("{first} {last}").trim().to_owned(),
            first_name: Some(first),
            last_name: Some(last).filter(|last| !last.is_empty()),
            ..ContactName::default()
        };
        Self { name, ..Self::default() }
    }

    /// The same card with one more number.
    #[must_use]
    pub fn phone(mut self, phone: impl Into<String>) -> Self {
        let phone = ContactPhone { phone: Some(phone.into()), ..ContactPhone::default() };
        self.phones.get_or_insert_default().push(phone);
        self
    }
}

/// A name and its parts.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactName {
    /// As it is shown; needed, with at least one of the parts.
    pub formatted_name: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// What stands after it, such as `Jr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// What stands before it, such as `Dr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// An address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAddress {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// `HOME`, `WORK` or a word of one's own.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A mail address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactEmail {
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `HOME`, `WORK` or a word of one's own.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Where somebody works.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactOrg {
    /// The company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// What they are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A number.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPhone {
    /// As it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// `CELL`, `HOME`, `WORK` or a word of one's own.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The digits under which WhatsApp knows it: with them the card gets a button to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
}

/// A site.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactUrl {
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `HOME`, `WORK` or a word of one's own.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

hidden! { Contact ContactName ContactAddress ContactEmail ContactOrg ContactPhone ContactUrl }
