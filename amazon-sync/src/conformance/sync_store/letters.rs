use rules_core::judge::code::Code;

use super::{Subject, at};
use crate::sync_store::{Commit, Letter, NewLetter};

const UNMAPPED: Code = Code::known("sku.unmapped");
const POISON: Code = Code::known("order.unreadable");

fn letter(subject: &str, code: Code, text: &str, seconds: i64) -> NewLetter {
    NewLetter { subject: subject.to_owned(), code, text: text.to_owned(), at: at(seconds) }
}

impl Subject {
    async fn put(&self, letters: &[NewLetter]) {
        self.commit(&Commit { letters: letters.to_vec(), ..Commit::default() }).await;
    }

    async fn waiting(&self) -> Vec<Letter> {
        self.store.letters(&self.shelf(), 0, 99).await.unwrap()
    }
}

/// Letters come in the order in which they were put, from behind a number, at most so many.
pub async fn letters_come_in_pages(s: Subject) {
    let letters = ["c", "a", "b"].map(|subject| letter(subject, UNMAPPED, "map it ✓", 5));
    s.put(&letters).await;
    let first = s.store.letters(&s.shelf(), 0, 2).await.unwrap();
    let rest = s.store.letters(&s.shelf(), first.last().unwrap().number, 2).await.unwrap();
    let found: Vec<_> = first.iter().chain(&rest).map(|letter| letter.letter.clone()).collect();
    assert_eq!((found.as_slice(), rest.len()), (letters.as_slice(), 1));
    assert_eq!(s.store.letters(&s.shelf(), u64::MAX, 9).await.unwrap(), []);
    assert_eq!(s.store.letters(&s.shelf_of(1, "main"), 0, 9).await.unwrap(), []);
}

/// A second letter about the same subject with the same code replaces the first, keeps its place
/// and is counted.
pub async fn a_second_letter_replaces_the_first(s: Subject) {
    s.put(&[letter("a", UNMAPPED, "map it", 5), letter("a", POISON, "look", 5)]).await;
    s.put(&[letter("a", UNMAPPED, "map it at last", 9), letter("b", UNMAPPED, "map it", 9)]).await;
    let waiting = s.waiting().await;
    assert_eq!(waiting.iter().map(|letter| letter.times).collect::<Vec<_>>(), [2, 1, 1]);
    let first = waiting.first().unwrap();
    assert_eq!(first.letter, letter("a", UNMAPPED, "map it at last", 9));
    assert_eq!((first.first_at, first.number), (at(5), 1));
}

/// The very same letter again, as a repeated commit puts it, is not counted.
pub async fn the_very_same_letter_is_not_counted(s: Subject) {
    for _ in 0..3 {
        s.put(&[letter("a", UNMAPPED, "map it", 5)]).await;
    }
    assert_eq!(s.waiting().await.iter().map(|letter| letter.times).collect::<Vec<_>>(), [1]);
}

/// A letter that is answered is gone; its number is not given again, and its subject may be written
/// about anew.
pub async fn an_answered_letter_is_gone(s: Subject) {
    s.put(&[letter("a", UNMAPPED, "map it", 5), letter("b", UNMAPPED, "map it", 5)]).await;
    s.commit(&Commit { answered: vec![2, 77, u64::MAX], ..Commit::default() }).await;
    s.put(&[letter("b", UNMAPPED, "map it", 7)]).await;
    let waiting = s.waiting().await;
    let told: Vec<_> =
        waiting.iter().map(|one| (one.number, one.letter.subject.as_str(), one.times)).collect();
    assert_eq!(told, [(1, "a", 1), (3, "b", 1)]);
    assert_eq!(waiting.last().unwrap().first_at, at(7));
}
