//! One marketing message to a person at a time, where a rule counts them: two campaigns that are
//! judged at once would both find room for their message.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::people::PersonKey;

/// Who has a message between its judgement and the note that it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<HashSet<PersonKey>>>);

/// A person's turn; it ends when the last copy is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    _taken: Arc<Taken>,
}

#[derive(Debug)]
struct Taken {
    turns: Turns,
    person: PersonKey,
}

impl Turns {
    /// The person's turn; `None` while somebody else has it.
    pub(crate) fn take(&self, person: PersonKey) -> Option<Turn> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(person.clone());
        free.then(|| Turn { _taken: Arc::new(Taken { turns: self.clone(), person }) })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.turns.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.person);
    }
}

#[cfg(test)]
mod tests {
    use rules_core::judge::tenant::TenantId;

    use super::*;
    use crate::people::Name;

    #[test]
    fn a_turn_ends_with_its_last_copy() {
        let turns = Turns::default();
        let person = |name| {
            PersonKey::behind(&[0; 32], &TenantId::parse("acme").unwrap(), &Name::user_id(name).unwrap())
        };
        let turn = turns.take(person("IN.1")).unwrap();
        let copy = turn.clone();
        assert!(turns.take(person("IN.1")).is_none());
        assert!(turns.take(person("IN.2")).is_some(), "and that one ended at once");
        drop(turn);
        assert!(turns.take(person("IN.1")).is_none());
        drop(copy);
        assert!(turns.take(person("IN.1")).is_some() && turns.take(person("IN.2")).is_some());
    }
}
