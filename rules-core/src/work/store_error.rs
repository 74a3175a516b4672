use std::borrow::Cow;
use std::error::Error;

use crate::judge::fault::{Classify, Fault};

type Source = Box<dyn Error + Send + Sync>;

/// What can go wrong between a port and the store behind it.
///
/// All ports share this error, because the caller's next move never depends on which port it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not do it; the same call may succeed later.
    #[error("{doing}: the store is not available")]
    Unavailable {
        /// What was being done, and to what.
        doing: Cow<'static, str>,
        /// Why.
        #[source]
        source: Source,
    },
    /// It is unknown whether the store did it. Every write of a port can be repeated.
    #[error("{doing}: the store did not answer in time, so the outcome is unknown")]
    InDoubt {
        /// What was being done, and to what.
        doing: Cow<'static, str>,
        /// Why.
        #[source]
        source: Source,
    },
    /// The store refuses the call for good.
    #[error("{doing}: {reason}")]
    Refused {
        /// What was being done, and to what.
        doing: Cow<'static, str>,
        /// What is wrong and what to do about it.
        reason: Cow<'static, str>,
    },
    /// There is no room left where the store keeps its data.
    #[error("{doing}: no space left for {place}; free some and start again, nothing was half written")]
    Full {
        /// What was being done, and to what.
        doing: Cow<'static, str>,
        /// The file or server that is full.
        place: String,
    },
    /// What the store holds cannot be read as what it should be.
    #[error("{doing}: the stored data is damaged")]
    Damaged {
        /// What was being done, and to what.
        doing: Cow<'static, str>,
        /// Why.
        #[source]
        source: Source,
    },
}

impl Classify for StoreError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unavailable { .. } => Fault::Transient,
            Self::InDoubt { .. } => Fault::InDoubt,
            Self::Refused { .. } | Self::Damaged { .. } => Fault::Rejected,
            Self::Full { .. } => Fault::Exhausted,
        }
    }
}
