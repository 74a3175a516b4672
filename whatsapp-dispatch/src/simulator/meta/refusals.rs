//! Everything that the far side refuses in so many words.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Refusal {
    pub(in crate::simulator) code: i64,
    pub(in crate::simulator) http_status: u16,
    pub(in crate::simulator) transient: bool,
    pub(in crate::simulator) message: &'static str,
}

pub(in crate::simulator) const fn refusal(code: i64, http_status: u16, message: &'static str) -> Refusal {
    Refusal { code, http_status, transient: false, message }
}

const fn passing(code: i64, http_status: u16, message: &'static str) -> Refusal {
    Refusal { transient: true, ..refusal(code, http_status, message) }
}

/// Meta's pages say 400, others have seen 429; both occur here.
pub(super) const THROUGHPUT: Refusal = passing(130_429, 429, "Rate limit hit: Cloud API message throughput");
pub(super) const UPGRADING: Refusal = passing(131_057, 500, "The number's throughput is being upgraded");
pub(super) const PAIR: Refusal =
    passing(131_056, 400, "Too many messages to this person from this number in a short time");
pub(super) const TRANSIENT: Refusal = passing(131_016, 400, "Service unavailable");
pub(super) const UNDELIVERABLE: Refusal = refusal(131_026, 400, "Message undeliverable");
pub(super) const NUMBER: Refusal = refusal(131_009, 400, "Parameter value is not valid: to");
pub(super) const EMPTY: Refusal = refusal(131_008, 400, "Required parameter is missing: text");
pub(super) const STOPPED: Refusal = refusal(131_050, 400, "The person stopped marketing messages from you");
pub(super) const NO_TEMPLATE: Refusal =
    refusal(132_001, 404, "Template name does not exist in the translation");
pub(super) const PARAMETERS: Refusal = refusal(132_000, 400, "Number of parameters does not match");
pub(super) const PAUSED: Refusal = refusal(132_015, 400, "Template is paused");
pub(super) const NOT_MARKETING: Refusal =
    refusal(131_055, 400, "Only marketing templates are sent through this door");
