use super::*;
use crate::marketplace::{MarketError, Marketplace};

async fn rig(faults: Faults) -> Rig {
    let mut world = calm().faults(faults).listing(&owner(), ListingPlan::amazon(sku("LAMP"), 4));
    for nth in 0..40 {
        world = world.listing(&owner(), ListingPlan::merchant(sku(&format!("MUG-{nth}")), nth));
    }
    Rig::of(world).await
}

#[tokio::test]
async fn listings_come_in_the_order_asked_with_nothing_where_nothing_is() {
    let rig = rig(Faults::none()).await;
    let asked = [sku("MUG-7"), sku("NOTHING"), sku("LAMP"), sku("MUG-3")];
    let states = rig.amazon.marketplace().listings(&rig.account, &asked).await.unwrap();
    let numbers: Vec<_> = states
        .iter()
        .map(|states| states.first().map(|state| (state.channel.code().to_owned(), state.effective)))
        .collect();
    let merchant = |number| Some(("DEFAULT".to_owned(), Some(Quantity::new(number).unwrap())));
    assert_eq!(numbers, [merchant(7), None, Some(("AMAZON_NA".to_owned(), None)), merchant(3)]);
}

#[tokio::test]
async fn a_listing_may_be_missing_from_one_answer_and_be_there_in_the_next() {
    let mut faults = Faults::none();
    faults.absent_row = 0.5;
    let rig = rig(faults).await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        rig.pass(1);
        let states = rig.amazon.marketplace().listings(&rig.account, &[sku("MUG-7")]).await.unwrap();
        seen.push(states[0].len());
    }
    assert!(seen.contains(&0) && seen.contains(&1), "{seen:?}");
}

#[tokio::test]
async fn forty_listings_cost_two_searches_and_a_used_up_budget_says_when() {
    let rig = rig(Faults::none()).await;
    let market = rig.amazon.marketplace();
    let all: Vec<_> = (0..40).map(|nth| sku(&format!("MUG-{nth}"))).collect();
    market.listings(&rig.account, &all).await.unwrap();
    market.listings(&rig.account, &all).await.unwrap();
    let refused = market.listings(&rig.account, &all).await.unwrap_err();
    let MarketError::Throttled { operation, retry_after, request } = refused else { panic!("{refused}") };
    assert_eq!((operation, retry_after), ("searchListingsItems", Some(Duration::from_millis(200))));
    assert!(request.is_some());
}

#[tokio::test]
async fn a_foreign_write_and_a_flip_are_seen_at_once() {
    let rig = rig(Faults::none()).await;
    rig.amazon.world(|world| {
        world.happen(Incident::ForeignWrite(owner(), sku("MUG-7"), 99));
        world.happen(Incident::Flip(owner(), sku("MUG-3"), "AMAZON_NA".into(), 12));
    });
    let states =
        rig.amazon.marketplace().listings(&rig.account, &[sku("MUG-7"), sku("MUG-3")]).await.unwrap();
    assert_eq!(states[0][0].effective.map(Quantity::get), Some(99));
    assert_eq!((states[1][0].channel.code(), states[1][0].effective), ("AMAZON_NA", None));
    assert_eq!(rig.shown("MUG-3"), 12);
}
