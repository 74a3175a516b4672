//! Faults at random, from a seed.

use std::time::Duration;

use super::{Direction, Ending};

/// How often what goes wrong, in thousandths of the pieces that pass, and of the connections for
/// `refuse`. The same seed and the same conversations on the same connections meet the same faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chaos {
    pub(crate) seed: u64,
    pub(crate) refuse: u32,
    pub(crate) cut: u32,
    pub(crate) lose: u32,
    pub(crate) delay: u32,
    pub(crate) chop: u32,
    /// Delays are shorter than this.
    pub(crate) longest_delay: Duration,
}

impl Chaos {
    /// A bad day: a twentieth of the connections and pieces suffer from each.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            seed,
            refuse: 50,
            cut: 50,
            lose: 50,
            delay: 50,
            chop: 50,
            longest_delay: Duration::from_millis(20),
        }
    }
}

/// The faults of one piece.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Misfortune {
    pub(super) delay: Option<Duration>,
    pub(super) chop: bool,
    pub(super) lose: bool,
    /// Bytes of the piece before the cut.
    pub(super) cut: Option<(usize, Ending)>,
}

/// A stream of chances for one direction of one connection, so that connections do not disturb each
/// other's. The generator is `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    connection: u64,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(connection: u64, direction: Direction) -> Self {
        Self { connection: connection * 2 + u64::from(direction == Direction::ToClient), thrown: 0 }
    }

    pub(super) fn refuses(&mut self, chaos: &Chaos) -> bool {
        self.happens(chaos, chaos.refuse)
    }

    pub(super) fn misfortune(&mut self, chaos: &Chaos, length: usize) -> Misfortune {
        // As many throws for each piece, whatever comes of them.
        let delayed = self.happens(chaos, chaos.delay);
        let part = self.throw(chaos) % 1_000;
        let delay = chaos.longest_delay * u32::try_from(part).unwrap_or_default() / 1_000;
        let chop = self.happens(chaos, chaos.chop);
        let lose = self.happens(chaos, chaos.lose);
        let cut = self.happens(chaos, chaos.cut);
        let kept = usize::try_from(self.throw(chaos)).unwrap_or_default() % length.max(1);
        let ending = if self.happens(chaos, 500) { Ending::Fin } else { Ending::Rst };
        Misfortune { delay: delayed.then_some(delay), chop, lose, cut: cut.then_some((kept, ending)) }
    }

    fn happens(&mut self, chaos: &Chaos, per_mille: u32) -> bool {
        self.throw(chaos) % 1_000 < u64::from(per_mille)
    }

    fn throw(&mut self, chaos: &Chaos) -> u64 {
        self.thrown += 1;
        mix(mix(mix(chaos.seed) ^ self.connection) ^ self.thrown) >> 1
    }
}

fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
