use super::*;
use crate::sku::ItemCode;

fn item(code: &str) -> ItemCode {
    ItemCode::parse(code).unwrap()
}

fn hours(hours: i64) -> DateTime<Utc> {
    nine() + TimeDelta::hours(hours)
}

#[test]
fn what_amazon_sells_beyond_the_shelf_is_oversold_and_given_up() {
    let mug = ListingPlan::merchant(sku("MUG"), 10).made_of([(item("mug"), 1)]);
    let mut world = calm().item(item("mug"), 4).listing(&owner(), mug).build().unwrap();
    let order = ScriptedOrder::of(sku("MUG"), 6)
        .then(Duration::from_mins(5), Step::Pay)
        .then(Duration::from_hours(2), Step::Ship(None));
    world.happen(Incident::Place(owner(), order));
    assert_eq!(world.report().oversold_units, 2);
    world.advance(hours(3));
    assert_eq!(world.on_shelf(&item("mug")), Some((0, 0)));
    world.advance(hours(5));
    let report = world.report();
    assert_eq!((report.units_shipped, report.units_cancelled, report.oversold_units), (4, 2, 2));
    assert_eq!(world.units_sold()[&(owner(), sku("MUG"))], 4);
}

#[test]
fn a_shop_that_was_told_nothing_sells_what_amazon_has_sold() {
    for (sees, oversold) in [(ShopSees::Shelf, 0), (ShopSees::Told, 3)] {
        let mug = ListingPlan::merchant(sku("MUG"), 3).made_of([(item("mug"), 1)]);
        let world = calm().item(item("mug"), 3).listing(&owner(), mug);
        let mut world = world.shop_wants(item("mug"), 60.0).shop_sees(sees).build().unwrap();
        world.happen(Incident::Place(owner(), ScriptedOrder::of(sku("MUG"), 3)));
        world.advance(hours(1));
        let report = world.report();
        assert_eq!((report.oversold_units, report.shop_units_sold), (oversold, oversold), "{sees:?}");
    }
}

#[test]
fn the_shop_keeps_what_it_was_told_to_keep() {
    let mug = ListingPlan::merchant(sku("MUG"), 3).made_of([(item("mug"), 1)]);
    let world = calm().item(item("mug"), 3).listing(&owner(), mug);
    let mut world = world.shop_wants(item("mug"), 60.0).shop_sees(ShopSees::Told).build().unwrap();
    world.happen(Incident::Place(owner(), ScriptedOrder::of(sku("MUG"), 2)));
    world.tell_shop(&item("mug"), 2);
    world.advance(hours(1));
    assert_eq!((world.report().oversold_units, world.report().shop_units_sold), (0, 1));
    assert_eq!((world.shop_count(&item("mug")), world.shop_moves(1, 9).len()), (Some(2), 1));
}

#[test]
fn demand_is_met_as_far_as_the_number_reaches() {
    let mug = ListingPlan::merchant(sku("MUG"), 20).wanted(6.0);
    let mut behaviour = Behaviour::prompt();
    behaviour.life = Life::smooth();
    let mut world = calm().behaviour(behaviour).listing(&owner(), mug).build().unwrap();
    world.advance(hours(24));
    let report = world.report();
    assert_eq!((report.orders, report.units_sold, report.oversold_units), (20, 20, 0));
    assert!((100..200).contains(&report.units_wanted), "{}", report.units_wanted);
    assert_eq!(world.shown(&owner(), &sku("MUG")), Some(0));
}

#[test]
fn others_meddle_as_often_as_asked() {
    let mug = ListingPlan::merchant(sku("MUG"), 20);
    let world = calm().listing(&owner(), mug.clone()).listing(&owner(), ListingPlan::amazon(sku("LAMP"), 9));
    let mut world = world.foreign_writes(2.0).build().unwrap();
    world.advance(hours(24));
    let happenings = world.take_happenings();
    let foreign = happenings
        .iter()
        .filter(|happening| matches!(&happening.what, What::Shown { why: Why::Foreign, .. }));
    assert!((25..75).contains(&foreign.count()));
    let mut world = calm().listing(&owner(), mug).flips(2.0).build().unwrap();
    world.advance(hours(24));
    assert_eq!(world.shown(&owner(), &sku("MUG")), Some(0));
}

