//! Notifications: JSON envelopes that come late, twice, out of order or not at all.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::account::AmazonAccount;
use super::super::behaviour::Span;
use super::super::draw::Draw;
use super::super::json::{instant, put};
use super::Amazon;
use super::agenda::Event;
use super::call::{later, uuid};
use super::order::{Line, OrderState};
use crate::order::{OrderStatus, ShippedBy};
use crate::sku::Sku;

const APPLICATION: &str = "amzn1.sellerapps.app.5ca1ab1e-0000-4000-a000-000000000001";
const SUBSCRIPTION: &str = "5ca1ab1e-0000-4000-a000-000000000002";

/// Notifications on their way, and those that have come.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// Without it nothing is sent, and so nothing waits for somebody who never asks.
    pub(super) is_subscribed: bool,
    waiting: BTreeMap<(String, u32), Bytes>,
    come: Vec<Bytes>,
}

impl Notices {
    pub(super) fn deliver(&mut self, id: &str, copy: u32) {
        self.come.extend(self.waiting.remove(&(id.to_owned(), copy)));
    }

    pub(super) fn take(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.come)
    }
}

/// The two ways in which notifications name their fields.
#[derive(Clone, Copy)]
enum Names {
    Upper,
    Lower,
}

impl Amazon {
    pub(super) fn notice_of_order(&mut self, account: &AmazonAccount, order: &OrderState) {
        let status = order.status();
        if status == OrderStatus::Pending && !self.behaviour.notifies_pending {
            return;
        }
        let asked = order.lines.iter().any(|line| line.cancel_asked) && status != OrderStatus::Cancelled;
        let (change, reason) = if asked {
            ("BuyerRequestedChange", "Buyer Requested Cancel")
        } else {
            ("OrderStatusChange", "Order Status Change")
        };
        let sum = |of: fn(&Line) -> u32| order.told_lines().map(of).sum::<u32>();
        let items: Vec<_> = order.told_lines().map(|line| notice_item(order, line)).collect();
        let payload = json!({"OrderChangeNotification": {
            "NotificationLevel": "OrderLevel",
            "SellerId": account.seller().as_str(),
            "AmazonOrderId": order.id.as_str(),
            "OrderChangeType": change,
            "OrderChangeTrigger": {
                "TimeOfOrderChange": instant(order.updated_at),
                "ChangeReason": reason,
            },
            "Summary": {
                "MarketplaceId": order.marketplace.as_str(),
                "OrderStatus": camel(status.as_str()),
                "PurchaseDate": instant(order.created_at),
                "FulfillmentType": if order.shipped_by == ShippedBy::Amazon { "AFN" } else { "MFN" },
                "OrderType": "StandardOrder",
                "NumberOfItemsShipped": sum(|line| line.shipped),
                "NumberOfItemsUnshipped": sum(Line::open),
                "OrderItems": items,
            },
        }});
        let key = format!("{} {}", order.id, order.version);
        self.notify(Names::Upper, "ORDER_CHANGE", &key, &payload);
    }

    pub(super) fn tell_quantity(&mut self, account: &AmazonAccount, sku: &Sku, channel: &str, quantity: u32) {
        let payload = json!({
            "SellerId": account.seller().as_str(),
            "FulfillmentChannelCode": channel,
            "Sku": sku.as_str(),
            "Quantity": quantity,
        });
        let key = format!("{account} {sku} {quantity} {}", self.now.timestamp_micros());
        self.notify(Names::Upper, "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", &key, &payload);
    }

    pub(super) fn notice_of_feed(
        &mut self,
        account: &AmazonAccount,
        feed: &str,
        status: &str,
        result: Option<&str>,
    ) {
        let mut told = json!({
            "sellerId": account.seller().as_str(),
            "accountId": format!("amzn1.merchant.o.{}", account.seller()),
            "feedId": feed,
            "feedType": "JSON_LISTINGS_FEED",
            "processingStatus": status,
        });
        if let Some(result) = result {
            put(&mut told, "resultFeedDocumentId", result);
        }
        let payload = json!({"feedProcessingFinishedNotification": told});
        self.notify(Names::Lower, "FEED_PROCESSING_FINISHED", &format!("{account} {feed}"), &payload);
    }

