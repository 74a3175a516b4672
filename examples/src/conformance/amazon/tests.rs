use std::path::Path;

use serde_json::{Value, json};

use super::super::{Line, Outcome, try_file};

fn lines(path: &str, payload: &Value) -> Vec<Line> {
    try_file(Path::new(path), path, payload.to_string().as_bytes())
}

fn kinds(lines: &[Line]) -> Vec<(&'static str, &Outcome)> {
    lines.iter().map(|line| (line.kind.unwrap_or("?"), &line.outcome)).collect()
}

fn model(path: &str, method: &str, operation: &str, status: &str, case: &Value) -> Value {
    let sandbox = json!({"description": "x", "x-amzn-api-sandbox": {"static": [case]}});
    let operation = json!({"operationId": operation, "responses": {status: sandbox}});
    json!({"swagger": "2.0", "info": {"title": "x"}, "paths": {path: {method: operation}}})
}

#[test]
fn cases_of_a_model_are_read_by_their_operation() {
    let case = json!({
        "request": {"parameters": {"feedId": {"value": "77"}}},
        "response": {"feedId": "77", "processingStatus": "DONE", "resultFeedDocumentId": null},
    });
    let tried = lines("m.json", &model("/feeds/2021-06-30/feeds/{feedId}", "get", "getFeed", "200", &case));
    assert_eq!(kinds(&tried), [("getFeed", &Outcome::Same), ("getFeed", &Outcome::Same)]);
    assert_eq!(tried[0].place, "m.json getFeed 200 case 0 request");
    let patch = json!({"request": {"parameters": {"body": {}}},
        "response": {"errors": [{"code": "BadRequest", "message": "no"}]}});
    let route = "/listings/2021-08-01/items/{sellerId}/{sku}";
    let tried = lines("m.json", &model(route, "patch", "patchListingsItem", "400", &patch));
    assert_eq!(kinds(&tried), [("patchListingsItem", &Outcome::Same), ("Amazon error", &Outcome::Same)]);
    let cancelled = json!({"request": {"parameters": {"feedId": {"value": "77"}}}});
    let route = "/feeds/2021-06-30/feeds/{feedId}";
    let tried = lines("m.json", &model(route, "delete", "cancelFeed", "200", &cancelled));
    assert_eq!(kinds(&tried), [("cancelFeed", &Outcome::Same), ("cancelFeed", &Outcome::Same)]);
}

#[test]
fn what_amazon_writes_and_nobody_knows_is_named_by_its_path() {
    let case = json!({"request": {"parameters": {"orderId": {"value": "1"}, "sparkle": {"value": 1}}},
        "response": {"order": {"orderId": "1", "fulfillment": {"fulfillmentStatus": "LOST"},
            "orderItems": [{"quantityOrdered": "two", "glitter": []}]}}});
    let tried =
        lines("m.json", &model("/orders/2026-01-01/orders/{orderId}", "get", "getOrder", "200", &case));
    let kept = |paths: &[&str]| Outcome::Kept(paths.iter().map(|route| (*route).to_owned()).collect());
    assert_eq!(tried[0].outcome, kept(&["sparkle"]));
    let paths = [
        "order.fulfillment.fulfillmentStatus",
        "order.orderItems[0].quantityOrdered",
        "order.orderItems[0].glitter",
    ];
    assert_eq!(tried[1].outcome, kept(&paths));
    assert!(tried[1].to_string().contains("same, kept without being understood: order.fulfillment"));
}

#[test]
fn models_that_we_do_not_call_are_not_ours_and_no_failure() {
    let case = json!({"request": {"parameters": {}}, "response": {"payload": {"boxes": 3}}});
    let tried = lines("m.json", &model("/vendor/boxes", "get", "getBoxes", "200", &case));
    assert!(tried.iter().all(|line| line.outcome.is_not_ours()), "{tried:?}");
    let refused = json!({"request": {}, "response": {"errors": [{"code": "no"}]}});
    let tried = lines("m.json", &model("/vendor/boxes", "get", "getBoxes", "403", &refused));
    assert_eq!(tried[1].outcome, Outcome::Same);
    let none = json!({"swagger": "2.0", "paths": {"/x": {"x-amzn-api-sandbox": {"dynamic": {}}}}});
    assert_eq!(lines("m.json", &none)[0].outcome, Outcome::NotOurs("a model without static cases"));
    assert!(lines("amazon/m.json", &json!({"glossary": {"a": 1}}))[0].outcome.is_not_ours());
}

#[test]
fn examples_of_schemas_are_tried() {
    let told = json!({"NotificationVersion": "1.0", "NotificationType": "ORDER_CHANGE",
        "Payload": {"OrderChangeNotification": {"AmazonOrderId": "1",
            "Summary": {"OrderItems": [{"SellerSKU": "a", "SupplySourceId": null}]}}}});
    let schema = json!({"$schema": "x", "examples": [told, 7], "properties": {}});
    assert_eq!(kinds(&lines("s.json", &schema)), [("notification", &Outcome::Same)]);
    let inside = json!({"$schema": "x", "properties": {"Payload": {"examples": [
        {"SKU": "a", "FulfillmentInventoryByMarketplace": []}]}}});
    assert_eq!(kinds(&lines("s.json", &inside)), [("notification payload", &Outcome::Same)]);
    assert!(lines("s.json", &json!({"$schema": "x"}))[0].outcome.is_not_ours());
}

#[test]
fn bare_payloads_are_known_by_their_shape() {
    let told = json!({"notificationType": "FEED_PROCESSING_FINISHED", "eventTime": "2026-01-01T00:00:00Z",
        "payload": {"feedProcessingFinishedNotification": {"feedId": "1", "processingStatus": "DONE"}}});
    let payloads = [
        (json!({"header": {"sellerId": "A"}, "messages": [{"messageId": 1, "sku": "a"}]}), "listings feed"),
        (json!({"header": {"feedId": "1"}, "issues": [], "summary": {"errors": 0}}), "listings feed report"),
        (json!({"orders": [], "pagination": {"nextToken": "x"}}), "searchOrders"),
        (json!({"sku": "a", "status": "ACCEPTED", "submissionId": "1"}), "patchListingsItem"),
        (json!({"sku": "a", "fulfillmentAvailability": []}), "listing"),
        (json!({"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}), "Amazon error"),
        (json!({"payload": {"subscriptionId": "1", "payloadVersion": "1.0"}}), "getSubscription"),
        (json!({}), "empty answer"),
        (Value::Null, "empty answer"),
        (told.clone(), "notification"),
        (json!({"Type": "Notification", "TopicArn": "x", "Message": told.to_string()}), "notification"),
        (json!({"detail-type": "x", "detail": told}), "notification"),
    ];
    for (payload, kind) in payloads {
        assert_eq!(kinds(&lines("a.json", &payload)), [(kind, &Outcome::Same)], "{payload}");
    }
    let case =
        json!({"request": {"parameters": {"reportId": {"value": "1"}}}, "response": {"reportId": "1"}});
    assert_eq!(
        kinds(&lines("a.json", &case)),
        [("getReport", &Outcome::Same), ("getReport", &Outcome::Same)]
    );
}
