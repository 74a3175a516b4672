use std::fmt::{self, Display, Formatter};

use crate::media::MediaKind;
use crate::template::text::Text;

/// What a template has above its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    /// A picture, a video or a document, which the campaign gives.
    Media(MediaKind),
    /// A place, which the campaign gives.
    Location,
    /// Something newer, in Meta's word.
    Other(String),
}

/// A header as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) enum HeaderDefinition {
    Text(Text),
    Kind(HeaderKind),
}

/// `a header with an image` and so on.
impl Display for HeaderDefinition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if text.variables.is_empty() => f.write_str("a fixed header"),
            Self::Text(_) => f.write_str("a header with a variable"),
            Self::Kind(HeaderKind::Media(kind)) => write!(f, "a header with {kind}"),
            Self::Kind(HeaderKind::Location) => f.write_str("a header with a place"),
            Self::Kind(HeaderKind::Other(kind)) => {
                write!(f, "a header of the kind {kind}, which cannot be filled")
            }
        }
    }
}
