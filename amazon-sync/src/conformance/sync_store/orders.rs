use std::collections::HashSet;

use super::{Subject, at, item, line, line_id, movement, part, sku, unmapped, version};
use crate::ledger::{Bucket, Cause};
use crate::listing::{Channel, ListingKey};
use crate::order::{OrderId, OrderStatus, OrderVersion, ShippedBy};
use crate::quantity::Units;
use crate::seller::Region;
use crate::sync_store::{Commit, LineTarget, Listings, OrderOutcome, OrderReport};

const ORDER: &str = "902-3159896-1390916";

fn applied(booked: usize) -> OrderOutcome {
    OrderOutcome::Applied { booked, vanished: Vec::new(), first: false }
}

fn new(booked: usize) -> OrderOutcome {
    OrderOutcome::Applied { booked, vanished: Vec::new(), first: true }
}

impl Subject {
    async fn sold(&self, code: &str) -> i64 {
        let key = ListingKey::new(self.account(), sku(code), Channel::Merchant);
        let found = self.store.listings(&self.shelf(), &Listings::Named(vec![key])).await.unwrap();
        found.first().map_or(0, |record| record.sold.get())
    }
}

/// What an order means on the shelf is booked line by line.
pub async fn an_order_is_booked_line_by_line(s: Subject) {
    let lines = [line("1", "mug", 2, 0), line("2", "cup", 1, 3)];
    assert_eq!(s.reported(s.report(ORDER, 1, &lines)).await, new(3));
    assert_eq!(s.units("mug").await, [0, 0, 2]);
    assert_eq!(s.units("cup").await, [-3, 0, 1]);
}

/// A repeat of a report changes nothing and says so.
pub async fn a_repeated_report_changes_nothing(s: Subject) {
    let report = s.report(ORDER, 1, &[line("1", "mug", 2, 0)]);
    s.reported(report.clone()).await;
    let before = s.history_of(None).await;
    assert_eq!(s.reported(report).await, OrderOutcome::Repeated);
    assert_eq!(s.history_of(None).await, before);
}

/// Of a newer report only the difference to what the ledger holds is booked.
pub async fn a_newer_report_books_the_difference(s: Subject) {
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 3, 0)])).await;
    assert_eq!(s.reported(s.report(ORDER, 2, &[line("1", "mug", 1, 2)])).await, applied(2));
    assert_eq!(s.units("mug").await, [-2, 0, 1]);
    let moved: Vec<_> =
        s.history_of(Some("mug")).await.into_iter().map(|one| one.movement.by.get()).collect();
    assert_eq!(moved, [3, -2, -2]);
}

/// A newer report that moves no units is applied, and the one before it is old afterwards.
pub async fn news_that_moves_nothing_is_news(s: Subject) {
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 3, 0)])).await;
    assert_eq!(s.reported(s.report(ORDER, 2, &[line("1", "mug", 3, 0)])).await, applied(0));
    assert_eq!(s.reported(s.report(ORDER, 1, &[line("1", "mug", 3, 0)])).await, OrderOutcome::Stale);
}

/// An older report changes nothing that a newer one told.
pub async fn an_older_report_changes_nothing_that_is_known(s: Subject) {
    s.reported(s.report(ORDER, 2, &[line("1", "mug", 0, 3)])).await;
    assert_eq!(s.reported(s.report(ORDER, 1, &[line("1", "mug", 3, 0)])).await, OrderOutcome::Stale);
    assert_eq!(s.units("mug").await, [-3, 0, 0]);
}

/// Of two versions of one instant the one with the greater digest is the newer one.
pub async fn a_tie_goes_to_the_greater_digest(s: Subject) {
    let tied = |digest, open| OrderReport {
        version: OrderVersion { digest, ..version(1) },
        ..s.report(ORDER, 1, &[line("1", "mug", open, 0)])
    };
    s.reported(tied(u64::MAX, 5)).await;
    assert_eq!(s.reported(tied(7, 2)).await, OrderOutcome::Stale);
    assert_eq!(s.units("mug").await, [0, 0, 5]);
}

