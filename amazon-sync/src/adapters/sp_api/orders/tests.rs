use serde_json::{Value, json};

use super::*;

fn wire(status: &str, items: &Value) -> WireOrder {
    serde_json::from_value(json!({
        "orderId": "305-1000001-2000002", "createdTime": "2026-11-02T10:00:00Z",
        "lastUpdatedTime": "2026-11-02T10:05:00.5Z",
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"}, "orderItems": items,
    }))
    .unwrap()
}

fn item(ordered: i64, fulfillment: &Value, is_cancelled: bool) -> Value {
    let mut item = json!({"orderItemId": "1", "quantityOrdered": ordered,
        "product": {"sellerSku": "MUG-1", "asin": "B000TEST01"}, "fulfillment": fulfillment});
    if is_cancelled {
        item["cancellation"] = json!({"cancellationExecution": {"cancelledBy": "BUYER"}});
    }
    item
}

fn cancelled_units(status: &str, ordered: i64, shipped: i64, open: Option<i64>, is_cancelled: bool) -> u32 {
    let mut fulfillment = json!({"quantityFulfilled": shipped});
    if let Some(open) = open {
        fulfillment["quantityUnfulfilled"] = json!(open);
    }
    order(&wire(status, &json!([item(ordered, &fulfillment, is_cancelled)]))).unwrap().lines[0]
        .cancelled
        .get()
}

#[test]
fn what_matters_to_stock_is_read() {
    let items = json!([item(3, &json!({"quantityFulfilled": 1, "quantityUnfulfilled": 2}), false),
        {"orderItemId": "2", "quantityOrdered": 1, "product": {"asin": "short"}}]);
    let read = order(&wire("PARTIALLY_SHIPPED", &items)).unwrap();
    assert_eq!(read.id.as_str(), "305-1000001-2000002");
    assert_eq!(read.updated_at, "2026-11-02T10:05:00.5Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!((read.status, read.shipped_by), (OrderStatus::PartiallyShipped, ShippedBy::Merchant));
    let line = &read.lines[0];
    assert_eq!((line.ordered.get(), line.shipped.get(), line.cancelled.get()), (3, 1, 0));
    assert_eq!((line.sku.as_ref().unwrap().as_str(), line.asin.is_some()), ("MUG-1", true));
    assert_eq!((&read.lines[1].sku, &read.lines[1].asin), (&None, &None), "Amazon told none");
    let new = order(&wire("ON_THE_MOON", &json!([]))).unwrap();
    assert_eq!(new.status, OrderStatus::Other("ON_THE_MOON".to_owned()));
}

#[test]
fn cancelled_units_are_what_is_neither_shipped_nor_to_be_shipped() {
    assert_eq!(cancelled_units("UNSHIPPED", 5, 0, Some(3), true), 2);
    assert_eq!(cancelled_units("UNSHIPPED", 5, 0, Some(0), true), 5);
    assert_eq!(cancelled_units("UNSHIPPED", 5, 0, None, true), 5);
    assert_eq!(cancelled_units("CANCELLED", 5, 2, Some(0), false), 3);
    assert_eq!(cancelled_units("CANCELLED", 5, 0, Some(5), false), 5);
    assert_eq!(cancelled_units("SHIPPED", 5, 3, Some(0), false), 2);
    // Asked for is not carried out, and of a pending order nothing is to be shipped yet.
    assert_eq!(cancelled_units("UNSHIPPED", 5, 0, Some(5), false), 0);
    assert_eq!(cancelled_units("PENDING", 5, 0, Some(0), false), 0);
    assert_eq!(cancelled_units("UNSHIPPED", 5, 0, Some(5), true), 0, "while all of it is to be shipped");
    // Where the number that was ordered falls with what is cancelled.
    assert_eq!(cancelled_units("CANCELLED", 0, 2, Some(0), true), 0);
    assert_eq!(cancelled_units("SHIPPED", 2, 2, Some(0), true), 0);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let place = |change: &dyn Fn(&mut Value)| {
        let mut value =
            serde_json::to_value(wire("UNSHIPPED", &json!([item(3, &json!({}), false)]))).unwrap();
        change(&mut value);
        let wire: WireOrder = serde_json::from_value(value).unwrap();
        let Misread { place, reason } = order(&wire).unwrap_err();
        assert!(!reason.contains("hunter"), "{reason}");
        format!("{place}: {reason}")
    };
    let cases: [(&str, Value, &str); 9] = [
        ("/orderId", json!("has spaces hunter2"), "orderId: is not written as Amazon's names are"),
        ("/orderId", json!(7), "orderId: is not what it should be, but a number of another kind"),
        ("/lastUpdatedTime", json!("hunter2"), "lastUpdatedTime: is no instant"),
        (
            "/fulfillment/fulfilledBy",
            json!("DRONE"),
            "fulfillment.fulfilledBy: is neither MERCHANT nor AMAZON",
        ),
        ("/fulfillment/fulfillmentStatus", Value::Null, "fulfillment.fulfillmentStatus: is null"),
        ("/orderItems", json!("hunter2"), "orderItems: is not what it should be, but a text"),
        (
            "/orderItems/0/quantityOrdered",
            json!("two"),
            "orderItems[0].quantityOrdered: is not what it should be, but a text",
        ),
        (
            "/orderItems/0/quantityOrdered",
            json!(-1),
            "orderItems[0].quantityOrdered: -1 is no quantity: use 0 to 99999999",
        ),
        (
            "/orderItems/0/product/sellerSku",
            json!("x".repeat(41)),
            "orderItems[0].product.sellerSku: is no SKU",
        ),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(place(&|order| *order.pointer_mut(pointer).unwrap() = value.clone()), expected);
    }
    let more = place(&|order| order["orderItems"][0]["fulfillment"] = json!({"quantityFulfilled": 4}));
    assert_eq!(more, "orderItems[0].fulfillment.quantityFulfilled: is more than was ordered");
}
