use rules_core::store::sqlite::rusqlite::types::Value;
use serde::{Deserialize, Serialize};

use crate::host_stock::HostMark;

/// How far a table is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TableMark {
    /// Rises with every page that tells something: whoever comes back with an older one did not
    /// keep what was told since.
    pub(super) page: u64,
    /// The last value of the column of changes; `None` where there is no such column.
    pub(super) changed: Option<Stamp>,
    /// The last item that was told, of those with that value; `None` at the end, where rows with
    /// the same value may still come.
    pub(super) after: Option<String>,
}

/// A value of the column of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Stamp {
    Integer(i64),
    Real(f64),
    Text(String),
}

impl TableMark {
    /// `None` for a mark of another origin.
    pub(super) fn of(mark: &HostMark) -> Option<Self> {
        serde_json::from_str(&mark.0).ok()
    }

    pub(super) fn to_mark(&self) -> HostMark {
        // Numbers and text always have a JSON form, but for infinite instants, which begin anew.
        HostMark(serde_json::to_string(self).unwrap_or_default())
    }

    pub(super) fn at_the_end(self) -> Self {
        Self { after: None, ..self }
    }
}

impl From<Stamp> for Value {
    fn from(stamp: Stamp) -> Self {
        match stamp {
            Stamp::Integer(number) => Self::Integer(number),
            Stamp::Real(number) => Self::Real(number),
            Stamp::Text(text) => Self::Text(text),
        }
    }
}
