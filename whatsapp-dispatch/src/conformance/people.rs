//! What every [`People`](crate::people::People) promises.

use std::time::Duration;

pub use super::Subject;
use super::number;
use crate::people::{Address, ConsentChange, PersonKey};
use crate::phone::PhoneNumber;

impl Subject {
    async fn person(&self, tenant: usize, number: PhoneNumber) -> PersonKey {
        let address = Address::new(self.scopes.get(tenant).unwrap(), number);
        self.people.resolve(&[address]).await.unwrap().pop().unwrap()
    }

    fn word(&self, person: &PersonKey, opted_out: bool, ahead: u64) -> ConsentChange {
        let at = self.instant(Duration::from_secs(ahead));
        ConsentChange { person: person.clone(), opted_out, at, source: "test".to_owned() }
    }

    async fn opted_out(&self, people: &[&PersonKey]) -> Vec<Option<bool>> {
        let people: Vec<PersonKey> = people.iter().copied().cloned().collect();
        let standing = self.people.standing(&people).await.unwrap();
        standing.iter().map(|standing| standing.opted_out).collect()
    }
}

/// Two spellings of one number are one person.
pub async fn two_spellings_are_one_person(s: Subject) {
    // Mexico's old mobile prefix 1, and the same number without it.
    let [old, new] = ["+5215512345678", "+525512345678"].map(|text| PhoneNumber::parse(text).unwrap());
    assert_eq!(s.person(0, old).await, s.person(0, new).await);
}

/// The same number is the same person whenever it is asked for, and another number another one.
pub async fn a_number_is_always_the_same_person(s: Subject) {
    let first = s.person(0, number(1)).await;
    assert_eq!(s.person(0, number(1)).await, first);
    assert_ne!(s.person(0, number(2)).await, first);
}

/// The same number in two tenants is two people, and neither id tells of the other.
pub async fn tenants_know_different_people(s: Subject) {
    let (ours, theirs) = (s.person(0, number(1)).await, s.person(1, number(1)).await);
    assert_ne!(ours.id(), theirs.id());
    assert_eq!((ours.tenant(), theirs.tenant()), (s.scopes[0].id(), s.scopes[1].id()));
    s.people.consent(&[s.word(&ours, true, 0)]).await.unwrap();
    assert_eq!(s.opted_out(&[&ours, &theirs]).await, [Some(true), None]);
}

/// People are found in the order of their addresses.
pub async fn people_come_in_the_order_asked(s: Subject) {
    let addresses = [2, 1, 2].map(|n| Address::new(&s.scopes[0], number(n)));
    let people = s.people.resolve(&addresses).await.unwrap();
    let (one, two) = (s.person(0, number(1)).await, s.person(0, number(2)).await);
    assert_eq!(people, [two.clone(), one, two]);
}

/// Somebody who said nothing stands nowhere.
pub async fn silence_is_no_word(s: Subject) {
    let person = s.person(0, number(1)).await;
    assert_eq!(s.opted_out(&[&person]).await, [None]);
}

/// The later of two words counts, whatever the order in which they are noted.
pub async fn the_later_word_counts(s: Subject) {
    let (one, two) = (s.person(0, number(1)).await, s.person(0, number(2)).await);
    s.people.consent(&[s.word(&one, true, 10), s.word(&one, false, 20)]).await.unwrap();
    s.people.consent(&[s.word(&two, false, 20)]).await.unwrap();
    s.people.consent(&[s.word(&two, true, 10)]).await.unwrap();
    assert_eq!(s.opted_out(&[&one, &two, &one]).await, [Some(false), Some(false), Some(false)]);
    s.people.consent(&[s.word(&one, true, 30)]).await.unwrap();
    assert_eq!(s.opted_out(&[&one, &two]).await, [Some(true), Some(false)]);
}

/// Of two words at one instant the wish to get no messages counts.
pub async fn a_wish_to_get_nothing_counts_in_a_tie(s: Subject) {
    for (n, order) in [(1, [true, false]), (2, [false, true])] {
        let person = s.person(0, number(n)).await;
        for opted_out in order {
            s.people.consent(&[s.word(&person, opted_out, 0)]).await.unwrap();
        }
        assert_eq!(s.opted_out(&[&person]).await, [Some(true)]);
    }
}

/// A repeated word changes nothing.
pub async fn a_word_may_be_repeated(s: Subject) {
    let person = s.person(0, number(1)).await;
    let word = s.word(&person, true, 0);
    for _ in 0..2 {
        s.people.consent(&[word.clone(), word.clone()]).await.unwrap();
        assert_eq!(s.opted_out(&[&person]).await, [Some(true)]);
    }
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! people_conformance {
    ($new:path) => {
        $crate::conformance_cases! { people, $new:
            two_spellings_are_one_person
            a_number_is_always_the_same_person
            tenants_know_different_people
            people_come_in_the_order_asked
            silence_is_no_word
            the_later_word_counts
            a_wish_to_get_nothing_counts_in_a_tie
            a_word_may_be_repeated
        }
    };
}
