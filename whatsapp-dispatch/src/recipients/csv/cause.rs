use std::io;
use std::path::Path;

use super::RecipientsError;
use crate::columns::ColumnsError;

/// What went wrong, before it is said in which file.
#[derive(Debug)]
pub(super) enum Cause {
    Io(io::Error),
    Changed,
    Encoding { line: u64, what: &'static str },
    Broken { line: u64, what: &'static str },
    Columns { line: u64, source: ColumnsError },
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Cause {
    pub(super) fn at(self, file: &Path) -> RecipientsError {
        let file = file.to_owned();
        match self {
            Self::Io(source) => RecipientsError::Unreadable { file, source },
            Self::Changed => RecipientsError::Changed { file },
            Self::Encoding { line, what } => RecipientsError::Encoding { file, line, what },
            Self::Broken { line, what } => RecipientsError::BrokenHeader { file, line, what },
            Self::Columns { line, source } => RecipientsError::Header { file, line, source },
        }
    }
}
