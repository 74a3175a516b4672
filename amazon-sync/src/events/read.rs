//! What a notification tells, as far as it matters to stock.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::listing::Channel;
use crate::order::{LineId, Order, OrderId, OrderLine, OrderStatus, ShippedBy};
use crate::quantity::Quantity;
use crate::seller::{MarketplaceId, Region};
use crate::sink::SubmissionRef;
use crate::sku::Sku;
use crate::wire::{Envelope, Field, OrderChange, OrderChangeItem, OrderChangeSummary, Payload, Timestamp};

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

/// Reads a notification.
///
/// # Errors
/// What is wrong with it. Never the content.
pub(super) fn read(payload: &[u8]) -> Result<Told, String> {
    let envelope: Envelope = serde_json::from_slice(payload).map_err(|error| {
        // serde's own words may quote what it read.
        format!("it is no notification: line {}, column {}", error.line(), error.column())
    })?;
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
