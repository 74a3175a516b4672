//! `JSON_LISTINGS_FEED` documents (listings feed schema, version 2).

use serde_json::Value;

use super::super::amazon::{Change, FeedMessage, Issue, Patch};
use super::patch::{read_entries, read_patches};
use crate::sku::Sku;

/// Messages that one feed may hold (`maxItems` of the schema).
const MOST: usize = 25_000;

/// What a feed's document says.
#[derive(Clone, Debug)]
pub(in super::super) struct FeedText {
    /// Its processing report should tell what buyers see.
    pub(in super::super) tells_availability: bool,
    pub(in super::super) messages: Vec<FeedMessage>,
    /// Messages that cannot be carried out: number, SKU, and why.
    pub(in super::super) issues: Vec<(i64, Option<String>, Issue)>,
}

/// Reads a feed of a seller, or says why it cannot be carried out at all.
pub(in super::super) fn read_feed(text: &[u8], seller: &str) -> Result<FeedText, Issue> {
    let feed: Value = serde_json::from_slice(text).map_err(|_| Issue::wrong("document"))?;
    let header = feed.get("header").ok_or_else(|| Issue::missing("header"))?;
    let text_of = |name: &str| header.get(name).and_then(Value::as_str);
    if text_of("version") != Some("2.0") {
        return Err(Issue::wrong("version"));
    }
    if text_of("sellerId") != Some(seller) {
        return Err(Issue::wrong("sellerId"));
    }
    let messages =
        feed.get("messages").and_then(Value::as_array).ok_or_else(|| Issue::missing("messages"))?;
    if MOST < messages.len() {
        return Err(Issue::wrong("messages"));
    }
    let included = header.pointer("/report/includedData").and_then(Value::as_array);
    let tells = included.is_some_and(|data| data.iter().any(|word| word == "fulfillmentAvailability"));
    let mut read = FeedText { tells_availability: tells, messages: Vec::new(), issues: Vec::new() };
    for message in messages {
        let number = message.get("messageId").and_then(Value::as_i64).unwrap_or_default();
        let sku = message.get("sku").and_then(Value::as_str);
        match (sku.and_then(|sku| Sku::parse(sku).ok()), read_message(message)) {
            (Some(sku), patches) => read.messages.push(FeedMessage { number, sku, patches }),
            (None, _) => read.issues.push((number, sku.map(str::to_owned), Issue::wrong("sku"))),
        }
    }
    Ok(read)
}

fn read_message(message: &Value) -> Result<Vec<Patch>, Issue> {
    if message.get("productType").and_then(Value::as_str).is_none() {
        return Err(Issue::missing("productType"));
    }
    match message.get("operationType").and_then(Value::as_str) {
        Some("PATCH") => {
            let patches = message.get("patches").and_then(Value::as_array);
            let patches = patches.ok_or_else(|| Issue::missing("patches"))?;
            read_patches(patches).unwrap_or_else(|_| Err(Issue::wrong("patches")))
        }
        Some("UPDATE" | "PARTIAL_UPDATE") => {
            let values = message.pointer("/attributes/fulfillment_availability").and_then(Value::as_array);
            let entries = values.map_or(Ok(Vec::new()), |values| read_entries(values))?;
            Ok(vec![Patch { change: Change::Replace, entries }])
        }
        _ => Err(Issue::wrong("operationType")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_bad_message_stops_no_other() {
        let patch = json!([{"op": "merge", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}]}]);
        let feed = json!({
            "header": {"sellerId": "S1", "version": "2.0",
                "report": {"includedData": ["fulfillmentAvailability"], "apiVersion": "2021-08-01"}},
            "messages": [
                {"messageId": 1, "sku": "A", "operationType": "PATCH", "productType": "PRODUCT", "patches": patch},
                {"messageId": 2, "sku": "B", "operationType": "PATCH", "patches": patch},
                {"messageId": 3, "operationType": "PATCH", "productType": "PRODUCT", "patches": patch},
                {"messageId": 4, "sku": "D", "operationType": "PARTIAL_UPDATE", "productType": "PRODUCT",
                    "attributes": {"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 4}]}},
            ],
        });
        let read = read_feed(feed.to_string().as_bytes(), "S1").unwrap();
        assert!(read.tells_availability);
        let fine: Vec<_> =
            read.messages.iter().map(|message| (message.number, message.patches.is_ok())).collect();
        assert_eq!(fine, [(1, true), (2, false), (4, true)]);
        assert_eq!(read.issues, [(3, None, Issue::wrong("sku"))]);
        assert_eq!(read.messages[2].patches.as_ref().unwrap()[0].change, Change::Replace);
    }

    #[test]
    fn a_feed_of_somebody_else_or_without_its_header_is_refused_whole() {
        assert!(read_feed(b"<xml>", "S1").is_err());
        assert!(read_feed(br#"{"messages": []}"#, "S1").is_err());
        let feed = br#"{"header": {"sellerId": "S2", "version": "2.0"}, "messages": []}"#;
        assert_eq!(read_feed(feed, "S1").unwrap_err(), Issue::wrong("sellerId"));
    }
}
