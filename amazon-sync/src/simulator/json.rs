//! What answers say, built for the simulator alone after Amazon's models: an error of the
//! adapter's own types cannot hide here.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::amazon::{Accepted, Channels, Feed, Found, Issue, Line, Listing, OrderState, Refusal};
use super::behaviour::CancelledUnits;

/// An instant as answers write it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Puts a field into an object.
pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

/// A list of errors with one in it.
pub(super) fn refused(refusal: &Refusal) -> Value {
    json!({"errors": [{"code": refusal.code, "message": refusal.message, "details": refusal.details}]})
}

/// A page of orders.
pub(super) fn orders(found: &Found, included: &[String], units: CancelledUnits) -> Value {
    let orders: Vec<_> = found.orders.iter().map(|one| order(one, included, units)).collect();
    let bound = if found.by_creation { "createdBefore" } else { "lastUpdatedBefore" };
    let mut page = json!({"orders": orders, (bound): instant(found.used_to)});
    if let Some(next) = &found.next {
        put(&mut page, "pagination", json!({"nextToken": next}));
    }
    page
}

/// An order with the data that was asked for.
pub(super) fn order(order: &OrderState, included: &[String], units: CancelledUnits) -> Value {
    let asked = |data: &str| included.iter().any(|word| word == data);
    let items: Vec<_> = order.told_lines().map(|line| item(line, &asked, units)).collect();
    let mut told = json!({
        "orderId": order.id.as_str(),
        "createdTime": instant(order.created_at),
        "lastUpdatedTime": instant(order.updated_at),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": order.marketplace.as_str()},
        "orderItems": items,
    });
    if let Some(original) = &order.replaces {
        put(
            &mut told,
            "associatedOrders",
            json!([{"orderId": original.as_str(), "associationType": "REPLACEMENT_ORIGINAL_ID"}]),
        );
    }
    if asked("FULFILLMENT") {
        put(
            &mut told,
            "fulfillment",
            json!({
                "fulfillmentStatus": order.status().as_str(),
                "fulfilledBy": order.fulfilled_by(),
                "fulfillmentServiceLevel": "STANDARD",
            }),
        );
    }
    told
}

fn item(line: &Line, asked: &impl Fn(&str) -> bool, units: CancelledUnits) -> Value {
    let mut item = json!({
        "orderItemId": line.id.as_str(),
        "quantityOrdered": told_ordered(line, units),
        "product": {"asin": line.asin.as_str(), "sellerSku": line.sku.as_str()},
    });
    if asked("FULFILLMENT") {
        put(
            &mut item,
            "fulfillment",
            json!({"quantityFulfilled": line.shipped, "quantityUnfulfilled": line.open()}),
        );
    }
    if asked("CANCELLATION") && (line.cancel_asked || line.cancelled_by.is_some()) {
        let mut cancellation = Map::new();
        if line.cancel_asked {
            let request = json!({"requester": "BUYER", "cancelReason": "Order created by mistake"});
            cancellation.insert("cancellationRequest".to_owned(), request);
        }
        if let Some(by) = line.cancelled_by {
            let execution = json!({"cancelledBy": by.as_str(), "cancelReason": "Cancelled"});
            cancellation.insert("cancellationExecution".to_owned(), execution);
        }
        put(&mut item, "cancellation", Value::Object(cancellation));
    }
    item
}

/// The units ordered as they are told.
pub(super) const fn told_ordered(line: &Line, units: CancelledUnits) -> u32 {
    match units {
        CancelledUnits::Kept => line.ordered,
        CancelledUnits::Dropped => line.ordered.saturating_sub(line.cancelled),
    }
}

/// A listing with the data that was asked for; summaries when nothing was.
pub(super) fn listing(listing: &Listing, included: &[String]) -> Value {
    let asked = |data: &str| included.iter().any(|word| word == data);
    let mut told = json!({"sku": listing.sku.as_str()});
    if included.is_empty() || asked("summaries") {
        put(&mut told, "summaries", summaries(listing));
    }
    if asked("attributes") {
        let entries: Vec<_> = listing.stored.iter().map(stored_entry).collect();
        let first = listing.marketplaces.first().map_or("", |marketplace| marketplace.as_str());
        put(
            &mut told,
            "attributes",
            json!({
                "item_name": [{"value": listing.title, "language_tag": "en_US", "marketplace_id": first}],
                "fulfillment_availability": entries,
            }),
        );
    }
    if asked("issues") {
        put(&mut told, "issues", json!([]));
    }
    if asked("fulfillmentAvailability") {
        put(
            &mut told,
            "fulfillmentAvailability",
            listing
                .channels()
                .into_iter()
                .map(|code| availability(code, listing.shown.get(code).copied()))
                .collect::<Vec<_>>(),
        );
    }
    if asked("productTypes") {
        let types = listing.marketplaces.iter().map(
            |marketplace| json!({"marketplaceId": marketplace.as_str(), "productType": listing.product_type}),
        );
        put(&mut told, "productTypes", types.collect::<Vec<_>>());
    }
    told
}

