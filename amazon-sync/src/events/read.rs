//! What a notification tells, as far as it matters to stock.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::Value;

use crate::listing::Channel;
use crate::order::{LineId, Order, OrderId, OrderLine, OrderStatus, ShippedBy};
use crate::quantity::Quantity;
use crate::seller::{MarketplaceId, Region};
use crate::sink::SubmissionRef;
use crate::sku::Sku;
use crate::wire::{
    Envelope, Field, OrderChange, OrderChangeItem, OrderChangeSummary, Payload, Timestamp, carried,
};

/// What a notification tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// An order, whole.
    Order { seller: String, region: Option<Region>, order: Box<Order> },
    /// That an order changed, and not all that is needed.
    Fetch { seller: String, region: Option<Region>, order: OrderId },
    /// What a listing shows.
    Quantity { seller: String, sku: Sku, channel: Channel, quantity: Quantity, at: DateTime<Utc> },
    /// That a listing is another than it was.
    Listing { seller: String, sku: Sku },
    /// That a feed is worked through.
    Feed { seller: String, feed: SubmissionRef },
    /// Nothing that matters here.
    Nothing,
}

/// The Orders API knows more of an order than a notification of the same instant: what was
/// cancelled line by line. So a notification counts as this much older than its second, to which
/// the Orders API may cut.
const LESS_KNOWN: TimeDelta = TimeDelta::microseconds(1);

/// A topic behind a queue behind a function, and there are no more.
const CARRIERS: usize = 4;

/// Reads a notification, in whatever carries it.
///
/// # Errors
/// What is wrong with it. Never the content.
pub(super) fn read(payload: &[u8]) -> Result<Told, String> {
    // serde's own words may quote what it read.
    let no_json = |error: serde_json::Error| {
        format!("it is no JSON at line {}, column {}", error.line(), error.column())
    };
    let mut value: Value = serde_json::from_slice(payload).map_err(no_json)?;
    for _ in 0..CARRIERS {
        let Some(inner) = carried(&value) else { break };
        value = inner;
    }
    let envelope: Envelope = serde_json::from_value(value).map_err(|_| "it is no notification".to_owned())?;
    let (told, at) = match &envelope {
        Envelope::Pascal(envelope) => (envelope.payload.get(), instant(&envelope.event_time)),
        Envelope::Camel(envelope) => (envelope.payload.get(), instant(&envelope.event_time)),
    };
    let Some(told) = told else { return Err("it has no payload that can be read".to_owned()) };
    let missing = |what: &str| format!("{what} is missing or not what it should be");
    match told {
        Payload::OrderChange(payload) => {
            let change = payload.order_change_notification.get();
            order(change.ok_or_else(|| missing("OrderChangeNotification"))?)
        }
        Payload::Quantity(payload) => {
            let seller = payload.seller_id.get().ok_or_else(|| missing("SellerId"))?;
            let sku = sku(&payload.sku).ok_or_else(|| missing("Sku"))?;
            let channel =
                payload.fulfillment_channel_code.get().ok_or_else(|| missing("FulfillmentChannelCode"))?;
            let quantity = quantity(&payload.quantity).ok_or_else(|| missing("Quantity"))?;
            let at = at.ok_or_else(|| missing("EventTime"))?;
            Ok(Told::Quantity { seller: seller.clone(), sku, channel: Channel::of(channel), quantity, at })
        }
        Payload::ListingStatus(payload) => {
            let seller = payload.seller_id.get().ok_or_else(|| missing("SellerId"))?;
            let sku = sku(&payload.sku).ok_or_else(|| missing("Sku"))?;
            Ok(Told::Listing { seller: seller.clone(), sku })
        }
        Payload::FeedFinished(payload) => {
            let feed = payload.feed_processing_finished_notification.get();
            let seller = feed.and_then(|feed| feed.seller_id.get());
            let id = feed.and_then(|feed| feed.feed_id.get());
            let (Some(seller), Some(id)) = (seller, id) else { return Ok(Told::Nothing) };
            Ok(Told::Feed { seller: seller.clone(), feed: SubmissionRef(id.clone()) })
        }
        Payload::AmazonStock(_) | Payload::ReportFinished(_) | Payload::Other(_) => Ok(Told::Nothing),
    }
}

fn order(change: &OrderChange) -> Result<Told, String> {
    let missing = |what: &str| format!("{what} is missing or not what it should be");
    let seller = change.seller_id.get().ok_or_else(|| missing("SellerId"))?.clone();
    let id = change.amazon_order_id.get().and_then(|id| OrderId::parse(id).ok());
    let id = id.ok_or_else(|| missing("AmazonOrderId"))?;
    let region = change
        .summary
        .get()
        .and_then(|summary| MarketplaceId::parse(summary.marketplace_id.get()?).ok()?.region());
    if change.summary.get().and_then(|summary| summary.fulfillment_type.get()).is_some_and(|by| by == "AFN") {
        return Ok(Told::Nothing);
    }
    Ok(match whole(change, &id) {
        Some(order) => Told::Order { seller, region, order: Box::new(order) },
        None => Told::Fetch { seller, region, order: id },
    })
}

/// The order, if the notification tells all that matters of it.
fn whole(change: &OrderChange, id: &OrderId) -> Option<Order> {
    let summary: &OrderChangeSummary = change.summary.get()?;
    let status = OrderStatus::of(summary.order_status.get()?);
    if matches!(status, OrderStatus::Other(_) | OrderStatus::Unfulfillable) {
        return None;
    }
    if summary.fulfillment_type.get()? != "MFN" {
        return None;
    }
    let changed_at = instant(&change.order_change_trigger.get()?.time_of_order_change)?;
    let items = summary.order_items.get().filter(|items| !items.is_empty())?;
    let lines = items.iter().map(|item| line(item, &status)).collect::<Option<Vec<_>>>()?;
    Some(Order {
        id: id.clone(),
        updated_at: changed_at.trunc_subsecs(0) - LESS_KNOWN,
        created_at: instant(&summary.purchase_date).unwrap_or(changed_at),
        status,
        shipped_by: ShippedBy::Merchant,
        lines,
    })
}

