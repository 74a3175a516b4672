use super::*;

async fn document(door: &Door) -> (Value, Value) {
    let told = door.post("/feeds/2021-06-30/documents", json!({"contentType": "application/json"})).await;
    assert_eq!(told.status, 201);
    (told.body["feedDocumentId"].clone(), told.body["url"].clone())
}

async fn put(door: &Door, url: &Value, body: String) -> u16 {
    door.client.put(url.as_str().unwrap()).body(body).send().await.unwrap().status().as_u16()
}

fn feed_of(messages: &Value) -> String {
    let report = json!({"includedData": ["fulfillmentAvailability"], "apiVersion": "2021-08-01"});
    json!({"header": {"sellerId": SELLER, "version": "2.0", "issueLocale": "en_US", "report": report},
        "messages": messages})
    .to_string()
}

fn message(number: u32, name: &str, quantity: i64) -> Value {
    json!({"messageId": number, "sku": name, "operationType": "PATCH", "productType": "PRODUCT",
        "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]}]})
}

async fn create(door: &Door, document: &Value) -> Told {
    let body =
        json!({"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [US], "inputFeedDocumentId": document});
    door.post("/feeds/2021-06-30/feeds", body).await
}

#[tokio::test]
async fn a_feed_goes_from_document_to_processing_report() {
    let door = Door::with_mugs().await;
    let (id, url) = document(&door).await;
    let messages = json!([message(1, "MUG", 20), message(2, "NOTHING", 3), message(3, "MUG", -1)]);
    assert_eq!(put(&door, &url, feed_of(&messages)).await, 200);
    let created = create(&door, &id).await;
    assert_eq!(created.status, 202);
    let path = format!("/feeds/2021-06-30/feeds/{}", created.body["feedId"].as_str().unwrap());
    assert_eq!(door.get(&path).await.body["processingStatus"], "IN_QUEUE");
    door.pass(1);
    let done = door.get(&path).await;
    assert_eq!(done.body["processingStatus"], "DONE");
    let result = done.body["resultFeedDocumentId"].as_str().unwrap();
    let told = door.get(&format!("/feeds/2021-06-30/documents/{result}")).await;
    assert_eq!(told.body["compressionAlgorithm"], "GZIP");
    let report: Value = serde_json::from_str(&unzip(&door.fetch(&told.body["url"]).await.1)).unwrap();
    let summary = &report["summary"];
    assert_eq!((&summary["messagesProcessed"], &summary["messagesAccepted"]), (&json!(3), &json!(1)));
    let issues: Vec<_> =
        report["issues"].as_array().unwrap().iter().map(|issue| &issue["messageId"]).collect();
    assert_eq!(issues, [2, 3]);
    let mug = json!({"sku": "MUG", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 20}]});
    assert!(report["items"].as_array().unwrap().contains(&mug), "{report}");
}

#[tokio::test]
async fn a_feed_needs_a_document_that_was_uploaded_in_time_and_is_a_feed() {
    let door = Door::with_mugs().await;
    assert_eq!(code(&create(&door, &json!("nothing")).await), (400, "InvalidInput"));
    let (id, url) = document(&door).await;
    assert_eq!(code(&create(&door, &id).await), (400, "InvalidInput"));
    door.pass(301);
    assert_eq!(put(&door, &url, feed_of(&json!([]))).await, 403);
    let (id, url) = document(&door).await;
    put(&door, &url, "<xml>".to_owned()).await;
    let feed = create(&door, &id).await;
    door.pass(1);
    let told = door.get(&format!("/feeds/2021-06-30/feeds/{}", feed.body["feedId"].as_str().unwrap())).await;
    assert_eq!(told.body["processingStatus"], "FATAL");
    let old = json!({"feedType": "POST_INVENTORY_AVAILABILITY_DATA", "marketplaceIds": [US], "inputFeedDocumentId": id});
    assert_eq!(code(&door.post("/feeds/2021-06-30/feeds", old).await), (400, "InvalidInput"));
}

async fn report(door: &Door, kind: &str) -> (Value, String) {
    let body = json!({"reportType": kind, "marketplaceIds": [US]});
    let asked = door.post("/reports/2021-06-30/reports", body).await;
    assert_eq!(asked.status, 202);
    let path = format!("/reports/2021-06-30/reports/{}", asked.body["reportId"].as_str().unwrap());
    assert_eq!(door.get(&path).await.body["processingStatus"], "IN_QUEUE");
    door.pass(1);
    let done = door.get(&path).await;
    assert_eq!(done.body["processingStatus"], "DONE");
    let id = done.body["reportDocumentId"].as_str().unwrap();
    let told = door.get(&format!("/reports/2021-06-30/documents/{id}")).await;
    let (_, bytes) = door.fetch(&told.body["url"]).await;
    let zipped = told.body["compressionAlgorithm"] == "GZIP";
    (told.body, if zipped { unzip(&bytes) } else { String::from_utf8(bytes).unwrap() })
}

#[tokio::test]
async fn a_report_is_zipped_text_behind_an_address_that_expires() {
    let world = calm()
        .listing(&owner(), ListingPlan::merchant(sku("MUG"), 50))
        .listing(&owner(), ListingPlan::amazon(sku("LAMP"), 4));
    let door = Door::of(world).await;
    let (told, text) = report(&door, "GET_MERCHANT_LISTINGS_ALL_DATA").await;
    let rows: Vec<Vec<_>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|known| *known == name).unwrap();
    let (name, quantity, channel) = (column("seller-sku"), column("quantity"), column("fulfillment-channel"));
    let read: Vec<_> = rows[1..].iter().map(|row| (row[name], row[quantity], row[channel])).collect();
    assert_eq!(read, [("LAMP", "", "AMAZON_NA"), ("MUG", "50", "DEFAULT")]);
    door.pass(301);
    assert_eq!(door.fetch(&told["url"]).await.0, 403);
    let (_, stock) = report(&door, "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA").await;
    assert!(stock.lines().nth(1).unwrap().starts_with("LAMP\t"));
    door.amazon.world(|world| world.happen(Incident::Place(owner(), ScriptedOrder::of(sku("MUG"), 1))));
    let (_, orders) = report(&door, "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL").await;
    assert!(orders.lines().nth(1).unwrap().contains("\tMerchant\t"), "{orders}");
}

#[tokio::test]
async fn reports_may_grow_a_column_speak_another_language_and_come_unzipped() {
    let mut behaviour = Behaviour::prompt();
    (behaviour.report_extra_columns, behaviour.report_local_columns, behaviour.report_gzip) =
        (true, true, false);
    let listing = ListingPlan::merchant(sku("MUG"), 50);
    let door = Door::of(calm().behaviour(behaviour).listing(&owner(), listing)).await;
    let (_, text) = report(&door, "GET_MERCHANT_LISTINGS_ALL_DATA").await;
    let header: Vec<_> = text.lines().next().unwrap().split('\t').collect();
    assert_eq!((header[0], header[3]), ("reserved_staging", "出品者SKU"));
}

#[tokio::test]
async fn a_report_that_nobody_makes_is_refused_and_one_that_was_asked_for_too_soon_is_fatal() {
    let mut behaviour = Behaviour::prompt();
    behaviour.report_pause = Duration::from_mins(10);
    let door = Door::of(calm().behaviour(behaviour)).await;
    let wrong = json!({"reportType": "GET_NOTHING", "marketplaceIds": [US]});
    assert_eq!(code(&door.post("/reports/2021-06-30/reports", wrong).await), (400, "InvalidInput"));
    let body = json!({"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [US]});
    door.post("/reports/2021-06-30/reports", body.clone()).await;
    let second = door.post("/reports/2021-06-30/reports", body).await;
    door.pass(2);
    let path = format!("/reports/2021-06-30/reports/{}", second.body["reportId"].as_str().unwrap());
    assert_eq!(door.get(&path).await.body["processingStatus"], "FATAL");
}

#[tokio::test]
async fn summaries_of_amazons_shelf_come_in_pages_whose_tokens_die_after_thirty_seconds() {
    let mut world = calm().listing(&owner(), ListingPlan::merchant(sku("MUG"), 50));
    for nth in 0..60 {
        world = world.listing(&owner(), ListingPlan::amazon(sku(&format!("LAMP-{nth:02}")), nth));
    }
    let door = Door::of(world).await;
    let granularity =
        format!("granularityType=Marketplace&granularityId={US}&marketplaceIds={US}&details=true");
    let path = format!("/fba/inventory/v1/summaries?{granularity}");
    let first = door.get(&path).await;
    let found = |told: &Told| told.body["payload"]["inventorySummaries"].as_array().unwrap().len();
    assert_eq!(found(&first), 50);
    assert_eq!(first.body["payload"]["inventorySummaries"][7]["inventoryDetails"]["fulfillableQuantity"], 7);
    let token = first.body["pagination"]["nextToken"].as_str().unwrap();
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    door.pass(30);
    let second = door.get(&format!("{path}&nextToken={token}")).await;
    assert_eq!((found(&second), second.body.get("pagination")), (10, None));
    door.pass(1);
    assert_eq!(code(&door.get(&format!("{path}&nextToken={token}")).await), (400, "InvalidInput"));
    let one = door.get(&format!("{path}&sellerSkus=LAMP-03,MUG")).await;
    assert_eq!(found(&one), 1);
    assert_eq!(code(&door.get("/fba/inventory/v1/summaries").await), (400, "InvalidInput"));
}
