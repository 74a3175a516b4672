use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ButtonValue, Header};
use crate::media::{MediaKind, MediaSource};

/// What a campaign fills into a template's body, as its author wrote it.
///
/// Each parameter is text with columns in braces: `{first_name}`, `Hi {first_name|there}` with a
/// value for empty cells after the bar, `{{` and `}}` for the braces themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Parameters {
    /// For `{{1}}`, `{{2}}` and so on.
    Positional(Vec<String>),
    /// For `{{first_name}}` and the like, by name.
    Named(BTreeMap<String, String>),
}

impl Default for Parameters {
    fn default() -> Self {
        Self::Positional(Vec::new())
    }
}

impl<T: Into<String>> From<Vec<T>> for Parameters {
    fn from(expressions: Vec<T>) -> Self {
        Self::Positional(expressions.into_iter().map(Into::into).collect())
    }
}

impl<const N: usize> From<[&str; N]> for Parameters {
    fn from(expressions: [&str; N]) -> Self {
        Self::Positional(expressions.into_iter().map(Into::into).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Parameters {
    fn from(expressions: [(&str, &str); N]) -> Self {
        Self::Named(expressions.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Everything that a campaign fills into a template, as its author wrote it. All texts may hold
/// columns in braces, as in [`Parameters`].
///
/// ```
/// use whatsapp_dispatch::columns::{Cells, Columns};
/// use whatsapp_dispatch::template::{Components, Template, TemplateDefinition};
///
/// let offer = Template::marketing("diwali_offer", "en_US");
/// let definition = TemplateDefinition::new(offer, "Hi {{1}}, {{2}} off today!")?;
/// let columns = Columns::new(["phone", "first_name", "discount"]).unwrap();
///
/// let plan = Components::body(["{first_name|friend}", "{discount} %"]).compile(&columns, &definition)?;
/// let filled = plan.fill(&Cells::from_iter(["+919876543210", "", "20"])).unwrap();
/// assert_eq!(filled.iter().collect::<Vec<_>>(), ["friend", "20 %"]);
/// # Ok::<(), whatsapp_dispatch::template::TemplateError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Components {
    /// What stands above the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The body's parameters.
    pub body: Parameters,
    /// When a limited-time offer ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_time_offer: Option<Expiry>,
    /// Values of buttons, by their place from 0 on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub buttons: BTreeMap<u8, ButtonValue>,
    /// The cards of a carousel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
    /// The one-time code of an authentication template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Components {
    /// A body and nothing else.
    pub fn body(parameters: impl Into<Parameters>) -> Self {
        Self { body: parameters.into(), ..Self::default() }
    }

    /// Every medium, with what it is used as.
    pub(crate) fn media_mut(&mut self) -> impl Iterator<Item = (MediaKind, &mut MediaSource)> {
        let headers = self.header.iter_mut().chain(self.cards.iter_mut().map(|card| &mut card.header));
        headers.filter_map(|header| match header {
            Header::Media { kind, source, .. } => Some((*kind, source)),
            Header::Text(_) | Header::Location(_) => None,
        })
    }
}

/// What a campaign fills into one card of a carousel.
///
/// ```
/// use whatsapp_dispatch::media::MediaSource;
/// use whatsapp_dispatch::template::{ButtonValue, Card, Header};
/// let card = Card::new(Header::image(MediaSource::Link("{picture}".into())))
///     .body(["{product}"])
///     .button(0, ButtonValue::url("{sku}"));
/// # drop(card);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Card {
    /// Its picture or video.
    pub header: Header,
    /// The parameters of its body.
    #[serde(default)]
    pub body: Parameters,
    /// Values of its buttons, by their place from 0 on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub buttons: BTreeMap<u8, ButtonValue>,
}

impl Card {
    /// A card with this picture or video.
    pub fn new(header: Header) -> Self {
        Self { header, body: Parameters::default(), buttons: BTreeMap::new() }
    }

    /// The parameters of its body.
    pub fn body(self, parameters: impl Into<Parameters>) -> Self {
        Self { body: parameters.into(), ..self }
    }

    /// The value of the button at this place, from 0 on.
    pub fn button(mut self, index: u8, value: ButtonValue) -> Self {
        self.buttons.insert(index, value);
        self
    }
}

/// When an offer ends: an instant, or text with columns that gives one, either as
/// `2026-11-08T18:00:00+05:30` or in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expiry(pub(super) String);

impl From<&str> for Expiry {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Expiry {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<DateTime<Utc>> for Expiry {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis().to_string())
    }
}
