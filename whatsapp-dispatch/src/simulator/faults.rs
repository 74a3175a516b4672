//! How often things go wrong.

use serde::{Deserialize, Serialize};

/// How often things go wrong, each from 0 (never) to 1 (always).
///
/// ```
/// use whatsapp_dispatch::simulator::Faults;
/// let mut faults = Faults::none();
/// faults.lost_answer = 0.1;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Faults {
    /// Numbers that are not on WhatsApp (131026): half of them are refused at once, the others
    /// are taken and fail later. The same number fares the same every time.
    pub not_on_whatsapp: f64,
    /// Messages that are taken and fail because the person got too much marketing (131049).
    pub marketing_limit: f64,
    /// Attempts refused with a passing trouble (131016); the next one may pass.
    pub transient: f64,
    /// Attempts answered with HTTP 500 and no word of Meta's. They were not taken, but the caller
    /// cannot know.
    pub server_error: f64,
    /// Attempts that are taken and whose connection closes without an answer.
    pub lost_answer: f64,
    /// Attempts that are not taken and whose connection closes without an answer.
    pub lost_request: f64,
    /// Attempts whose answer takes one to five seconds longer.
    pub slow_answer: f64,
    /// Messages held back for two seconds, to see how people take the template.
    pub held: f64,
    /// Of the messages held back, those that are dropped (132015) in place of being sent.
    pub dropped: f64,
    /// Statuses that are never told.
    pub lost_status: f64,
    /// Statuses that are told twice.
    pub repeated_status: f64,
    /// Statuses that are told two seconds late, and so out of order.
    pub late_status: f64,
    /// Webhooks beside which somebody else sends one with a wrong signature, which claims that
    /// the messages failed.
    pub forged_status: f64,
    /// People with whom a message arrives and who want no other: a third says so by a word, a
    /// third by a button, a third in WhatsApp's own settings.
    pub stop: f64,
    /// People of whom webhooks tell the user id alone, and not the number.
    pub hidden_number: f64,
}

impl Faults {
    /// Everything is taken, delivered and told once.
    pub const fn none() -> Self {
        Self {
            not_on_whatsapp: 0.0,
            marketing_limit: 0.0,
            transient: 0.0,
            server_error: 0.0,
            lost_answer: 0.0,
            lost_request: 0.0,
            slow_answer: 0.0,
            held: 0.0,
            dropped: 0.0,
            lost_status: 0.0,
            repeated_status: 0.0,
            late_status: 0.0,
            forged_status: 0.0,
            stop: 0.0,
            hidden_number: 0.0,
        }
    }

    /// An ordinary day.
    pub const fn mild() -> Self {
        Self {
            not_on_whatsapp: 0.01,
            marketing_limit: 0.003,
            transient: 0.005,
            lost_answer: 0.002,
            held: 0.001,
            repeated_status: 0.005,
            late_status: 0.005,
            ..Self::none()
        }
    }

    /// A day that nobody wants to have.
    pub const fn harsh() -> Self {
        Self {
            not_on_whatsapp: 0.05,
            marketing_limit: 0.05,
            transient: 0.05,
            server_error: 0.02,
            lost_answer: 0.02,
            lost_request: 0.02,
            slow_answer: 0.001,
            held: 0.02,
            dropped: 0.3,
            lost_status: 0.02,
            repeated_status: 0.1,
            late_status: 0.1,
            forged_status: 0.02,
            stop: 0.02,
            hidden_number: 0.05,
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::mild()
    }
}
