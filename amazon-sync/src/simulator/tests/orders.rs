use proptest::prelude::*;

use super::amazon::{Outcome, Search};
use super::*;
use crate::marketplace::{MarketError, Marketplace, PageToken};
use crate::order::{Order, OrderId, OrderStatus, ShippedBy};

fn id(text: &str) -> OrderId {
    OrderId::parse(text).unwrap()
}

fn mugs(units: u32) -> ScriptedOrder {
    ScriptedOrder::of(sku("MUG"), units).named(id("902-0000001-0000001"))
}

async fn rig() -> Rig {
    Rig::of(calm().listing(&owner(), ListingPlan::merchant(sku("MUG"), 50))).await
}

async fn only(rig: &Rig) -> Order {
    rig.amazon.marketplace().order(&rig.account, &id("902-0000001-0000001")).await.unwrap().unwrap().order
}

fn counts(order: &Order) -> (u32, u32, u32) {
    let line = &order.lines[0];
    (line.ordered.get(), line.shipped.get(), line.cancelled.get())
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn an_order_goes_from_pending_over_partly_shipped_to_shipped() {
    let rig = rig().await;
    rig.place(
        mugs(3).then(HOUR, Step::Pay).then(2 * HOUR, Step::Ship(Some(1))).then(3 * HOUR, Step::Ship(None)),
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        let order = only(&rig).await;
        seen.push((order.status.as_str().to_owned(), counts(&order)));
        rig.pass(3_600);
    }
    let story = [
        ("PENDING", (3, 0, 0)),
        ("UNSHIPPED", (3, 0, 0)),
        ("PARTIALLY_SHIPPED", (3, 1, 0)),
        ("SHIPPED", (3, 3, 0)),
    ];
    assert_eq!(seen, story.map(|(status, counts)| (status.to_owned(), counts)));
}

#[tokio::test]
async fn a_cancellation_before_shipping_takes_all_or_some() {
    let rig = rig().await;
    rig.place(mugs(3).then(HOUR, Step::Pay).then(2 * HOUR, Step::Cancel(Some(1), CancelledBy::Merchant)));
    rig.pass(3 * 3_600);
    let order = only(&rig).await;
    assert_eq!((order.status.clone(), counts(&order)), (OrderStatus::Unshipped, (3, 0, 1)));
    let all = Step::Cancel(None, CancelledBy::Buyer);
    rig.amazon.world(|world| world.happen(Incident::Step(owner(), order.id, all)));
    let order = only(&rig).await;
    assert_eq!((order.status.clone(), counts(&order)), (OrderStatus::Cancelled, (3, 0, 3)));
}

#[tokio::test]
async fn what_is_left_can_be_cancelled_after_a_part_has_shipped() {
    let rig = rig().await;
    let rest = Step::Cancel(None, CancelledBy::Merchant);
    rig.place(mugs(3).then(HOUR, Step::Pay).then(2 * HOUR, Step::Ship(Some(2))).then(3 * HOUR, rest));
    rig.pass(3 * 3_600);
    let order = only(&rig).await;
    assert_eq!((order.status.clone(), counts(&order)), (OrderStatus::Shipped, (3, 2, 1)));
}

#[tokio::test]
async fn an_order_may_count_as_cancelled_though_it_has_shipped() {
    let rig = rig().await;
    rig.place(mugs(2).then(HOUR, Step::Pay).then(2 * HOUR, Step::Ship(None)).then(3 * HOUR, Step::Void));
    rig.pass(3 * 3_600);
    let order = only(&rig).await;
    assert_eq!((order.status.clone(), counts(&order)), (OrderStatus::Cancelled, (2, 2, 0)));
}

#[tokio::test]
async fn a_cancellation_that_is_asked_for_is_not_carried_out() {
    let rig = rig().await;
    rig.place(
        mugs(2).then(HOUR, Step::Pay).then(2 * HOUR, Step::AskToCancel).then(3 * HOUR, Step::Ship(None)),
    );
    rig.pass(2 * 3_600);
    assert_eq!(only(&rig).await.status, OrderStatus::Unshipped);
    rig.pass(3_600);
    assert_eq!(counts(&only(&rig).await), (2, 2, 0));
}

#[tokio::test]
async fn a_replacement_is_an_order_of_its_own_and_lowers_the_number_again() {
    let rig = rig().await;
    rig.place(mugs(2).then(HOUR, Step::Pay).then(2 * HOUR, Step::Ship(None)).then(3 * HOUR, Step::Replace));
    rig.pass(2 * 3_600);
    assert_eq!(rig.shown("MUG"), 48);
    rig.pass(3_600);
    assert_eq!(rig.shown("MUG"), 46);
    rig.pass(24 * 3_600);
    let page = rig.amazon.marketplace().orders(&rig.account, &rig.since_nine()).await.unwrap();
    assert_eq!(page.orders.len(), 2);
}

#[tokio::test]
async fn a_preorder_waits_and_a_hidden_line_and_a_new_word_are_told_as_they_are() {
    let rig = rig().await;
    rig.place(
        mugs(1).preorder().then(HOUR, Step::HideLine).then(2 * HOUR, Step::Rename("ON_THE_MOON".into())),
    );
    assert_eq!(only(&rig).await.status, OrderStatus::PendingAvailability);
    rig.pass(2 * 3_600);
    let order = only(&rig).await;
    assert_eq!((order.status, order.lines.len()), (OrderStatus::Other("ON_THE_MOON".into()), 0));
}

#[tokio::test]
async fn cancelled_units_are_told_in_either_way_and_mean_the_same() {
    for units in [CancelledUnits::Kept, CancelledUnits::Dropped] {
        let mut behaviour = Behaviour::prompt();
        behaviour.cancelled_units = units;
        let listing = ListingPlan::merchant(sku("MUG"), 50);
        let rig = Rig::of(calm().behaviour(behaviour).listing(&owner(), listing)).await;
        rig.place(mugs(3).then(HOUR, Step::Cancel(Some(1), CancelledBy::Buyer)));
        rig.pass(3_600);
        let (ordered, _, cancelled) = counts(&only(&rig).await);
        assert_eq!(ordered - cancelled, 2, "{units:?}");
    }
}

#[tokio::test]
async fn a_change_can_be_found_only_after_a_lag() {
    let mut behaviour = Behaviour::prompt();
    behaviour.order_lag = Span::seconds(50, 50);
    let listing = ListingPlan::merchant(sku("MUG"), 50);
    let rig = Rig::of(calm().behaviour(behaviour).listing(&owner(), listing)).await;
    rig.place(mugs(1).then(HOUR, Step::Pay));
    rig.pass(49);
    let market = rig.amazon.marketplace();
    assert_eq!(market.order(&rig.account, &id("902-0000001-0000001")).await.unwrap(), None);
    rig.pass(1);
    assert_eq!(only(&rig).await.status, OrderStatus::Pending);
    rig.pass(3_550 + 49);
    assert_eq!(only(&rig).await.status, OrderStatus::Pending);
    rig.pass(1);
    assert_eq!(only(&rig).await.status, OrderStatus::Unshipped);
}

#[tokio::test]
async fn a_change_that_comes_late_is_missed_by_the_window_that_it_belongs_to() {
    let mut faults = Faults::none();
    faults.late_order = 1.0;
    let listing = ListingPlan::merchant(sku("MUG"), 50);
    let rig = Rig::of(calm().faults(faults).listing(&owner(), listing)).await;
    rig.place(mugs(1));
    rig.pass(130);
    let query = rig.since_nine();
    let market = rig.amazon.marketplace();
    assert_eq!(market.orders(&rig.account, &query).await.unwrap().orders, []);
    rig.pass(2_400);
    assert_eq!(market.orders(&rig.account, &query).await.unwrap().orders.len(), 1);
}

#[tokio::test]
async fn a_window_that_ends_less_than_two_minutes_ago_is_refused() {
    let rig = rig().await;
    rig.pass(600);
    let mut query = rig.since_nine();
    query.window.to += TimeDelta::seconds(1);
    let refused = rig.amazon.marketplace().orders(&rig.account, &query).await.unwrap_err();
    assert!(
        matches!(&refused, MarketError::Rejected { status: 400, code, .. } if code == "InvalidInput"),
        "{refused}"
    );
}

async fn three_pages(life: Duration) -> (Rig, OrderQuery) {
    let mut behaviour = Behaviour::prompt();
    behaviour.page_max = 10;
    behaviour.page_token_life = life;
    let listing = ListingPlan::merchant(sku("MUG"), 50);
    let rig = Rig::of(calm().behaviour(behaviour).listing(&owner(), listing)).await;
    for _ in 0..25 {
        rig.pass(1);
        rig.place(ScriptedOrder::of(sku("MUG"), 1));
    }
    rig.pass(200);
    let query = rig.since_nine();
    (rig, query)
}

#[tokio::test]
async fn pages_hold_every_order_once_and_name_the_end_that_was_used() {
    let (rig, mut query) = three_pages(Duration::from_hours(24)).await;
    let market = rig.amazon.marketplace();
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = market.orders(&rig.account, &query).await.unwrap();
        assert_eq!((page.used_to, page.server_now), (Some(query.window.to), Some(rig.clock.now())));
        sizes.push(page.orders.len());
        ids.extend(page.orders.into_iter().map(|order| order.id));
        query.page = page.next;
        if query.page.is_none() {
            break;
        }
        // An order that changes meanwhile leaves the window and disturbs no other.
        let last = ids.last().cloned().unwrap();
        rig.amazon.world(|world| world.happen(Incident::Step(owner(), last, Step::Pay)));
    }
    assert_eq!(sizes, [10, 10, 5]);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 25);
}

