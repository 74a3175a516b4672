//! Days of a simulated shop.

use std::time::Duration;

use amazon_sync::sync_store::SyncStore;
use rules_core::work::clock::after;

use crate::house::{Shop, bought, cancelled, nine, place, sku, world};
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
        println!("{report}");
        println!("{:?}", shop.amazon.report());
        assert_eq!(report.orders, 4);
        // 60 - 2 - 1 - 6
        assert_eq!(shop.shown("MUG"), 51);
        assert_eq!(shop.shown("MUG-6"), 8);
        assert_eq!(shop.shown("CUP"), 60);
        assert_eq!(shop.shown("GIFT"), 29);
        let letters = shop.letters().await;
        assert_eq!(letters, [], "{letters:#?}");
    });
}
