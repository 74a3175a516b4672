//! Dice that fall the same way for the same seed (`SplitMix64`).

use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Self(seed ^ 0x5DEE_CE66);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, ends included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.between(0, end as u64 - 1)).unwrap()
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.between(0, 99) < chance
    }

    /// A strength of a fault: often none, else up to `most`.
    pub(crate) fn strength(&mut self, most: f64) -> f64 {
        let parts = self.between(0, 15).saturating_sub(5);
        most * f64::from(u8::try_from(parts).unwrap()) / 10.0
    }

    pub(crate) fn within(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.between(0, u64::try_from(most.as_millis()).unwrap()))
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
