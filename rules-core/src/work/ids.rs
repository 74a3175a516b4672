//! Random ids as a port, so that a run repeats from its seed.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// A source of ids that nobody can guess and nobody else makes.
pub trait Ids: Debug + Send + Sync + 'static {
    /// The next id.
    fn next(&self) -> Uuid;
}
const _: fn(&dyn Ids) = |_| {};

/// Ids from the machine's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the port's one door to the machine's randomness")]
    fn next(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Ids that repeat from a seed. For tests and simulations: anybody who knows the seed knows them.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    made: AtomicU64,
}

impl SeededIds {
    /// The sequence that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed, made: AtomicU64::new(0) }
    }
}

impl Ids for SeededIds {
    fn next(&self) -> Uuid {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(count.to_be_bytes());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_ids_repeat_and_differ() {
        let (one, two) = (SeededIds::new(7), SeededIds::new(7));
        let first = one.next();
        assert_eq!(first, two.next());
        assert_ne!(first, one.next());
        assert_ne!(first, SeededIds::new(8).next());
    }
}
