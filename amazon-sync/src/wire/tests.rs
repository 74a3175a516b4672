use serde_json::{Value, json};

use super::*;

fn same<T: serde::Serialize + serde::de::DeserializeOwned + Kept>(value: &Value) -> T {
    let read: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(&serde_json::to_value(&read).unwrap(), value);
    assert_eq!(kept(&read), [""; 0], "{value}");
    read
}

#[test]
fn an_order_is_written_as_it_was_read() {
    let order = json!({
        "orders": [{
            "orderId": "305-1000001-2000002",
            "createdTime": "2026-11-02T10:00:00Z", "lastUpdatedTime": "2026-11-02T10:05:00.120Z",
            "associatedOrders": [{"orderId": "305-1", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1PA6795UKMFR9"},
            "buyer": {"buyerName": "Erika Mustermann"},
            "fulfillment": {"fulfillmentStatus": "PARTIALLY_SHIPPED", "fulfilledBy": "MERCHANT",
                "shipByWindow": {"latestDateTime": "2026-11-03T22:59:59Z"}},
            "orderItems": [{
                "orderItemId": "10000001", "quantityOrdered": 3,
                "product": {"asin": "B000TEST01", "sellerSku": "Mug / blue,11oz", "price": {"unitPrice": {}}},
                "cancellation": {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "dunno"}},
                "fulfillment": {"quantityFulfilled": 1, "quantityUnfulfilled": 1}}]}],
        "pagination": {"nextToken": "t/+=="}, "lastUpdatedBefore": "2026-11-02T10:58:00Z"
    });
    let page: OrdersPage = same(&order);
    let order = page.orders.get().unwrap()[0].get().unwrap();
    assert_eq!(
        order.fulfillment.get().unwrap().fulfillment_status.get(),
        Some(&FulfillmentStatus::PartiallyShipped)
    );
    let shown = format!("{page:?}");
    assert!(!shown.contains("Erika") && !shown.contains("dunno"), "{shown}");
}

#[test]
fn one_order_that_is_none_stops_no_other() {
    let page: OrdersPage = serde_json::from_value(
        json!({"orders": [7, {"orderId": "1", "orderItems": "none"}, {"orderId": "2"}]}),
    )
    .unwrap();
    let orders = page.orders.get().unwrap();
    assert!(matches!(orders[0], Field::Odd(_)));
    assert!(matches!(orders[1].get().unwrap().order_items, Field::Odd(_)));
    assert_eq!(orders[2].get().unwrap().order_id.get().unwrap(), "2");
    assert_eq!(kept(&page), ["orders[0]", "orders[1].orderItems"]);
}

#[test]
fn listings_and_changes_to_them_are_written_as_they_were_read() {
    same::<ListingsPage>(&json!({
        "numberOfResults": 1, "pagination": {"nextToken": "n", "previousToken": "p"},
        "items": [{"sku": "MUG-1",
            "summaries": [{"marketplaceId": "A1PA6795UKMFR9", "asin": "B000TEST01", "productType": "DRINKING_CUP",
                "status": ["BUYABLE"], "mainImage": {"link": "https://example.com/m.png", "height": 5, "width": 5}}],
            "attributes": {"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]},
            "issues": [{"code": "1", "message": "m", "severity": "WARNING", "categories": [],
                "enforcements": {"actions": [{"action": "X"}], "exemption": {"status": "EXEMPT"}}}],
            "offers": [{"marketplaceId": "A1PA6795UKMFR9", "offerType": "B2C",
                "price": {"currencyCode": "EUR", "amount": "9.90"}, "points": {"pointsNumber": 1}}],
            "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 7}],
            "relationships": [{"marketplaceId": "A1PA6795UKMFR9", "relationships": [
                {"type": "VARIATION", "parentSkus": ["MUG"],
                 "variationTheme": {"attributes": ["color"], "theme": "COLOR"}}]}],
            "productTypes": [{"marketplaceId": "A1PA6795UKMFR9", "productType": "DRINKING_CUP"}]}]
    }));
    let answer: SubmissionAnswer = same(&json!({
        "sku": "MUG-1", "status": "INVALID", "submissionId": "s", "issues": [
            {"code": "90220", "message": "m", "severity": "ERROR", "attributeNames": ["x"]}]
    }));
    assert_eq!(answer.status.get(), Some(&SubmissionStatus::Invalid));
}

#[test]
fn feeds_and_their_reports_are_written_as_they_were_read() {
    same::<ListingsFeed>(&json!({
        "header": {"sellerId": "A1TEST", "version": "2.0", "issueLocale": "en_US",
            "report": {"includedData": ["fulfillmentAvailability"], "apiVersion": "2021-08-01"}},
        "messages": [{"messageId": 1, "sku": "MUG-1", "operationType": "PATCH", "productType": "PRODUCT",
            "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]}]},
            {"messageId": 2, "sku": "MUG-2", "operationType": "DELETE"}]
    }));
    same::<FeedReport>(&json!({
        "header": {"sellerId": "A1TEST", "version": "2.0", "feedId": "5"},
        "issues": [{"messageId": 1, "sku": "MUG-1", "code": "8541", "severity": "ERROR", "message": "m",
            "attributeName": "fulfillment_availability"}],
        "summary": {"errors": 1, "warnings": 0, "messagesProcessed": 2, "messagesAccepted": 1,
            "messagesInvalid": 1, "itemSummary": {"items": 1, "errors": 0, "warnings": 0}},
        "items": [{"sku": "MUG-2", "fulfillmentAvailability": [{"fulfillmentChannelCode": "AMAZON_EU"}]}]
    }));
}

#[test]
fn both_spellings_of_notifications_are_written_as_they_were_read() {
    let told: Envelope = same(&json!({
        "NotificationVersion": "1.0", "NotificationType": "LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
        "PayloadVersion": "1.0", "EventTime": "2026-11-02T10:00:00Z",
        "Payload": {"SellerId": "A1TEST", "FulfillmentChannelCode": "DEFAULT", "Sku": "MUG-1", "Quantity": 7},
        "NotificationMetadata": {"ApplicationId": "a", "SubscriptionId": "s",
            "PublishTime": "2026-11-02T10:00:01Z", "NotificationId": "n"}
    }));
    assert_eq!(told.notification_id(), Some("n"));
    assert!(matches!(told.payload(), Some(Payload::Quantity(_))));
    let told: Envelope = same(&json!({
        "notificationVersion": "2020-09-04", "notificationType": "REPORT_PROCESSING_FINISHED",
        "eventTime": "2026-11-02T10:00:00Z",
        "payload": {"reportProcessingFinishedNotification": {"reportId": "1", "processingStatus": "FATAL"}},
        "notificationMetadata": {"notificationId": "n"}
    }));
    assert_eq!(told.kind(), Some("REPORT_PROCESSING_FINISHED"));
    let told: Envelope = same(&json!({"NotificationType": "ANY_OFFER_CHANGED", "Payload": {"X": [1]}}));
    assert!(matches!(told.payload(), Some(Payload::Other(_))));
}

#[test]
fn every_operation_reads_and_writes_an_empty_question() {
    let mut names: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), OPERATIONS.len());
    for operation in &OPERATIONS {
        assert_eq!(operation.rewrite_request(&json!({})).unwrap().written, json!({}));
        assert_eq!(Operation::at(operation.method.as_str(), operation.path).unwrap().name, operation.name);
        assert!(operation.rewrite_request(&json!(7)).is_err());
    }
    assert!(Operation::at("get", "/orders/v0/orders").is_none());
}

#[test]
fn null_missing_and_odd_members_stay_what_they_are() {
    for value in [
        json!({"feedId": null}),
        json!({"feedId": 7, "marketplaceIds": "A,B", "createdTime": [1]}),
        json!({"unknown": {"deep": [1.5, true, null]}, "processingStatus": "RESTING"}),
        json!({}),
    ] {
        let read: GetFeedAnswer = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), value);
    }
}
