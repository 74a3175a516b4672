//! Pictures, videos and documents: where they come from, and what WhatsApp knows them by.

use std::fmt::{self, Debug, Display, Formatter};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a file is to WhatsApp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// JPEG or PNG, at most 5 MB.
    Image,
    /// MP4 or 3GPP, at most 16 MB.
    Video,
    /// PDF, office files and plain text, at most 100 MB.
    Document,
}

impl MediaKind {
    /// The kind in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
        }
    }

    /// The largest file of the kind, in bytes ("Media", Meta, 2026).
    pub const fn most_bytes(self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Image => 5 * MIB,
            Self::Video => 16 * MIB,
            Self::Document => 100 * MIB,
        }
    }

    fn takes(self, mime: &str) -> bool {
        match self {
            Self::Image => matches!(mime, "image/jpeg" | "image/png"),
            Self::Video => matches!(mime, "video/mp4" | "video/3gpp"),
            Self::Document => true,
        }
    }
}

/// `an image`, `a video`, `a document`.
impl Display for MediaKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let article = if *self == Self::Image { "an" } else { "a" };
        write!(f, "{article} {}", self.as_str())
    }
}

/// Where a campaign takes a medium from.
///
/// `Id` and `Link` may hold columns in braces, so that each record has its own. A file or bytes
/// are uploaded once, when the campaign is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Uploaded before, under this id.
    Id(String),
    /// WhatsApp fetches it from this address itself and keeps it for 10 minutes.
    Link(String),
    /// A file on this machine.
    File(PathBuf),
    /// The content itself.
    #[serde(skip)]
    Bytes(Media),
    /// A file or bytes, as a campaign that is planned remembers them.
    Content(MediaDigest),
}

/// A file to upload. Hides its content in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// Such as `image/png`.
    pub mime: String,
    /// Its name, which people see of documents.
    pub name: String,
    /// Its content.
    pub bytes: Bytes,
}

impl Media {
    /// A file of this content; what it is follows from its name.
    ///
    /// # Errors
    /// [`MediaError::Unknown`] for a name whose ending says nothing to WhatsApp.
    pub fn named(name: &str, bytes: impl Into<Bytes>) -> Result<Self, MediaError> {
        let mime = mime_of(Path::new(name)).ok_or_else(|| MediaError::Unknown { name: name.to_owned() })?;
        Ok(Self { mime: mime.to_owned(), name: name.to_owned(), bytes: bytes.into() })
    }

    /// Whether it may be used as this kind.
    ///
    /// # Errors
    /// [`MediaError::Kind`] or [`MediaError::TooLarge`].
    pub fn check(&self, kind: MediaKind) -> Result<(), MediaError> {
        if !kind.takes(&self.mime) {
            return Err(MediaError::Kind { name: self.name.clone(), mime: self.mime.clone(), kind });
        }
        if kind.most_bytes() < self.bytes.len() {
            let (bytes, most) = (self.bytes.len(), kind.most_bytes());
            return Err(MediaError::TooLarge { name: self.name.clone(), bytes, most });
        }
        Ok(())
    }

    /// What its content and type are recognised by.
    pub fn digest(&self) -> MediaDigest {
        let hash = Sha256::new().chain_update(&self.mime).chain_update([0]).chain_update(&self.bytes);
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        MediaDigest(hash.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
    }
}

impl Debug for Media {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Media({}, {} bytes)", self.mime, self.bytes.len())
    }
}

/// The types that WhatsApp takes, by the ending of a file's name ("Media", Meta, 2026).
fn mime_of(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "mp4" => "video/mp4",
        "3gp" => "video/3gpp",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => return None,
    })
}

/// What the content of a file is recognised by: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MediaDigest(String);

impl MediaDigest {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// WhatsApp's id of an uploaded file. It belongs to the number that uploaded it and lives for 30
/// days ("Media", Meta, 2026).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediaId(String);

impl MediaId {
    /// The id as WhatsApp wrote it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The ending of its name says nothing.
    #[error("{name:?} is of no kind that WhatsApp takes: use jpg, png, mp4, 3gp, pdf, txt or an office file")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// It is not of the kind that its place wants.
    #[error("{name:?} is {mime} and cannot be used as {kind}: images are jpg or png, videos mp4 or 3gp")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        mime: String,
        /// What it should be.
        kind: MediaKind,
    },
    /// It is larger than WhatsApp allows.
    #[error("{name:?} has {bytes} bytes, WhatsApp allows {most}: make it smaller or send a link")]
    TooLarge {
        /// Its name.
        name: String,
        /// Its size.
        bytes: usize,
        /// The largest size of its kind.
        most: usize,
    },
    /// It cannot be read.
    #[error("reading the file {path}")]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Classify for MediaError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_follows_from_its_name() {
        let picture = Media::named("Offer.JPG", vec![1_u8, 2]).unwrap();
        assert_eq!(picture.mime, "image/jpeg");
        assert!(picture.check(MediaKind::Image).is_ok() && picture.check(MediaKind::Document).is_ok());
        let error = picture.check(MediaKind::Video).unwrap_err().to_string();
        assert!(error.contains("cannot be used as a video"), "{error}");
        assert!(matches!(Media::named("virus.exe", ""), Err(MediaError::Unknown { .. })));
        let large = Media::named("a.png", vec![0; MediaKind::Image.most_bytes() + 1]).unwrap();
        assert!(matches!(large.check(MediaKind::Image), Err(MediaError::TooLarge { .. })));
    }

    #[test]
    fn content_and_type_make_the_digest_and_the_name_does_not() {
        let digest = |name, bytes: &'static str| Media::named(name, bytes).unwrap().digest();
        assert_eq!(digest("a.png", "x"), digest("b.png", "x"));
        assert_ne!(digest("a.png", "x"), digest("a.jpg", "x"));
        assert_ne!(digest("a.png", "x"), digest("a.png", "y"));
        assert_eq!(digest("a.png", "x").as_str().len(), 64);
    }
}
