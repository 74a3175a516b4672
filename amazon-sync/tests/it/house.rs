//! What the tests share: a simulated shop, and a synchroniser over it in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use amazon_sync::config::SyncConfig;
use amazon_sync::ledger::Position;
use amazon_sync::listing::{Channel, ListingKey};
use amazon_sync::seller::{Region, SellerAccount};
use amazon_sync::simulator::{
    AmazonAccount, CancelledBy, Faults, Incident, ListingPlan, NoticeSink, ScriptedOrder, Simulator, Step,
    World, WorldBuilder,
};
use amazon_sync::sku::{ItemCode, Sku};
use amazon_sync::sku_map::SkuMap;
use amazon_sync::sync::{Account, Sync, SyncBuilder};
use amazon_sync::sync_store::{Items, Letter, ListingRecord, Listings, SyncStore};
use chrono::{DateTime, Utc};
use rules_core::store::memory::Memory;
use rules_core::work::clock::{Clock, after};
use rules_core::work::ids::SeededIds;

use crate::dice::Dice;
use crate::virtual_time::VirtualClock;
use crate::witness::{WatchedMarket, WatchedStore, Witness};

pub(crate) fn nine() -> DateTime<Utc> {
    "2026-11-02T09:00:00Z".parse().unwrap()
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

pub(crate) fn item(code: &str) -> ItemCode {
    ItemCode::parse(code).unwrap()
}

pub(crate) fn seller() -> AmazonAccount {
    AmazonAccount::parse("A2NEXAMPLETF53", Region::Europe).unwrap()
}

pub(crate) const MARKETPLACE: &str = "A1PA6795UKMFR9";

/// MUG, CUP and PEN by the piece, MUG-6 by the half dozen, GIFT of a mug and two pens, MUG-FBA on
/// Amazon's shelf.
pub(crate) const MAP: &str = "\
sku,channel,kind,of,units
MUG,DEFAULT,item,mug,
CUP,DEFAULT,item,cup,
PEN,DEFAULT,item,pen,
MUG-6,DEFAULT,pack,MUG,6
GIFT,DEFAULT,bundle,MUG,1
GIFT,,bundle,PEN,2
MUG-FBA,AMAZON_EU,alias,MUG,
";

pub(crate) fn map() -> SkuMap {
    SkuMap::from_csv(MAP.as_bytes()).unwrap()
}

/// The listings of [`MAP`], showing what lies there.
pub(crate) fn world(stock: u32) -> WorldBuilder {
    let whole = |code: &str| [(item(code), 1)];
    World::builder(nine())
        .seller(&seller(), [MARKETPLACE])
        .item(item("mug"), stock)
        .item(item("cup"), stock)
        .item(item("pen"), stock)
        .listing(&seller(), ListingPlan::merchant(sku("MUG"), stock).made_of(whole("mug")))
        .listing(&seller(), ListingPlan::merchant(sku("CUP"), stock).made_of(whole("cup")))
        .listing(&seller(), ListingPlan::merchant(sku("PEN"), stock).made_of(whole("pen")))
        .listing(&seller(), ListingPlan::merchant(sku("MUG-6"), stock / 6).made_of([(item("mug"), 6)]))
        .listing(
            &seller(),
            ListingPlan::merchant(sku("GIFT"), stock / 2).made_of([(item("mug"), 1), (item("pen"), 2)]),
        )
        .listing(&seller(), ListingPlan::amazon(sku("MUG-FBA"), 50))
        .faults(Faults::none())
}

/// An order that is paid after five minutes and shipped after three hours.
pub(crate) fn bought(sku: Sku, units: u32) -> ScriptedOrder {
    ScriptedOrder::of(sku, units)
        .then(Duration::from_secs(300), Step::Pay)
        .then(Duration::from_secs(3 * 3_600), Step::Ship(None))
}

/// An order that is cancelled before it is shipped.
pub(crate) fn cancelled(sku: Sku, units: u32) -> ScriptedOrder {
    ScriptedOrder::of(sku, units)
        .then(Duration::from_secs(300), Step::Pay)
        .then(Duration::from_secs(3_600), Step::Cancel(None, CancelledBy::Buyer))
}

pub(crate) fn place(order: ScriptedOrder) -> Incident {
    Incident::Place(seller(), order)
}

/// Orders of every kind over so many hours, by a seed.
pub(crate) fn orders(mut world: WorldBuilder, dice: &mut Dice, count: usize, hours: u64) -> WorldBuilder {
    for _ in 0..count {
        let of = ["MUG", "CUP", "PEN", "MUG-6", "GIFT", "MUG-FBA"];
        let name = of[usize::try_from(dice.between(0, 5)).unwrap()];
        let units = u32::try_from(dice.between(1, 3)).unwrap();
        let mut order = ScriptedOrder::of(sku(name), units);
        if dice.percent(20) {
            order = order.and(sku("CUP"), 1);
        }
        let pay = dice.seconds(10, 1_200);
        let later = pay + dice.seconds(600, 3 * 3_600);
        order = match dice.between(0, 9) {
            0 => order.then(pay, Step::Cancel(None, CancelledBy::Amazon)),
            1 => order.then(pay, Step::Pay).then(later, Step::Cancel(None, CancelledBy::Buyer)),
            2 => order.then(pay, Step::Pay).then(later, Step::Cancel(Some(1), CancelledBy::Merchant)),
            3 => order.then(pay, Step::Pay).then(later, Step::Ship(Some(1))),
            4 => order.then(pay, Step::Pay).then(pay + Duration::from_secs(60), Step::AskToCancel),
            5 => order,
            _ => order.then(pay, Step::Pay).then(later, Step::Ship(None)),
        };
        let at = after(nine(), dice.seconds(60, hours * 3_600));
        world = world.at(at, place(order));
    }
    world
}

/// A simulated shop and its synchroniser, to be made within [`crate::virtual_time::runtime`].
pub(crate) struct Shop {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) amazon: Simulator,
    pub(crate) store: Memory,
    pub(crate) sync: Sync,
}

