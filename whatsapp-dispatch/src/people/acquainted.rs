use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names that were found together lately: nearly every answer and every webhook repeats one, and
/// what was learned before needs no trip to the store. Lost with the process, which costs some
/// lessons that change nothing.
#[derive(Debug, Default)]
pub(crate) struct Acquainted {
    hasher: RandomState,
    pairs: Mutex<HashSet<u64>>,
}

/// Pairs that are remembered; with one more, remembering begins anew.
const PAIRS: usize = 100_000;

impl Acquainted {
    /// True when the pair was met before.
    pub(crate) fn know(&self, one: &impl Hash, other: &impl Hash) -> bool {
        let pair = self.hasher.hash_one((one, other));
        let mut pairs = self.lock();
        if PAIRS <= pairs.len() {
            pairs.clear();
        }
        !pairs.insert(pair)
    }

    /// What was met may not have been learned.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_met_once_until_it_is_forgotten() {
        let acquainted = Acquainted::default();
        assert!(!acquainted.know(&1, &2) && !acquainted.know(&2, &1));
        assert!(acquainted.know(&1, &2));
        acquainted.forget();
        assert!(!acquainted.know(&1, &2));
    }

    #[test]
    fn it_is_bounded() {
        let acquainted = Acquainted::default();
        for n in 0..=PAIRS {
            assert!(!acquainted.know(&"one", &n));
        }
        assert_eq!(acquainted.lock().len(), 1);
    }
}