/// A line that no newer report held is booked however late it is told, and the late report says
/// that it has vanished since.
pub async fn a_late_report_tells_what_no_newer_one_held(s: Subject) {
    s.reported(s.report(ORDER, 2, &[line("1", "mug", 1, 0)])).await;
    let late = s.report(ORDER, 1, &[line("1", "mug", 2, 0), line("2", "cup", 4, 0)]);
    let vanished = vec![line_id("2")];
    assert_eq!(s.reported(late).await, OrderOutcome::Applied { booked: 1, vanished, first: false });
    assert_eq!((s.units("mug").await, s.units("cup").await), ([0, 0, 1], [0, 0, 4]));
}

/// What the ledger holds for a line stays when a newer report does not hold the line, and the
/// answer names it.
pub async fn a_line_that_vanishes_keeps_what_it_holds(s: Subject) {
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 2, 0), line("2", "cup", 4, 0)])).await;
    let vanished = vec![line_id("2")];
    let outcome = s.reported(s.report(ORDER, 2, &[line("1", "mug", 2, 0)])).await;
    assert_eq!(outcome, OrderOutcome::Applied { booked: 0, vanished, first: false });
    assert_eq!(s.units("cup").await, [0, 0, 4]);
}

/// A cancelled order holds what has shipped of each line and nothing else.
pub async fn a_cancelled_order_keeps_what_has_shipped(s: Subject) {
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 2, 1), line("2", "cup", 4, 0)])).await;
    let outcome = s.reported(s.cancelled(ORDER, 2, &[line("1", "mug", 0, 1)])).await;
    assert_eq!(outcome, applied(2), "nothing vanishes from an order that is no more");
    assert_eq!((s.units("mug").await, s.units("cup").await), ([-1, 0, 0], [0, 0, 0]));
}

/// A line that an older report tells of a cancelled order holds what has shipped of it.
pub async fn a_late_line_of_a_cancelled_order_keeps_what_has_shipped(s: Subject) {
    s.reported(s.cancelled(ORDER, 2, &[])).await;
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 5, 2)])).await;
    assert_eq!(s.units("mug").await, [-2, 0, 0]);
    assert_eq!(s.sold("mug").await, 7);
}

/// A line whose SKU is not mapped moves nothing; when the map has learned the SKU, the same version
/// is applied.
pub async fn a_line_is_booked_when_its_sku_is_mapped(s: Subject) {
    let mapped = line("1", "mug", 2, 0);
    assert_eq!(s.reported(s.report(ORDER, 1, &[unmapped(mapped.clone())])).await, new(0));
    assert_eq!(s.units("mug").await, [0, 0, 0]);
    assert_eq!(s.reported(s.report(ORDER, 1, std::slice::from_ref(&mapped))).await, applied(1));
    assert_eq!(s.reported(s.report(ORDER, 1, &[mapped])).await, OrderOutcome::Repeated);
    assert_eq!(s.units("mug").await, [0, 0, 2]);
}

/// Of two maps by which one version is told the first stands: a map that was corrected meanwhile
/// counts from the next version on.
pub async fn the_first_map_of_a_version_stands(s: Subject) {
    let corrected = LineTarget { sku: Some(sku("mug")), ..line("1", "cup", 2, 0) };
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 2, 0)])).await;
    let again = s.reported(s.report(ORDER, 1, std::slice::from_ref(&corrected))).await;
    assert_eq!(again, OrderOutcome::Repeated);
    assert_eq!(s.reported(s.report(ORDER, 2, &[corrected])).await, applied(2));
    assert_eq!((s.units("mug").await, s.units("cup").await), ([0, 0, 0], [0, 0, 2]));
}

/// What a line holds stays when a newer report of it cannot be mapped, whichever came first.
pub async fn a_line_that_cannot_be_mapped_keeps_what_it_holds(s: Subject) {
    let (older, newer) = (line("1", "mug", 2, 0), unmapped(line("1", "mug", 1, 0)));
    s.reported(s.report(ORDER, 1, std::slice::from_ref(&older))).await;
    s.reported(s.report(ORDER, 2, std::slice::from_ref(&newer))).await;
    assert_eq!(s.units("mug").await, [0, 0, 2]);
    let other = "902-0000000-0000002";
    s.reported(s.report(other, 2, &[newer])).await;
    assert_eq!(s.reported(s.report(other, 1, &[older])).await, applied(1));
    assert_eq!(s.units("mug").await, [0, 0, 4]);
    assert_eq!(s.sold("mug").await, 4, "what was sold of each order at some time");
}

