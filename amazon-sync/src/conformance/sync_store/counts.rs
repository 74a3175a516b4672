use super::{Subject, at, count, line, movement};
use crate::ledger::{Bucket, Cause, Seq};
use crate::sync_store::{Commit, MovementOutcome};

impl Subject {
    /// Ships so many mugs by an order of its own; the number of the movement.
    async fn ship(&self, order: u32, units: i64) -> Seq {
        self.reported(self.report(&format!("902-{order:07}-0000001"), 1, &[line("1", "mug", 0, units)]))
            .await;
        self.position("mug").await.seq
    }

    async fn on_hand(&self) -> i64 {
        self.position("mug").await.on_hand.get()
    }
}

/// What is on hand is what was counted; the difference is one movement.
pub async fn a_count_sets_what_is_on_hand(s: Subject) {
    s.moved(movement("a", "mug", Bucket::OnHand, 4, at(0))).await;
    assert_eq!(s.counted(count("mug", 10, None, at(1))).await, MovementOutcome::Booked(Seq(2)));
    assert_eq!(s.on_hand().await, 10);
    let history = s.history_of(Some("mug")).await;
    let last = &history.last().unwrap().movement;
    assert_eq!((last.by.get(), last.bucket, last.at), (6, Bucket::OnHand, at(1)));
    assert_eq!(last.cause, Cause::Counted);
}

/// The first count of an item is booked even when it moves nothing, so that the item is reconciled.
pub async fn a_first_count_of_nothing_is_booked(s: Subject) {
    assert_eq!(s.counted(count("mug", 0, None, at(1))).await, MovementOutcome::Booked(Seq(1)));
    assert_eq!(s.codes(&crate::sync_store::Items::Dirty { max: 9 }).await, ["mug"]);
}

/// A count that finds what the ledger has moves nothing.
pub async fn a_count_of_what_is_known_moves_nothing(s: Subject) {
    s.counted(count("mug", 10, None, at(1))).await;
    assert_eq!(s.counted(count("mug", 10, None, at(2))).await, MovementOutcome::Known);
    assert_eq!(s.history_of(None).await.len(), 1);
    // It counts all the same: what is older changes nothing.
    assert_eq!(s.counted(count("mug", 3, None, at(1))).await, MovementOutcome::Known);
    assert_eq!(s.on_hand().await, 10);
}

/// What orders have shipped is taken off a count that includes none of it, however often it is
/// counted and whatever ships in between.
pub async fn shipments_are_taken_off_a_count(s: Subject) {
    s.counted(count("mug", 10, None, at(1))).await;
    s.ship(1, 3).await;
    assert_eq!(s.on_hand().await, 7);
    s.counted(count("mug", 10, None, at(2))).await;
    assert_eq!(s.on_hand().await, 7);
    s.ship(2, 2).await;
    s.counted(count("mug", 9, None, at(3))).await;
    assert_eq!(s.on_hand().await, 4);
}

/// What orders have shipped up to the movement that a count includes is not taken off it.
pub async fn shipments_that_a_count_includes_are_not_taken_off(s: Subject) {
    s.counted(count("mug", 10, None, at(1))).await;
    let first = s.ship(1, 3).await;
    let second = s.ship(2, 2).await;
    s.counted(count("mug", 7, Some(first), at(2))).await;
    assert_eq!(s.on_hand().await, 5);
    s.counted(count("mug", 4, Some(second), at(3))).await;
    assert_eq!(s.on_hand().await, 4);
    s.ship(3, 1).await;
    s.counted(count("mug", 4, Some(second), at(4))).await;
    assert_eq!(s.on_hand().await, 3);
    // A host that names more than there is has included all there is.
    s.counted(count("mug", 8, Some(Seq(u64::MAX)), at(5))).await;
    assert_eq!(s.on_hand().await, 8);
}

/// A shipment that turns out not to have been one goes back onto a count that does not include it.
pub async fn a_shipment_that_is_taken_back_counts_back(s: Subject) {
    s.counted(count("mug", 10, None, at(1))).await;
    s.reported(s.report("902-0000001-0000001", 1, &[line("1", "mug", 0, 3)])).await;
    s.counted(count("mug", 10, None, at(2))).await;
    s.reported(s.report("902-0000001-0000001", 2, &[line("1", "mug", 2, 1)])).await;
    assert_eq!(s.units("mug").await, [9, 0, 2]);
    s.counted(count("mug", 10, None, at(3))).await;
    assert_eq!(s.units("mug").await, [9, 0, 2]);
}

