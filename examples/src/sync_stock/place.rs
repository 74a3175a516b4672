//! Where ledger and listings are kept.

use std::path::PathBuf;

use anyhow::bail;

/// Where the ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Memory,
    File(PathBuf),
    Temporary,
}

impl Place {
    pub(super) fn parse(store: Option<&str>) -> anyhow::Result<Self> {
        match store {
            None => Ok(Self::Temporary),
            Some("memory") => Ok(Self::Memory),
            Some(other) => match other.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
                Some(path) => Ok(Self::File(path.into())),
                None => bail!("--store {other}: use memory or sqlite:PATH"),
            },
        }
    }
}
