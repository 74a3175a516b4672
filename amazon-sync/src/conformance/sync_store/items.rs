use super::{Subject, at, item, movement};
use crate::ledger::{Bucket, Seq};
use crate::sku::ItemCode;
use crate::sync_store::{Commit, Items};

impl Subject {
    /// Moves each of these items once, in this order.
    async fn move_each(&self, round: &str, codes: &[&str]) {
        for code in codes {
            self.moved(movement(&format!("{round} {code}"), code, Bucket::OnHand, 1, at(0))).await;
        }
    }

    async fn reconciled(&self, items: &[(&str, u64)]) {
        let reconciled = items.iter().map(|(code, seq)| (item(code), Seq(*seq))).collect();
        self.commit(&Commit { reconciled, ..Commit::default() }).await;
    }

    async fn dirty(&self, max: usize) -> Vec<String> {
        self.codes(&Items::Dirty { max }).await
    }
}

fn named(codes: &[&str]) -> Items {
    Items::Named(codes.iter().map(|code| item(code)).collect())
}

fn all(after: Option<&str>, max: usize) -> Items {
    Items::All { after: after.map(item), max }
}

/// Items that are named come in the order of their codes, each once, without those that are not
/// known.
pub async fn named_items_come_in_order(s: Subject) {
    s.move_each("a", &["mug", "cup", "Äpfel", "jug"]).await;
    assert_eq!(s.codes(&named(&["mug", "jar", "cup", "mug", "Äpfel"])).await, ["cup", "mug", "Äpfel"]);
    assert_eq!(s.codes(&Items::Named(Vec::new())).await, [""; 0]);
}

/// All items come in the order of their codes, from behind a code, at most so many.
pub async fn all_items_come_in_pages(s: Subject) {
    s.move_each("a", &["mug", "cup", "jug", "Cup"]).await;
    assert_eq!(s.codes(&all(None, 3)).await, ["Cup", "cup", "jug"]);
    assert_eq!(s.codes(&all(Some("jug"), 3)).await, ["mug"]);
    assert_eq!(s.codes(&all(Some("k"), 3)).await, ["mug"]);
    assert_eq!(s.codes(&all(Some("mug"), 3)).await, [""; 0]);
    assert_eq!(s.codes(&all(None, 0)).await, [""; 0]);
}

/// An item is dirty from its first movement on, until it is reconciled up to its last one.
pub async fn an_item_is_dirty_until_it_is_reconciled(s: Subject) {
    assert_eq!(s.dirty(9).await, [""; 0]);
    s.move_each("a", &["mug", "cup"]).await;
    assert_eq!(s.dirty(9).await, ["cup", "mug"]);
    s.reconciled(&[("mug", 1)]).await;
    assert_eq!(s.dirty(9).await, ["cup"]);
    s.move_each("b", &["mug"]).await;
    assert_eq!(s.dirty(9).await, ["cup", "mug"]);
}

/// An item that moved since the movement up to which it was reconciled stays dirty.
pub async fn an_item_that_moved_meanwhile_stays_dirty(s: Subject) {
    s.move_each("a", &["mug"]).await;
    s.move_each("b", &["mug"]).await;
    s.reconciled(&[("mug", 1)]).await;
    assert_eq!(s.dirty(9).await, ["mug"]);
    let record = s.items(&named(&["mug"])).await.remove(0);
    assert_eq!((record.reconciled, record.position.seq), (Seq(1), Seq(2)));
    s.reconciled(&[("mug", 2)]).await;
    assert_eq!(s.dirty(9).await, [""; 0]);
}

/// What an item was reconciled to never goes back, and never beyond its last movement; an item
/// that is not known is passed over.
pub async fn what_was_reconciled_stays_so(s: Subject) {
    s.move_each("a", &["mug"]).await;
    s.reconciled(&[("mug", 99), ("jar", 3)]).await;
    s.reconciled(&[("mug", 0)]).await;
    let record = s.items(&named(&["mug", "jar"])).await.remove(0);
    assert_eq!((record.reconciled, s.dirty(9).await.len()), (Seq(1), 0));
    s.move_each("b", &["mug"]).await;
    assert_eq!(s.dirty(9).await, ["mug"]);
}

/// Of more dirty items than were asked for, those come that wait longest, in the order of their
/// codes.
pub async fn the_longest_dirty_come_first(s: Subject) {
    s.move_each("a", &["mug", "jug", "cup", "pan"]).await;
    assert_eq!(s.dirty(2).await, ["jug", "mug"]);
    // Moving again does not put an item back, and reconciling it does.
    s.move_each("b", &["mug", "jug"]).await;
    assert_eq!(s.dirty(2).await, ["jug", "mug"]);
    s.reconciled(&[("mug", 5), ("jug", 2)]).await;
    assert_eq!(s.dirty(2).await, ["cup", "jug"], "of the jug there is a movement from before the cup's");
    s.reconciled(&[("jug", 6)]).await;
    s.move_each("c", &["jug"]).await;
    assert_eq!(s.dirty(2).await, ["cup", "pan"]);
    assert_eq!(s.dirty(0).await, [""; 0]);
}

/// A movement and the mark of its reconciliation may stand in one commit.
pub async fn a_commit_may_move_and_reconcile(s: Subject) {
    let movements = vec![movement("a", "mug", Bucket::OnHand, 1, at(0))];
    let reconciled: Vec<(ItemCode, Seq)> = vec![(item("mug"), Seq(1))];
    s.commit(&Commit { movements, reconciled, ..Commit::default() }).await;
    assert_eq!(s.dirty(9).await, [""; 0]);
}
