use super::*;
use crate::marketplace::{MarketError, Marketplace};
use crate::order::OrderId;

#[tokio::test]
async fn twenty_searches_and_then_one_in_three_minutes() {
    let rig = Rig::of(calm()).await;
    rig.pass(600);
    let (market, query) = (rig.amazon.marketplace(), rig.since_nine());
    for _ in 0..20 {
        market.orders(&rig.account, &query).await.unwrap();
    }
    let refused = market.orders(&rig.account, &query).await.unwrap_err();
    let MarketError::Throttled { retry_after: Some(wait), .. } = refused else { panic!("{refused}") };
    assert_eq!(wait.as_secs(), 178);
    rig.pass(179);
    market.orders(&rig.account, &query).await.unwrap();
}

#[tokio::test]
async fn a_hidden_rate_changes_in_mid_run_and_nobody_is_told() {
    let rig = Rig::of(calm()).await;
    let id = OrderId::parse("902-0000001-0000001").unwrap();
    let market = rig.amazon.marketplace();
    let served = async |seconds: u64| {
        let mut served = 0;
        for _ in 0..seconds {
            rig.pass(1);
            served += u32::from(market.order(&rig.account, &id).await.is_ok());
        }
        served
    };
    // The bucket is full at the first call, and fills for 159 seconds from then on.
    assert_eq!(served(160).await, 30 + 79);
    rig.amazon.world(|world| world.happen(Incident::HiddenRate(Operation::GetOrder, 0.5)));
    assert_eq!(served(160).await, 40);
    rig.amazon.world(|world| world.happen(Incident::HiddenRate(Operation::GetOrder, 2.0)));
    assert_eq!(served(160).await, 160);
}
