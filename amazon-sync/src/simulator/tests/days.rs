//! Whole days: worlds from files, and what a simple synchroniser does in them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::host_stock::{HostChange, HostMark, HostStock};
use crate::marketplace::{MarketError, Marketplace};
use crate::order::{LineId, OrderId};
use crate::sink::QuantitySink;
use crate::sku::ItemCode;

const LISTINGS: &str = "\
sku,channel,quantity,made_of,per_hour,most_units,lead_time_days,product_type,asin
MUG,merchant,10,mug,2,1,3,MUG,B0SIMMUG01
MUG-6,,1,mug*6 box,0.1,,,,
\"Mug, blue\",,4,,1.5,2,,,
LAMP,amazon,7,,1,,,,
";
const ITEMS: &str = "\
on_hand,item,shop_per_hour
40,mug,1
3,box,
";

#[test]
fn a_world_is_read_from_two_files() {
    let world = calm().items_csv(ITEMS.as_bytes()).unwrap().listings_csv(&owner(), LISTINGS.as_bytes());
    let mut world = world.unwrap().build().unwrap();
    let shown = ["MUG", "MUG-6", "Mug, blue", "LAMP"].map(|name| world.shown(&owner(), &sku(name)).unwrap());
    assert_eq!(shown, [10, 1, 4, 7]);
    assert_eq!(world.on_shelf(&ItemCode::parse("Mug, blue").unwrap()), Some((4, 0)));
    world.happen(Incident::Place(owner(), ScriptedOrder::of(sku("MUG-6"), 1)));
    assert_eq!(world.on_shelf(&ItemCode::parse("mug").unwrap()), Some((40, 6)));
    world.advance(nine() + TimeDelta::hours(24));
    let report = world.report();
    assert!(
        0 < report.units_sold && 0 < report.units_sold_by_amazon && 0 < report.shop_units_sold,
        "{report:?}"
    );
}

