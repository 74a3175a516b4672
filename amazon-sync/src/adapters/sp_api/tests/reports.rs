use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::marketplace::{
    Marketplace, RowError, Snapshot, SnapshotAsk, SnapshotKind, SnapshotRef, SnapshotRow,
};

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

/// A far side with one report.
async fn with_report(kind: SnapshotKind, document: Reply, is_packed: bool) -> (Rig, SnapshotRef) {
    let url = Arc::new(std::sync::Mutex::new(String::new()));
    let told = Arc::clone(&url);
    let rig = Rig::new(move |request| {
        if request.is_for("/document") {
            return document.clone();
        }
        if request.path.starts_with("/reports/2021-06-30/reports/") {
            let report = json!({"reportId": "7", "processingStatus": "DONE", "reportDocumentId": "d/1",
                "createdTime": "2026-11-02T11:00:00Z", "processingStartTime": "2026-11-02T11:10:00Z"});
            return Reply::json(200, &report);
        }
        let mut document = json!({"reportDocumentId": "d/1", "url": *told.lock().unwrap()});
        if is_packed {
            document["compressionAlgorithm"] = json!("GZIP");
        }
        Reply::json(200, &document)
    })
    .await;
    *url.lock().unwrap() = format!("{}/document?signature=hunter8", rig.stub.url);
    let snapshot = SnapshotRef { kind, report: "7".to_owned(), document: Some("d/1".to_owned()) };
    (rig, snapshot)
}

async fn rows(rig: &Rig, snapshot: &SnapshotRef) -> Vec<Result<SnapshotRow, RowError>> {
    let mut reader = rig.amazon.snapshot_rows(&rig.account, snapshot).await.unwrap();
    let mut rows = Vec::new();
    loop {
        let page = reader.next(3).await.unwrap();
        if page.is_empty() {
            return rows;
        }
        assert!(page.len() <= 3);
        rows.extend(page);
    }
}

#[tokio::test]
async fn a_report_is_asked_for_and_waited_for() {
    let rig = Rig::new(|request| match request.path.rsplit('/').next().unwrap() {
        "reports" => Reply::json(202, &json!({"reportId": "7"})),
        "7" => Reply::json(200, &json!({"reportId": "7", "processingStatus": "IN_QUEUE"})),
        "8" => Reply::json(200, &json!({"processingStatus": "DONE", "reportDocumentId": "d"})),
        _ => Reply::json(200, &json!({"processingStatus": "FATAL", "reportDocumentId": "why"})),
    })
    .await;
    let asked = rig.amazon.snapshot(&rig.account, &SnapshotAsk::New(SnapshotKind::Orders)).await.unwrap();
    let Snapshot::Pending { asked, again_at } = asked else { panic!("{asked:?}") };
    assert_eq!((asked.report.as_str(), again_at), ("7", "2026-11-02T12:00:30Z".parse().unwrap()));
    assert_eq!(
        rig.asked()[0].json(),
        json!({"reportType": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
            "marketplaceIds": [GERMANY], "dataStartTime": "2026-10-31T12:00:00.000Z"})
    );
    let look = async |report: &str| {
        let of = SnapshotRef { report: report.to_owned(), ..asked.clone() };
        rig.amazon.snapshot(&rig.account, &SnapshotAsk::Of(of)).await.unwrap()
    };
    assert!(matches!(look("7").await, Snapshot::Pending { .. }));
    let Snapshot::Ready(ready) = look("8").await else { panic!() };
    assert_eq!(ready.document.as_deref(), Some("d"));
    assert_eq!(look("9").await, Snapshot::Refused { why: "FATAL".to_owned() });
}

