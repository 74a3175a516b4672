use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::tenants::{FixedTenants, Tenants};
use serde_json::json;

use super::*;
use crate::seller::{Region, SellerId};

async fn access() -> SellerAccess {
    let id = TenantId::parse("shop").unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]));
    let scope = tenants.enter(&id).await.unwrap();
    let marketplaces = ["A1PA6795UKMFR9", "A13V1IB3VIYZZH"].map(|id| MarketplaceId::parse(id).unwrap());
    SellerAccess::new(&scope, SellerId::parse("A1TEST").unwrap(), Region::Europe, marketplaces, "anna")
        .unwrap()
}

async fn read(item: Value) -> Vec<ListingState> {
    let item: ListingsItem = serde_json::from_value(item).unwrap();
    states(&access().await, &Sku::parse("MUG-1").unwrap(), &item, "2026-11-02T10:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn declared_and_effective_numbers_are_told_apart_channel_by_channel() {
    let states = read(json!({
        "sku": "MUG-1",
        "summaries": [
            {"marketplaceId": "A13V1IB3VIYZZH", "productType": "OTHER", "status": []},
            {"marketplaceId": "A1PA6795UKMFR9", "asin": "B000TEST01", "productType": "DRINKING_CUP",
             "status": ["BUYABLE", "DISCOVERABLE"]}],
        "attributes": {"fulfillment_availability": [
            {"fulfillment_channel_code": "DEFAULT", "quantity": 9.0},
            {"fulfillment_channel_code": "store-1", "quantity": 2}, {"quantity": 5}]},
        "fulfillmentAvailability": [
            {"fulfillmentChannelCode": "DEFAULT", "quantity": 7}, {"fulfillmentChannelCode": "AMAZON_EU"}],
    }))
    .await;
    let told: Vec<String> = states
        .iter()
        .map(|state| {
            let number =
                |number: Option<Quantity>| number.map_or("-".to_owned(), |number| number.to_string());
            format!("{} {} {}", state.channel, number(state.declared), number(state.effective))
        })
        .collect();
    assert_eq!(told, ["DEFAULT 9 7", "AMAZON_EU - -", "store-1 2 -"]);
    let state = &states[0];
    assert_eq!((state.product_type.as_deref(), state.buyable), (Some("DRINKING_CUP"), Some(true)));
    assert_eq!(state.asin.as_ref().unwrap().as_str(), "B000TEST01");
}

#[tokio::test]
async fn what_an_answer_leaves_open_stays_open() {
    let states = read(json!({"sku": "MUG-1", "productTypes": [{"productType": "CUP"}],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": -1}]}))
    .await;
    assert_eq!((states[0].effective, states[0].buyable, states[0].declared), (None, None, None));
    assert_eq!(states[0].product_type.as_deref(), Some("CUP"));
    assert!(read(json!({"sku": "MUG-1"})).await.is_empty());
}
