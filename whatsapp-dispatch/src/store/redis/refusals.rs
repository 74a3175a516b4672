//! Who refuses messages, as this process read it last.
//!
//! A number in the store rises with every change of who refuses what. Whoever begins messages rests
//! on that one number instead of a row for each person: the rows were read a moment before, when the
//! messages were judged.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rules_core::store::redis::Redis;

use crate::people::{PersonKey, Standing};

/// People that are remembered, at most.
const PEOPLE: usize = 16_384;

/// Where the number lies.
pub(super) fn key_of_refusals(store: &Redis) -> String {
    store.key(&[&"people", &"refusals"])
}

/// What somebody refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    all: bool,
    marketing: bool,
}

impl Refusal {
    pub(super) fn of(standing: &Standing) -> Self {
        Self { all: standing.refuses(false), marketing: standing.refuses(true) }
    }

    /// True for a message of that kind.
    pub(super) const fn holds_for(self, marketing: bool) -> bool {
        if marketing { self.marketing } else { self.all }
    }
}

/// What is remembered of people.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Known>);

#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the number was when all of them were read, or before; 0 as long as there is none.
    pub(super) number: i64,
    people: HashMap<PersonKey, Refusal>,
}

impl Refusals {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of people who were read when the number was this one, or later.
    pub(super) fn note(&self, number: i64, people: impl IntoIterator<Item = (PersonKey, Refusal)>) {
        let mut known = self.known();
        // Whoever read earlier and comes later has nothing new to tell.
        if known.number <= number {
            known.see(number);
            if PEOPLE < known.people.len() {
                known.people.clear();
            }
            known.people.extend(people);
        }
    }
}

impl Known {
    /// Forgets everybody if the number is another now.
    pub(super) fn see(&mut self, number: i64) {
        if self.number != number {
            self.people.clear();
            self.number = number;
        }
    }

    /// What is remembered of somebody; only once, because a message is begun once.
    pub(super) fn recall(&mut self, person: &PersonKey) -> Option<Refusal> {
        self.people.remove(person)
    }
}
