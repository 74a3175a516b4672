//! The synchroniser over the real adapter, against the simulator's HTTP door.

use std::sync::Arc;
use std::time::Duration;

use amazon_sync::adapters::sp_api::{FeedSink, PatchSink, SellerAccess, SpApi, SpApiConfig};
use amazon_sync::seller::MarketplaceId;
use amazon_sync::simulator::Simulator;
use amazon_sync::sync::{Account, ONLY_TENANT, Sync};
use amazon_sync::sync_store::{Items, SyncStore};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::memory::Memory;
use rules_core::work::clock::{Clock, ScaledClock, after};
use rules_core::work::ids::SeededIds;
use rules_core::work::pacer::MemoryPacer;
use rules_core::work::secrets::FixedSecrets;
use rules_core::work::tenants::{FixedTenants, Tenants};

use crate::house::{MARKETPLACE, bought, cancelled, item, map, nine, place, seller, sku, world};

/// Five hours in twenty seconds.
const FACTOR: u32 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_kept_true_over_http() {
    let clock = Arc::new(ScaledClock::starting_at(nine(), FACTOR));
    let at = |minutes: u64| after(nine(), Duration::from_secs(minutes * 60));
    let world = world(60)
        .at(at(20), place(bought(sku("MUG"), 2)))
        .at(at(30), place(bought(sku("GIFT"), 1)))
        .at(at(40), place(cancelled(sku("CUP"), 3)));
    let amazon = Simulator::builder(world.build().unwrap())
        .clock(Arc::<ScaledClock>::clone(&clock))
        .start()
        .await
        .unwrap();

    let tenant = TenantId::parse(ONLY_TENANT).unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
    let scope = tenants.enter(&tenant).await.unwrap();
    let secrets = FixedSecrets::new()
        .with("lwa", amazon.client_secret())
        .with("seller", amazon.refresh_token(&seller()));
    let config = SpApiConfig::new("shop-sync", amazon.client_id(), "lwa")
        .unwrap()
        .with_base_url(amazon.url())
        .unwrap()
        .with_login_url(&format!("{}/auth/o2/token", amazon.url()))
        .unwrap();
    let pacer = MemoryPacer::new(Arc::<ScaledClock>::clone(&clock));
    let api =
        SpApi::new(config, Arc::new(secrets), Arc::new(pacer), Arc::<ScaledClock>::clone(&clock)).unwrap();
    let marketplace = MarketplaceId::parse(MARKETPLACE).unwrap();
    let access =
        SellerAccess::new(&scope, seller().seller().clone(), seller().region(), [marketplace], "seller");
    api.authorise(access.unwrap());

    let store = Memory::with(Arc::<ScaledClock>::clone(&clock), Arc::new(SeededIds::new(1)));
    let sync = Sync::builder(&store, api.clone(), amazon.shop())
        .sink(PatchSink::new(api.clone()))
        .sink(FeedSink::new(api))
        .account(Account::new(seller().seller().clone(), seller().region(), map()))
        .tenant(tenants, tenant)
        .build()
        .await
        .unwrap();
    let waiting = Arc::clone(&clock);
    sync.run(async move { waiting.sleep_until(at(5 * 60)).await }).await.unwrap();

    let report = sync.report().await.unwrap();
    assert_eq!(report.orders, 3, "{report}");
    assert_eq!(report.intents, 0, "{report}");
    for code in ["mug", "cup", "pen"] {
        let named = Items::Named(vec![item(code)]);
        let position = store.positions(sync.shelf(), &named).await.unwrap()[0].position;
        let (on_hand, promised) = amazon.world(|world| world.on_shelf(&item(code))).unwrap();
        let held = position.reserved.get() + position.committed.get();
        assert_eq!((position.on_hand.get(), held), (i64::from(on_hand), i64::from(promised)), "{code}");
    }
    let shown = |name: &str| amazon.world(|world| world.shown(&seller(), &sku(name))).unwrap();
    assert_eq!(
        [shown("MUG"), shown("CUP"), shown("PEN"), shown("MUG-6"), shown("GIFT")],
        [57, 60, 58, 9, 29]
    );
    assert_eq!(amazon.report().listings_flipped, 0);
}
