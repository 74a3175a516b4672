use std::time::Duration;

use super::super::budgets::{Level, UsedUp};

/// Why Amazon does not carry a request out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Refusal {
    pub(in super::super) status: u16,
    pub(in super::super) code: &'static str,
    pub(in super::super) message: String,
    pub(in super::super) details: &'static str,
    /// When there would be a token. No answer tells it.
    pub(in super::super) wait: Option<Duration>,
}

impl Refusal {
    const fn new(status: u16, code: &'static str, message: String, details: &'static str) -> Self {
        Self { status, code, message, details, wait: None }
    }

    pub(in super::super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message.into(), "")
    }

    pub(in super::super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "NotFound", message.into(), "")
    }

    pub(in super::super) fn forbidden(details: &'static str) -> Self {
        Self::new(403, "Unauthorized", "Access to requested resource is denied.".to_owned(), details)
    }

    pub(super) fn internal(unavailable: bool) -> Self {
        let (status, code) = if unavailable { (503, "ServiceUnavailable") } else { (500, "InternalFailure") };
        Self::new(status, code, "We encountered an internal error. Please try again.".to_owned(), "")
    }

    pub(super) fn quota(used_up: UsedUp) -> Self {
        let message = match used_up.level {
            Level::Seller => "You exceeded your quota for the requested resource.",
            Level::Application => "You exceeded your application's quota for the requested resource.",
            Level::ListingsFeeds => "You exceeded your quota for JSON_LISTINGS_FEED submissions.",
        };
        Self { wait: used_up.wait, ..Self::new(429, "QuotaExceeded", message.to_owned(), "") }
    }
}
