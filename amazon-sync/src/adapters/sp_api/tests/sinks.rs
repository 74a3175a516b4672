use std::sync::Mutex;

use super::*;
use crate::quantity::Quantity;
use crate::sink::{QuantitySink, QuantityWrite, SubmissionRef, SubmissionState, Submitted};

fn write(rig: &Rig, sku: &str, channel: &str, quantity: i64) -> QuantityWrite {
    QuantityWrite {
        listing: rig.listing(sku, channel),
        product_type: None,
        quantity: Quantity::new(quantity).unwrap(),
        generation: 1,
    }
}

#[tokio::test]
async fn a_patch_merges_the_number_of_one_channel() {
    let rig = Rig::new(|request| {
        let sku = request.path.split('/').nth(5).unwrap().split('?').next().unwrap();
        let status = if sku == "BAD" { "INVALID" } else { "ACCEPTED" };
        let issues = json!([{"code": "90220", "message": "no such product", "severity": "ERROR"},
            {"code": "1", "message": "minor", "severity": "WARNING"}]);
        Reply::json(
            200,
            &json!({"sku": sku, "status": status, "submissionId": format!("s-{sku}"),
            "issues": if sku == "BAD" { issues } else { json!([]) }}),
        )
    })
    .await;
    let sink = PatchSink::new(rig.amazon.clone());
    let other = ListingKey::new(
        SellerAccount::new(&*scope().await, SellerId::parse("A2OTHER").unwrap(), Region::Europe),
        Sku::parse("X").unwrap(),
        Channel::Merchant,
    );
    let writes = [
        write(&rig, "MUG-1", "DEFAULT", 7),
        write(&rig, "FBA-1", "AMAZON_EU", 7),
        write(&rig, "BAD", "DEFAULT", 0),
        QuantityWrite { listing: other, ..write(&rig, "X", "DEFAULT", 1) },
    ];
    let submitted = sink.submit(&rig.account, &writes).await.unwrap();
    assert_eq!(submitted[0], Submitted::Accepted(Some(SubmissionRef("s-MUG-1".to_owned()))));
    assert!(matches!(&submitted[1], Submitted::Invalid { why } if why.contains("shipped by Amazon")));
    assert_eq!(submitted[2], Submitted::Invalid { why: "90220: no such product".to_owned() });
    assert!(matches!(&submitted[3], Submitted::Invalid { why } if why.contains("of another account")));
    let mut asked = rig.asked();
    asked.sort_by(|one, other| other.path.cmp(&one.path));
    assert_eq!(asked.len(), 2, "a listing that Amazon ships never gets a number");
    assert_eq!(asked[0].method, "PATCH");
    assert_eq!(asked[0].path, "/listings/2021-08-01/items/A1TEST/MUG-1?marketplaceIds=A1PA6795UKMFR9");
    assert_eq!(
        asked[0].json(),
        json!({"productType": "PRODUCT", "patches": [{"op": "merge",
            "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]}]})
    );
}

#[tokio::test]
async fn patches_without_a_permit_are_not_made() {
    let rig = Rig::new(|_| Reply::json(200, &json!({"status": "ACCEPTED", "submissionId": "s"}))).await;
    let sink = PatchSink::new(rig.amazon.clone());
    let writes: Vec<_> = (0..7).map(|sku| write(&rig, &format!("S{sku}"), "DEFAULT", 1)).collect();
    let submitted = sink.submit(&rig.account, &writes).await.unwrap();
    assert_eq!(submitted.iter().filter(|it| matches!(it, Submitted::Accepted(_))).count(), 4);
    let Submitted::NotNow { again_at: Some(at) } = submitted[6] else { panic!("{submitted:?}") };
    assert!(rig.clock_now() < at);
    assert_eq!(rig.asked().len(), 4);
}

#[tokio::test]
async fn each_patch_has_its_own_fate() {
    let rig = Rig::new(|request| {
        let accepted = json!({"status": "ACCEPTED", "submissionId": "s"});
        match request.path.split('/').nth(5).unwrap().split('?').next().unwrap() {
            "doubt" => Reply::json(500, &errors("InternalFailure", "x")),
            "later" => Reply::json(503, &errors("ServiceUnavailable", "x")),
            "wrong" => Reply::json(400, &errors("InvalidInput", "x")),
            _ => Reply::json(200, &accepted),
        }
    })
    .await;
    let sink = PatchSink::new(rig.amazon.clone());
    let writes = ["doubt", "later", "wrong", "fine"].map(|sku| write(&rig, sku, "DEFAULT", 1));
    let submitted = sink.submit(&rig.account, &writes).await.unwrap();
    assert_eq!(submitted[0], Submitted::InDoubt);
    assert!(matches!(submitted[1], Submitted::Failed { .. }));
    assert!(matches!(submitted[2], Submitted::Invalid { .. }));
    assert!(matches!(submitted[3], Submitted::Accepted(_)));
    let rig = Rig::new(|_| Reply::json(403, &errors("Unauthorized", "x"))).await;
    let sink = PatchSink::new(rig.amazon.clone());
    let error = sink.submit(&rig.account, &[write(&rig, "a", "DEFAULT", 1)]).await.unwrap_err();
    assert!(error.stops_the_account());
}

/// A far side that takes feeds.
async fn feeds(create: Reply) -> (Rig, Arc<Mutex<String>>) {
    let url = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&url);
    let report = json!({"header": {"feedId": "f1"}, "issues": [
            {"messageId": 2, "sku": "BAD", "code": "8541", "severity": "ERROR", "message": "no"},
            {"messageId": 1, "sku": "MUG-1", "code": "1", "severity": "WARNING", "message": "minor"}],
        "summary": {"errors": 1, "messagesAccepted": 1},
        "items": [{"sku": "MUG-1", "fulfillmentAvailability": [
            {"fulfillmentChannelCode": "DEFAULT", "quantity": 7}]}, {"sku": "FBA", "fulfillmentAvailability": [
            {"fulfillmentChannelCode": "AMAZON_EU"}]}]});
    let rig = Rig::new(move |request| {
        let url = told.lock().unwrap().clone();
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", _) => Reply::bytes(200, Vec::new()),
            ("POST", "/feeds/2021-06-30/documents") => {
                Reply::json(201, &json!({"feedDocumentId": "d1", "url": url}))
            }
            ("POST", "/feeds/2021-06-30/feeds") => create.clone(),
            ("GET", "/feeds/2021-06-30/feeds/f1") => {
                Reply::json(200, &json!({"processingStatus": "DONE", "resultFeedDocumentId": "r1"}))
            }
            ("GET", "/feeds/2021-06-30/feeds/f2") => {
                Reply::json(200, &json!({"processingStatus": "IN_PROGRESS"}))
            }
            ("GET", "/feeds/2021-06-30/feeds/f3") => Reply::json(200, &json!({"processingStatus": "FATAL"})),
            ("GET", "/feeds/2021-06-30/documents/r1") => {
                Reply::json(200, &json!({"feedDocumentId": "r1", "url": url}))
            }
            _ => Reply::json(200, &report),
        }
    })
    .await;
    *url.lock().unwrap() = format!("{}/put-here?signature=hunter8", rig.stub.url);
    (rig, url)
}

#[tokio::test]
async fn a_feed_carries_thousands_and_its_report_tells_what_became_of_them() {
    let (rig, _) = feeds(Reply::json(202, &json!({"feedId": "f1"}))).await;
    let sink = FeedSink::new(rig.amazon.clone());
    let writes = [
        write(&rig, "MUG-1", "DEFAULT", 7),
        write(&rig, "FBA", "AMAZON_EU", 1),
        write(&rig, "quote\"d", "store-1", 0),
    ];
    let submitted = sink.submit(&rig.account, &writes).await.unwrap();
    let accepted = Submitted::Accepted(Some(SubmissionRef("f1".to_owned())));
    assert_eq!((&submitted[0], &submitted[2]), (&accepted, &accepted));
    assert!(matches!(&submitted[1], Submitted::Invalid { .. }));
    let asked = rig.asked();
    let put = asked.iter().find(|request| request.method == "PUT").unwrap();
    assert_eq!(put.header("content-type"), Some("application/json; charset=UTF-8"));
    assert_eq!(put.header("x-amz-access-token"), None);
    let feed = put.json();
    assert_eq!(
        feed["header"],
        json!({"sellerId": "A1TEST", "version": "2.0", "issueLocale": "en_US",
            "report": {"includedData": ["fulfillmentAvailability"], "apiVersion": "2021-08-01"}})
    );
    assert_eq!(
        feed["messages"][1],
        json!({"messageId": 2, "sku": "quote\"d", "operationType": "PATCH", "productType": "PRODUCT",
            "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "store-1", "quantity": 0}]}]})
    );
    assert_eq!(feed["messages"].as_array().unwrap().len(), 2);
    let created = asked.iter().find(|request| request.path == "/feeds/2021-06-30/feeds").unwrap();
    assert_eq!(
        created.json(),
        json!({"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [GERMANY], "inputFeedDocumentId": "d1"})
    );
    let state = sink.status(&rig.account, &SubmissionRef("f1".to_owned())).await.unwrap();
    let effective = vec![("MUG-1".to_owned(), Quantity::new(7).unwrap())];
    assert_eq!(
        state,
        SubmissionState::Done { refused: vec![("BAD".to_owned(), "8541: no".to_owned())], effective }
    );
    let state = sink.status(&rig.account, &SubmissionRef("f2".to_owned())).await.unwrap();
    assert!(matches!(state, SubmissionState::Pending { .. }));
    let state = sink.status(&rig.account, &SubmissionRef("f3".to_owned())).await.unwrap();
    assert_eq!(state, SubmissionState::Failed { why: "FATAL".to_owned() });
}

#[tokio::test]
async fn feeds_have_a_budget_of_their_own_and_a_failed_one_is_all_or_nothing() {
    let (rig, _) = feeds(Reply::json(202, &json!({"feedId": "f1"}))).await;
    let sink = FeedSink::new(rig.amazon.clone());
    let one = [write(&rig, "MUG-1", "DEFAULT", 7)];
    for _ in 0..4 {
        assert!(matches!(sink.submit(&rig.account, &one).await.unwrap()[0], Submitted::Accepted(_)));
    }
    let asked = rig.asked().len();
    let submitted = sink.submit(&rig.account, &one).await.unwrap();
    assert!(matches!(submitted[0], Submitted::NotNow { again_at: Some(_) }), "{submitted:?}");
    assert_eq!(rig.asked().len(), asked);
    let (rig, _) = feeds(Reply::Silence).await;
    let sink = FeedSink::new(rig.amazon.clone());
    let error = sink.submit(&rig.account, &[write(&rig, "MUG-1", "DEFAULT", 7)]).await.unwrap_err();
    assert!(matches!(error, MarketError::InDoubt { operation: "createFeed", .. }), "{error:?}");
    let (rig, url) = feeds(Reply::json(202, &json!({"feedId": "f1"}))).await;
    *url.lock().unwrap() = "http://127.0.0.1:1/".to_owned();
    let sink = FeedSink::new(rig.amazon.clone());
    let error = sink.submit(&rig.account, &[write(&rig, "MUG-1", "DEFAULT", 7)]).await.unwrap_err();
    assert!(matches!(error, MarketError::Unavailable { .. }), "a document alone changes nothing: {error:?}");
    let only_amazons = [write(&rig, "FBA", "AMAZON_EU", 7)];
    let asked = rig.asked().len();
    assert!(matches!(sink.submit(&rig.account, &only_amazons).await.unwrap()[0], Submitted::Invalid { .. }));
    assert_eq!(rig.asked().len(), asked);
}

impl Rig {
    fn clock_now(&self) -> DateTime<Utc> {
        Clock::now(&*self.clock)
    }
}
