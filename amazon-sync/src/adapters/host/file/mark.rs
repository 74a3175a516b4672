use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::host_stock::HostMark;

/// How far a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileMark {
    /// Which content.
    pub(super) digest: String,
    /// The line that comes next; `None` when all of it was told.
    pub(super) line: Option<u64>,
}

/// What tells a file that was written anew without looking into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) modified: DateTime<Utc>,
    pub(super) length: u64,
}

impl FileMark {
    /// `None` for a mark of another origin.
    pub(super) fn of(mark: &HostMark) -> Option<Self> {
        serde_json::from_str(&mark.0).ok()
    }

    pub(super) fn to_mark(&self) -> HostMark {
        let line = self.line.map_or_else(|| "null".to_owned(), |line| line.to_string());
        HostMark(format!(r#"{{"digest":"{}","line":{line}}}"#, self.digest))
    }
}

/// The SHA-256 of a file's content, in hexadecimal.
pub(super) fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hash.update(chunk.get(..read).unwrap_or_default()),
        }
    }
    Ok(hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").ok();
        text
    }))
}
