//! Whatever order pages and events come in, however often, and whatever of them is lost: after a
//! sweep the ledger is where a straight telling ends.

use std::collections::BTreeMap;

use amazon_sync::order::{Order, OrderStatus};
use amazon_sync::quantity::Quantity;
use bytes::Bytes;
use proptest::prelude::*;
use rules_core::work::clock::{Clock, after};

use crate::adverse::{Bench, ONE, order, page};
use crate::house::nine;
use crate::virtual_time::runtime;

/// How one version of an order is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Poll,
    Event,
    Both,
    Lost,
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::Poll), Just(Way::Event), Just(Way::Both), Just(Way::Lost)]
}

/// The versions of an order: ordered, then shipped in part, shipped, or cancelled.
fn versions(nth: usize) -> impl Strategy<Value = Vec<Order>> {
    let name = if nth.is_multiple_of(2) { "MUG" } else { "CUP" };
    (1_i64..5, prop::collection::vec(0_u8..4, 1..4)).prop_map(move |(ordered, fates)| {
        let mut told = order(&format!("902-0000000-00000{nth:02}"), name, ordered, nine());
        told.status = OrderStatus::Pending;
        let mut versions = vec![told.clone()];
        for (step, fate) in (1..).zip(fates) {
            told.updated_at = after(nine(), std::time::Duration::from_secs(step * 60));
            let line = &mut told.lines[0];
            (told.status, line.shipped) = match fate {
                0 => (OrderStatus::Unshipped, line.shipped),
                1 => (OrderStatus::PartiallyShipped, Quantity::new(1).unwrap()),
                2 => (OrderStatus::Shipped, line.ordered),
                _ => (OrderStatus::Cancelled, line.shipped),
            };
            versions.push(told.clone());
        }
        versions
    })
}

/// A version as a notification tells it.
fn notification(order: &Order) -> Bytes {
    let (line, at) = (&order.lines[0], order.updated_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    let status = match order.status {
        OrderStatus::Pending => "Pending",
        OrderStatus::Unshipped => "Unshipped",
        OrderStatus::PartiallyShipped => "PartiallyShipped",
        OrderStatus::Shipped => "Shipped",
        _ => "Canceled",
    };
    let value = serde_json::json!({
        "NotificationType": "ORDER_CHANGE", "EventTime": at,
        "Payload": { "OrderChangeNotification": {
            "NotificationLevel": "OrderLevel", "SellerId": ONE, "AmazonOrderId": order.id,
            "OrderChangeType": "OrderStatusChange",
            "OrderChangeTrigger": { "TimeOfOrderChange": at, "ChangeReason": "x" },
            "Summary": {
                "OrderStatus": status, "FulfillmentType": "MFN",
                "OrderItems": [{
                    "OrderItemId": line.id, "SellerSKU": line.sku,
                    "Quantity": line.ordered, "QuantityShipped": line.shipped,
                }],
            },
        } },
    });
    Bytes::from(value.to_string())
}

/// On hand, reserved and committed of each item after the versions were told in these ways and a
/// last poll told the newest of each.
fn positions(told: &[(Order, Way)], newest: &[Order]) -> BTreeMap<String, [i64; 3]> {
    runtime().block_on(async {
        let bench = Bench::new(&[ONE]).await;
        // The orders up to the first counts: none.
        bench.amazon.answer(ONE, Ok(page(Vec::new(), None, nine())));
        // Pages of three, each a window of its own.
        let polled: Vec<Order> = told
            .iter()
            .filter(|(_, way)| matches!(way, Way::Poll | Way::Both))
            .map(|(order, _)| order.clone())
            .collect();
        for orders in polled.chunks(3) {
            bench.amazon.answer(ONE, Ok(page(orders.to_vec(), None, nine())));
        }
        let events = told.iter().filter(|(_, way)| matches!(way, Way::Event | Way::Both));
        for (order, _) in events {
            // One by one: a batch of the same content would be recognised as a whole.
            bench.sync.receive(vec![notification(order)]).await.unwrap();
        }
        bench.run_for(75).await;
        bench.amazon.answer(ONE, Ok(page(newest.to_vec(), None, bench.clock.now())));
        bench.run_for(20).await;
        bench.all_positions().await
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_permutation_repetition_and_loss_ends_in_the_same_positions(
        (told, newest) in (0..6_usize)
            .prop_map(|orders| orders + 1)
            .prop_flat_map(|orders| (0..orders).map(versions).collect::<Vec<_>>())
            .prop_flat_map(|orders| {
                let newest: Vec<Order> = orders.iter().filter_map(|versions| versions.last().cloned()).collect();
                let all: Vec<Order> = orders.into_iter().flatten().collect();
                let ways = prop::collection::vec(way(), all.len());
                let told = ways.prop_map(move |ways| {
                    // What comes both ways and again is told twice.
                    let once: Vec<_> = all.iter().cloned().zip(ways).collect();
                    let again: Vec<_> = once.iter().filter(|(_, way)| *way == Way::Both).cloned().collect();
                    [once, again].concat()
                });
                (told.prop_shuffle(), Just(newest))
            })
    ) {
        let straight: Vec<(Order, Way)> = newest.iter().map(|order| (order.clone(), Way::Lost)).collect();
        prop_assert_eq!(positions(&told, &newest), positions(&straight, &newest));
    }
}
