use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happened in a simulator so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Report {
    /// Requests to send a message, with the right token.
    pub posts: u64,
    /// Messages that were taken.
    pub accepted: u64,
    /// Of those, messages that are or were held back.
    pub held: u64,
    /// Of those, messages whose answer was lost.
    pub lost_answers: u64,
    /// Requests that were not taken and not answered.
    pub lost_requests: u64,
    /// Requests that were not taken and answered with an empty HTTP 500.
    pub server_errors: u64,
    /// Requests that were refused, by error code.
    pub refused: BTreeMap<i64, u64>,
    /// Different numbers among the requests that passed the limits.
    pub people: u64,
    /// The most messages that were taken for one number.
    pub max_accepted_per_number: u16,
    /// Numbers for which more than one message was taken, at most 100 of them.
    pub accepted_more_than_once: Vec<String>,
    /// Webhooks that the endpoint took.
    pub webhooks: u64,
    /// Statuses in those webhooks.
    pub statuses: u64,
    /// Webhooks that the endpoint did not take; each of them comes again.
    pub webhooks_refused: u64,
    /// Webhooks that nobody took for 7 days.
    pub webhooks_lost: u64,
    /// Webhooks with a wrong signature that the endpoint refused, as it should.
    pub forged_refused: u64,
    /// Webhooks with a wrong signature that the endpoint took.
    pub forged_taken: u64,
    /// Times that a person said something.
    pub inbound: u64,
    /// Requests to a person after one from the same number that was not refused. A campaign that
    /// is the only one makes none.
    pub again_without_refusal: u64,
    /// Messages that were taken beyond the messaging limit of a portfolio, and fail.
    pub beyond_messaging_limit: u64,
    /// Files that were uploaded.
    pub media: u64,
    /// Webhooks about other things than statuses that are still to be told.
    pub news_waiting: u64,
    /// Messages of which something is still to be told.
    pub statuses_waiting: u64,
    /// Messages of which nothing is told, because too many waited.
    pub statuses_dropped: u64,
}
