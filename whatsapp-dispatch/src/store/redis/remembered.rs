//! People as this process read them last, when messages to them were judged: soon after that the
//! messages are begun.
//!
//! A mark in the store becomes another one with every change of who refuses messages. Whoever begins
//! messages rests on that one mark instead of a row for each person. Only where a rule counts messages
//! the row itself is needed, because it changes.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rules_core::store::redis::Redis;

use crate::people::{PersonKey, Standing};

/// People that are remembered, at most.
const PEOPLE: usize = 16_384;

/// Stands for who refuses messages; there is none as long as nobody ever did.
pub(super) type Mark = Option<Bytes>;

/// Where the mark lies.
pub(super) fn key_of_mark(store: &Redis) -> String {
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

/// What is remembered of somebody.
pub(super) struct Person {
    pub(super) refusal: Refusal,
    /// What lay under the person's id.
    pub(super) row: Option<Bytes>,
}

#[derive(Default)]
pub(super) struct Remembered(Mutex<Known>);

#[derive(Default)]
pub(super) struct Known {
    /// What the mark was when all of them were read, or before.
    pub(super) mark: Mark,
    people: HashMap<PersonKey, Person>,
}

/// What is remembered of people is not to be shown.
impl Debug for Remembered {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl Remembered {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of people who were read when the mark was this one, or later.
    pub(super) fn note(&self, mark: &Mark, people: impl IntoIterator<Item = (PersonKey, Person)>) {
        let mut known = self.known();
        known.see(mark);
        if PEOPLE < known.people.len() {
            known.people.clear();
        }
        known.people.extend(people);
    }
}

impl Known {
    /// Forgets everybody if the mark is another one by now.
    pub(super) fn see(&mut self, mark: &Mark) {
        if self.mark != *mark {
            self.people.clear();
            self.mark.clone_from(mark);
        }
    }

    /// What is remembered of somebody; only once, because a message is begun once.
    pub(super) fn recall(&mut self, person: &PersonKey) -> Option<Person> {
        self.people.remove(person)
    }
}