fn line(item: &OrderChangeItem, status: &OrderStatus) -> Option<OrderLine> {
    let ordered = quantity(&item.quantity)?;
    let shipped = quantity(&item.quantity_shipped)?;
    let cancelled = match status {
        OrderStatus::Cancelled => Quantity::clamped(ordered.units().checked_sub(shipped.units())?),
        _ => Quantity::ZERO,
    };
    Some(OrderLine {
        id: LineId::parse(item.order_item_id.get()?).ok()?,
        sku: Some(sku(&item.seller_sku)?),
        asin: None,
        ordered,
        shipped,
        cancelled,
    })
}

fn sku(field: &Field<String>) -> Option<Sku> {
    field.get().and_then(|text| Sku::parse(text).ok())
}

fn quantity(field: &Field<i64>) -> Option<Quantity> {
    field.get().and_then(|number| Quantity::new(*number).ok())
}

fn instant(field: &Field<Timestamp>) -> Option<DateTime<Utc>> {
    field.get().and_then(Timestamp::at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(summary: &str, changed_at: &str) -> String {
        format!(
            r#"{{"NotificationVersion":"1.0","NotificationType":"ORDER_CHANGE","PayloadVersion":"1.0","EventTime":"2026-11-02T10:00:07.250Z","Payload":{{"OrderChangeNotification":{{"NotificationLevel":"OrderLevel","SellerId":"A2NEXAMPLETF53","AmazonOrderId":"902-0000000-0000001","OrderChangeType":"OrderStatusChange","OrderChangeTrigger":{{"TimeOfOrderChange":{changed_at},"ChangeReason":"x"}},"Summary":{{"MarketplaceId":"A1PA6795UKMFR9",{summary}}}}}}}}}"#
        )
    }

    const ITEMS: &str =
        r#""OrderItems":[{"OrderItemId":"1","SellerSKU":"MUG","Quantity":3,"QuantityShipped":1}]"#;
    const TEN: &str = r#""2026-11-02T10:00:05.500Z""#;

    fn told(text: &str) -> Told {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_order_is_taken_from_a_notification_that_tells_all_of_it() {
        let summary = format!(r#""OrderStatus":"Canceled","FulfillmentType":"MFN",{ITEMS}"#);
        let Told::Order { seller, region, order } = told(&change(&summary, TEN)) else {
            panic!("it is whole")
        };
        assert_eq!((seller.as_str(), region), ("A2NEXAMPLETF53", Some(Region::Europe)));
        assert_eq!(order.status, OrderStatus::Cancelled);
        let line = &order.lines[0];
        assert_eq!([line.ordered, line.shipped, line.cancelled].map(Quantity::get), [3, 1, 2]);
        let second: DateTime<Utc> = "2026-11-02T10:00:05Z".parse().unwrap();
        assert!(order.updated_at < second, "the Orders API knows more of the same second");
    }

    #[test]
    fn what_tells_too_little_has_the_order_fetched_and_amazons_own_are_passed_over() {
        let fetch = |text: &str| matches!(told(text), Told::Fetch { .. });
        let whole = format!(r#""OrderStatus":"Unshipped","FulfillmentType":"MFN",{ITEMS}"#);
        assert!(fetch(&change(&whole, "null")));
        assert!(fetch(&change(&whole.replace("Unshipped", "Pondering"), TEN)));
        assert!(fetch(&change(&whole.replace("\"Quantity\":3", "\"Quantity\":-3"), TEN)));
        assert!(fetch(&change(&whole.replace("\"SellerSKU\":\"MUG\",", ""), TEN)));
        assert!(fetch(&change(r#""OrderStatus":"Unshipped","FulfillmentType":"MFN","OrderItems":[]"#, TEN)));
        assert_eq!(told(&change(&whole.replace("MFN", "AFN"), TEN)), Told::Nothing);
    }

    #[test]
    fn a_notification_is_read_in_what_carries_it_and_nothing_of_it_shows_in_an_error() {
        let inner = r#"{"NotificationType":"LISTINGS_ITEM_MFN_QUANTITY_CHANGE","EventTime":"2026-11-02T10:00:07Z","Payload":{"SellerId":"A2NEXAMPLETF53","Sku":"MUG","FulfillmentChannelCode":"DEFAULT","Quantity":7}}"#;
        let carrier = serde_json::json!({ "MessageId": "1", "Body": inner }).to_string();
        let expected = Told::Quantity {
            seller: "A2NEXAMPLETF53".to_owned(),
            sku: Sku::parse("MUG").unwrap(),
            channel: Channel::Merchant,
            quantity: Quantity::new(7).unwrap(),
            at: "2026-11-02T10:00:07Z".parse().unwrap(),
        };
        assert_eq!((told(inner), told(&carrier)), (expected.clone(), expected));
        for (text, reason) in [
            ("{\"buyer\": Ada", "it is no JSON at line 1, column 11"),
            ("7", "it is no notification"),
            (&inner.replace('7', "-1"), "Quantity is missing or not what it should be"),
        ] {
            assert_eq!(read(text.as_bytes()), Err(reason.to_owned()));
        }
        assert_eq!(told(r#"{"NotificationType":"X","Payload":{"Any":1}}"#), Told::Nothing);
    }
}