/// Reports of an order in any order and any number end in the same position.
pub async fn any_order_of_reports_ends_in_the_same_position(s: Subject) {
    let reports = |order: &str| {
        [
            s.report(order, 1, &[line("1", "mug", 3, 0), line("2", "cup", 1, 0)]),
            s.report(order, 2, &[unmapped(line("1", "mug", 3, 0)), line("2", "cup", 0, 1)]),
            s.report(order, 3, &[line("1", "mug", 1, 2)]),
            s.cancelled(order, 4, &[line("1", "mug", 0, 2), line("3", "mug", 0, 0)]),
        ]
    };
    let mut orders = 0;
    for first in 0..4 {
        for second in 0..4 {
            for third in 0..4 {
                let order = format!("902-000000{first}-00000{second}{third}");
                for one in [first, second, third, 3, 1, 0, 2, first] {
                    s.reported(reports(&order).get(one).unwrap().clone()).await;
                }
                orders += 1;
                assert_eq!(s.units("mug").await, [-2 * orders, 0, 0], "{order}");
                assert_eq!(s.units("cup").await, [-orders, 0, 0], "{order}");
            }
        }
    }
}

/// Two accounts may have orders of the same name.
pub async fn orders_belong_to_their_account(s: Subject) {
    let report = s.report(ORDER, 1, &[line("1", "mug", 2, 0)]);
    let elsewhere = s.account_of(0, "A2NEXAMPLETF53", Region::NorthAmerica);
    let somebody = s.account_of(0, "A3OTHERSELLER", Region::Europe);
    for account in [elsewhere, somebody] {
        assert_eq!(s.reported(OrderReport { account, ..report.clone() }).await, new(1));
    }
    assert_eq!(s.reported(report).await, new(1));
    assert_eq!(s.units("mug").await, [0, 0, 6]);
}

/// The newest version of each order is told, in the order asked; of one that was never reported,
/// none.
pub async fn versions_of_orders_are_told_in_order(s: Subject) {
    let (other, ghost) = ("902-3159896-1390917", "902-3159896-1390918");
    let asked = [ghost, other, ORDER].map(|order| OrderId::parse(order).unwrap());
    let known = s.store.orders(&s.shelf(), &s.account(), &asked).await.unwrap();
    assert_eq!(known, [None, None, None]);
    s.reported(s.report(ORDER, 3, &[line("1", "mug", 1, 0)])).await;
    s.reported(s.report(ORDER, 2, &[line("1", "mug", 2, 0)])).await;
    s.reported(s.report(other, 1, &[line("1", "mug", 1, 0)])).await;
    let known = s.store.orders(&s.shelf(), &s.account(), &asked).await.unwrap();
    assert_eq!(known, [None, Some(version(1)), Some(version(3))]);
    let stranger = s.account_of(0, "A3NEXAMPLETF53", Region::Europe);
    let unknown = s.store.orders(&s.shelf(), &stranger, &asked).await.unwrap();
    assert_eq!(unknown, [None, None, None]);
}

/// An order with a sum that cannot be expressed is refused as a whole, and the others are booked.
pub async fn an_order_that_cannot_be_expressed_is_refused_alone(s: Subject) {
    s.moved(movement("a", "mug", Bucket::Committed, i64::MAX, at(0))).await;
    let orders = vec![
        s.report("902-0000000-0000001", 1, &[line("1", "cup", 1, 0), line("2", "mug", 1, 0)]),
        s.report("902-0000000-0000002", 1, &[line("1", "cup", 2, 0)]),
    ];
    let outcomes = s.commit(&Commit { orders: orders.clone(), ..Commit::default() }).await.orders;
    let [OrderOutcome::Refused { why }, other] = outcomes.as_slice() else { unreachable!("{outcomes:?}") };
    assert!(why.contains("902-0000000-0000001"), "{why}");
    assert_eq!(*other, new(1));
    assert_eq!(s.units("cup").await, [0, 0, 2]);
    // It is not known, so it is booked once the sum can be expressed.
    s.moved(movement("b", "mug", Bucket::Committed, -5, at(0))).await;
    assert_eq!(s.commit(&Commit { orders, ..Commit::default() }).await.orders.first(), Some(&new(2)));
}

