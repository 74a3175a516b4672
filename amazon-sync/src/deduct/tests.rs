use proptest::prelude::*;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::tenants::{FixedTenants, Tenants};

use super::*;
use crate::ledger::delta::delta;
use crate::order::{LineId, OrderId};
use crate::quantity::Quantity;
use crate::seller::{Region, SellerId};
use crate::sku::Sku;

fn account() -> SellerAccount {
    let tenant = TenantId::parse("acme").unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let scope = runtime.block_on(tenants.enter(&tenant)).unwrap();
    SellerAccount::new(&scope, SellerId::parse("A2NEXAMPLETF53").unwrap(), Region::Europe)
}

/// MUG is a mug; GIFT a mug and two spoons; CUP is defined twice.
fn map() -> SkuMap {
    let csv = "sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\nSPOON,,item,spoon,\nGIFT,DEFAULT,bundle,MUG,1\n\
               GIFT,,bundle,SPOON,2\nCUP,DEFAULT,item,cup,\nCUP,DEFAULT,item,mug,\n";
    crate::sku_map::SkuMapBuilder::read_csv(csv.as_bytes()).build_rest().0
}

fn line(sku: &str, ordered: i64, shipped: i64, cancelled: i64) -> OrderLine {
    let [ordered, shipped, cancelled] =
        [ordered, shipped, cancelled].map(|number| Quantity::new(number).unwrap());
    OrderLine {
        id: LineId::parse("1").unwrap(),
        sku: Sku::parse(sku).ok(),
        asin: None,
        ordered,
        shipped,
        cancelled,
    }
}

fn order(status: OrderStatus, lines: Vec<OrderLine>) -> Order {
    let at = "2026-11-02T10:00:00Z".parse().unwrap();
    Order {
        id: OrderId::parse("902-3159896-1390916").unwrap(),
        updated_at: at,
        created_at: at,
        status,
        shipped_by: ShippedBy::Merchant,
        lines,
    }
}

fn found(order: &Order) -> Deduction {
    deduct(&account(), order, &map(), "2026-11-02T10:01:00Z".parse().unwrap())
}

fn codes(deduction: &Deduction) -> Vec<String> {
    deduction.letters.iter().map(|letter| letter.code.to_string()).collect()
}

/// The only line's target, as short text.
fn told(target: &LineTarget) -> String {
    let parts = |parts: &[Part]| {
        let parts: Vec<_> =
            parts.iter().map(|part| format!("{} {} {}", part.item, part.bucket, part.units)).collect();
        parts.join(", ")
    };
    let held = target.parts.as_ref().map_or_else(|| "unknown".to_owned(), |held| parts(held));
    format!("sold {}: {held}; shipped: {}", target.sold, parts(&target.shipped_parts))
}

#[test]
fn each_status_has_its_effect_on_the_shelf() {
    for (status, ordered, shipped, cancelled, expected) in [
        ("PENDING_AVAILABILITY", 3, 0, 0, "sold 0: ; shipped: "),
        ("PENDING", 3, 0, 1, "sold 3: mug reserved 2; shipped: "),
        ("UNSHIPPED", 3, 0, 0, "sold 3: mug committed 3; shipped: "),
        ("PARTIALLY_SHIPPED", 3, 1, 0, "sold 3: mug on_hand -1, mug committed 2; shipped: mug on_hand -1"),
        ("PARTIALLY_SHIPPED", 3, 1, 1, "sold 3: mug on_hand -1, mug committed 1; shipped: mug on_hand -1"),
        ("SHIPPED", 3, 3, 0, "sold 3: mug on_hand -3; shipped: mug on_hand -3"),
        // The report says shipped, and not of which units: of all.
        ("SHIPPED", 3, 0, 0, "sold 3: mug on_hand -3; shipped: mug on_hand -3"),
        ("CANCELLED", 3, 0, 3, "sold 3: ; shipped: "),
        ("CANCELLED", 3, 0, 0, "sold 3: ; shipped: "),
        ("CANCELLED", 0, 0, 3, "sold 3: ; shipped: "),
        ("CANCELLED", 3, 1, 2, "sold 3: mug on_hand -1; shipped: mug on_hand -1"),
    ] {
        let deduction =
            found(&order(OrderStatus::of(status), vec![line("MUG", ordered, shipped, cancelled)]));
        assert_eq!(told(&deduction.report.lines[0]), expected, "{status}");
        assert_eq!(deduction.letters, [], "{status}");
    }
}

#[test]
fn a_bundle_takes_each_of_its_items() {
    let deduction = found(&order(OrderStatus::PartiallyShipped, vec![line("GIFT", 3, 1, 0)]));
    assert_eq!(
        told(&deduction.report.lines[0]),
        "sold 3: mug on_hand -1, mug committed 2, spoon on_hand -2, spoon committed 4; \
         shipped: mug on_hand -1, spoon on_hand -2"
    );
}

#[test]
fn what_amazon_ships_changes_nothing_of_ours() {
    let mut order = order(OrderStatus::Shipped, vec![line("MUG", 3, 3, 0), line("", 1, 9, 0)]);
    order.shipped_by = ShippedBy::Amazon;
    let deduction = found(&order);
    for target in &deduction.report.lines {
        assert_eq!((told(target).as_str(), target.parts.as_deref()), ("sold 0: ; shipped: ", Some(&[][..])));
    }
    assert_eq!(deduction.letters, []);
    order.status = OrderStatus::Unfulfillable;
    assert_eq!(codes(&found(&order)), ["order.unfulfillable"]);
}