#[test]
fn goods_come_in_and_get_lost() {
    let mug = ListingPlan::merchant(sku("MUG"), 5).made_of([(item("mug"), 1)]);
    let mut world = calm().item(item("mug"), 5).listing(&owner(), mug).build().unwrap();
    world.happen(Incident::Place(owner(), ScriptedOrder::of(sku("MUG"), 5)));
    world.happen(Incident::Restock(item("mug"), 2));
    world.happen(Incident::Restock(item("mug"), -4));
    assert_eq!(world.on_shelf(&item("mug")), Some((3, 3)));
    assert_eq!((world.report().oversold_units, world.shop_count(&item("mug"))), (2, Some(3)));
}

#[test]
fn demand_brings_orders_of_every_kind() {
    let mut life = Life::default();
    (life.payment_fails, life.cancelled, life.partly_cancelled) = (0.2, 0.2, 0.3);
    (life.in_two_parts, life.cancel_asked, life.replaced) = (0.5, 0.2, 0.2);
    let mut behaviour = Behaviour::prompt();
    behaviour.life = life;
    let mug = ListingPlan::merchant(sku("MUG"), 5_000).wanted(20.0).up_to(4);
    let mut world = calm().behaviour(behaviour).listing(&owner(), mug).build().unwrap();
    world.advance(hours(24 * 5));
    let report = world.report();
    assert!(1_000 < report.orders && report.orders < report.units_sold, "{report:?}");
    assert!(0 < report.units_cancelled && 0 < report.units_shipped, "{report:?}");
}

#[tokio::test]
async fn two_sellers_share_the_application_and_nothing_else() {
    use crate::sink::{QuantitySink, Submitted};
    let other = AmazonAccount::parse("A3OTHEREXAMPLE", Region::Europe).unwrap();
    let plan = UsagePlan::published()
        .with_application(Operation::PatchListingsItem, Rate { per_second: 1.0, burst: 6 });
    let world = calm().usage_plan(plan).seller(&other, ["A1PA6795UKMFR9"]);
    let world = world.listing(&owner(), ListingPlan::merchant(sku("MUG"), 5));
    let rig = Rig::of(world.listing(&other, ListingPlan::merchant(sku("MUG"), 6))).await;
    let account =
        SellerAccount::new(&*scope().await, SellerId::parse("A3OTHEREXAMPLE").unwrap(), Region::Europe);
    let mut accepted = Vec::new();
    for (owner, quantity) in [(&account, 1), (&rig.account, 2)] {
        let mut write = rig.write("MUG", quantity);
        write.listing = ListingKey::new(owner.clone(), sku("MUG"), Channel::Merchant);
        let writes = vec![write; 5];
        let answers = rig.amazon.patches().submit(owner, &writes).await.unwrap();
        accepted.push(answers.iter().filter(|answer| matches!(answer, Submitted::Accepted(_))).count());
    }
    assert_eq!(accepted, [5, 1]);
    rig.pass(1);
    let shown = |account| rig.amazon.world(|world| world.shown(account, &sku("MUG")));
    assert_eq!((shown(&owner()), shown(&other)), (Some(2), Some(1)));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = Simulator::builder(calm().build().unwrap()).start().await.unwrap();
    let port = first.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Simulator::builder(calm().build().unwrap()).port(port).start().await.unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[test]
fn a_listing_without_a_seller_or_with_a_name_that_is_no_item_is_refused() {
    let nobody = AmazonAccount::parse("NOBODY", Region::Europe).unwrap();
    let error = calm().listing(&nobody, ListingPlan::merchant(sku("MUG"), 5)).build().unwrap_err();
    assert!(matches!(error, WorldError::NoSeller { .. }), "{error}");
    // A SKU has up to 40 characters, an item code up to 64 bytes.
    let long = ListingPlan::merchant(sku(&"ü".repeat(40)), 5);
    let error = calm().listing(&owner(), long).build().unwrap_err();
    assert!(matches!(error, WorldError::Item(_)), "{error}");
}