fn summaries(listing: &Listing) -> Value {
    let status =
        if listing.available() == 0 { json!(["DISCOVERABLE"]) } else { json!(["BUYABLE", "DISCOVERABLE"]) };
    let one = |marketplace: &crate::seller::MarketplaceId| {
        json!({
            "marketplaceId": marketplace.as_str(),
            "asin": listing.asin.as_str(),
            "productType": listing.product_type,
            "conditionType": "new_new",
            "status": status,
            "itemName": listing.title,
            "createdDate": instant(listing.created_at),
            "lastUpdatedDate": instant(listing.updated_at),
        })
    };
    listing.marketplaces.iter().map(one).collect()
}

fn stored_entry(entry: &super::amazon::Entry) -> Value {
    let mut told = json!({"fulfillment_channel_code": entry.code});
    if let Some(quantity) = entry.quantity {
        put(&mut told, "quantity", quantity);
    }
    if let Some(days) = entry.lead_time_days {
        put(&mut told, "lead_time_to_ship_max_days", days);
    }
    told
}

/// A channel with the number that buyers see; that of Amazon's own shelf is not told here.
fn availability(code: &str, quantity: Option<u32>) -> Value {
    let mut told = json!({"fulfillmentChannelCode": code});
    if let Some(quantity) = quantity {
        put(&mut told, "quantity", quantity);
    }
    told
}

/// What became of a patch.
pub(super) fn submission(sku: &str, accepted: &Accepted) -> Value {
    let status = match (accepted.issues.is_empty(), accepted.is_preview) {
        (false, _) => "INVALID",
        (true, true) => "VALID",
        (true, false) => "ACCEPTED",
    };
    let issues: Vec<_> = accepted.issues.iter().map(issue).collect();
    json!({"sku": sku, "status": status, "submissionId": accepted.submission, "issues": issues})
}

fn issue(issue: &Issue) -> Value {
    json!({
        "code": issue.code,
        "message": issue.message,
        "severity": "ERROR",
        "attributeNames": [issue.attribute],
        "categories": [issue.category],
    })
}

/// How far a feed is.
pub(super) fn feed(feed: &Feed, marketplaces: &[&str], now: DateTime<Utc>) -> Value {
    let status = feed.status(now);
    let mut told = json!({
        "feedId": feed.id,
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": marketplaces,
        "createdTime": instant(feed.created_at),
        "processingStatus": status,
    });
    if status != "IN_QUEUE" {
        put(&mut told, "processingStartTime", instant(feed.begins_at));
    }
    if let Some(result) = &feed.result {
        put(&mut told, "processingEndTime", instant(feed.ends_at));
        put(&mut told, "resultFeedDocumentId", result.as_str());
    }
    told
}

/// A feed's processing report.
pub(super) fn processing_report(feed: &Feed, seller: &str) -> Value {
    let issue = |(number, sku, issue): &(Option<i64>, Option<String>, Issue)| {
        let mut told = json!({"code": issue.code, "severity": "ERROR", "message": issue.message,
            "attributeName": issue.attribute});
        if let Some(number) = number {
            put(&mut told, "messageId", *number);
        }
        if let Some(sku) = sku {
            put(&mut told, "sku", sku.as_str());
        }
        told
    };
    let n_invalid = feed.issues.iter().filter(|(number, ..)| number.is_some()).count();
    let mut header = json!({"sellerId": seller, "version": "2.0", "feedId": feed.id});
    let mut summary = json!({
        "errors": feed.issues.len(),
        "warnings": 0,
        "messagesProcessed": feed.n_messages,
        "messagesAccepted": feed.n_messages.saturating_sub(n_invalid),
        "messagesInvalid": n_invalid,
    });
    let mut report = json!({"issues": feed.issues.iter().map(issue).collect::<Vec<_>>()});
    if feed.tells_availability {
        put(
            &mut header,
            "report",
            json!({"includedData": ["fulfillmentAvailability"], "apiVersion": "2021-08-01"}),
        );
        put(
            &mut summary,
            "itemSummary",
            json!({"items": feed.availability.len(), "errors": 0, "warnings": 0}),
        );
        let item = |(sku, channels): &(crate::sku::Sku, Channels)| {
            let channels: Vec<_> =
                channels.iter().map(|(code, quantity)| availability(code, *quantity)).collect();
            json!({"sku": sku.as_str(), "fulfillmentAvailability": channels})
        };
        put(&mut report, "items", feed.availability.iter().map(item).collect::<Vec<_>>());
    }
    put(&mut report, "header", header);
    put(&mut report, "summary", summary);
    report
}
