use std::error::Error;
use std::time::Duration;

use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::StoreError;

/// Why Amazon was not asked, or did not answer as hoped.
///
/// `request` is Amazon's `x-amzn-RequestId`, which its support asks for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarketError {
    /// A budget is used up, by our count or by Amazon's (`QuotaExceeded`).
    #[error("{operation}: the budget is used up{}", in_brackets(request.as_deref()))]
    Throttled {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// When there may be a permit, as far as known.
        retry_after: Option<Duration>,
        /// Amazon's name of the request, if it was asked.
        request: Option<String>,
    },
    /// The page token is too old, or belongs to another question.
    #[error("{operation}: the page token was refused, so the window begins again{}", in_brackets(request.as_deref()))]
    PageRefused {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// Amazon's name of the request.
        request: Option<String>,
    },
    /// Amazon refuses this seller (HTTP 403 with a fresh token): the role is missing, or the
    /// seller is not allowed to. Other sellers go on.
    #[error("{operation}: Amazon refuses seller {seller}: {reason}; check the app's roles and the seller's authorisation in Seller Central{}", in_brackets(request.as_deref()))]
    Forbidden {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// Whom.
        seller: String,
        /// Amazon's code.
        reason: String,
        /// Amazon's name of the request.
        request: Option<String>,
    },
    /// The seller took its authorisation back (`invalid_grant`): nothing of this account goes on
    /// until it authorises again.
    #[error(
        "seller {seller} has revoked the authorisation, or it has expired; ask the seller to authorise the app again"
    )]
    Revoked {
        /// Who.
        seller: String,
    },
    /// Amazon refuses the application itself (`invalid_client`, `unauthorized_client`).
    #[error("Amazon refuses the application: {reason}; check the client id and rotate its secret")]
    Application {
        /// Amazon's word.
        reason: String,
    },
    /// Amazon refuses this request for good.
    #[error("{operation}: refused with status {status}, {code}{}", in_brackets(request.as_deref()))]
    Rejected {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// Amazon's code.
        code: String,
        /// Amazon's name of the request.
        request: Option<String>,
    },
    /// Amazon was not reached, failed before it began (503), or failed at a question (any other 5xx).
    #[error("{operation}: Amazon did not carry it out{}", in_brackets(request.as_deref()))]
    Unavailable {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// Amazon's name of the request.
        request: Option<String>,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A write left, and no answer came or one that Amazon failed (5xx but 503): it may have been carried
    /// out.
    #[error("{operation}: no answer that settles it, so it is unknown whether it was carried out")]
    InDoubt {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The answer is not what this operation answers.
    #[error("{operation}: the answer cannot be read at {place}: {reason}{}", in_brackets(request.as_deref()))]
    Unreadable {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// Where in it.
        place: String,
        /// What is wrong there. Never the content.
        reason: String,
        /// Amazon's name of the request.
        request: Option<String>,
    },
    /// The store behind the budget, or the source of secrets, does not answer.
    #[error("{operation}: the budget or the credentials cannot be read")]
    Store {
        /// Amazon's name of the operation.
        operation: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
}

fn in_brackets(request: Option<&str>) -> String {
    request.map_or_else(String::new, |request| format!(" (request {request})"))
}

impl Classify for MarketError {
    fn fault(&self) -> Fault {
        match self {
            Self::Throttled { retry_after, .. } => Fault::Throttled { retry_after: *retry_after },
            Self::PageRefused { .. }
            | Self::Forbidden { .. }
            | Self::Revoked { .. }
            | Self::Application { .. }
            | Self::Rejected { .. }
            | Self::Unreadable { .. } => Fault::Rejected,
            Self::Unavailable { .. } => Fault::Transient,
            Self::InDoubt { .. } => Fault::InDoubt,
            Self::Store { source, .. } => source.fault(),
        }
    }
}

impl MarketError {
    /// True when nothing of the account can go on until a person has acted.
    pub const fn stops_the_account(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::Revoked { .. } | Self::Application { .. })
    }
}
