//! How Amazon behaves when all is well.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// From so long to so long, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// At least so long.
    pub least: Duration,
    /// At most so long.
    pub most: Duration,
}

impl Span {
    /// From so many seconds to so many.
    pub const fn seconds(least: u64, most: u64) -> Self {
        Self { least: Duration::from_secs(least), most: Duration::from_secs(most) }
    }

    /// Exactly so long.
    pub const fn exactly(duration: Duration) -> Self {
        Self { least: duration, most: duration }
    }
}

/// How an order's cancelled units are told. No source says it for sure, so both can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledUnits {
    /// `quantityOrdered` stays as it was; what is neither fulfilled nor unfulfilled is cancelled.
    Kept,
    /// `quantityOrdered` falls by what was cancelled.
    Dropped,
}

/// What `x-amzn-RateLimit-Limit` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateHeader {
    /// The published rate of the seller, whatever the true one is.
    Published,
    /// The rate that is in force.
    InForce,
    /// There is none.
    Missing,
}

/// How Amazon behaves when all is well: how long things take, and choices of its own.
///
/// ```
/// use amazon_sync::simulator::{Behaviour, Span};
/// let mut behaviour = Behaviour::default();
/// behaviour.patch_effect = Span::seconds(5, 5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each switches something of its own")]
pub struct Behaviour {
    /// From the acceptance of a patch until buyers see the number.
    pub patch_effect: Span,
    /// From the acceptance of a feed until its processing report.
    pub feed_effect: Span,
    /// From a change of an order until it can be found.
    pub order_lag: Span,
    /// Orders a page holds at most.
    pub page_max: u32,
    /// How long a page token of orders is good for.
    pub page_token_life: Duration,
    /// How long an access token is good for.
    pub access_token_life: Duration,
    /// How long an address to put or get a document is good for.
    pub document_life: Duration,
    /// Whether Amazon raises the published number again when units of an order are cancelled
    /// before they shipped. No source says what the real one does.
    pub restores_on_cancel: bool,
    /// How cancelled units are told.
    pub cancelled_units: CancelledUnits,
    /// From a change until its notification.
    pub notice_delay: Span,
    /// Whether orders that are still pending are notified of. The sources disagree
    /// (selling-partner-api-docs issue 3278).
    pub notifies_pending: bool,
    /// From asking for a report until it is ready.
    pub report_time: Span,
    /// A report of a kind that is asked for sooner than this after the last one ends as `FATAL`.
    pub report_pause: Duration,
    /// Whether report documents are compressed.
    pub report_gzip: bool,
    /// Whether reports have columns that no page announces.
    pub report_extra_columns: bool,
    /// Whether the columns of the listings report carry names in the language of the marketplace.
    pub report_local_columns: bool,
    /// What the rate header says.
    pub rate_header: RateHeader,
    /// How often the rate header comes with a 429, from 0 to 1.
    pub rate_header_on_429: f64,
    /// How orders that demand brings go on.
    pub life: Life,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            patch_effect: Span::seconds(60, 300),
            feed_effect: Span::seconds(300, 900),
            order_lag: Span::seconds(0, 60),
            page_max: 100,
            page_token_life: Duration::from_hours(24),
            access_token_life: Duration::from_hours(1),
            document_life: Duration::from_mins(5),
            restores_on_cancel: false,
            cancelled_units: CancelledUnits::Kept,
            notice_delay: Span::seconds(1, 20),
            notifies_pending: true,
            report_time: Span::seconds(30, 120),
            report_pause: Duration::from_mins(10),
            report_gzip: true,
            report_extra_columns: false,
            report_local_columns: false,
            rate_header: RateHeader::Published,
            rate_header_on_429: 0.5,
            life: Life::default(),
        }
    }
}

impl Behaviour {
    /// Everything takes effect and can be seen at once.
    pub fn prompt() -> Self {
        let none = Span::exactly(Duration::ZERO);
        Self {
            patch_effect: none,
            feed_effect: Span::seconds(1, 1),
            order_lag: none,
            notice_delay: none,
            report_time: Span::seconds(1, 1),
            report_pause: Duration::ZERO,
            ..Self::default()
        }
    }
}

/// How orders that demand brings go on. Chances are from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Life {
    /// From placing until the payment is settled.
    pub payment: Span,
    /// Orders whose payment fails: they are cancelled by Amazon.
    pub payment_fails: f64,
    /// From payment until the order ships.
    pub shipping: Span,
    /// Orders of more than one unit that ship in two parts, the second one so much later again.
    pub in_two_parts: f64,
    /// Orders cancelled whole before they ship.
    pub cancelled: f64,
    /// Orders of more than one unit of which one unit is cancelled before the rest ships.
    pub partly_cancelled: f64,
    /// Orders whose buyer asks for a cancellation that is not carried out.
    pub cancel_asked: f64,
    /// Orders that are sent once more, by another order, an hour to two days after they shipped.
    pub replaced: f64,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            payment: Span::seconds(30, 1_800),
            payment_fails: 0.02,
            shipping: Span::seconds(2 * 3_600, 10 * 3_600),
            in_two_parts: 0.1,
            cancelled: 0.02,
            partly_cancelled: 0.02,
            cancel_asked: 0.01,
            replaced: 0.005,
        }
    }
}

impl Life {
    /// Every order is paid and ships whole.
    pub fn smooth() -> Self {
        Self {
            payment_fails: 0.0,
            in_two_parts: 0.0,
            cancelled: 0.0,
            partly_cancelled: 0.0,
            cancel_asked: 0.0,
            replaced: 0.0,
            ..Self::default()
        }
    }
}
