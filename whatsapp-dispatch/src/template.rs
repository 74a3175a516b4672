//! Message templates: which one, what its text looks like, and what a campaign fills in.
//!
//! A [`Template`] names one, a [`TemplateDefinition`] knows its text, [`Components`] say which columns
//! fill its variables, header, buttons and cards. Both together become a [`MessagePlan`]: a
//! [`Skeleton`] that is the same for every message, and what fills its slots, record by record.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

mod definition;
mod header;
mod button;
mod components;
mod skeleton;
mod compile;
mod message_plan;
mod error;
mod event;
mod expression;
mod filled;
mod text;

pub use button::{ButtonValue, ProductSection};
pub use components::{Card, Components, Expiry, Parameters};
pub use definition::{
    ButtonDefinition, CardDefinition, HeaderKind, OtpKind, Quality, TemplateDefinition, Variables,
};
pub use error::TemplateError;
pub use event::TemplateEvent;
pub use filled::{DamagedParameters, FilledParameters};
pub use header::{Header, Location};
pub use message_plan::{FillError, MessagePlan};
pub use skeleton::{Argument, Component, MediaBy, Skeleton, Value};

/// What kind of message a template is. Meta prices and limits each kind on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Offers and news; needs the person's consent.
    Marketing,
    /// Follows from something that the person did, such as an order.
    Utility,
    /// One-time codes.
    Authentication,
}

/// Names a template: its name and language identify it within a WhatsApp business account.
///
/// ```
/// use whatsapp_dispatch::template::Template;
/// let template = Template::marketing("diwali_offer", "en_US");
/// assert!(template.check().is_ok());
/// assert!(Template::marketing("Diwali Offer", "en_US").check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// At most 512 of the characters `a-z 0-9 _`.
    pub name: String,
    /// A language code as Meta writes it: `en`, `en_US`, `pt_BR`.
    pub language: String,
    /// What kind of message it is.
    pub category: Category,
}

impl Template {
    /// A marketing template.
    pub fn marketing(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self { name: name.into(), language: language.into(), category: Category::Marketing }
    }

    /// A utility template.
    pub fn utility(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self { category: Category::Utility, ..Self::marketing(name, language) }
    }

    /// An authentication template.
    pub fn authentication(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self { category: Category::Authentication, ..Self::marketing(name, language) }
    }

    /// Whether name and language are such as WhatsApp gives to templates.
    ///
    /// # Errors
    /// [`TemplateError::Name`] or [`TemplateError::Language`].
    pub fn check(&self) -> Result<(), TemplateError> {
        let name_fits = (1..=512).contains(&self.name.len())
            && self.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !name_fits {
            return Err(TemplateError::Name { name: self.name.chars().take(64).collect() });
        }
        let (language, place) = match self.language.split_once('_') {
            Some((language, place)) => (language, Some(place)),
            None => (self.language.as_str(), None),
        };
        let language_fits = (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_lowercase())
            && place.is_none_or(|place| {
                (2..=4).contains(&place.len()) && place.bytes().all(|byte| byte.is_ascii_alphabetic())
            });
        if language_fits {
            Ok(())
        } else {
            Err(TemplateError::Language {
                template: self.name.clone(),
                language: self.language.chars().take(64).collect(),
            })
        }
    }
}

impl Display for Template {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.language)
    }
}

#[cfg(test)]
mod tests;
