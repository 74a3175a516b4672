//! How often things go wrong.

use serde::{Deserialize, Serialize};

/// How often things go wrong, each from 0 (never) to 1 (always).
///
/// ```
/// use amazon_sync::simulator::Faults;
/// let mut faults = Faults::none();
/// faults.lost_answer = 0.1;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Faults {
    /// Requests answered with HTTP 500 or 503. They cost a token and are not carried out.
    pub server_error: f64,
    /// Requests that are carried out and whose connection closes without an answer.
    pub lost_answer: f64,
    /// Requests that are not carried out and whose connection closes without an answer.
    pub lost_request: f64,
    /// Requests whose answer takes one to five seconds longer.
    pub slow_answer: f64,
    /// Requests for an access token answered with `server_error`.
    pub token_error: f64,
    /// Writes that are accepted and never take effect.
    pub lost_write: f64,
    /// Writes that take effect five to twenty minutes later than they should, and so perhaps
    /// after a younger one.
    pub late_write: f64,
    /// Writes that change the stored attribute and not the number that buyers see
    /// (selling-partner-api-models issue 5327).
    pub stuck_write: f64,
    /// Listings that are missing from an answer which should hold them.
    pub absent_row: f64,
    /// Changes of orders that can be found only three to forty minutes later.
    pub late_order: f64,
    /// Notifications that never come.
    pub lost_notice: f64,
    /// Notifications that come again, up to ten minutes later.
    pub repeated_notice: f64,
    /// Notifications that come one to fifteen minutes late, and so out of order.
    pub late_notice: f64,
    /// Feeds that take half an hour to eight hours.
    pub slow_feed: f64,
    /// Feeds that end as `FATAL`.
    pub fatal_feed: f64,
    /// Rows of reports whose quantity is -1.
    pub broken_row: f64,
}

impl Faults {
    /// Everything is answered, takes effect and is told once.
    pub const fn none() -> Self {
        Self {
            server_error: 0.0,
            lost_answer: 0.0,
            lost_request: 0.0,
            slow_answer: 0.0,
            token_error: 0.0,
            lost_write: 0.0,
            late_write: 0.0,
            stuck_write: 0.0,
            absent_row: 0.0,
            late_order: 0.0,
            lost_notice: 0.0,
            repeated_notice: 0.0,
            late_notice: 0.0,
            slow_feed: 0.0,
            fatal_feed: 0.0,
            broken_row: 0.0,
        }
    }

    /// An ordinary day.
    pub const fn mild() -> Self {
        Self {
            server_error: 0.002,
            lost_answer: 0.001,
            lost_write: 0.002,
            late_write: 0.005,
            stuck_write: 0.001,
            absent_row: 0.001,
            late_order: 0.002,
            lost_notice: 0.002,
            repeated_notice: 0.01,
            late_notice: 0.01,
            slow_feed: 0.02,
            ..Self::none()
        }
    }

    /// A day that nobody wants to have.
    pub const fn harsh() -> Self {
        Self {
            server_error: 0.05,
            lost_answer: 0.02,
            lost_request: 0.02,
            slow_answer: 0.01,
            token_error: 0.1,
            lost_write: 0.03,
            late_write: 0.1,
            stuck_write: 0.02,
            absent_row: 0.02,
            late_order: 0.05,
            lost_notice: 0.1,
            repeated_notice: 0.2,
            late_notice: 0.2,
            slow_feed: 0.2,
            fatal_feed: 0.05,
            broken_row: 0.002,
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::mild()
    }
}
