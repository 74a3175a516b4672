//! What every [`Register`](crate::register::Register) promises.

use std::time::Duration;

pub use super::Subject;
use crate::register::{Note, NoteKey, NoteKind};

impl Subject {
    fn template(&self, tenant: usize, name: &str) -> NoteKey {
        NoteKey::new(self.scopes.get(tenant).unwrap(), NoteKind::Template, name)
    }

    fn told(&self, key: &NoteKey, text: &str, ahead: u64) -> Note {
        Note { key: key.clone(), at: self.instant(Duration::from_secs(ahead)), text: text.to_owned() }
    }

    async fn known(&self, keys: &[&NoteKey]) -> Vec<Option<String>> {
        let keys: Vec<NoteKey> = keys.iter().copied().cloned().collect();
        let notes = self.register.look(&keys).await.unwrap();
        notes.into_iter().map(|note| note.map(|note| note.text)).collect()
    }
}

/// What was noted is found again, and of what nobody told nothing.
pub async fn what_was_noted_is_found(s: Subject) {
    let (one, two) = (s.template(0, "one"), s.template(0, "two"));
    let note = s.told(&one, "{\"status\":\"APPROVED\"}", 0);
    s.register.note(std::slice::from_ref(&note)).await.unwrap();
    let found = s.register.look(&[two, one]).await.unwrap();
    assert_eq!(found, [None, Some(note)]);
}

/// Of two notes the later one counts, whatever the order in which they are noted.
pub async fn the_later_note_counts(s: Subject) {
    let (one, two) = (s.template(0, "one"), s.template(0, "two"));
    let late_first = [s.told(&one, "new", 20), s.told(&one, "old", 10)];
    let late_last = [s.told(&two, "old", 10), s.told(&two, "new", 20)];
    s.register.note(&[late_first, late_last].concat()).await.unwrap();
    assert_eq!(s.known(&[&one, &two]).await, [Some("new".to_owned()), Some("new".to_owned())]);
}

/// Of two notes of one instant the greater text counts, so that repeats end the same everywhere.
pub async fn a_tie_ends_the_same_in_any_order(s: Subject) {
    let (one, two) = (s.template(0, "one"), s.template(0, "two"));
    s.register.note(&[s.told(&one, "a", 0), s.told(&one, "b", 0)]).await.unwrap();
    s.register.note(&[s.told(&two, "b", 0), s.told(&two, "a", 0)]).await.unwrap();
    assert_eq!(s.known(&[&one, &two]).await, [Some("b".to_owned()), Some("b".to_owned())]);
}

/// Tenants and kinds have notes of their own; portfolios are shared.
pub async fn tenants_and_kinds_are_kept_apart(s: Subject) {
    let (ours, theirs) = (s.template(0, "x"), s.template(1, "x"));
    let number = NoteKey::new(&s.scopes[0], NoteKind::Number, "x");
    s.register.note(&[s.told(&ours, "ours", 0)]).await.unwrap();
    assert_eq!(s.known(&[&ours, &theirs, &number]).await, [Some("ours".to_owned()), None, None]);
    let [seen_by_a, seen_by_b] = [0, 1].map(|tenant| NoteKey::portfolio(s.scopes.get(tenant).unwrap(), "p"));
    s.register.note(&[s.told(&seen_by_a, "100000", 0)]).await.unwrap();
    assert_eq!(s.known(&[&seen_by_b]).await, [Some("100000".to_owned())]);
}

/// A list pages through the notes of one kind, of all tenants.
pub async fn a_list_pages_through_one_kind(s: Subject) {
    let keys = [s.template(0, "a"), s.template(0, "b"), s.template(1, "a")];
    let notes: Vec<Note> = keys.iter().map(|key| s.told(key, "t", 0)).collect();
    s.register.note(&notes).await.unwrap();
    s.register.note(&[s.told(&NoteKey::new(&s.scopes[0], NoteKind::Media, "m"), "t", 0)]).await.unwrap();
    let first = s.register.list(NoteKind::Template, None, 2).await.unwrap();
    let [a, b, c] = notes.as_slice() else { unreachable!() };
    assert_eq!(first, [a.clone(), b.clone()]);
    let rest = s.register.list(NoteKind::Template, Some(keys[1].clone()), 2).await.unwrap();
    assert_eq!(rest, std::slice::from_ref(c));
    assert_eq!(s.register.list(NoteKind::Number, None, 2).await.unwrap(), []);
}

/// What is forgotten is not known any more, and may be noted anew with any instant.
pub async fn what_is_forgotten_is_gone(s: Subject) {
    let (one, two) = (s.template(0, "one"), s.template(0, "two"));
    s.register.note(&[s.told(&one, "x", 20), s.told(&two, "x", 20)]).await.unwrap();
    s.register.forget(std::slice::from_ref(&one)).await.unwrap();
    assert_eq!(s.known(&[&one, &two]).await, [None, Some("x".to_owned())]);
    s.register.note(&[s.told(&one, "y", 10)]).await.unwrap();
    assert_eq!(s.known(&[&one]).await, [Some("y".to_owned())]);
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! register_conformance {
    ($new:path) => {
        $crate::conformance_cases! { register, $new:
            what_was_noted_is_found
            the_later_note_counts
            a_tie_ends_the_same_in_any_order
            tenants_and_kinds_are_kept_apart
            a_list_pages_through_one_kind
            what_is_forgotten_is_gone
        }
    };
}
