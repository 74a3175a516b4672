//! Days of a simulated shop.

use std::fmt::Write;
use std::time::Duration;

use amazon_sync::drift::Drift;
use amazon_sync::listing::Channel;
use amazon_sync::simulator::{
    Behaviour, CancelledUnits, Faults, Incident, Operation, Rate, ScriptedOrder, ShopSees, Step, UsagePlan,
};
use amazon_sync::sku_map::SkuMap;
use rules_core::work::clock::after;

use crate::dice::Dice;
use crate::house::{MAP, Shop, bought, cancelled, item, nine, orders, place, seller, sku, world};
use crate::virtual_time::runtime;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[test]
fn a_quiet_day_deducts_every_order_and_leaves_the_numbers_to_amazon() {
    runtime().block_on(async {
        let at = |m| after(nine(), minutes(m));
        let world = world(60)
            .at(at(30), place(bought(sku("MUG"), 2)))
            .at(at(40), place(bought(sku("GIFT"), 1)))
            .at(at(50), place(bought(sku("MUG-6"), 1)))
            .at(at(60), place(cancelled(sku("CUP"), 3)));
        let shop = Shop::open(world).await;
        shop.run_for(minutes(8 * 60)).await;
        shop.is_true().await;
        shop.is_settled().await;
        let report = shop.sync.report().await.unwrap();
        assert_eq!(report.orders, 4, "{report}");
        // 60 - 2 - 1 - 6
        assert_eq!(shop.shown("MUG"), 51);
        assert_eq!(shop.shown("MUG-6"), 8);
        assert_eq!(shop.shown("CUP"), 60, "what was cancelled is offered again");
        assert_eq!(shop.shown("GIFT"), 29);
        assert_eq!(shop.shown("PEN"), 58);
        let letters = shop.letters().await;
        assert_eq!(letters, [], "{letters:#?}");
        assert!(report.writes < 8, "{report}");
        let missing = report.drift_by_class.get(&Drift::Missing);
        assert_eq!(missing, None, "what nobody has looked for yet is not missing: {report}");
    });
}

#[test]
fn what_the_shop_sells_is_taken_off_amazon() {
    runtime().block_on(async {
        let mut world = world(40).shop_sees(ShopSees::Shelf);
        for (code, per_hour) in [("mug", 3.0), ("cup", 2.0), ("pen", 1.0)] {
            world = world.shop_wants(item(code), per_hour);
        }
        let shop = Shop::open(world).await;
        shop.run_for(minutes(6 * 60)).await;
        let report = shop.amazon.report();
        assert!(report.shop_units_sold > 20, "{report:?}");
        for (name, code) in [("MUG", "mug"), ("CUP", "cup"), ("PEN", "pen")] {
            let (on_hand, promised) = shop.amazon.world(|world| world.on_shelf(&item(code))).unwrap();
            let free = on_hand - promised;
            assert!(shop.shown(name) <= free + 3, "{name} shows {} of {free}", shop.shown(name));
        }
        assert_eq!(report.listings_flipped, 0);
    });
}

#[test]
fn events_tell_orders_within_seconds_and_polls_become_rare() {
    runtime().block_on(async {
        let mut dice = Dice::new(7);
        let shop = Shop::open(orders(world(300), &mut dice, 120, 10)).await;
        shop.subscribe();
        shop.run_for(minutes(18 * 60)).await;
        shop.is_true().await;
        shop.is_settled().await;
        let report = shop.sync.report().await.unwrap();
        assert!(report.events > 100, "{report}");
        assert_eq!(report.events_dead, 0);
        assert!(report.windows < 150, "rare once the events are trusted: {report}");
    });
}

#[test]
fn a_number_that_somebody_else_wrote_is_told_and_the_lower_one_stays() {
    runtime().block_on(async {
        let at = |m| after(nine(), minutes(m));
        let world = world(60)
            .at(at(60), Incident::ForeignWrite(seller(), sku("MUG"), 200))
            .at(at(61), Incident::ForeignWrite(seller(), sku("CUP"), 5));
        let shop = Shop::open(world).await;
        shop.subscribe();
        shop.run_for(minutes(6 * 60)).await;
        assert_eq!(shop.shown("MUG"), 60, "more than can ship is never left standing");
        assert_eq!(shop.shown("CUP"), 5, "and a lower number is somebody's wish");
        assert!(shop.letter_codes().await.contains(&"drift.foreign_write".to_owned()));
        shop.is_settled().await;
    });
}

#[test]
fn a_listing_that_flipped_its_channel_is_frozen_until_somebody_has_looked() {
    runtime().block_on(async {
        let at = |m| after(nine(), minutes(m));
        let flip = Incident::Flip(seller(), sku("CUP"), "AMAZON_EU".to_owned(), 30);
        let world = world(60).at(at(60), flip).at(at(90), place(bought(sku("MUG"), 1)));
        let shop = Shop::open(world).await;
        let (sync, key) = (shop.sync.clone(), shop.key("CUP", Channel::Merchant));
        shop.run_for(minutes(25 * 60)).await;
        let record = shop.record("CUP").await;
        assert_eq!(record.frozen.map(|code| code.to_string()).as_deref(), Some("drift.channel_flip"));
        assert!(shop.letter_codes().await.contains(&"drift.channel_flip".to_owned()));
        assert_eq!(shop.amazon.report().listings_flipped, 0);
        assert!(sync.release(&key).await.unwrap());
        assert!(!sync.release(&key).await.unwrap());
    });
}

