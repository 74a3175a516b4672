use super::*;
use crate::order::OrderId;

const ORDERS: &str = "/orders/2026-01-01/orders";

async fn with_orders(n_orders: u64) -> Door {
    let door = Door::with_mugs().await;
    for _ in 0..n_orders {
        door.pass(1);
        let order = ScriptedOrder::of(sku("MUG"), 1);
        door.amazon.world(|world| world.happen(Incident::Place(owner(), order)));
    }
    door.pass(300);
    door
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn orders_are_found_page_by_page_with_the_data_that_was_asked_for() {
    let door = with_orders(5).await;
    let path = format!("{ORDERS}?lastUpdatedAfter=2026-01-05T09:00:00Z&maxResultsPerPage=3");
    let first = door.get(&format!("{path}&includedData=FULFILLMENT,CANCELLATION")).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.body["lastUpdatedBefore"], "2026-01-05T09:03:05Z");
    let order = &first.body["orders"][0];
    assert_eq!(order["fulfillment"]["fulfillmentStatus"], "PENDING");
    assert_eq!(order["fulfillment"]["fulfilledBy"], "MERCHANT");
    assert_eq!(
        order["orderItems"][0]["fulfillment"],
        json!({"quantityFulfilled": 0, "quantityUnfulfilled": 1})
    );
    assert_eq!(order["orderItems"][0]["product"]["sellerSku"], "MUG");
    let token = first.body["pagination"]["nextToken"].as_str().unwrap();
    let next = format!("{path}&includedData=FULFILLMENT,CANCELLATION&paginationToken={}", encoded(token));
    let second = door.get(&next).await;
    assert_eq!(second.body["orders"].as_array().unwrap().len(), 2);
    assert_eq!(second.body.get("pagination"), None);
    // The page size may differ, and nothing else; and a token must be encoded.
    assert_eq!(door.get(&next.replace("PerPage=3", "PerPage=1")).await.status, 200);
    assert_eq!(code(&door.get(&next.replace(",CANCELLATION", "")).await), (400, "InvalidInput"));
    let raw = format!("{path}&includedData=FULFILLMENT,CANCELLATION&paginationToken={token}");
    assert_eq!(code(&door.get(&raw).await), (400, "InvalidInput"));
    let bare = door.get(&path).await;
    assert_eq!(bare.body["orders"][0].get("fulfillment"), None);
}

