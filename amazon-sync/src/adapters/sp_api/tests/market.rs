use rules_core::judge::fault::{Classify, Fault};

use super::*;
use crate::marketplace::{Marketplace, OrderQuery, OrderWindow, PageToken};
use crate::order::OrderId;

fn query(page: Option<&str>) -> OrderQuery {
    let window = OrderWindow {
        from: "2026-11-02T11:00:00Z".parse().unwrap(),
        to: "2026-11-02T11:55:00Z".parse().unwrap(),
        marketplaces: Vec::new(),
    };
    OrderQuery { window, page: page.map(|page| PageToken(page.to_owned())) }
}

#[tokio::test]
async fn orders_are_asked_for_without_anything_personal() {
    let rig = Rig::new(|_| {
        Reply::json(
            200,
            &json!({"orders": [{"orderId": "x"}, 7], "pagination": {"nextToken": "n/1"},
            "lastUpdatedBefore": "2026-11-02T11:55:00Z"}),
        )
    })
    .await;
    let page = rig.amazon.orders(&rig.account, &query(Some("p/0=="))).await.unwrap();
    let path = rig.asked()[0].path.clone();
    for part in [
        "lastUpdatedAfter=2026-11-02T11%3A00%3A00.000Z",
        "lastUpdatedBefore=2026-11-02T11%3A55%3A00.000Z",
        "marketplaceIds=A1PA6795UKMFR9",
        "fulfilledBy=MERCHANT",
        "includedData=FULFILLMENT,CANCELLATION",
        "paginationToken=p%2F0%3D%3D",
    ] {
        assert!(path.contains(part), "{part} in {path}");
    }
    assert_eq!(page.next, Some(PageToken("n/1".to_owned())));
    assert_eq!(page.used_to, "2026-11-02T11:55:00Z".parse().ok());
    assert_eq!(page.server_now, "2026-11-02T12:00:05Z".parse().ok());
    let poison: Vec<String> = page.poison.iter().map(|it| format!("{}: {}", it.place, it.reason)).collect();
    assert_eq!(
        poison,
        [
            "orders[0].fulfillment: is missing",
            "orders[1]: is not what it should be, but a number of another kind"
        ]
    );
    assert_eq!(page.poison[0].order, OrderId::parse("x").ok());
}

#[tokio::test]
async fn a_refused_page_begins_the_window_again_and_a_late_window_is_explained() {
    let rig = Rig::new(|_| Reply::json(400, &errors("InvalidInput", "Invalid Input"))).await;
    let error = rig.amazon.orders(&rig.account, &query(Some("old"))).await.unwrap_err();
    assert!(matches!(error, MarketError::PageRefused { .. }), "{error:?}");
    let late = OrderQuery {
        window: OrderWindow { to: "2026-11-02T11:59:00Z".parse().unwrap(), ..query(None).window },
        page: None,
    };
    let error = rig.amazon.orders(&rig.account, &late).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("at least 2 minutes ago") && text.contains("60 s ago"), "{text}");
    let error = rig.amazon.orders(&rig.account, &query(None)).await.unwrap_err();
    assert!(error.to_string().contains("400, InvalidInput (request"), "{error}");
}

#[tokio::test]
async fn an_order_that_amazon_does_not_know_is_none() {
    let rig = Rig::new(|request| {
        if request.path.contains("305-1") {
            Reply::json(404, &errors("NotFound", "x"))
        } else {
            Reply::json(200, &json!({"order": {"orderId": "305-2"}}))
        }
    })
    .await;
    let order = async |id| rig.amazon.order(&rig.account, &OrderId::parse(id).unwrap()).await;
    assert_eq!(order("305-1").await.unwrap(), None);
    let error = order("305-2").await.unwrap_err();
    assert!(error.to_string().contains("at order.fulfillment: is missing"), "{error}");
    assert_eq!(error.fault(), Fault::Rejected);
}

#[tokio::test]
async fn listings_are_read_twenty_at_a_time_and_commas_alone() {
    let rig = Rig::new(|request| {
        if request.path.contains("%2C") {
            let state = json!({"sku": "a,b", "fulfillmentAvailability": [
                {"fulfillmentChannelCode": "DEFAULT", "quantity": 9}]});
            return Reply::json(200, &state);
        }
        let query = request.path.split("identifiers=").nth(1).unwrap().split('&').next().unwrap();
        let item = |sku: &str| {
            json!({"sku": sku, "fulfillmentAvailability": [
            {"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]})
        };
        let items: Vec<_> = query.split(',').filter(|sku| *sku != "sku-7").map(item).collect();
        Reply::json(200, &json!({"numberOfResults": items.len(), "items": items}))
    })
    .await;
    let mut skus: Vec<Sku> = (0..21).map(|sku| Sku::parse(&format!("sku-{sku}")).unwrap()).collect();
    skus.insert(5, Sku::parse("a,b").unwrap());
    let states = rig.amazon.listings(&rig.account, &skus).await.unwrap();
    assert_eq!(states.len(), 22);
    assert_eq!(states[5][0].effective.unwrap().get(), 9);
    assert_eq!(states[0][0].effective.unwrap().get(), 3);
    assert!(states[8].is_empty(), "absent is not zero");
    let paths: Vec<String> = rig.asked().into_iter().map(|request| request.path).collect();
    assert_eq!(paths.len(), 3);
    assert!(paths[0].contains("identifiersType=SKU") && paths[0].contains("pageSize=20"), "{}", paths[0]);
    assert!(
        paths[0].contains("includedData=summaries,attributes,fulfillmentAvailability,productTypes"),
        "{}",
        paths[0]
    );
    assert!(paths[2].starts_with("/listings/2021-08-01/items/A1TEST/a%2Cb?"), "{}", paths[2]);
}
