use serde_json::json;

use super::*;

#[test]
fn a_feed_that_is_refused_as_a_whole_has_failed() {
    let report: FeedReport = serde_json::from_value(json!({
        "header": {"feedId": "1"},
        "issues": [{"code": "4000001", "severity": "ERROR", "message": "not JSON"}],
        "summary": {"errors": 1, "messagesAccepted": 0}
    }))
    .unwrap();
    assert_eq!(outcome(&report), SubmissionState::Failed { why: "4000001: not JSON".to_owned() });
}

#[test]
fn an_odd_report_refuses_nothing_and_proves_nothing() {
    let report: FeedReport = serde_json::from_value(json!({"issues": "none", "items": [
        {"sku": "a", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": -3}]},
        {"sku": "b"}]}))
    .unwrap();
    assert_eq!(outcome(&report), SubmissionState::Done { refused: Vec::new(), effective: Vec::new() });
}
