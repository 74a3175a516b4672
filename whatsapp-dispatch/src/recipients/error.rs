use std::io;
use std::path::PathBuf;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};

use crate::columns::ColumnsError;

/// Why a whole source of recipients cannot be used. A single broken record is no such error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientsError {
    /// The file cannot be opened or read.
    #[error("reading recipients from {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not UTF-8 text.
    #[error("{} is not UTF-8, seen in line {line}: {what}; save it as \"CSV UTF-8\" and try again", file.display())]
    Encoding {
        /// The file.
        file: PathBuf,
        /// The line in which it was noticed, from 1.
        line: u64,
        /// What it seems to be.
        what: &'static str,
    },
    /// The first record does not name the columns.
    #[error("the header of {} in line {line} is not usable", file.display())]
    Header {
        /// The file.
        file: PathBuf,
        /// Where the header was expected, from 1.
        line: u64,
        /// Why.
        #[source]
        source: ColumnsError,
    },
    /// The header cannot be read as a record.
    #[error("the header of {} in line {line} cannot be read: {what}", file.display())]
    BrokenHeader {
        /// The file.
        file: PathBuf,
        /// Where the header was expected, from 1.
        line: u64,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// The file is not the one that was opened any more.
    #[error(
        "{} was changed while it was read: leave the file alone until planning is done, then plan again",
        file.display()
    )]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The position belongs to another source.
    #[error(
        "{name} is not what planning began with: go on with the same content, or plan a campaign of another name"
    )]
    Differs {
        /// The source that was given now.
        name: String,
    },
    /// A source of the host's own failed.
    #[error("reading recipients from the host's source")]
    Host {
        /// The host's word on what may be done next.
        fault: Fault,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl RecipientsError {
    /// The source is not the one that planning began with.
    pub const DIFFERS: Code = Code::known("campaign.differs");

    /// The reason code, for errors that have one.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Differs { .. } => Some(Self::DIFFERS),
            _ => None,
        }
    }
}

impl Classify for RecipientsError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => {
                    Fault::Rejected
                }
                _ => Fault::Transient,
            },
            Self::Host { fault, .. } => *fault,
            _ => Fault::Rejected,
        }
    }
}