#[tokio::test]
async fn a_page_is_refused_for_another_question_and_after_its_time() {
    let (rig, mut query) = three_pages(Duration::from_hours(24)).await;
    let market = rig.amazon.marketplace();
    query.page = market.orders(&rig.account, &query).await.unwrap().next;
    let mut other = query.clone();
    other.window.from -= TimeDelta::seconds(1);
    let refused = market.orders(&rig.account, &other).await.unwrap_err();
    assert!(matches!(refused, MarketError::PageRefused { .. }), "{refused}");
    rig.pass(24 * 3_600);
    assert_eq!(market.orders(&rig.account, &query).await.unwrap().orders.len(), 10);
    rig.pass(1);
    let refused = market.orders(&rig.account, &query).await.unwrap_err();
    assert!(matches!(refused, MarketError::PageRefused { .. }), "{refused}");
    query.page = Some(PageToken("not a token".into()));
    let refused = market.orders(&rig.account, &query).await.unwrap_err();
    assert!(matches!(refused, MarketError::PageRefused { .. }), "{refused}");
}

#[tokio::test]
async fn orders_that_amazon_ships_are_told_as_such_and_not_among_the_merchants() {
    let rig = Rig::of(calm().listing(&owner(), ListingPlan::amazon(sku("LAMP"), 5))).await;
    rig.place(ScriptedOrder::of(sku("LAMP"), 2).named(id("902-0000001-0000001")).then(HOUR, Step::Pay));
    assert_eq!((only(&rig).await.shipped_by, rig.shown("LAMP")), (ShippedBy::Amazon, 3));
    rig.pass(600);
    let page = rig.amazon.marketplace().orders(&rig.account, &rig.since_nine()).await.unwrap();
    assert_eq!(page.orders, []);
}