#[tokio::test]
async fn a_question_for_orders_names_one_window_that_is_over() {
    let door = with_orders(1).await;
    for query in [
        "",
        "createdAfter=2026-01-05T09:00:00Z&lastUpdatedAfter=2026-01-05T09:00:00Z",
        "lastUpdatedAfter=2026-01-05T09:00:00Z&lastUpdatedBefore=2026-01-05T09:03:02Z",
        "lastUpdatedAfter=2026-01-05T09:03:00Z&lastUpdatedBefore=2026-01-05T09:02:00Z",
        "lastUpdatedAfter=yesterday",
        "lastUpdatedAfter=2026-01-05T09:00:00Z&maxResultsPerPage=101",
        "lastUpdatedAfter=2026-01-05T09:00:00Z&maxResultsPerPage=0",
    ] {
        let told = door.get(&format!("{ORDERS}?{query}")).await;
        assert_eq!(code(&told), (400, "InvalidInput"), "{query}");
    }
    let created = door.get(&format!("{ORDERS}?createdAfter=2026-01-05T09:00:00Z")).await;
    assert_eq!(created.body["createdBefore"], "2026-01-05T09:03:01Z");
    assert_eq!(created.body["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn filters_leave_out_what_was_not_asked_for() {
    let door = with_orders(2).await;
    let count = async |filter: &str| {
        let told = door.get(&format!("{ORDERS}?lastUpdatedAfter=2026-01-05T09:00:00Z&{filter}")).await;
        told.body["orders"].as_array().unwrap().len()
    };
    assert_eq!(count("fulfilledBy=MERCHANT,AMAZON").await, 2);
    assert_eq!(count("fulfilledBy=AMAZON").await, 0);
    assert_eq!(count("fulfillmentStatuses=SHIPPED").await, 0);
    assert_eq!(count(&format!("marketplaceIds={US}")).await, 2);
    assert_eq!(count("marketplaceIds=A2EUQ1WTGCTBG2").await, 0);
}

#[tokio::test]
async fn an_order_tells_what_was_asked_for_what_was_cancelled_and_what_it_replaces() {
    let door = Door::with_mugs().await;
    let id = OrderId::parse("902-0000001-0000001").unwrap();
    let order = ScriptedOrder::of(sku("MUG"), 3)
        .named(id)
        .then(Duration::from_secs(1), Step::Pay)
        .then(Duration::from_secs(2), Step::Ship(Some(1)))
        .then(Duration::from_secs(3), Step::AskToCancel)
        .then(Duration::from_secs(4), Step::Cancel(Some(1), CancelledBy::Merchant))
        .then(Duration::from_secs(5), Step::Replace);
    door.amazon.world(|world| world.happen(Incident::Place(owner(), order)));
    door.pass(10);
    let told = door.get(&format!("{ORDERS}/902-0000001-0000001?includedData=FULFILLMENT,CANCELLATION")).await;
    let (order, item) = (&told.body["order"], &told.body["order"]["orderItems"][0]);
    assert_eq!(order["fulfillment"]["fulfillmentStatus"], "PARTIALLY_SHIPPED");
    assert_eq!(item["quantityOrdered"], 3);
    assert_eq!(item["fulfillment"], json!({"quantityFulfilled": 1, "quantityUnfulfilled": 1}));
    assert_eq!(item["cancellation"]["cancellationRequest"]["requester"], "BUYER");
    assert_eq!(item["cancellation"]["cancellationExecution"]["cancelledBy"], "MERCHANT");
    let ids = door.amazon.world(|world| world.orders(&owner()));
    let replacement = ids.iter().find(|id| id.as_str() != "902-0000001-0000001").unwrap();
    let told = door.get(&format!("{ORDERS}/{replacement}")).await;
    let link = json!([{"orderId": "902-0000001-0000001", "associationType": "REPLACEMENT_ORIGINAL_ID"}]);
    assert_eq!(told.body["order"]["associatedOrders"], link);
    assert_eq!(code(&door.get(&format!("{ORDERS}/902-0000001-0000009")).await), (404, "NotFound"));
}

#[tokio::test]
async fn merge_keeps_the_handling_time_and_replace_wipes_it() {
    let door = Door::with_mugs().await;
    door.patch("merge", json!({"fulfillment_channel_code": "DEFAULT", "quantity": 20})).await;
    door.pass(1);
    let kept =
        json!({"fulfillment_channel_code": "DEFAULT", "quantity": 20, "lead_time_to_ship_max_days": 3});
    assert_eq!(door.stored().await, json!([kept]));
    door.patch("replace", json!({"fulfillment_channel_code": "DEFAULT", "quantity": 21})).await;
    door.pass(1);
    assert_eq!(door.stored().await, json!([{"fulfillment_channel_code": "DEFAULT", "quantity": 21}]));
}

#[tokio::test]
async fn a_wrong_number_is_refused_with_http_200() {
    let door = Door::with_mugs().await;
    let told = door.patch("merge", json!({"quantity": 20})).await;
    assert_eq!((told.status, &told.body["status"]), (200, &json!("INVALID")));
    assert_eq!(told.body["issues"][0]["code"], "90220");
    let told = door.patch("merge", json!({"fulfillment_channel_code": "DEFAULT", "quantity": 1e9})).await;
    assert_eq!((told.status, &told.body["status"]), (200, &json!("INVALID")));
    let told = door.patch("merge", json!({"fulfillment_channel_code": "DEFAULT", "quantity": 5})).await;
    assert_eq!((told.status, &told.body["status"]), (200, &json!("ACCEPTED")));
    let path = format!("{ITEMS}/MUG?marketplaceIds={US}");
    let told = door.send(Method::PATCH, &path, Some(json!({"patches": []}))).await.unwrap();
    assert_eq!(code(&told), (400, "InvalidInput"));
}

#[tokio::test]
async fn a_preview_changes_nothing() {
    let door = Door::with_mugs().await;
    let change = json!({"op": "merge", "path": "/attributes/fulfillment_availability",
        "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 1}]});
    let path = format!("{ITEMS}/MUG?marketplaceIds={US}&mode=VALIDATION_PREVIEW");
    let body = json!({"productType": "PRODUCT", "patches": [change]});
    let told = door.send(Method::PATCH, &path, Some(body)).await.unwrap();
    assert_eq!(told.body["status"], "VALID");
    door.pass(600);
    assert_eq!(door.stored().await[0]["quantity"], 50);
}

#[tokio::test]
async fn a_sku_is_encoded_in_the_path_and_a_comma_breaks_a_list() {
    let world = calm()
        .listing(&owner(), ListingPlan::merchant(sku("Mug / blue,11oz"), 4))
        .listing(&owner(), ListingPlan::merchant(sku("CUP"), 5));
    let door = Door::of(world).await;
    let data = "includedData=summaries,fulfillmentAvailability";
    let one = door.get(&format!("{ITEMS}/Mug%20%2F%20blue%2C11oz?marketplaceIds={US}&{data}")).await;
    assert_eq!(
        one.body["fulfillmentAvailability"],
        json!([{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}])
    );
    assert_eq!(one.body["summaries"][0]["status"], json!(["BUYABLE", "DISCOVERABLE"]));
    let some = format!(
        "{ITEMS}?marketplaceIds={US}&identifiersType=SKU&identifiers=CUP,{}",
        encoded("Mug / blue,11oz")
    );
    let found = door.get(&some).await;
    let skus: Vec<_> = found.body["items"].as_array().unwrap().iter().map(|item| &item["sku"]).collect();
    assert_eq!(skus, ["CUP"]);
    let all = door.get(&format!("{ITEMS}?marketplaceIds={US}&pageSize=1")).await;
    assert_eq!(
        (&all.body["numberOfResults"], &all.body["pagination"]["nextToken"]),
        (&json!(2), &json!("b1"))
    );
    let rest = door.get(&format!("{ITEMS}?marketplaceIds={US}&pageSize=1&pageToken=b1")).await;
    assert_eq!(
        (&rest.body["items"][0]["sku"], rest.body.get("pagination")),
        (&json!("Mug / blue,11oz"), None)
    );
    assert_eq!(code(&door.get(&format!("{ITEMS}/NOTHING?marketplaceIds={US}")).await), (404, "NotFound"));
}

#[tokio::test]
async fn requests_without_an_agent_for_another_seller_or_marketplace_are_turned_away() {
    let door = Door::with_mugs().await;
    let other = door.get(&format!("/listings/2021-08-01/items/SOMEBODY/MUG?marketplaceIds={US}")).await;
    assert_eq!(code(&other), (403, "Unauthorized"));
    let nowhere = door.get(&format!("{ITEMS}/MUG")).await;
    assert_eq!(code(&nowhere), (400, "InvalidInput"));
    let nameless = Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/sellers/v1/marketplaceParticipations", door.amazon.url());
    let told = read(nameless.get(url).header("x-amz-access-token", &door.token).send().await.unwrap()).await;
    assert_eq!(code(&told), (400, "InvalidInput"));
    let told = door.get("/sellers/v1/marketplaceParticipations").await;
    assert_eq!(told.body["payload"][0]["marketplace"]["id"], US);
}