#[test]
fn an_unknown_status_counts_as_to_be_shipped_and_is_told() {
    let deduction = found(&order(OrderStatus::of("INVOICE_UNCONFIRMED"), vec![line("MUG", 3, 1, 0)]));
    assert_eq!(
        told(&deduction.report.lines[0]),
        "sold 3: mug on_hand -1, mug committed 2; shipped: mug on_hand -1"
    );
    assert_eq!(codes(&deduction), ["order.status_unknown"]);
    assert!(deduction.letters[0].text.contains("INVOICE_UNCONFIRMED"));
}

#[test]
fn what_the_map_does_not_know_keeps_what_the_ledger_holds() {
    let mut lines =
        vec![line("", 1, 0, 0), line("PLATE", 1, 0, 0), line("CUP", 1, 1, 0), line("BOWL", 2, 0, 0)];
    for (line, id) in lines.iter_mut().zip(["1", "2", "3", "4"]) {
        line.id = LineId::parse(id).unwrap();
    }
    let deduction = found(&order(OrderStatus::Unshipped, lines));
    for target in &deduction.report.lines {
        assert_eq!((target.parts.as_ref(), target.shipped_parts.len()), (None, 0));
    }
    assert_eq!(deduction.report.lines[3].sold, Units::new(2));
    assert_eq!(codes(&deduction), ["order.no_sku", "sku.ambiguous", "sku.unmapped"]);
    let unmapped = &deduction.letters[2];
    assert_eq!(unmapped.subject, "902-3159896-1390916");
    assert_eq!(
        unmapped.text,
        "line 2 (SKU \"PLATE\"), 4 (SKU \"BOWL\"): the SKU map does not have it, so nothing was deducted; add a row \
         for it and have the order read again"
    );
}

#[test]
fn numbers_that_contradict_each_other_take_more_rather_than_less() {
    let more = found(&order(OrderStatus::PartiallyShipped, vec![line("MUG", 2, 3, 0)]));
    assert_eq!(told(&more.report.lines[0]), "sold 2: mug on_hand -3; shipped: mug on_hand -3");
    assert_eq!(codes(&more), ["order.shipped_exceeds"]);
    let less = found(&order(OrderStatus::Unshipped, vec![line("MUG", 2, 0, 3)]));
    assert_eq!(told(&less.report.lines[0]), "sold 3: ; shipped: ");
    assert_eq!(codes(&less), ["order.cancelled_exceeds"]);
    let absurd = found(&order(OrderStatus::Unshipped, vec![line("GIFT", 99_999_999, 0, 0)]));
    assert!(told(&absurd.report.lines[0]).contains("spoon committed 199999998"));
    assert_eq!(codes(&absurd), ["order.quantity_absurd"]);
}

#[test]
fn a_line_that_comes_twice_counts_once() {
    let same = found(&order(OrderStatus::Unshipped, vec![line("MUG", 2, 0, 0), line("MUG", 2, 0, 0)]));
    assert_eq!((same.report.lines.len(), codes(&same)), (1, vec![]));
    let lines = vec![line("MUG", 2, 0, 0), line("MUG", 5, 0, 0)];
    for lines in [lines.clone(), lines.into_iter().rev().collect()] {
        let other = found(&order(OrderStatus::Unshipped, lines));
        assert_eq!(other.report.lines.len(), 1);
        assert_eq!(told(&other.report.lines[0]), "sold 5: mug committed 5; shipped: ");
        assert_eq!(codes(&other), ["order.line_repeated"]);
    }
}

fn statuses() -> impl Strategy<Value = OrderStatus> {
    prop::sample::select(vec!["PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "SHIPPED", "CANCELLED", "ODD"])
        .prop_map(OrderStatus::of)
}

fn orders() -> impl Strategy<Value = Order> {
    let lines = (prop::sample::select(vec!["MUG", "GIFT", "PLATE"]), 0..5_i64, 0..5_i64, 0..5_i64)
        .prop_map(|(sku, ordered, shipped, cancelled)| line(sku, ordered, shipped, cancelled));
    (statuses(), lines).prop_map(|(status, line)| order(status, vec![line]))
}

proptest! {
    #[test]
    fn what_has_shipped_stays_whatever_becomes_of_the_order(order in orders()) {
        let target = found(&order).report.lines.remove(0);
        let cancelled = Order { status: OrderStatus::Cancelled, ..order.clone() };
        let after = found(&cancelled).report.lines.remove(0);
        if order.status != OrderStatus::Shipped {
            prop_assert_eq!(after.parts.unwrap_or_default(), target.shipped_parts.clone());
        }
        for part in &target.shipped_parts {
            prop_assert!(part.bucket == Bucket::OnHand && part.units < Units::ZERO);
        }
    }

    #[test]
    fn a_report_that_comes_again_moves_nothing(order in orders()) {
        let target = found(&order).report.lines.remove(0);
        let held = target.parts.unwrap_or_default();
        prop_assert_eq!(delta(&found(&order).report.lines.remove(0).parts.unwrap_or_default(), &held), Ok(vec![]));
    }

    #[test]
    fn an_order_never_frees_what_nobody_had(order in orders()) {
        let target = found(&order).report.lines.remove(0);
        for part in target.parts.unwrap_or_default() {
            let is_taken = match part.bucket {
                Bucket::OnHand => part.units < Units::ZERO,
                _ => part.units > Units::ZERO,
            };
            prop_assert!(is_taken, "{:?}", part);
        }
        prop_assert!(target.sold >= Units::ZERO);
    }
}