#[tokio::test]
async fn an_order_takes_what_the_listing_shows_and_nothing_once_it_shows_nothing() {
    let rig = Rig::of(calm().listing(&owner(), ListingPlan::merchant(sku("MUG"), 3))).await;
    rig.place(mugs(5));
    assert_eq!((rig.shown("MUG"), counts(&only(&rig).await)), (0, (3, 0, 0)));
    rig.place(ScriptedOrder::of(sku("MUG"), 1));
    assert_eq!(rig.amazon.world(|world| world.orders(&owner()).len()), 1);
}

#[tokio::test]
async fn a_cancellation_restores_the_number_only_if_amazon_is_said_to_do_so() {
    for (restores, shown) in [(false, 48), (true, 50)] {
        let mut behaviour = Behaviour::prompt();
        behaviour.restores_on_cancel = restores;
        let listing = ListingPlan::merchant(sku("MUG"), 50);
        let rig = Rig::of(calm().behaviour(behaviour).listing(&owner(), listing)).await;
        rig.place(mugs(2).then(HOUR, Step::Cancel(None, CancelledBy::Buyer)));
        rig.pass(3_600);
        assert_eq!(rig.shown("MUG"), shown);
    }
}

#[tokio::test]
async fn a_seller_may_be_refused_its_orders_and_nothing_else() {
    let rig = rig().await;
    rig.amazon.world(|world| world.happen(Incident::ForbidOrders(owner(), true)));
    rig.pass(600);
    let market = rig.amazon.marketplace();
    let refused = market.orders(&rig.account, &rig.since_nine()).await.unwrap_err();
    assert!(matches!(refused, MarketError::Forbidden { .. }), "{refused}");
    assert_eq!(market.listings(&rig.account, &[sku("MUG")]).await.unwrap()[0].len(), 1);
}