/// A movement of an order says which line it is for, and by which version it was booked.
pub async fn movements_of_an_order_say_why(s: Subject) {
    s.reported(s.report(ORDER, 1, &[line("7", "mug", 2, 0)])).await;
    s.reported(s.report(ORDER, 2, &[line("7", "mug", 1, 0)])).await;
    let history = s.history_of(Some("mug")).await;
    let order = OrderId::parse(ORDER).unwrap();
    for (booked, number) in history.iter().zip([1, 2]) {
        let movement = &booked.movement;
        assert_eq!(movement.cause, Cause::order(&s.account(), &order, &line_id("7")));
        assert_eq!((movement.at, &movement.item), (version(number).updated_at, &item("mug")));
        let us = version(number).updated_at.timestamp_micros();
        let key = format!(
            "A2NEXAMPLETF53 europe {ORDER} 7 committed {us}.{:016x}.{number} mug",
            version(number).digest
        );
        assert_eq!(movement.key.0, key);
    }
    assert_eq!(history.len(), 2);
}

/// No two movements of a shelf have one key, even where one version is booked twice.
pub async fn no_two_movements_have_one_key(s: Subject) {
    let told = |parts: &[i64]| LineTarget {
        parts: Some(parts.iter().map(|units| part("mug", Bucket::Committed, *units)).collect()),
        shipped_parts: vec![part("mug", Bucket::Committed, 1)],
        ..line("1", "mug", 2, 0)
    };
    s.reported(s.report(ORDER, 1, &[told(&[2])])).await;
    // The version that cancels is booked by what older ones told, and again when it is mapped.
    s.reported(s.cancelled(ORDER, 2, &[unmapped(told(&[]))])).await;
    let mapped = LineTarget { shipped_parts: vec![part("mug", Bucket::Committed, 2)], ..told(&[]) };
    s.reported(s.cancelled(ORDER, 2, &[mapped])).await;
    let history = s.history_of(None).await;
    let keys: HashSet<_> = history.iter().map(|booked| &booked.movement.key).collect();
    assert_eq!((keys.len(), history.len()), (3, 3), "{history:?}");
    assert_eq!(s.units("mug").await, [0, 0, 2]);
}

/// Units sold are counted by listing of the merchant's channel, and never fall: what is cancelled was
/// sold before.
pub async fn sales_are_counted_by_listing(s: Subject) {
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 2, 1), line("2", "mug", 1, 0)])).await;
    assert_eq!(s.sold("mug").await, 4);
    s.reported(s.report(ORDER, 2, &[line("1", "mug", 1, 1), line("2", "mug", 1, 0)])).await;
    assert_eq!(s.sold("mug").await, 4);
    s.reported(s.report(ORDER, 1, &[line("1", "mug", 2, 1), line("2", "mug", 1, 0)])).await;
    assert_eq!(s.sold("mug").await, 4);
    s.reported(s.cancelled(ORDER, 3, &[line("1", "mug", 0, 1)])).await;
    assert_eq!(s.sold("mug").await, 4);
}

/// Sales of a SKU that is not mapped are counted all the same: Amazon has sold them.
pub async fn sales_of_an_unmapped_sku_are_counted(s: Subject) {
    s.reported(s.report(ORDER, 1, &[unmapped(line("1", "mug", 2, 0))])).await;
    assert_eq!(s.sold("mug").await, 2);
}

/// What Amazon ships is no sale from the merchant's shelf.
pub async fn what_amazon_ships_is_no_sale(s: Subject) {
    let nothing = LineTarget { parts: Some(Vec::new()), ..line("1", "mug", 2, 0) };
    let report = s.report(ORDER, 1, &[nothing]);
    s.reported(OrderReport { shipped_by: ShippedBy::Amazon, ..report }).await;
    assert_eq!((s.sold("mug").await, s.units("mug").await), (0, [0, 0, 0]));
}

/// A status that this version does not know is kept as it is.
pub async fn an_unknown_status_is_kept(s: Subject) {
    let status = OrderStatus::of("INVOICE_UNCONFIRMED");
    let report = OrderReport { status, ..s.report(ORDER, 1, &[line("1", "mug", 2, 0)]) };
    s.reported(report.clone()).await;
    assert_eq!(s.reported(report).await, OrderOutcome::Repeated);
    assert_eq!(s.sold("mug").await, Units::new(2).get());
}
