use std::fmt::{self, Display, Formatter};

use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

/// Which part of a pool a channel may sell: 0 to 1, in steps of a ten-thousandth.
///
/// Shares of several channels need not add up to 1. Where they add up to more, the channels borrow
/// from each other, and the ledger notices who sold first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u16);

impl Share {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(10_000);

    /// A share from a number between 0 and 1.
    ///
    /// # Errors
    /// [`ShareError`] when it is outside, or finer than a ten-thousandth.
    pub fn new(share: f64) -> Result<Self, ShareError> {
        let scaled = share * f64::from(Self::ALL.0);
        let rounded = scaled.round();
        if (0.0..=f64::from(Self::ALL.0)).contains(&rounded) && (scaled - rounded).abs() < 1e-6 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000")]
            Ok(Self(rounded as u16))
        } else {
            Err(ShareError { share })
        }
    }

    /// How many things of `units` each the share of `sellable` units makes, rounded down.
    pub(super) fn of(self, sellable: u32, units: u32) -> u32 {
        if self == Self::ALL {
            return sellable.checked_div(units).unwrap_or_default();
        }
        let ours = u64::from(sellable) * u64::from(self.0);
        let each = u64::from(units) * u64::from(Self::ALL.0);
        // Not above `sellable`, so it fits.
        u32::try_from(ours.checked_div(each).unwrap_or_default()).unwrap_or_default()
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::ALL
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f64::from(*self).fmt(f)
    }
}

impl TryFrom<f64> for Share {
    type Error = ShareError;

    fn try_from(share: f64) -> Result<Self, ShareError> {
        Self::new(share)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        Self::from(share.0) / Self::from(Share::ALL.0)
    }
}

/// A number that is no share.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq)]
#[error("{share} is no share: use 0 to 1, with up to four digits behind the point")]
pub struct ShareError {
    /// What was given.
    pub share: f64,
}

impl Classify for ShareError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
