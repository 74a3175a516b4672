use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use crate::host_stock::{Count, HostRowError};

/// What was told of each item. Items are kept as two independent 64-bit hashes: a million of them
/// take 24 MB, and two that cannot be told apart are not to be expected in the life of a planet.
#[derive(Debug, Default)]
pub(super) struct Told {
    states: [RandomState; 2],
    items: HashMap<(u64, u64), Item>,
    pass: u32,
}

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
        let item = count.item.as_str();
        let [one, other] = &self.states;
        let key = (one.hash_one(item), other.hash_one(item));
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

    /// Items that an earlier pass met and this one did not, as one row. They are told once.
    pub(super) fn missing(&mut self, place: &str) -> Option<HostRowError> {
        let before = self.items.len();
        let pass = self.pass;
        self.items.retain(|_, item| item.pass == pass);
        let missing = before - self.items.len();
        (0 < missing).then(|| HostRowError {
            place: place.to_owned(),
            reason: format!(
                "items that it held before are missing: {missing}. They keep their numbers; write 0 for what is gone"
            ),
        })
    }
}
