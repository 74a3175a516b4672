use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Subject, at, count, item, line, movement};
use crate::ledger::{Booked, Bucket, Cause, Movement, Position, Seq};
use crate::order::{LineId, OrderId};
use crate::seller::SellerAccount;
use crate::sync_store::{Commit, History, MovementOutcome};

impl Subject {
    /// Books five movements, a minute apart: of mug, cup, mug, mug and cup.
    async fn five(&self) {
        for (key, code) in ["mug", "cup", "mug", "mug", "cup"].into_iter().enumerate() {
            self.moved(movement(&key.to_string(), code, Bucket::OnHand, 1, at(0))).await;
            (self.advance)(Duration::from_secs(60));
        }
    }

    async fn numbers(&self, code: Option<&str>, after: u64, max: usize) -> Vec<u64> {
        let select = History { item: code.map(item), after: Seq(after), until: None, max };
        numbers(&self.store.history(&self.shelf(), &select).await.unwrap())
    }
}

fn numbers(history: &[Booked]) -> Vec<u64> {
    history.iter().map(|booked| booked.seq.0).collect()
}

/// A movement comes back as it was given, with its number and the instant at which it was booked.
pub async fn a_movement_comes_back_whole(s: Subject) {
    let order = OrderId::parse("902-3159896-1390916").unwrap();
    let causes = [
        Cause::order(&s.account(), &order, &LineId::parse("1").unwrap()),
        Cause::Counted,
        Cause::SoldElsewhere,
        Cause::Received,
        Cause::Returned,
        Cause::Inspected,
        Cause::Host { reason: "broken \"in two\" ✗".to_owned() },
    ];
    let mut expected = Vec::new();
    for (seq, cause) in (1..).zip(causes) {
        let bucket = *Bucket::ALL.iter().cycle().nth(usize::try_from(seq).unwrap()).unwrap();
        let movement = Movement { cause, ..movement(&format!("key {seq}"), "mug", bucket, -7, at(3)) };
        assert_eq!(s.moved(movement.clone()).await, MovementOutcome::Booked(Seq(seq)));
        expected.push(Booked { seq: Seq(seq), booked_at: s.clock.now(), movement });
        (s.advance)(Duration::from_secs(1));
    }
    assert_eq!(s.history_of(None).await, expected);
}

/// A movement whose key is booked is passed over, whatever it says; keys are the shelf's own.
pub async fn a_known_key_is_passed_over(s: Subject) {
    s.moved(movement("receipt 7", "mug", Bucket::OnHand, 5, at(0))).await;
    let again = movement("receipt 7", "cup", Bucket::OnHand, 9, at(1));
    assert_eq!(s.moved(again.clone()).await, MovementOutcome::Known);
    assert_eq!((s.units("mug").await, s.units("cup").await), ([5, 0, 0], [0, 0, 0]));
    let commit = Commit { movements: vec![again], ..Commit::default() };
    let elsewhere = s.commit_to(&s.shelf_of(0, "other"), &commit).await;
    assert_eq!(elsewhere.movements, [MovementOutcome::Booked(Seq(1))]);
}

/// A key that stands twice in one commit is booked once.
pub async fn a_key_counts_once_within_a_commit(s: Subject) {
    let one = movement("receipt 7", "mug", Bucket::OnHand, 5, at(0));
    let receipt = s.commit(&Commit { movements: vec![one.clone(), one], ..Commit::default() }).await;
    assert_eq!(receipt.movements, [MovementOutcome::Booked(Seq(1)), MovementOutcome::Known]);
    assert_eq!(s.units("mug").await, [5, 0, 0]);
}

/// A movement of no units is not booked.
pub async fn a_movement_of_nothing_is_passed_over(s: Subject) {
    let nothing = movement("a", "mug", Bucket::OnHand, 0, at(0));
    assert_eq!(s.moved(nothing).await, MovementOutcome::Known);
    assert_eq!(s.history_of(None).await, []);
}

/// A movement whose sum cannot be expressed is refused, and the others are booked.
pub async fn a_sum_that_cannot_be_expressed_is_refused(s: Subject) {
    let movements = vec![
        movement("a", "mug", Bucket::Inbound, i64::MAX, at(0)),
        movement("b", "mug", Bucket::Inbound, 1, at(0)),
        movement("c", "mug", Bucket::OnHand, 1, at(0)),
    ];
    let receipt = s.commit(&Commit { movements, ..Commit::default() }).await;
    let booked = MovementOutcome::Booked;
    assert_eq!(receipt.movements, [booked(Seq(1)), MovementOutcome::Refused, booked(Seq(2))]);
    assert_eq!(s.units("mug").await, [1, 0, 0]);
}

/// A commit's orders are booked first, then its movements, then its counts, each in order, and its
/// receipt answers all of them in order.
pub async fn a_receipt_answers_in_order(s: Subject) {
    let commit = Commit {
        counts: vec![count("cup", 3, None, at(0)), count("cup", 2, None, at(-9))],
        movements: vec![
            movement("b", "mug", Bucket::OnHand, 1, at(0)),
            movement("a", "mug", Bucket::OnHand, 1, at(0)),
        ],
        orders: vec![s.report("902-0000000-0000001", 1, &[line("1", "mug", 1, 1)])],
        ..Commit::default()
    };
    let receipt = s.commit(&commit).await;
    assert_eq!(receipt.movements, [3, 4].map(|seq| MovementOutcome::Booked(Seq(seq))));
    assert_eq!(receipt.counts, [MovementOutcome::Booked(Seq(5)), MovementOutcome::Known]);
    assert_eq!((receipt.orders.len(), receipt.seq), (1, Seq(5)));
    assert_eq!(s.commit(&Commit::default()).await.seq, Seq(5));
}