#[test]
fn after_the_day_nobody_comes_and_what_was_ordered_goes_on() {
    let world = calm().items_csv(ITEMS.as_bytes()).unwrap().listings_csv(&owner(), LISTINGS.as_bytes());
    let mut world = world.unwrap().build().unwrap();
    world.advance(nine() + TimeDelta::hours(2));
    world.happen(Incident::Close);
    let closed = world.report();
    world.advance(nine() + TimeDelta::hours(48));
    let later = world.report();
    let sold = |report: &Report| (report.orders, report.units_sold, report.shop_units_wanted);
    assert_eq!(sold(&later), sold(&closed));
    assert!(0 < closed.units_sold && closed.units_shipped < later.units_shipped, "{later:?}");
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    for (text, line, part) in [
        ("sku,quantity\nMUG,7\nCUP,seven\n", 3, "quantity"),
        ("sku,channel\nMUG,pigeon\n", 2, "channel"),
        ("sku,made_of\nMUG,mug*0\n", 2, "made_of"),
        ("quantity\n7\n", 2, "sku"),
        ("sku,quantity\nMUG\n", 2, "fields"),
    ] {
        let error = calm().listings_csv(&owner(), text.as_bytes()).unwrap_err();
        assert!(
            matches!(&error, WorldError::Row { line: at, reason } if *at == line && reason.contains(part)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_shop_is_the_hosts_stock_and_knows_nothing_of_amazon() {
    let item = ItemCode::parse("mug").unwrap();
    let mug = ListingPlan::merchant(sku("MUG"), 9).made_of([(item.clone(), 1)]);
    let rig =
        Rig::of(calm().item(item.clone(), 9).listing(&owner(), mug).shop_wants(item.clone(), 60.0)).await;
    let shop = rig.amazon.shop();
    rig.place(ScriptedOrder::of(sku("MUG"), 2));
    let first = shop.changes(None, 10).await.unwrap();
    assert!(
        matches!(&first.changes[..], [HostChange::Counted(count)] if count.quantity.get() == 9),
        "{first:?}"
    );
    assert_eq!(shop.changes(first.mark.clone(), 10).await.unwrap().mark, None);
    rig.pass(3_600);
    let (mut mark, mut sold) = (first.mark, 0);
    loop {
        let next = shop.changes(mark.clone(), 2).await.unwrap();
        sold += next.changes.len();
        let Some(further) = next.mark else { break };
        mark = Some(further);
    }
    assert_eq!(sold, 7);
    let read = shop.read(&[item, ItemCode::parse("nothing").unwrap()]).await.unwrap();
    assert_eq!(read[0].as_ref().map(|count| count.quantity.get()), Some(2));
    assert_eq!(read[1], None);
    assert!(shop.changes(Some(HostMark("x".into())), 1).await.is_err());
}

/// Polls every three minutes and writes its own number whenever that has changed.
struct Overwriter {
    stock: i64,
    mark: Option<HostMark>,
    lines: BTreeMap<(OrderId, LineId), i64>,
    written: Option<i64>,
    from: DateTime<Utc>,
}

impl Overwriter {
    async fn tick(&mut self, rig: &Rig, item: &ItemCode) {
        let changes = rig.amazon.shop().changes(self.mark.clone(), 1_000).await.unwrap();
        self.mark = changes.mark.or(self.mark.take());
        for change in changes.changes {
            match change {
                HostChange::Counted(count) => self.stock = count.quantity.units().get(),
                HostChange::Moved { by, .. } => self.stock += by.get(),
            }
        }
        let mut query = rig.since_nine();
        query.window.from = self.from;
        match rig.amazon.marketplace().orders(&rig.account, &query).await {
            Ok(page) => {
                assert_eq!(page.next, None);
                // A longer overlap than any order is late.
                self.from = query.window.to - TimeDelta::minutes(5);
                for order in page.orders {
                    for line in order.lines {
                        let kept = line.ordered.units().get() - line.cancelled.units().get();
                        self.lines.insert((order.id.clone(), line.id), kept);
                    }
                }
            }
            Err(MarketError::Throttled { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let sold: i64 = self.lines.values().sum();
        let free = (self.stock - sold).max(0);
        let told = u32::try_from(sold.max(0)).unwrap();
        rig.amazon.world(|world| world.tell_shop(item, told));
        if self.written != Some(free) {
            let writes = [rig.write("MUG", free)];
            rig.amazon.patches().submit(&rig.account, &writes).await.unwrap();
            self.written = Some(free);
        }
    }
}

/// One day of the first scenario of reference measurements: 20 units, six buyers an hour on Amazon
/// and six in the shop.
async fn overwritten_day(seed: u64) -> Report {
    let item = ItemCode::parse("mug").unwrap();
    // The day is over before the first parcel leaves.
    let life = Life { shipping: Span::seconds(48 * 3_600, 48 * 3_600), ..Life::smooth() };
    let behaviour = Behaviour { life, ..Behaviour::default() };
    let mug = ListingPlan::merchant(sku("MUG"), 20).made_of([(item.clone(), 1)]).wanted(6.0);
    let world = World::builder(nine()).seed(seed).behaviour(behaviour).faults(Faults::none());
    let world = world.seller(&owner(), [US]).item(item.clone(), 20).listing(&owner(), mug);
    let world = world.shop_wants(item.clone(), 6.0).shop_sees(ShopSees::Told);
    let rig = Rig::of(world.gives_up_after(Duration::from_hours(48))).await;
    let mut seller = Overwriter {
        stock: 0,
        mark: None,
        lines: BTreeMap::new(),
        written: None,
        from: nine() - TimeDelta::minutes(9),
    };
    // The shelf is empty long before.
    for _ in 0..100 {
        seller.tick(&rig, &item).await;
        rig.pass(180);
    }
    rig.amazon.report()
}

#[tokio::test]
async fn a_seller_that_overwrites_sells_half_a_unit_a_day_that_it_does_not_have() {
    let (mut oversold, mut days, mut kinds) = (0, 0, BTreeSet::new());
    for seed in 0..60 {
        let report = overwritten_day(seed).await;
        assert!(20 <= report.units_sold + report.shop_units_sold, "{report:?}");
        oversold += report.oversold_units;
        days += 1;
        kinds.insert(report.oversold_units);
    }
    let a_day = f64::from(u32::try_from(oversold).unwrap()) / f64::from(days);
    assert!((0.15..1.0).contains(&a_day), "{a_day} {kinds:?}");
}
