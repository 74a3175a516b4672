use serde::{Deserialize, Serialize};

use crate::media::{MediaKind, MediaSource};

/// What a campaign puts above the body. All texts may hold columns in braces.
///
/// ```
/// use whatsapp_dispatch::media::MediaSource;
/// use whatsapp_dispatch::template::Header;
/// let poster = Header::image(MediaSource::File("poster.png".into()));
/// let own = Header::image(MediaSource::Link("{image_url}".into()));
/// let bill = Header::document(MediaSource::Link("{bill_url}".into())).named("bill {order}.pdf");
/// # drop((poster, own, bill));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// The text of the header's variable.
    Text(String),
    /// A picture, a video or a document.
    Media {
        /// Which of them.
        kind: MediaKind,
        /// Where it is.
        source: MediaSource,
        /// The name that people see; documents only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A place on the map.
    Location(Location),
}

impl Header {
    /// The text of the header's variable.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A picture.
    pub const fn image(source: MediaSource) -> Self {
        Self::Media { kind: MediaKind::Image, source, name: None }
    }

    /// A video.
    pub const fn video(source: MediaSource) -> Self {
        Self::Media { kind: MediaKind::Video, source, name: None }
    }

    /// A document.
    pub const fn document(source: MediaSource) -> Self {
        Self::Media { kind: MediaKind::Document, source, name: None }
    }

    /// The same document under a name that people see; nothing for other headers.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        match self {
            Self::Media { kind: MediaKind::Document, source, .. } => {
                Self::Media { kind: MediaKind::Document, source, name: Some(name.into()) }
            }
            other => other,
        }
    }

    /// A place, in degrees north and east.
    pub fn location(latitude: impl Into<String>, longitude: impl Into<String>) -> Self {
        let (latitude, longitude) = (latitude.into(), longitude.into());
        Self::Location(Location { latitude, longitude, name: None, address: None })
    }

    /// `a text`, `an image`, `a place` and so on.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(_) => "a text for the header".to_owned(),
            Self::Media { kind, .. } => format!("{kind} for the header"),
            Self::Location(_) => "a place for the header".to_owned(),
        }
    }
}

/// A place on the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north, such as `48.137`.
    pub latitude: String,
    /// Degrees east, such as `11.575`.
    pub longitude: String,
    /// What is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}
