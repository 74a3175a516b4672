use std::fmt::{self, Debug, Formatter};

use super::Quantity;

/// A quantity or none in four bytes: what columns over a million listings are made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell(u32);

impl Cell {
    /// No quantity. Above [`Quantity::MOST`], so no quantity is mistaken for it.
    pub const NONE: Self = Self(u32::MAX);

    /// The quantity, if there is one.
    pub const fn get(self) -> Option<Quantity> {
        if self.is_none() { None } else { Some(Quantity(self.0)) }
    }

    /// True for none.
    pub const fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Quantity> for Cell {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.0)
    }
}

impl From<Option<Quantity>> for Cell {
    fn from(quantity: Option<Quantity>) -> Self {
        quantity.map_or(Self::NONE, Self::from)
    }
}

impl Debug for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.get().map(Quantity::get).fmt(f)
    }
}