/// What the host moved after a count is added to it, also when it was told before the count.
pub async fn what_moved_after_a_count_is_added(s: Subject) {
    s.moved(movement("receipt", "mug", Bucket::OnHand, 5, at(10))).await;
    s.moved(movement("sale", "mug", Bucket::OnHand, -1, at(3))).await;
    s.counted(count("mug", 20, None, at(5))).await;
    assert_eq!(s.on_hand().await, 25);
    s.moved(movement("another sale", "mug", Bucket::OnHand, -2, at(11))).await;
    assert_eq!(s.on_hand().await, 23);
    s.counted(count("mug", 24, None, at(10))).await;
    assert_eq!(s.on_hand().await, 22);
}

/// What the host moved by the time of a count is included in it: told later, it is booked together
/// with its opposite, and known by its key.
pub async fn what_a_count_includes_is_booked_with_its_opposite(s: Subject) {
    s.counted(count("mug", 20, None, at(5))).await;
    let late = movement("receipt", "mug", Bucket::OnHand, 5, at(5));
    assert_eq!(s.moved(late.clone()).await, MovementOutcome::Booked(Seq(2)));
    assert_eq!(s.on_hand().await, 20);
    let units: Vec<_> = s.history_of(None).await.iter().map(|booked| booked.movement.by.get()).collect();
    assert_eq!(units, [20, 5, -5]);
    assert_eq!(s.moved(late).await, MovementOutcome::Known);
    s.counted(count("mug", 21, None, at(6))).await;
    assert_eq!(s.on_hand().await, 21);
}

/// An older count changes nothing.
pub async fn an_older_count_changes_nothing(s: Subject) {
    s.counted(count("mug", 10, None, at(5))).await;
    assert_eq!(s.counted(count("mug", 3, None, at(4))).await, MovementOutcome::Known);
    assert_eq!(s.on_hand().await, 10);
    // Another item has counts of its own.
    assert_eq!(s.counted(count("cup", 3, None, at(4))).await, MovementOutcome::Booked(Seq(2)));
}

/// Of two counts of one instant the one that includes more counts, then the lower one, whichever
/// came first.
pub async fn of_two_counts_of_one_instant_the_lower_one_counts(s: Subject) {
    s.counted(count("mug", 10, None, at(5))).await;
    s.counted(count("mug", 8, None, at(5))).await;
    s.counted(count("mug", 9, None, at(5))).await;
    assert_eq!(s.on_hand().await, 8);
    s.counted(count("mug", 12, Some(Seq(1)), at(5))).await;
    s.counted(count("mug", 7, None, at(5))).await;
    assert_eq!(s.on_hand().await, 12);
}

/// Counts say what is on hand and leave everything else alone.
pub async fn a_count_leaves_other_buckets_alone(s: Subject) {
    let movements = vec![
        movement("a", "mug", Bucket::Quarantine, 2, at(9)),
        movement("b", "mug", Bucket::Inbound, 3, at(1)),
    ];
    s.commit(&Commit { movements, ..Commit::default() }).await;
    s.reported(s.report("902-0000001-0000001", 1, &[line("1", "mug", 4, 0)])).await;
    s.counted(count("mug", 10, None, at(5))).await;
    s.moved(movement("c", "mug", Bucket::Quarantine, 1, at(2))).await;
    let position = s.position("mug").await;
    let units = Bucket::ALL.map(|bucket| position.of(bucket).get());
    assert_eq!(units, [10, 0, 4, 3, 3]);
}

/// A count whose difference cannot be expressed is refused.
pub async fn a_count_that_cannot_be_expressed_is_refused(s: Subject) {
    s.moved(movement("a", "mug", Bucket::OnHand, -i64::MAX, at(1))).await;
    assert_eq!(s.counted(count("mug", 10, None, at(5))).await, MovementOutcome::Refused);
    assert_eq!(s.on_hand().await, -i64::MAX);
    s.moved(movement("b", "mug", Bucket::OnHand, i64::MAX, at(2))).await;
    assert_eq!(s.counted(count("mug", 10, None, at(4))).await, MovementOutcome::Booked(Seq(3)));
}
