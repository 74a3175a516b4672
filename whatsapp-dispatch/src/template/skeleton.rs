//! A campaign's template with everything that is the same for all recipients in its place and
//! slots for the rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::media::{MediaDigest, MediaId, MediaKind};

/// The components of every message of a campaign: constants, and slots for the values of a
/// [`FilledParameters`](super::FilledParameters).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skeleton {
    /// In the order in which they are sent.
    pub components: Vec<Component>,
}

/// A component of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// What stands above the body.
    Header(Argument),
    /// The body's parameters.
    Body(Vec<Argument>),
    /// When the offer ends, in milliseconds since 1970.
    LimitedTimeOffer(Value),
    /// A button.
    Button {
        /// Its place, from 0 on.
        index: u8,
        /// Its value.
        value: Argument,
    },
    /// Cards, each with its components.
    Carousel(Vec<Vec<Self>>),
}

/// What goes into one place of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Argument {
    /// A text, under a name if the template's variables are named.
    Text {
        /// The variable's name.
        name: Option<String>,
        /// The text.
        text: Value,
    },
    /// A picture, a video or a document.
    Media {
        /// Which of them.
        kind: MediaKind,
        /// Where it is.
        by: MediaBy,
        /// The name that people see.
        name: Option<Value>,
    },
    /// A place on the map.
    Location {
        /// Degrees north.
        latitude: Value,
        /// Degrees east.
        longitude: Value,
        /// What is there.
        name: Option<Value>,
        /// Its address.
        address: Option<Value>,
    },
    /// The end of a link, or a one-time code.
    Url(Value),
    /// What comes back when the person taps.
    QuickReply(Value),
    /// A coupon.
    CopyCode(Value),
    /// Opens a flow.
    Flow {
        /// Comes back with the answers.
        token: Value,
        /// What the first screen starts from.
        data: Vec<(String, Value)>,
    },
    /// Opens the catalog.
    Catalog(Value),
    /// Opens a list of products.
    Products {
        /// The product on the picture.
        thumbnail: Value,
        /// Titles with their products.
        sections: Vec<(Value, Vec<Value>)>,
    },
}

/// How a medium is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaBy {
    /// By the id of its upload.
    Id(Value),
    /// By its address.
    Link(Value),
    /// By its content, whose upload has an id elsewhere.
    Content(MediaDigest),
}

/// A constant, or a slot for a value of each message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The same for everybody.
    Constant(String),
    /// The value at this place of the message's values.
    Slot(u16),
}

impl Skeleton {
    /// A body with so many numbered parameters, filled in order.
    pub fn numbered(parameters: u16) -> Self {
        Self::of((0..parameters).map(|slot| (None, slot)).collect())
    }

    /// A body with these parameters, filled in order.
    pub fn named<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::of(names.into_iter().zip(0..).map(|(name, slot)| (Some(name.into()), slot)).collect())
    }

    fn of(parameters: Vec<(Option<String>, u16)>) -> Self {
        let argument = |(name, slot)| Argument::Text { name, text: Value::Slot(slot) };
        let body: Vec<Argument> = parameters.into_iter().map(argument).collect();
        let components = if body.is_empty() { Vec::new() } else { vec![Component::Body(body)] };
        Self { components }
    }

    /// The same with the ids of what was uploaded in place.
    #[must_use]
    pub fn with_media(mut self, ids: &BTreeMap<MediaDigest, MediaId>) -> Self {
        self.components.iter_mut().for_each(|component| component.put_media(ids));
        self
    }

    /// The body's parameters.
    pub fn body(&self) -> &[Argument] {
        let body = self.components.iter().find_map(|component| match component {
            Component::Body(arguments) => Some(arguments.as_slice()),
            _ => None,
        });
        body.unwrap_or_default()
    }
}

impl Component {
    fn put_media(&mut self, ids: &BTreeMap<MediaDigest, MediaId>) {
        match self {
            Self::Header(Argument::Media { by, .. }) => {
                if let MediaBy::Content(digest) = by
                    && let Some(id) = ids.get(digest)
                {
                    *by = MediaBy::Id(Value::Constant(id.as_str().to_owned()));
                }
            }
            Self::Carousel(cards) => {
                cards.iter_mut().flatten().for_each(|component| component.put_media(ids));
            }
            Self::Header(_) | Self::Body(_) | Self::LimitedTimeOffer(_) | Self::Button { .. } => {}
        }
    }
}
