use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};

use crate::host_stock::{Count, HostRowError};

/// What was told of each item. Items are kept as two independent 64-bit hashes: a million of them
/// take 24 MB, and two that cannot be told apart are not to be expected in the life of a planet.
#[derive(Debug, Default)]
pub(super) struct Told {
    states: [RandomState; 2],
    items: HashMap<Key, Item>,
    /// What was refused, with the pass that met it last.
    refused: HashMap<Key, u32>,
    pass: u32,
}

type Key = (u64, u64);

#[derive(Clone, Copy, Debug)]
struct Item {
    quantity: u32,
    /// The pass that met it last.
    pass: u32,
    /// The line in which that pass met it first.
    line: u32,
}

/// What a row says about an item that may have been told.
pub(super) enum Met {
    /// Its number is another than was told.
    Changed,
    Unchanged,
    /// This pass met the item before, in this line.
    Again {
        line: u32,
        lower: bool,
    },
}

impl Told {
    /// From here on each item is expected once.
    pub(super) const fn begin_pass(&mut self) {
        self.pass += 1;
    }

    pub(super) fn meet(&mut self, count: &Count, line: u64) -> Met {
        let key = self.key(count.item.as_str());
        let (quantity, pass) = (count.quantity.get(), self.pass);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        match self.items.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Item { quantity, pass, line });
                Met::Changed
            }
            Entry::Occupied(mut place) => {
                let known = place.get_mut();
                if known.pass == pass {
                    let lower = quantity < known.quantity;
                    known.quantity = known.quantity.min(quantity);
                    return Met::Again { line: known.line, lower };
                }
                let changed = known.quantity != quantity;
                *known = Item { quantity, pass, line };
                if changed { Met::Changed } else { Met::Unchanged }
            }
        }
    }

    /// True when the last pass did not refuse the item for this reason.
    #[cfg(feature = "sqlite")]
    pub(super) fn refuse(&mut self, item: &str, reason: &str) -> bool {
        let key = self.key((item, reason));
        let before = self.refused.insert(key, self.pass);
        before.is_none_or(|pass| pass + 1 < self.pass)
    }

    fn key(&self, of: impl Hash + Copy) -> Key {
        let [one, other] = &self.states;
        (one.hash_one(of), other.hash_one(of))
    }

    /// Items that an earlier pass met and this one did not, as one row. They are told once.
    pub(super) fn missing(&mut self, place: &str) -> Option<HostRowError> {
        let before = self.items.len();
        let pass = self.pass;
        self.items.retain(|_, item| item.pass == pass);
        self.refused.retain(|_, met| *met == pass);
        let missing = before - self.items.len();
        (0 < missing).then(|| HostRowError {
            place: place.to_owned(),
            reason: format!(
                "items that it held before are missing: {missing}. They keep their numbers; write 0 for what is gone"
            ),
        })
    }
}
