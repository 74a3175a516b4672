use super::*;

use serde_json::Value;

fn notices(rig: &Rig) -> Vec<Value> {
    let notices = rig.amazon.world(World::take_notices);
    notices.iter().map(|notice| serde_json::from_slice(notice).unwrap()).collect()
}

async fn rig(behaviour: Behaviour, faults: Faults) -> Rig {
    let world = calm().behaviour(behaviour).faults(faults);
    Rig::of(world.listing(&owner(), ListingPlan::merchant(sku("MUG"), 500))).await
}

fn kinds(notices: &[Value]) -> Vec<&str> {
    notices.iter().map(|notice| notice["NotificationType"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_order_and_its_number_are_told() {
    let rig = rig(Behaviour::prompt(), Faults::none()).await;
    rig.place(ScriptedOrder::of(sku("MUG"), 2).then(Duration::from_mins(5), Step::Pay));
    let first = notices(&rig);
    assert_eq!(kinds(&first), ["ORDER_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"]);
    let summary = &first[0]["Payload"]["OrderChangeNotification"]["Summary"];
    assert_eq!((&summary["OrderStatus"], &summary["FulfillmentType"]), (&"Pending".into(), &"MFN".into()));
    assert_eq!(summary["OrderItems"][0]["Quantity"], 2);
    assert_eq!(first[1]["Payload"]["Quantity"], 498);
    rig.pass(300);
    let second = notices(&rig);
    assert_eq!(second[0]["Payload"]["OrderChangeNotification"]["Summary"]["OrderStatus"], "Unshipped");
}

#[tokio::test]
async fn pending_orders_are_not_told_if_amazon_is_said_not_to() {
    let mut behaviour = Behaviour::prompt();
    behaviour.notifies_pending = false;
    let rig = rig(behaviour, Faults::none()).await;
    rig.place(ScriptedOrder::of(sku("MUG"), 2).then(Duration::from_mins(5), Step::Pay));
    assert_eq!(kinds(&notices(&rig)), ["LISTINGS_ITEM_MFN_QUANTITY_CHANGE"]);
    rig.pass(300);
    assert_eq!(kinds(&notices(&rig)), ["ORDER_CHANGE"]);
}

#[tokio::test]
async fn notices_are_lost_repeated_and_out_of_order_by_the_seed() {
    let mut faults = Faults::none();
    faults.lost_notice = 0.2;
    faults.repeated_notice = 0.3;
    faults.late_notice = 0.3;
    let rig = rig(Behaviour::default(), faults).await;
    for nth in 0..100 {
        rig.pass(1);
        let id = crate::order::OrderId::parse(&format!("902-0000000-{nth:07}")).unwrap();
        rig.place(ScriptedOrder::of(sku("MUG"), 1).named(id));
    }
    rig.pass(3_600);
    let notices = notices(&rig);
    let orders = notices.iter().filter(|notice| notice["NotificationType"] == "ORDER_CHANGE");
    let ids: Vec<_> = orders
        .map(|notice| {
            notice["Payload"]["OrderChangeNotification"]["AmazonOrderId"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert!((65..95).contains(&once.len()), "{}", once.len());
    assert!((once.len() + 10..once.len() + 50).contains(&ids.len()), "{} of {}", once.len(), ids.len());
    assert!(!ids.is_sorted());
}

#[tokio::test]
async fn a_feed_and_a_report_that_are_done_are_told() {
    use crate::marketplace::{Marketplace, SnapshotAsk, SnapshotKind};
    use crate::sink::QuantitySink;
    let rig = rig(Behaviour::prompt(), Faults::none()).await;
    let writes = [rig.write("MUG", 3)];
    rig.amazon.feeds().submit(&rig.account, &writes).await.unwrap();
    let ask = SnapshotAsk::New(SnapshotKind::Listings);
    rig.amazon.marketplace().snapshot(&rig.account, &ask).await.unwrap();
    rig.pass(5);
    let notices = notices(&rig);
    let lower: Vec<_> = notices.iter().filter_map(|notice| notice["notificationType"].as_str()).collect();
    assert_eq!(lower, ["FEED_PROCESSING_FINISHED", "REPORT_PROCESSING_FINISHED"]);
}
