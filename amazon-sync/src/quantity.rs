//! Counts of things: what is published, and what is moved.

use std::fmt::{self, Display, Formatter};

use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

mod cell;

pub use cell::Cell;

/// How many units a listing shows, or a file says there are: 0 to [`Quantity::MOST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// No shelf holds more of one thing: a larger number is a broken export, such as a barcode in
    /// the column of quantities.
    pub const MOST: Self = Self(99_999_999);

    /// A quantity.
    ///
    /// # Errors
    /// [`QuantityError`] when the number is negative or above [`Quantity::MOST`].
    pub fn new(number: i64) -> Result<Self, QuantityError> {
        u32::try_from(number)
            .ok()
            .filter(|number| *number <= Self::MOST.0)
            .map(Self)
            .ok_or(QuantityError { number })
    }

    /// The nearest quantity: 0 for less than nothing, [`Quantity::MOST`] for more.
    pub fn clamped(units: Units) -> Self {
        let within = units.0.clamp(0, i64::from(Self::MOST.0));
        Self(u32::try_from(within).unwrap_or_default())
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The same number as units that can be moved.
    pub const fn units(self) -> Units {
        Units(self.0 as i64)
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(number: i64) -> Result<Self, QuantityError> {
        Self::new(number)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.units().0
    }
}

/// A number that is no quantity.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{number} is no quantity: use 0 to {}", Quantity::MOST)]
pub struct QuantityError {
    /// What was given.
    pub number: i64,
}

impl Classify for QuantityError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// Units that are moved or left: negative ones leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Units(i64);

impl Units {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// True for none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum; `None` when it cannot be expressed.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` when it cannot be expressed.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times the units; `None` when that cannot be expressed.
    pub fn checked_mul(self, times: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(times)).map(Self)
    }
}

impl Display for Units {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_neither_negative_nor_absurd() {
        assert_eq!(Quantity::new(7).unwrap().get(), 7);
        assert_eq!(Quantity::new(-1).unwrap_err().to_string(), "-1 is no quantity: use 0 to 99999999");
        assert!(Quantity::new(4_006_381_333_931).is_err());
        assert_eq!(Quantity::clamped(Units::new(-3)), Quantity::ZERO);
        assert_eq!(Quantity::clamped(Units::new(i64::MAX)), Quantity::MOST);
    }

    #[test]
    fn sums_that_cannot_be_expressed_are_noticed() {
        assert_eq!(Units::new(i64::MAX).checked_add(Units::new(1)), None);
        assert_eq!(Units::new(i64::MIN).checked_sub(Units::new(1)), None);
        assert_eq!(Units::new(i64::MAX).checked_mul(2), None);
    }
}
