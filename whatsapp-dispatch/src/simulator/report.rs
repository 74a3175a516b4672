use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happened in a simulator so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Messages of which something is still to be told.
    pub statuses_waiting: u64,
    /// Messages of which nothing is told, because too many waited.
    pub statuses_dropped: u64,
}