#[test]
fn a_listing_that_somebody_gave_to_amazon_is_read_before_its_number_would_take_it_back() {
    runtime().block_on(async {
        let at = |m| after(nine(), minutes(m));
        let flip = Incident::Flip(seller(), sku("CUP"), "AMAZON_EU".to_owned(), 30);
        let world = world(60).at(at(60), flip).at(at(120), Incident::Restock(item("cup"), 5));
        let shop = Shop::open(world).await;
        shop.run_for(minutes(4 * 60)).await;
        let report = shop.amazon.report();
        assert_eq!((report.listings_flipped, shop.shown("CUP")), (0, 30), "{report:?}");
        let record = shop.record("CUP").await;
        assert_eq!(record.frozen.map(|code| code.to_string()).as_deref(), Some("drift.channel_flip"));
        shop.is_settled().await;
    });
}

#[test]
fn an_order_of_an_unmapped_sku_waits_for_the_map_and_is_deducted_then() {
    runtime().block_on(async {
        let at = |m| after(nine(), minutes(m));
        let world =
            world(60).at(at(30), place(bought(sku("CUP"), 4))).at(at(31), place(bought(sku("MUG"), 1)));
        let shop = Shop::open(world).await;
        let account = shop.account();
        let without = MAP.replace("CUP,DEFAULT,item,cup,\n", "");
        shop.sync.replace_map(&account, SkuMap::from_csv(without.as_bytes()).unwrap()).await.unwrap();
        shop.run_for(minutes(120)).await;
        assert!(shop.letter_codes().await.contains(&"sku.unmapped".to_owned()));
        let positions = shop.positions().await;
        assert_eq!(positions["mug"].committed.get(), 1, "the others go on");
        assert_eq!(positions["cup"].committed.get(), 0);
        let whole = SkuMap::from_csv(MAP.as_bytes()).unwrap();
        assert_eq!(shop.sync.replace_map(&account, whole).await.unwrap(), 1);
        assert_eq!(shop.positions().await["cup"].committed.get(), 4);
        shop.run_for(minutes(4 * 60)).await;
        shop.is_true().await;
        let about_orders = shop.letters().await;
        let open = about_orders.iter().filter(|letter| letter.letter.subject.starts_with("90"));
        assert_eq!(open.count(), 0, "{about_orders:#?}");
    });
}

#[test]
fn a_page_token_that_is_refused_begins_its_window_again_and_skips_nothing() {
    runtime().block_on(async {
        let mut behaviour = Behaviour::default();
        behaviour.page_max = 10;
        behaviour.page_token_life = Duration::from_secs(60);
        let mut world = world(300).behaviour(behaviour);
        for second in 0..60 {
            let at = after(nine(), Duration::from_secs(60 + second * 10));
            world = world
                .at(at, place(bought(sku(["MUG", "CUP", "GIFT"][usize::try_from(second % 3).unwrap()]), 1)));
        }
        let shop = Shop::slow(world, Duration::from_secs(2)).await;
        shop.wait(minutes(60)).await;
        // Ended in the middle of the first window, and taken up again when its token is too old.
        shop.run_for(Duration::from_secs(5)).await;
        shop.wait(minutes(10)).await;
        shop.run_for(minutes(12 * 60)).await;
        let report = shop.sync.report().await.unwrap();
        assert_eq!(report.windows_restarted, 1, "{report}");
        shop.is_true().await;
    });
}

#[test]
fn a_revoked_seller_stops_with_a_letter_and_goes_on_when_it_is_back() {
    runtime().block_on(async {
        let at = |m| after(nine(), minutes(m));
        let world = world(60)
            .at(at(60), Incident::Revoke(seller()))
            .at(at(70), place(bought(sku("MUG"), 3)))
            .at(at(300), Incident::Authorise(seller()));
        let shop = Shop::open(world).await;
        shop.run_for(minutes(200)).await;
        assert!(shop.letter_codes().await.contains(&"account.revoked".to_owned()));
        let report = shop.sync.report().await.unwrap();
        assert_eq!(report.stopped.values().next().map(String::as_str), Some("account.revoked"), "{report}");
        shop.run_for(minutes(10 * 60)).await;
        shop.is_true().await;
        shop.is_settled().await;
    });
}

