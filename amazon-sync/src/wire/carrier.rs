//! What notifications travel in.

use serde_json::Value;

/// What a carrier carries; `None` for a value that is none. A carrier may hold another.
///
/// - SNS to SQS: an object with the text in `Message`.
/// - EventBridge: an object with the notification in `detail`.
/// - SQS as it is received, or as it starts a function: an object with the text in `Body` or `body`.
pub fn carried(value: &Value) -> Option<Value> {
    let has = |name: &str| value.get(name).is_some();
    if has("detail") && (has("detail-type") || has("source")) {
        return value.get("detail").cloned();
    }
    let names_its_carrier = has("TopicArn") || has("MessageId") || has("messageId") || has("ReceiptHandle");
    let text = ["Message", "Body", "body"].into_iter().find_map(|name| value.get(name)?.as_str());
    text.filter(|_| names_its_carrier).and_then(|text| serde_json::from_str(text).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_carrier_is_opened_and_nothing_else() {
        let told = json!({"NotificationType": "ORDER_CHANGE"});
        let carriers = [
            json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": told.to_string()}),
            json!({"version": "0", "detail-type": "ORDER_CHANGE", "detail": told}),
            json!({"MessageId": "1", "ReceiptHandle": "r", "Body": told.to_string()}),
            json!({"messageId": "1", "body": told.to_string()}),
        ];
        for carrier in carriers {
            assert_eq!(carried(&carrier), Some(told.clone()), "{carrier}");
        }
        for other in [told, json!({"Message": "{}"}), json!({"MessageId": "1", "Body": "no JSON"}), json!(7)]
        {
            assert_eq!(carried(&other), None, "{other}");
        }
    }
}
