//! Where polling and reading stand.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::host_stock::HostMark;
use crate::marketplace::{OrderWindow, PageToken};

/// Where everything that is read in steps stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursors {
    /// Where the host's changes are read on; `None` before the first.
    pub host_mark: Option<HostMark>,
    /// Of each account that was asked for, in order.
    pub accounts: Vec<Cursor>,
}

/// Where polling of an account stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Rises with every step.
    pub revision: u64,
    /// Everything that changed before this instant is committed. `None` before the first window
    /// was closed.
    pub closed_to: Option<DateTime<Utc>>,
    /// The window that is being read.
    pub open: Option<OpenWindow>,
    /// How late orders were seen after they changed.
    pub lateness: Lateness,
}

/// A window that is being read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWindow {
    /// The frozen question.
    pub window: OrderWindow,
    /// The next page; `None` before the first.
    pub page: Option<PageToken>,
    /// When the page's token was given; it is good for 24 hours.
    pub page_at: DateTime<Utc>,
    /// The end of the window as Amazon used it.
    pub used_to: Option<DateTime<Utc>>,
}

/// How late orders were seen after they changed: how many were seen within so long, by powers of
/// two of a second. Bounded, and good enough for a high quantile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// Element `n` counts those seen less than 2^n seconds after they changed, and not less than
    /// half of that.
    pub seen: Vec<u32>,
}

/// A step of a cursor. Its revision rises by one; a step for an account needs its fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorStep {
    /// Everything before this instant is committed, this commit included. It never goes back.
    pub closed_to: Option<DateTime<Utc>>,
    /// The window that is being read afterwards.
    pub open: Option<OpenWindow>,
    /// How late orders were seen so far.
    pub lateness: Lateness,
}