#[test]
fn a_status_that_nobody_knows_is_deducted_and_told() {
    runtime().block_on(async {
        let order = ScriptedOrder::of(sku("MUG"), 2)
            .then(Duration::from_secs(60), Step::Pay)
            .then(Duration::from_secs(120), Step::Rename("AWAITING_TELEPATHY".to_owned()));
        let hidden = ScriptedOrder::of(sku("CUP"), 1)
            .and(sku("PEN"), 2)
            .then(Duration::from_secs(60), Step::Pay)
            .then(Duration::from_secs(3_600), Step::HideLine);
        let world = world(60)
            .at(after(nine(), minutes(10)), place(order))
            .at(after(nine(), minutes(10)), place(hidden));
        let shop = Shop::open(world).await;
        shop.run_for(minutes(180)).await;
        let codes = shop.letter_codes().await;
        assert!(codes.contains(&"order.status_unknown".to_owned()), "{codes:?}");
        assert!(codes.contains(&"order.line_vanished".to_owned()), "{codes:?}");
        let positions = shop.positions().await;
        assert_eq!(positions["mug"].committed.get(), 2);
        assert_eq!(positions["pen"].committed.get(), 2, "what vanished stays deducted");
    });
}

#[test]
fn two_processes_on_one_account_end_where_one_would() {
    runtime().block_on(async {
        let mut dice = Dice::new(11);
        let shop = Shop::open(orders(world(300), &mut dice, 60, 4)).await;
        let second = shop.second().await;
        let running = second.start();
        shop.run_for(minutes(12 * 60)).await;
        assert!(running.drain(minutes(10)).await.unwrap());
        shop.run_for(minutes(60)).await;
        shop.is_true().await;
        shop.is_settled().await;
    });
}

#[test]
fn whatever_goes_wrong_the_ledger_ends_where_the_orders_are() {
    for seed in 0..12 {
        runtime().block_on(async {
            let mut dice = Dice::new(seed);
            let mut behaviour = Behaviour::default();
            behaviour.page_max = u32::try_from(dice.between(2, 100)).unwrap();
            behaviour.restores_on_cancel = dice.percent(50);
            behaviour.notifies_pending = dice.percent(50);
            behaviour.cancelled_units =
                if dice.percent(50) { CancelledUnits::Kept } else { CancelledUnits::Dropped };
            let faults = if dice.percent(70) { Faults::harsh() } else { Faults::mild() };
            let world = orders(world(400), &mut dice, 80, 8).seed(seed).behaviour(behaviour).faults(faults);
            let shop = Shop::open(world).await;
            if dice.percent(70) {
                shop.subscribe();
            }
            // The process dies now and then, and a new one goes on.
            let mut left = 34 * 60;
            while left > 0 {
                let some = dice.between(20, 600).min(left);
                left -= some;
                let clock = std::sync::Arc::clone(&shop.clock);
                let until = after(rules_core::work::clock::Clock::now(&*clock), minutes(some));
                if dice.percent(50) {
                    tokio::select! {
                        biased;
                        () = rules_core::work::clock::Clock::sleep_until(&*clock, until) => {}
                        ended = shop.sync.run(std::future::pending()) => ended.unwrap(),
                    }
                } else {
                    shop.run_for(minutes(some)).await;
                }
            }
            shop.run_for(minutes(6 * 60)).await;
            println!("seed {seed}");
            shop.is_true().await;
            shop.is_settled().await;
        });
    }
}

#[test]
fn a_restock_of_everything_goes_by_a_feed_and_the_urgent_by_patches() {
    runtime().block_on(async {
        // Patches are so slow that a feed is through before them.
        let plan =
            UsagePlan::published().with(Operation::PatchListingsItem, Rate { per_second: 0.5, burst: 5 });
        let (count, codes) = (1_200_u32, |n: u32| format!("thing-{n}"));
        let mut csv = "sku,channel,kind,of,units\n".to_owned();
        let mut world = amazon_sync::simulator::World::builder(nine())
            .seller(&seller(), [crate::house::MARKETPLACE])
            .usage_plan(plan)
            .faults(Faults::none());
        for n in 0..count {
            let (name, code) = (format!("THING-{n}"), codes(n));
            writeln!(csv, "{name},DEFAULT,item,{code},").unwrap();
            world = world.item(item(&code), 10).listing(
                &seller(),
                amazon_sync::simulator::ListingPlan::merchant(sku(&name), 10).made_of([(item(&code), 1)]),
            );
        }
        for n in 0..count {
            world = world.at(after(nine(), minutes(60)), Incident::Restock(item(&codes(n)), 5));
        }
        let shop = Shop::open(world).await;
        let account = shop.account();
        shop.sync.replace_map(&account, SkuMap::from_csv(csv.as_bytes()).unwrap()).await.unwrap();
        shop.run_for(minutes(5 * 60)).await;
        for n in [0, 1, 600, count - 1] {
            assert_eq!(shop.shown(&format!("THING-{n}")), 15);
        }
        let report = shop.amazon.report();
        let calls = |operation: &str| {
            report.operations.iter().find(|of| of.operation == operation).map_or(0, |of| of.calls)
        };
        assert!(0 < calls("createFeed") && calls("createFeed") < 10, "{report:?}");
        shop.is_settled().await;
        let told = shop.sync.report().await.unwrap();
        assert!(u64::from(count) <= told.writes && told.writes < 2 * u64::from(count), "{told}");
    });
}
