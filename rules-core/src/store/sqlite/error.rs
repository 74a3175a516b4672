use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::judge::fault::{Classify, Fault};
use crate::work::StoreError;

type Source = Arc<dyn Error + Send + Sync>;

/// What can go wrong with a SQLite file.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// The file cannot be opened.
    #[error("opening the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Source,
    },
    /// Another process dispatches from this file.
    #[error("the database {} is in use by another dispatcher; stop that one first, or open the file read-only", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this software wrote the file.
    #[error(
        "the database has version {found} of the {schema} tables and this software knows up to {known}; use the newer software or another file"
    )]
    Newer {
        /// Whose tables.
        schema: String,
        /// The version in the file.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The file was opened for looking only.
    #[error("the database {} is open read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full. The transaction was rolled back.
    #[error("no space left for the database")]
    Full,
    /// Another process has the file locked for writing.
    #[error("the database is locked by another process")]
    Busy,
    /// What the file holds is not what it should be.
    #[error("the database is damaged")]
    Damaged {
        /// Why.
        #[source]
        source: Source,
    },
    /// A statement failed. The transaction was rolled back.
    #[error("a database statement failed")]
    Statement {
        /// Why.
        #[source]
        source: Source,
    },
    /// The store's thread ended.
    #[error("the database was closed")]
    Stopped {
        /// Why, if it is known.
        #[source]
        source: Option<Source>,
    },
    /// A port refused the call, for a reason of its own.
    #[error("{0}")]
    Refused(String),
}

impl SqliteError {
    /// This error as a port reports it, with what was being done.
    pub fn while_doing(self, doing: &'static str) -> StoreError {
        match self {
            Self::Full => StoreError::Full { doing: doing.into(), place: "the database file".to_owned() },
            Self::Damaged { .. } => StoreError::Damaged { doing: doing.into(), source: Box::new(self) },
            Self::Newer { .. } | Self::ReadOnly { .. } | Self::Refused(_) => {
                StoreError::Refused { doing: doing.into(), reason: self.to_string().into() }
            }
            Self::Open { .. }
            | Self::InUse { .. }
            | Self::Busy
            | Self::Statement { .. }
            | Self::Stopped { .. } => StoreError::Unavailable { doing: doing.into(), source: Box::new(self) },
        }
    }

    /// Stored bytes that are not what they should be.
    pub fn damaged(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Damaged { source: Arc::new(source) }
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(error),
            _ => Self::Statement { source: Arc::new(error) },
        }
    }
}

impl Classify for SqliteError {
    fn fault(&self) -> Fault {
        match self {
            Self::Busy | Self::Statement { .. } | Self::Stopped { .. } | Self::InUse { .. } => {
                Fault::Transient
            }
            Self::Open { .. }
            | Self::Newer { .. }
            | Self::ReadOnly { .. }
            | Self::Damaged { .. }
            | Self::Refused(_) => Fault::Rejected,
            Self::Full => Fault::Exhausted,
        }
    }
}