#[tokio::test]
async fn listings_are_read_from_a_packed_report_and_bad_rows_are_told() {
    let text = "item-name\tseller-sku\tquantity\tasin1\tfulfillment-channel\tstatus\treserved_staging\n\
        Mug \"big\"\tMUG-1\t7\tB000TEST01\tDEFAULT\tActive\t\n\
        Cup\tCUP-1\t\tB000TEST02\tAMAZON_EU\tInactive\t1\n\
        Bad\tBAD-1\t-1\t\tDEFAULT\tActive\t\n\
        Short\tSHORT-1\n\
        Odd\tODD-1\tmany\t\tDEFAULT\tActive\t\r\n\
        \n\
        Last\tLAST-1\t0\t\tDEFAULT\tActive\t";
    let (rig, snapshot) =
        with_report(SnapshotKind::Listings, Reply::bytes(200, packed(text.as_bytes())), true).await;
    let rows = rows(&rig, &snapshot).await;
    let told: Vec<String> = rows
        .iter()
        .map(|row| match row {
            Ok(SnapshotRow::Listing(state)) => {
                let number = state.effective.map_or("none".to_owned(), |number| number.to_string());
                format!("{} {} {number} {:?}", state.sku, state.channel, state.buyable)
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "MUG-1 DEFAULT 7 Some(true)",
            "CUP-1 AMAZON_EU none Some(false)",
            "line 4: the quantity: -1 is no quantity: use 0 to 99999999",
            "line 5: has 2 columns of 7",
            "line 6: the quantity is no whole number",
            "LAST-1 DEFAULT 0 Some(true)",
        ]
    );
    let Ok(SnapshotRow::Listing(first)) = &rows[0] else { panic!() };
    assert_eq!(first.as_of, "2026-11-02T11:10:00Z".parse::<DateTime<Utc>>().unwrap());
    let document = rig.asked().into_iter().find(|request| request.is_for("/document")).unwrap();
    assert_eq!(document.header("x-amz-access-token"), None, "no token goes to where documents lie");
}

#[tokio::test]
async fn reports_of_europe_are_read_in_their_charset_and_others_refused() {
    let text = b"Artikelbezeichnung\tH\xe4ndler-SKU\tMenge\tVersender\nM\xfctze\tM\xdcTZE-1\t4\tDEFAULT\n";
    let europe = Reply::bytes(200, text.to_vec()).with("content-type", "text/plain;charset=Cp1252");
    let (rig, snapshot) = with_report(SnapshotKind::Listings, europe, false).await;
    let rows = rows(&rig, &snapshot).await;
    assert!(
        matches!(&rows[0], Ok(SnapshotRow::Listing(state)) if state.sku.as_str() == "MÜTZE-1"),
        "{rows:?}"
    );
    let refusal = async |reply| {
        let (rig, snapshot) = with_report(SnapshotKind::Listings, reply, false).await;
        rig.amazon.snapshot_rows(&rig.account, &snapshot).await.unwrap_err()
    };
    let japan = Reply::bytes(200, text.to_vec()).with("content-type", "text/plain; charset=Shift_JIS");
    let error = refusal(japan).await.to_string();
    assert!(error.contains("shift_jis") && error.contains("choose UTF-8"), "{error}");
    let error = refusal(Reply::bytes(200, text.to_vec())).await.to_string();
    assert!(error.contains("line 1: is not UTF-8"), "{error}");
    let error = refusal(Reply::bytes(200, b"Nazwa\tKod\n".to_vec())).await.to_string();
    assert!(error.contains("no column holds the SKU"), "{error}");
    let error = refusal(Reply::bytes(403, b"hunter9".to_vec())).await;
    assert!(shown(&error).contains("status 403") && !shown(&error).contains("hunter"), "{error:?}");
}

#[tokio::test]
async fn what_is_packed_too_tightly_or_breaks_off_ends_with_an_error() {
    let endless = packed(&vec![b'x'; 40_000_000]);
    let (rig, snapshot) = with_report(SnapshotKind::Listings, Reply::bytes(200, endless), true).await;
    let error = rig.amazon.snapshot_rows(&rig.account, &snapshot).await.unwrap_err();
    assert!(error.to_string().contains("longer than 256 KiB"), "{error}");
    let header = "seller-sku\tquantity\tfulfillment-channel\n";
    let rows = (0..2_000).map(|row| format!("SKU-{row}\t{}\tDEFAULT\n", row * 7919 % 1000));
    let text = header.to_owned() + &rows.collect::<String>();
    let whole = packed(text.as_bytes());
    let cut = Reply::bytes(200, whole[..whole.len() - 20].to_vec());
    let (rig, snapshot) = with_report(SnapshotKind::Listings, cut, true).await;
    let mut rows = rig.amazon.snapshot_rows(&rig.account, &snapshot).await.unwrap();
    let mut read = 0;
    let error = loop {
        match rows.next(500).await {
            Ok(page) if page.is_empty() => panic!("a cut report has an end"),
            Ok(page) => read += page.len(),
            Err(error) => break error,
        }
    };
    assert!(read <= 2_000);
    assert_eq!(rules_core::judge::fault::Classify::fault(&error), rules_core::judge::fault::Fault::Transient);
}

#[tokio::test]
async fn amazons_stock_and_the_orders_of_the_merchant_are_read() {
    let text = "sku\tfnsku\tasin\tafn-fulfillable-quantity\nCUP-1\tX1\tB000TEST02\t12\n";
    let (rig, snapshot) =
        with_report(SnapshotKind::AmazonStock, Reply::bytes(200, text.as_bytes().to_vec()), false).await;
    let told = rows(&rig, &snapshot).await;
    let Ok(SnapshotRow::AmazonStock { sku, fulfillable, .. }) = &told[0] else { panic!("{told:?}") };
    assert_eq!((sku.as_str(), fulfillable.get()), ("CUP-1", 12));
    let text = "amazon-order-id\tlast-updated-date\tfulfillment-channel\n\
        305-1\t2026-11-02T10:00:00+00:00\tMerchant\n\
        305-2\t2026-11-02T10:00:00+00:00\tAmazon\n\
        305-3\tyesterday\tMerchant\n";
    let (rig, snapshot) =
        with_report(SnapshotKind::Orders, Reply::bytes(200, text.as_bytes().to_vec()), false).await;
    let told = rows(&rig, &snapshot).await;
    assert_eq!(told.len(), 2, "what Amazon ships never was on our shelf: {told:?}");
    assert!(matches!(&told[0], Ok(SnapshotRow::OrderLine { order, .. }) if order.as_str() == "305-1"));
    assert_eq!(
        told[1].as_ref().unwrap_err().to_string(),
        "line 4: the time of the last change is no instant"
    );
}
