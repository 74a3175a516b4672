use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::StoreError;

use crate::marketplace::MarketError;

/// Why a service's turn was not finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    #[error(transparent)]
    Market(#[from] MarketError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for TurnError {
    fn fault(&self) -> Fault {
        match self {
            Self::Market(error) => error.fault(),
            Self::Store(error) => error.fault(),
        }
    }
}
