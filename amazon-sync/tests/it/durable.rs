//! The synchroniser on a file: what a killed process leaves behind is taken up by the next one.

use std::sync::Arc;
use std::time::Duration;

use amazon_sync::config::SyncConfig;
use amazon_sync::listing::{Channel, ListingKey};
use amazon_sync::simulator::{Faults, Simulator};
use amazon_sync::sync::{Account, Sync};
use amazon_sync::sync_store::{Items, Listings, SyncStore};
use rules_core::judge::key::ChainKey;
use rules_core::store::sqlite::{Sqlite, SqliteConfig, SqliteError};
use rules_core::work::clock::{Clock, ClockExt, ScaledClock, after};
use rules_core::work::events::EventLog;

use crate::dice::Dice;
use crate::house::{item, map, nine, orders, seller, sku, world};

/// A day in the time that a file needs: clocks of threads that wait for a disk cannot stand still.
const FACTOR: u32 = 4_000;

async fn open(folder: &std::path::Path, clock: &Arc<ScaledClock>) -> Sqlite {
    loop {
        let config = SqliteConfig::default().with_clock(Arc::<ScaledClock>::clone(clock));
        match Sqlite::open_with(folder.join("sync.db"), config).await {
            Ok(store) => return store,
            // The tasks of the one that was killed let go a moment later.
            Err(SqliteError::InUse { .. }) => clock.sleep(Duration::from_secs(60)).await,
            Err(error) => unreachable!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_synchroniser_goes_on_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ScaledClock::starting_at(nine(), FACTOR));
    let mut dice = Dice::new(5);
    let world = orders(world(300), &mut dice, 60, 6).faults(Faults::mild()).build().unwrap();
    let amazon = Simulator::builder(world).clock(Arc::<ScaledClock>::clone(&clock)).start_in_process();
    let ends_at = after(nine(), Duration::from_secs(16 * 3_600));
    let mut kills = 0;
    let shelf = loop {
        let store = open(folder.path(), &clock).await;
        let sync = Sync::builder(&store, amazon.marketplace(), amazon.shop())
            .sink(amazon.patches())
            .sink(amazon.feeds())
            .account(Account::new(seller().seller().clone(), seller().region(), map()))
            .config(SyncConfig::default())
            .build()
            .await
            .unwrap();
        let until = after(clock.now(), dice.seconds(1_800, 3 * 3_600));
        if ends_at <= until {
            let waiting = Arc::clone(&clock);
            sync.run(
                async move { waiting.sleep_until(after(ends_at, Duration::from_secs(3 * 3_600))).await },
            )
            .await
            .unwrap();
            break sync.shelf().clone();
        }
        kills += 1;
        tokio::select! {
            () = clock.sleep_until(until) => {}
            ended = sync.run(std::future::pending()) => ended.unwrap(),
        }
    };
    assert!(2 < kills);
    let store = open(folder.path(), &clock).await;
    for code in ["mug", "cup", "pen"] {
        let named = Items::Named(vec![item(code)]);
        let position = store.positions(&shelf, &named).await.unwrap()[0].position;
        let (on_hand, promised) = amazon.world(|world| world.on_shelf(&item(code))).unwrap();
        let held = position.reserved.get() + position.committed.get();
        assert_eq!((position.on_hand.get(), held), (i64::from(on_hand), i64::from(promised)), "{code}");
    }
    assert_eq!(amazon.report().listings_flipped, 0);
    let chain = ChainKey::of(shelf.tenant());
    let evidence = EventLog::read(&store, &chain, 1, 10_000).await.unwrap();
    let decided = evidence.iter().filter(|entry| entry.kind.as_str() == "sync.decided").count();
    assert!(0 < decided, "what was decided is in the event log");
    let told = evidence.iter().filter(|entry| entry.kind.as_str() == "sync.order").count();
    assert!(60 <= told);
    let key = |account: &amazon_sync::seller::SellerAccount| {
        ListingKey::new(account.clone(), sku("MUG-FBA"), Channel::Amazon("AMAZON_EU".to_owned()))
    };
    let tenants = rules_core::work::tenants::Tenants::new(rules_core::work::tenants::FixedTenants::new([
        rules_core::judge::tenant::TenantRecord::new(shelf.tenant().clone()),
    ]));
    let scope = tenants.enter(shelf.tenant()).await.unwrap();
    let account =
        amazon_sync::seller::SellerAccount::new(&scope, seller().seller().clone(), seller().region());
    let amazons = store.listings(&shelf, &Listings::Named(vec![key(&account)])).await.unwrap();
    assert!(amazons.iter().all(|record| record.intent.is_none()));
}
