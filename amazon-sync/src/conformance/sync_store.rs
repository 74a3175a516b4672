//! What every [`SyncStore`] promises.

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::EntryId;
use rules_core::judge::key::ChainKey;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::clock::Clock;
use rules_core::work::events::Entry;
use rules_core::work::outbox::Outbox;

use crate::host_stock::Count;
use crate::ledger::{Booked, Bucket, Cause, Movement, MovementKey, Position, Seq};
use crate::order::{LineId, OrderId, OrderStatus, OrderVersion, ShippedBy};
use crate::quantity::{Quantity, Units};
use crate::seller::{Region, SellerAccount, SellerId, Shelf};
use crate::sku::{ItemCode, Sku};
use crate::sync_store::{
    Commit, Committed, Cursor, History, ItemRecord, Items, LineTarget, MovementOutcome, OrderOutcome,
    OrderReport, Part, Receipt, SyncStore,
};

mod counts;
mod items;
mod letters;
mod listings;
mod movements;
mod orders;
mod steps;

pub use counts::*;
pub use items::*;
pub use letters::*;
pub use listings::*;
pub use movements::*;
pub use orders::*;
pub use steps::*;

/// Lends one empty store to a case.
pub struct Subject {
    /// The port.
    pub store: Arc<dyn SyncStore>,
    /// The outbox of the same store.
    pub outbox: Arc<dyn Outbox>,
    /// Two tenants.
    pub scopes: [Arc<TenantScope>; 2],
    /// The clock that the store reads.
    pub clock: Arc<dyn Clock>,
    /// Moves that clock forward.
    pub advance: Box<dyn Fn(Duration) + Send + Sync>,
    /// What lives as long as the subject, such as a folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("store", &self.store).finish_non_exhaustive()
    }
}

fn item(code: &str) -> ItemCode {
    ItemCode::parse(code).unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn line_id(text: &str) -> LineId {
    LineId::parse(text).unwrap()
}

fn quantity(number: i64) -> Quantity {
    Quantity::new(number).unwrap()
}

/// The instant so many seconds into the cases' day.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_613_600, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn version(number: i64) -> OrderVersion {
    OrderVersion { updated_at: at(number * 60), digest: number.cast_unsigned() }
}

fn part(code: &str, bucket: Bucket, units: i64) -> Part {
    Part { item: item(code), bucket, units: Units::new(units) }
}

/// A line of the listing `code`, made of one `code` each, with so many to ship and so many shipped.
fn line(id: &str, code: &str, open: i64, shipped: i64) -> LineTarget {
    let gone: Vec<Part> = (0 < shipped).then(|| part(code, Bucket::OnHand, -shipped)).into_iter().collect();
    let open_part = (0 < open).then(|| part(code, Bucket::Committed, open));
    LineTarget {
        line: line_id(id),
        sku: Some(sku(code)),
        sold: Units::new(open + shipped),
        parts: Some(open_part.into_iter().chain(gone.clone()).collect()),
        shipped_parts: gone,
    }
}

/// The same line with a SKU that is not mapped.
fn unmapped(line: LineTarget) -> LineTarget {
    LineTarget { parts: None, shipped_parts: Vec::new(), ..line }
}

fn movement(key: &str, code: &str, bucket: Bucket, by: i64, at: DateTime<Utc>) -> Movement {
    Movement {
        key: MovementKey(key.to_owned()),
        item: item(code),
        bucket,
        by: Units::new(by),
        cause: Cause::Received,
        at,
    }
}

fn count(code: &str, number: i64, includes: Option<Seq>, at: DateTime<Utc>) -> Count {
    Count { item: item(code), quantity: quantity(number), includes, at }
}