/// A repeat of a whole commit moves nothing.
pub async fn a_repeated_commit_moves_nothing(s: Subject) {
    let commit = Commit {
        counts: vec![count("cup", 3, None, at(5)), count("mug", 2, Some(Seq(1)), at(5))],
        movements: vec![movement("a", "mug", Bucket::OnHand, 1, at(0))],
        orders: vec![s.report("902-0000000-0000001", 1, &[line("1", "mug", 1, 1)])],
        ..Commit::default()
    };
    s.commit(&commit).await;
    let before = s.history_of(None).await;
    assert_eq!(s.commit(&commit).await.seq, before.last().unwrap().seq);
    assert_eq!(s.history_of(None).await, before);
}

/// A position is the sum of its movements, up to the last of them.
pub async fn a_position_is_the_sum_of_its_movements(s: Subject) {
    let mut movements = Vec::new();
    for (number, bucket) in (0_i64..40).zip(Bucket::ALL.iter().cycle()) {
        let code = if number % 3 == 0 { "mug" } else { "cup" };
        movements.push(movement(&number.to_string(), code, *bucket, number * 7 % 11 - 5, at(number)));
    }
    s.commit(&Commit { movements, counts: vec![count("mug", 4, None, at(20))], ..Commit::default() }).await;
    s.reported(s.report("902-0000000-0000001", 1, &[line("1", "mug", 2, 1)])).await;
    let mut sums: HashMap<String, Position> = HashMap::new();
    for Booked { seq, movement, .. } in s.history_of(None).await {
        let sum = sums.entry(movement.item.to_string()).or_default();
        *sum = sum.after(movement.bucket, movement.by, seq).unwrap();
    }
    for code in ["mug", "cup"] {
        assert_eq!(Some(&s.position(code).await), sums.get(code), "{code}");
    }
}

/// Movements are numbered from 1 without gaps, also by commits at once, and none is booked before
/// the one in front of it.
pub async fn numbers_rise_without_gaps(s: Subject) {
    let store = Arc::clone(&s.store);
    let (shelf, account) = (s.shelf(), s.account());
    let commits = (0..16).map(|number: i64| {
        let (store, shelf) = (Arc::clone(&store), shelf.clone());
        let report = report_of(&s, &account, number);
        tokio::spawn(async move {
            let commit = Commit {
                orders: vec![report],
                movements: vec![movement(&number.to_string(), "mug", Bucket::OnHand, 1, at(0))],
                ..Commit::default()
            };
            store.commit(&shelf, &commit).await.unwrap()
        })
    });
    for commit in commits.collect::<Vec<_>>() {
        commit.await.unwrap();
    }
    assert_eq!(s.units("mug").await, [16, 0, 16]);
    let history = s.history_of(None).await;
    assert_eq!(numbers(&history), (1..=32).collect::<Vec<_>>());
    assert!(history.is_sorted_by_key(|booked| booked.booked_at));
}

fn report_of(s: &Subject, account: &SellerAccount, number: i64) -> crate::sync_store::OrderReport {
    crate::sync_store::OrderReport {
        account: account.clone(),
        ..s.report(&format!("902-{number:07}-0000001"), number, &[line("1", "mug", 1, 0)])
    }
}

/// History comes in the order of its numbers, from behind a number, at most so many.
pub async fn history_comes_in_pages(s: Subject) {
    s.five().await;
    assert_eq!(s.numbers(None, 0, 3).await, [1, 2, 3]);
    assert_eq!(s.numbers(None, 3, 3).await, [4, 5]);
    assert_eq!(s.numbers(None, 5, 3).await, [0; 0]);
    assert_eq!(s.numbers(None, 0, 0).await, [0; 0]);
    assert_eq!(s.numbers(None, u64::MAX, 1).await, [0; 0]);
}

/// History of one item holds its movements and no other.
pub async fn history_of_an_item_is_its_own(s: Subject) {
    s.five().await;
    assert_eq!(s.numbers(Some("mug"), 0, 10).await, [1, 3, 4]);
    assert_eq!(s.numbers(Some("mug"), 1, 1).await, [3]);
    assert_eq!(s.numbers(Some("cup"), 2, 10).await, [5]);
    assert_eq!(s.numbers(Some("jug"), 0, 10).await, [0; 0]);
}

/// History ends at an instant: with what was booked by then, that instant included.
pub async fn history_ends_at_an_instant(s: Subject) {
    let start = s.clock.now();
    s.five().await;
    for (minutes, all, mugs) in [(-1, 0, 0), (0, 1, 1), (2, 3, 2), (9, 5, 3)] {
        let until = Some(start + chrono::TimeDelta::minutes(minutes));
        for (item, expected) in [(None, all), (Some(item("mug")), mugs)] {
            let select = History { item, after: Seq(0), until, max: 10 };
            let history = s.store.history(&s.shelf(), &select).await.unwrap();
            assert_eq!(history.len(), expected, "{select:?}");
        }
    }
}

/// Shelves know nothing of each other, whether they are of one tenant or of two.
pub async fn shelves_know_nothing_of_each_other(s: Subject) {
    let others = [s.shelf_of(0, "other"), s.shelf_of(1, "main")];
    for (other, units) in others.iter().zip([2, 3]) {
        let movements = vec![movement("a", "mug", Bucket::OnHand, units, at(0))];
        let receipt = s.commit_to(other, &Commit { movements, ..Commit::default() }).await;
        assert_eq!(receipt.seq, Seq(1));
    }
    assert_eq!(s.units("mug").await, [0, 0, 0]);
    assert_eq!(s.history_of(None).await, []);
}
