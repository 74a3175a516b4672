//! Dry runs: what would be done, as a file, and what is done of it.

use std::time::Duration;

use amazon_sync::config::SyncConfig;
use amazon_sync::drift::Drift;
use amazon_sync::policy::{DriftPolicies, DriftPolicy, Resolution};
use amazon_sync::quantity::Quantity;
use amazon_sync::returns::Return;
use amazon_sync::simulator::Incident;
use amazon_sync::sync::{ApplyError, Moved, Plan};
use rules_core::work::clock::{Clock, after};

use crate::house::{Shop, bought, item, nine, place, seller, sku, world};
use crate::virtual_time::runtime;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// A shop whose listings show 10 more than there is, and which publishes what a plan says.
async fn too_much() -> Shop {
    let mut builder = world(60);
    for name in ["MUG", "CUP"] {
        builder = builder.at(after(nine(), minutes(1)), Incident::ForeignWrite(seller(), sku(name), 70));
    }
    let shop = Shop::with(builder, |builder| builder.config(SyncConfig::default().by_plan_only())).await;
    shop.clock.sleep_until(after(nine(), minutes(2))).await;
    shop
}

#[test]
fn a_plan_says_what_would_be_done_and_does_nothing() {
    runtime().block_on(async {
        let shop = too_much().await;
        let plan = shop.sync.plan().await.unwrap();
        assert_eq!(plan.listings(), 6);
        let rows: Vec<_> = plan
            .rows()
            .iter()
            .map(|row| (row.listing.sku.as_str(), row.becomes.map(Quantity::get), row.class))
            .collect();
        assert_eq!(
            rows,
            [("CUP", Some(60), Drift::OursAhead), ("MUG", Some(60), Drift::OursAhead)],
            "{plan}"
        );
        assert_eq!(shop.amazon.report().writes, 0);
        let again = shop.sync.plan().await.unwrap();
        assert_eq!(again.digest(), plan.digest());
        let text = plan.to_tsv();
        assert_eq!(Plan::from_tsv(&text).unwrap(), plan);
        let broken = text.replace("ours_ahead", "ours_behind");
        assert_eq!(
            Plan::from_tsv(&broken).unwrap_err().to_string(),
            "line 3 of the plan: \"ours_behind\" is no class of drift"
        );
    });
}

#[test]
fn a_plan_waits_for_the_orders_that_may_explain_a_lower_number_and_raises_what_none_does() {
    runtime().block_on(async {
        let mut builder = world(60);
        for name in ["MUG", "CUP"] {
            let write = Incident::ForeignWrite(seller(), sku(name), 40);
            builder = builder.at(after(nine(), minutes(1)), write);
        }
        // Bought just before the listings are read: nobody is told of it yet.
        builder = builder.at(after(nine(), minutes(2)), place(bought(sku("CUP"), 3)));
        let shop = Shop::with(builder, |builder| builder.config(SyncConfig::default().by_plan_only())).await;
        shop.clock.sleep_until(after(nine(), minutes(2))).await;
        let plan = shop.sync.plan().await.unwrap();
        let rows: Vec<_> = plan
            .rows()
            .iter()
            .map(|row| {
                (row.listing.sku.as_str(), row.shown.map(Quantity::get), row.becomes.map(Quantity::get))
            })
            .collect();
        assert_eq!(rows, [("CUP", Some(37), Some(57)), ("MUG", Some(40), Some(60))], "{plan}");
        assert!(shop.clock.now() < after(nine(), minutes(6)), "it waits for minutes and not for long");
    });
}

#[test]
fn a_plan_is_applied_as_far_as_the_world_has_not_moved() {
    runtime().block_on(async {
        let shop = too_much().await;
        let plan = Plan::from_tsv(&shop.sync.plan().await.unwrap().to_tsv()).unwrap();
        shop.happen(place(bought(sku("CUP"), 2)));
        shop.clock.sleep_until(after(shop.clock.now(), minutes(10))).await;
        // The ledger learns of the order, and the plan is not about it any more.
        let newer = shop.sync.plan().await.unwrap();
        assert_ne!(newer.digest(), plan.digest());
        let refused = shop.sync.apply(&plan, Moved::RefuseAll).await.unwrap_err();
        assert!(matches!(refused, ApplyError::Moved { moved: 1, rows: 2, .. }), "{refused}");
        let applied = shop.sync.apply(&plan, Moved::LeaveOut).await.unwrap();
        assert_eq!((applied.decided, applied.left_out.len()), (1, 1), "{applied}");
        let again = shop.sync.apply(&plan, Moved::LeaveOut).await.unwrap();
        assert_eq!(again.decided, 0);
        shop.run_for(minutes(60)).await;
        assert_eq!(shop.shown("MUG"), 60);
        assert_eq!(shop.shown("CUP"), 68, "only what was decided is published");
        shop.is_settled().await;
    });
}

#[test]
fn an_explanation_names_the_parts_and_what_moved_them() {
    runtime().block_on(async {
        let shop = Shop::open(world(60).at(after(nine(), minutes(30)), place(bought(sku("GIFT"), 2)))).await;
        shop.run_for(minutes(60)).await;
        let before = shop.sync.explain(&sku("GIFT"), after(nine(), minutes(20))).await.unwrap();
        assert_eq!(before.parts[0].1.after.committed.get(), 0);
        let now = shop.sync.explain(&sku("GIFT"), shop.clock.now()).await.unwrap();
        let parts: Vec<_> = now.parts.iter().map(|(units, story)| (story.item.as_str(), *units)).collect();
        assert_eq!(parts, [("mug", 1), ("pen", 2)]);
        assert_eq!(now.parts[1].1.after.committed.get(), 4);
        assert_eq!(now.listings[0].ours, Some(Quantity::new(28).unwrap()));
        let text = now.to_string();
        assert!(text.contains("GIFT (DEFAULT)"), "{text}");
        let ghost = shop.sync.explain(&sku("GHOST"), shop.clock.now()).await.unwrap();
        assert_eq!(ghost.unresolved.len(), 1);
    });
}

#[test]
fn a_tenant_may_let_amazons_number_stand() {
    runtime().block_on(async {
        let everybody = DriftPolicy { foreign_write: Resolution::FreezeAndAsk, ..DriftPolicy::default() };
        let policies = DriftPolicies { everybody, ..DriftPolicies::default() };
        let at = after(nine(), minutes(60));
        let world = world(60).at(at, Incident::ForeignWrite(seller(), sku("CUP"), 5));
        let shop = Shop::with(world, |builder| builder.drift_policies(policies)).await;
        shop.subscribe();
        shop.run_for(minutes(5 * 60)).await;
        let record = shop.record("CUP").await;
        assert_eq!(record.frozen.map(|code| code.to_string()).as_deref(), Some("drift.foreign_write"));
        assert_eq!(shop.shown("CUP"), 5);
    });
}

#[test]
fn a_return_is_for_sale_after_its_inspection() {
    runtime().block_on(async {
        let shop = Shop::open(world(60)).await;
        shop.run_for(minutes(30)).await;
        let back = Return::new("R-1", item("cup"));
        let of = |number| Quantity::new(number).unwrap();
        shop.sync.book(&[back.received(of(3), shop.clock.now())]).await.unwrap();
        shop.run_for(minutes(30)).await;
        assert_eq!(shop.shown("CUP"), 60);
        for _ in 0..2 {
            shop.sync.book(&back.inspected(of(2), of(1), shop.clock.now())).await.unwrap();
        }
        shop.run_for(minutes(30)).await;
        assert_eq!(shop.shown("CUP"), 62);
    });
}