fn entry(scope: &TenantScope, name: &str) -> Entry {
    Entry {
        id: EntryId::of(&[name.as_bytes()]),
        chain: ChainKey::of(scope.id()),
        at: at(0),
        kind: Code::known("test.happened"),
        body: format!(r#"{{"what":"{name}"}}"#),
    }
}

impl Subject {
    /// A shelf of tenant 0 or 1.
    fn shelf_of(&self, tenant: usize, name: &str) -> Shelf {
        Shelf::new(self.scopes.get(tenant).unwrap(), name).unwrap()
    }

    fn shelf(&self) -> Shelf {
        self.shelf_of(0, "main")
    }

    fn account_of(&self, tenant: usize, seller: &str, region: Region) -> SellerAccount {
        SellerAccount::new(self.scopes.get(tenant).unwrap(), SellerId::parse(seller).unwrap(), region)
    }

    fn account(&self) -> SellerAccount {
        self.account_of(0, "A2NEXAMPLETF53", Region::Europe)
    }

    /// A report of an order of the account that is still to be shipped.
    fn report(&self, order: &str, number: i64, lines: &[LineTarget]) -> OrderReport {
        OrderReport {
            account: self.account(),
            order: OrderId::parse(order).unwrap(),
            version: version(number),
            status: OrderStatus::Unshipped,
            shipped_by: ShippedBy::Merchant,
            lines: lines.to_vec(),
        }
    }

    fn cancelled(&self, order: &str, number: i64, lines: &[LineTarget]) -> OrderReport {
        OrderReport { status: OrderStatus::Cancelled, ..self.report(order, number, lines) }
    }

    async fn commit_to(&self, on: &Shelf, commit: &Commit) -> Receipt {
        match self.store.commit(on, commit).await.unwrap() {
            Committed::Done(receipt) => receipt,
            Committed::Fenced(cursor) => unreachable!("{cursor:?}"),
        }
    }

    /// A commit to the main shelf that must be carried out.
    async fn commit(&self, commit: &Commit) -> Receipt {
        self.commit_to(&self.shelf(), commit).await
    }

    /// Commits one report and says what became of it.
    async fn reported(&self, report: OrderReport) -> OrderOutcome {
        let commit = Commit { orders: vec![report], ..Commit::default() };
        self.commit(&commit).await.orders.pop().unwrap()
    }

    async fn moved(&self, movement: Movement) -> MovementOutcome {
        let commit = Commit { movements: vec![movement], ..Commit::default() };
        self.commit(&commit).await.movements.pop().unwrap()
    }

    async fn counted(&self, count: Count) -> MovementOutcome {
        let commit = Commit { counts: vec![count], ..Commit::default() };
        self.commit(&commit).await.counts.pop().unwrap()
    }

    async fn items(&self, select: &Items) -> Vec<ItemRecord> {
        self.store.positions(&self.shelf(), select).await.unwrap()
    }

    async fn codes(&self, select: &Items) -> Vec<String> {
        self.items(select).await.iter().map(|record| record.item.to_string()).collect()
    }

    async fn position(&self, code: &str) -> Position {
        let found = self.items(&Items::Named(vec![item(code)])).await;
        found.first().map(|record| record.position).unwrap_or_default()
    }

    /// On hand, reserved and committed of an item.
    async fn units(&self, code: &str) -> [i64; 3] {
        let position = self.position(code).await;
        [position.on_hand, position.reserved, position.committed].map(Units::get)
    }

    async fn history_of(&self, code: Option<&str>) -> Vec<Booked> {
        let select = History { item: code.map(item), after: Seq(0), until: None, max: 1_000 };
        self.store.history(&self.shelf(), &select).await.unwrap()
    }

    async fn cursor(&self) -> Cursor {
        let cursors = self.store.cursors(&self.shelf(), &[self.account()]).await.unwrap();
        cursors.accounts.first().cloned().unwrap()
    }
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! sync_store_conformance {
    ($new:path) => {
        $crate::conformance_cases! { sync_store, $new:
            an_order_is_booked_line_by_line
            a_repeated_report_changes_nothing
            a_newer_report_books_the_difference
            news_that_moves_nothing_is_news
            an_older_report_changes_nothing_that_is_known
            a_tie_goes_to_the_greater_digest
            a_late_report_tells_what_no_newer_one_held
            a_line_that_vanishes_keeps_what_it_holds
            a_cancelled_order_keeps_what_has_shipped
            a_late_line_of_a_cancelled_order_keeps_what_has_shipped
            a_line_is_booked_when_its_sku_is_mapped
            the_first_map_of_a_version_stands
            a_line_that_cannot_be_mapped_keeps_what_it_holds
            any_order_of_reports_ends_in_the_same_position
            orders_belong_to_their_account
            versions_of_orders_are_told_in_order
            an_order_that_cannot_be_expressed_is_refused_alone
            movements_of_an_order_say_why
            no_two_movements_have_one_key
            sales_are_counted_by_listing
            sales_of_an_unmapped_sku_are_counted
            what_amazon_ships_is_no_sale
            an_unknown_status_is_kept
            a_movement_comes_back_whole
            a_known_key_is_passed_over
            a_key_counts_once_within_a_commit
            a_movement_of_nothing_is_passed_over
            a_sum_that_cannot_be_expressed_is_refused
            a_receipt_answers_in_order
            a_repeated_commit_moves_nothing
            a_position_is_the_sum_of_its_movements
            numbers_rise_without_gaps
            history_comes_in_pages
            history_of_an_item_is_its_own
            history_ends_at_an_instant
            shelves_know_nothing_of_each_other
            a_count_sets_what_is_on_hand
            a_first_count_of_nothing_is_booked
            a_count_of_what_is_known_moves_nothing
            shipments_are_taken_off_a_count
            shipments_that_a_count_includes_are_not_taken_off
            a_shipment_that_is_taken_back_counts_back
            what_moved_after_a_count_is_added
            what_a_count_includes_is_booked_with_its_opposite
            an_older_count_changes_nothing
            of_two_counts_of_one_instant_the_lower_one_counts
            a_count_leaves_other_buckets_alone
            a_count_that_cannot_be_expressed_is_refused
            named_items_come_in_order
            all_items_come_in_pages
            an_item_is_dirty_until_it_is_reconciled
            an_item_that_moved_meanwhile_stays_dirty
            what_was_reconciled_stays_so
            the_longest_dirty_come_first
            a_commit_may_move_and_reconcile
            a_record_comes_back_whole
            a_change_of_an_old_revision_is_not_made
            sales_do_not_raise_the_revision
            named_listings_come_in_order
            all_listings_come_in_pages
            the_longest_waiting_intent_comes_first
            everything_begins_at_its_beginning
            a_step_raises_the_revision
            a_fence_that_fails_changes_nothing
            one_of_two_steps_is_made
            a_cursor_never_goes_back
            a_fence_without_a_step_only_guards
            cursors_belong_to_their_account
            a_step_without_a_fence_is_refused
            an_account_of_another_tenant_is_refused
            the_hosts_mark_is_kept
            evidence_is_put_out_with_its_commit
            letters_come_in_pages
            a_second_letter_replaces_the_first
            the_very_same_letter_is_not_counted
            an_answered_letter_is_gone
        }
    };
}