impl Shop {
    pub(crate) async fn open(world: WorldBuilder) -> Self {
        Self::with(world, |builder| builder).await
    }

    pub(crate) async fn with(world: WorldBuilder, change: impl FnOnce(SyncBuilder) -> SyncBuilder) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(nine()));
        let store = Memory::with(Arc::<VirtualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let amazon = Simulator::builder(world.build().unwrap())
            .clock(Arc::<VirtualClock>::clone(&clock))
            .start_in_process();
        Self::over(clock, store, amazon, change).await
    }

    /// A shop on an Amazon that takes so long for each answer.
    pub(crate) async fn slow(world: WorldBuilder, answer_after: Duration) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(nine()));
        let store = Memory::with(Arc::<VirtualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let amazon = Simulator::builder(world.build().unwrap())
            .clock(Arc::<VirtualClock>::clone(&clock))
            .answer_after(answer_after)
            .start_in_process();
        Self::over(clock, store, amazon, |builder| builder).await
    }

    /// Lets time pass without the synchroniser.
    pub(crate) async fn wait(&self, duration: Duration) {
        self.clock.sleep_until(after(self.clock.now(), duration)).await;
    }

    pub(crate) async fn over(
        clock: Arc<VirtualClock>,
        store: Memory,
        amazon: Simulator,
        change: impl FnOnce(SyncBuilder) -> SyncBuilder,
    ) -> Self {
        let account = Account::new(seller().seller().clone(), seller().region(), map());
        let witness = Witness::default();
        let watched = WatchedStore { store: store.clone(), witness: witness.clone() };
        let market = WatchedMarket { market: amazon.marketplace(), witness };
        let builder = Sync::builder(&watched, market, amazon.shop())
            .sink(amazon.patches())
            .sink(amazon.feeds())
            .account(account)
            .config(SyncConfig::default());
        let sync = change(builder).build().await.unwrap();
        Self { clock, amazon, store, sync }
    }

    /// Notifications go into the synchroniser's queue from now on.
    pub(crate) fn subscribe(&self) {
        let (queue, lane) = self.sync.notifications();
        self.amazon.deliver_notices_into(NoticeSink::Queue(queue, lane));
    }

    /// Runs the services for so long.
    pub(crate) async fn run_for(&self, duration: Duration) {
        let until = after(self.clock.now(), duration);
        let clock = Arc::clone(&self.clock);
        self.sync.run(async move { clock.sleep_until(until).await }).await.unwrap();
    }

    pub(crate) fn account(&self) -> SellerAccount {
        self.sync.accounts().next().unwrap().clone()
    }

    pub(crate) fn key(&self, name: &str, channel: Channel) -> ListingKey {
        ListingKey::new(self.account(), sku(name), channel)
    }

    pub(crate) async fn record(&self, name: &str) -> ListingRecord {
        let keys = vec![self.key(name, Channel::Merchant)];
        let found = self.store.listings(self.sync.shelf(), &Listings::Named(keys)).await.unwrap();
        found.into_iter().next().unwrap()
    }

    pub(crate) async fn records(&self) -> Vec<ListingRecord> {
        let all = Listings::All { account: self.account(), after: None, max: 10_000 };
        self.store.listings(self.sync.shelf(), &all).await.unwrap()
    }

    pub(crate) async fn positions(&self) -> BTreeMap<String, Position> {
        let all = Items::All { after: None, max: 10_000 };
        let found = self.store.positions(self.sync.shelf(), &all).await.unwrap();
        found.into_iter().map(|record| (record.item.to_string(), record.position)).collect()
    }

    pub(crate) async fn letters(&self) -> Vec<Letter> {
        self.sync.letters(0, 1_000).await.unwrap()
    }

    pub(crate) async fn letter_codes(&self) -> Vec<String> {
        self.letters().await.iter().map(|letter| letter.letter.code.to_string()).collect()
    }

    pub(crate) fn shown(&self, name: &str) -> u32 {
        self.amazon.world(|world| world.shown(&seller(), &sku(name))).unwrap()
    }

    pub(crate) fn happen(&self, incident: Incident) {
        self.amazon.world(|world| world.happen(incident));
    }

    /// The ledger holds what the orders hold, the shelf is what it is, and nothing that Amazon ships
    /// was written.
    pub(crate) async fn is_true(&self) {
        for (code, position) in self.positions().await {
            let (on_hand, promised) = self.amazon.world(|world| world.on_shelf(&item(&code))).unwrap();
            let held = position.reserved.get() + position.committed.get();
            assert_eq!((position.on_hand.get(), held), (i64::from(on_hand), i64::from(promised)), "{code}");
        }
        assert_eq!(self.amazon.report().listings_flipped, 0);
    }

    /// Every number is settled.
    pub(crate) async fn is_settled(&self) {
        for record in self.records().await {
            assert_eq!(record.intent, None, "{record:#?}");
        }
    }

    /// What the host sees as its own: a second process on the same store and the same Amazon.
    pub(crate) async fn second(&self) -> Sync {
        let account = Account::new(seller().seller().clone(), seller().region(), map());
        let builder = Sync::builder(&self.store, self.amazon.marketplace(), self.amazon.shop());
        let builder = builder.sink(self.amazon.patches()).sink(self.amazon.feeds()).account(account);
        builder.build().await.unwrap()
    }
}
