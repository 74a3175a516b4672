use super::*;
use crate::marketplace::{Marketplace, Snapshot, SnapshotAsk, SnapshotKind, SnapshotRef, SnapshotRow};

async fn rig(faults: Faults) -> Rig {
    let mut behaviour = Behaviour::prompt();
    behaviour.report_time = Span::seconds(60, 60);
    behaviour.report_pause = Duration::from_mins(10);
    let world = calm()
        .behaviour(behaviour)
        .faults(faults)
        .listing(&owner(), ListingPlan::merchant(sku("MUG"), 50))
        .listing(&owner(), ListingPlan::amazon(sku("LAMP"), 4));
    Rig::of(world).await
}

async fn ask(rig: &Rig, ask: SnapshotAsk) -> Snapshot {
    rig.amazon.marketplace().snapshot(&rig.account, &ask).await.unwrap()
}

async fn ready(rig: &Rig, kind: SnapshotKind) -> SnapshotRef {
    let Snapshot::Pending { asked, .. } = ask(rig, SnapshotAsk::New(kind)).await else { panic!() };
    rig.pass(60);
    match ask(rig, SnapshotAsk::Of(asked)).await {
        Snapshot::Ready(snapshot) => snapshot,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_snapshot_is_ready_after_a_while_and_holds_every_listing() {
    let rig = rig(Faults::none()).await;
    let Snapshot::Pending { asked, again_at } = ask(&rig, SnapshotAsk::New(SnapshotKind::Listings)).await
    else {
        panic!()
    };
    assert_eq!(again_at, nine() + TimeDelta::seconds(10));
    rig.pass(59);
    assert!(matches!(ask(&rig, SnapshotAsk::Of(asked.clone())).await, Snapshot::Pending { .. }));
    rig.pass(1);
    let Snapshot::Ready(snapshot) = ask(&rig, SnapshotAsk::Of(asked)).await else { panic!() };
    let mut rows = rig.amazon.marketplace().snapshot_rows(&rig.account, &snapshot).await.unwrap();
    let mut read = Vec::new();
    loop {
        let some = rows.next(1).await.unwrap();
        if some.is_empty() {
            break;
        }
        read.extend(some.into_iter().map(|row| match row.unwrap() {
            SnapshotRow::Listing(state) => (state.sku, state.channel.code().to_owned(), state.effective),
            other => panic!("{other:?}"),
        }));
    }
    let fifty = Quantity::new(50).unwrap();
    let rows = [(sku("LAMP"), "AMAZON_NA".to_owned(), None), (sku("MUG"), "DEFAULT".to_owned(), Some(fifty))];
    assert_eq!(read, rows);
}

#[tokio::test]
async fn amazons_shelf_and_the_orders_of_two_days_are_snapshots_too() {
    let rig = rig(Faults::none()).await;
    rig.place(ScriptedOrder::of(sku("MUG"), 2));
    let stock = ready(&rig, SnapshotKind::AmazonStock).await;
    let mut rows = rig.amazon.marketplace().snapshot_rows(&rig.account, &stock).await.unwrap();
    let row = rows.next(9).await.unwrap().remove(0).unwrap();
    assert!(matches!(row, SnapshotRow::AmazonStock { fulfillable, .. } if fulfillable.get() == 4), "{row:?}");
    let orders = ready(&rig, SnapshotKind::Orders).await;
    let mut rows = rig.amazon.marketplace().snapshot_rows(&rig.account, &orders).await.unwrap();
    assert!(matches!(rows.next(9).await.unwrap()[0], Ok(SnapshotRow::OrderLine { .. })));
}

#[tokio::test]
async fn a_snapshot_that_is_asked_for_too_soon_is_refused() {
    let rig = rig(Faults::none()).await;
    ready(&rig, SnapshotKind::Listings).await;
    let Snapshot::Pending { asked, .. } = ask(&rig, SnapshotAsk::New(SnapshotKind::Listings)).await else {
        panic!()
    };
    rig.pass(60);
    assert_eq!(ask(&rig, SnapshotAsk::Of(asked)).await, Snapshot::Refused { why: "FATAL".into() });
    rig.pass(600);
    ready(&rig, SnapshotKind::Listings).await;
}

#[tokio::test]
async fn a_broken_row_is_an_error_of_its_own_line() {
    let mut faults = Faults::none();
    faults.broken_row = 1.0;
    let rig = rig(faults).await;
    let snapshot = ready(&rig, SnapshotKind::Listings).await;
    let mut rows = rig.amazon.marketplace().snapshot_rows(&rig.account, &snapshot).await.unwrap();
    let rows = rows.next(9).await.unwrap();
    assert_eq!(rows[1].as_ref().unwrap_err().line, 3);
}