#[tokio::test]
async fn a_seller_that_revoked_is_refused_everything_until_it_authorises_again() {
    let rig = rig().await;
    rig.amazon.world(|world| world.happen(Incident::Revoke(owner())));
    let market = rig.amazon.marketplace();
    let refused = market.listings(&rig.account, &[sku("MUG")]).await.unwrap_err();
    assert!(matches!(refused, MarketError::Revoked { .. }), "{refused}");
    rig.amazon.world(|world| world.happen(Incident::Authorise(owner())));
    market.listings(&rig.account, &[sku("MUG")]).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn however_a_window_is_cut_into_pages_every_order_in_it_comes_once(
        gaps in prop::collection::vec(0..400_u64, 1..40),
        sizes in prop::collection::vec(1..12_i64, 1..8),
        from in 0..3_000_i64,
    ) {
        let mut world = calm().listing(&owner(), ListingPlan::merchant(sku("MUG"), 99)).build().unwrap();
        let (mut at, mut placed) = (nine(), Vec::new());
        for gap in gaps {
            at += TimeDelta::seconds(i64::try_from(gap).unwrap());
            world.advance(at);
            world.happen(Incident::Place(owner(), ScriptedOrder::of(sku("MUG"), 1)));
            placed.push(at);
        }
        world.advance(at.max(nine() + TimeDelta::hours(1)) + TimeDelta::minutes(10));
        let from = nine() + TimeDelta::seconds(from);
        let to = world.now() - TimeDelta::minutes(2);
        let mut search = Search { updated_after: Some(from), updated_before: Some(to), ..Search::default() };
        let mut found = Vec::new();
        for page in 0.. {
            search.page_size = Some(sizes[page % sizes.len()]);
            // Enough for one more call.
            world.advance(world.now() + TimeDelta::minutes(3));
            let reply = world.amazon.search_orders(&owner(), &search);
            let Outcome::Done(page) = reply.outcome else { panic!("{:?}", reply.outcome) };
            found.extend(page.orders.iter().map(|order| order.id.clone()));
            search.token = page.next;
            if search.token.is_none() {
                break;
            }
        }
        let n_found = found.len();
        found.sort();
        found.dedup();
        prop_assert_eq!(n_found, found.len());
        prop_assert_eq!(n_found, placed.iter().filter(|at| from <= **at).count());
    }
}