    pub(super) fn notice_of_report(
        &mut self,
        account: &AmazonAccount,
        report: &str,
        kind: &str,
        status: &str,
        document: Option<&str>,
    ) {
        let mut told = json!({
            "sellerId": account.seller().as_str(),
            "accountId": format!("amzn1.merchant.o.{}", account.seller()),
            "reportId": report,
            "reportType": kind,
            "processingStatus": status,
        });
        if let Some(document) = document {
            put(&mut told, "reportDocumentId", document);
        }
        let payload = json!({"reportProcessingFinishedNotification": told});
        self.notify(Names::Lower, "REPORT_PROCESSING_FINISHED", &format!("{account} {report}"), &payload);
    }

    fn notify(&mut self, names: Names, kind: &str, key: &str, payload: &Value) {
        if !self.notices.is_subscribed {
            return;
        }
        let faults = &self.faults;
        let mut draw = Draw::new(self.seed, &["notice", kind, key], 0);
        let id = uuid(&mut draw);
        let [lost, repeated, late] = [faults.lost_notice, faults.repeated_notice, faults.late_notice]
            .map(|chance| draw.chance(chance));
        let delay = draw.within(self.behaviour.notice_delay);
        let much_later = draw.within(Span::seconds(60, 900));
        let again = draw.within(Span::seconds(1, 600));
        self.tally.notices_lost += u64::from(lost);
        if lost {
            return;
        }
        let first = if late { delay + much_later } else { delay };
        let copies = if repeated { vec![first, first + again] } else { vec![first] };
        let event = instant(self.now);
        for (copy, delay) in (0..).zip(copies) {
            let at = later(self.now, delay);
            let envelope = envelope(names, kind, &id, [&event, &instant(at)], payload);
            self.tally.notices_sent += 1;
            self.notices.waiting.insert((id.clone(), copy), envelope.to_string().into());
            self.agenda.put(at, Event::Notice { id: id.clone(), copy });
        }
    }
}

/// What a notification lies in: its name, when it happened and when it was sent.
fn envelope(names: Names, kind: &str, id: &str, [event, sent]: [&str; 2], payload: &Value) -> Value {
    match names {
        Names::Upper => json!({
            "NotificationVersion": "1.0", "NotificationType": kind, "PayloadVersion": "1.0",
            "EventTime": event, "Payload": payload,
            "NotificationMetadata": {"ApplicationId": APPLICATION, "SubscriptionId": SUBSCRIPTION,
                "PublishTime": sent, "NotificationId": id},
        }),
        Names::Lower => json!({
            "notificationVersion": "2020-09-04", "notificationType": kind, "payloadVersion": "2020-09-04",
            "eventTime": event, "payload": payload,
            "notificationMetadata": {"applicationId": APPLICATION, "subscriptionId": SUBSCRIPTION,
                "publishTime": sent, "notificationId": id},
        }),
    }
}

fn notice_item(order: &OrderState, line: &Line) -> Value {
    json!({
        "OrderItemId": line.id.as_str(),
        "SellerSKU": line.sku.as_str(),
        "OrderItemStatus": camel(order.status().as_str()),
        "Quantity": line.ordered.saturating_sub(line.cancelled),
        "QuantityShipped": line.shipped,
        "IsBuyerRequestedCancel": line.cancel_asked,
    })
}

/// `PARTIALLY_SHIPPED` as notifications write it; they have one `l` in `Canceled`.
fn camel(word: &str) -> String {
    if word == "CANCELLED" {
        return "Canceled".to_owned();
    }
    let capital = |part: &str| {
        let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        format!("{first}{}", rest.to_ascii_lowercase())
    };
    word.split('_').map(capital).collect()
}
