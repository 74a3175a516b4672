use rules_core::judge::fault::{Classify, Fault};

use super::*;
use crate::wire::{CancelFeed, CreateDestination, GetFeed, GetOrder, PatchListingsItem, SearchOrders};

fn get_order(id: &str) -> GetOrder {
    GetOrder { order_id: id.into(), ..GetOrder::default() }
}

fn patch(sku: &str) -> PatchListingsItem {
    PatchListingsItem { seller_id: "A1TEST".into(), sku: sku.into(), ..PatchListingsItem::default() }
}

#[tokio::test]
async fn a_call_brings_its_token_and_says_who_asks() {
    let rig = Rig::new(|_| Reply::json(200, &json!({"order": {"orderId": "305-1"}}))).await;
    let answered = rig.amazon.call(&rig.account, &get_order("305/1")).await.unwrap();
    assert_eq!(answered.request.as_deref(), Some("req-1"));
    assert_eq!(answered.server_now, "2026-11-02T12:00:05Z".parse().ok());
    let asked = rig.asked();
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str()),
        ("GET", "/orders/2026-01-01/orders/305%2F1")
    );
    assert_eq!(asked[0].header("x-amz-access-token"), Some("Atza|one"));
    let agent = asked[0].header("user-agent").unwrap();
    assert!(agent.starts_with("shop-sync/") && agent.contains("(Language=Rust; Platform="), "{agent}");
    assert!(!format!("{:?}", rig.amazon).contains("hunter"));
}

#[tokio::test]
async fn nothing_is_asked_twice_whatever_the_answer() {
    for (status, read, write) in [
        (400, Fault::Rejected, Fault::Rejected),
        (404, Fault::Rejected, Fault::Rejected),
        (403, Fault::Rejected, Fault::Rejected),
        (500, Fault::Transient, Fault::InDoubt),
        (502, Fault::Transient, Fault::InDoubt),
        (503, Fault::Transient, Fault::Transient),
    ] {
        let rig = Rig::new(move |_| Reply::json(status, &errors("Code", "hunter5"))).await;
        let error = rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err();
        assert_eq!(error.fault(), read, "{status}");
        assert!(!shown(&error).contains("hunter"), "{error:?}");
        let error = rig.amazon.call(&rig.account, &patch("a")).await.unwrap_err();
        assert_eq!(error.fault(), write, "{status}");
        assert_eq!(rig.asked().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn an_error_carries_amazons_code_and_the_name_of_the_request() {
    let rig = Rig::new(|_| Reply::json(400, &errors("InvalidInput", "x"))).await;
    let error = rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err();
    assert_eq!(error.to_string(), "getOrder: refused with status 400, InvalidInput (request req-1)");
    let rig = Rig::new(|_| Reply::bytes(400, b"<html>hunter6</html>".to_vec())).await;
    let error = rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err();
    assert!(error.to_string().contains("without a code") && !shown(&error).contains("hunter"), "{error}");
}

#[tokio::test]
async fn a_request_that_left_and_was_not_answered_is_in_doubt_if_it_writes() {
    let rig = Rig::new(|_| Reply::Silence).await;
    let error = rig.amazon.call(&rig.account, &patch("a")).await.unwrap_err();
    assert_eq!(error.fault(), Fault::InDoubt);
    let error = rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Transient);
    assert!(!shown(&error).contains("127.0.0.1"), "no address in an error: {error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_in_doubt_if_it_writes() {
    let rig = Rig::new(|_| {
        let whole = Reply::json(200, &json!({"sku": "a", "status": "ACCEPTED"}));
        Reply::Cut(Box::new(whole), 10)
    })
    .await;
    assert_eq!(rig.amazon.call(&rig.account, &patch("a")).await.unwrap_err().fault(), Fault::InDoubt);
    assert_eq!(rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err().fault(), Fault::Transient);
    let rig = Rig::new(|_| Reply::bytes(200, b"[hunter7".to_vec())).await;
    let error = rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err();
    assert!(
        matches!(error, MarketError::Unreadable { .. }) && !shown(&error).contains("hunter"),
        "{error:?}"
    );
    assert_eq!(rig.amazon.call(&rig.account, &patch("a")).await.unwrap_err().fault(), Fault::InDoubt);
}

#[tokio::test]
async fn a_far_side_that_is_not_there_has_done_nothing() {
    let rig = Rig::new(|_| Reply::json(200, &json!({}))).await;
    rig.amazon.call(&rig.account, &patch("a")).await.unwrap();
    // The token is there, and nobody listens at the address of the rest.
    let config = rig.amazon.inner.config.clone().with_base_url("http://127.0.0.1:1").unwrap();
    let pacer = Arc::new(MemoryPacer::new(Arc::<ManualClock>::clone(&rig.clock)));
    let secrets = Arc::new(FixedSecrets::new().with("lwa", "x").with("anna", "y"));
    let gone = SpApi::new(config, secrets, pacer, Arc::<ManualClock>::clone(&rig.clock)).unwrap();
    let access = rig.amazon.access::<PatchListingsItem>(&rig.account).unwrap();
    gone.authorise((*access).clone());
    let error = gone.call(&rig.account, &patch("a")).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Transient, "{error:?}");
}

#[tokio::test]
async fn an_operation_that_answers_nothing_is_answered() {
    let rig = Rig::new(|_| Reply::bytes(200, Vec::new())).await;
    rig.amazon
        .call(&rig.account, &CancelFeed { feed_id: "7".into(), ..CancelFeed::default() })
        .await
        .unwrap();
    assert_eq!(rig.asked()[0].method, "DELETE");
}

#[tokio::test]
async fn a_budget_ends_before_amazon_says_so() {
    let rig = Rig::new(|_| Reply::json(200, &json!({"orders": []}))).await;
    for _ in 0..19 {
        rig.amazon.call(&rig.account, &SearchOrders::default()).await.unwrap();
    }
    let error = rig.amazon.call(&rig.account, &SearchOrders::default()).await.unwrap_err();
    let Fault::Throttled { retry_after: Some(wait) } = error.fault() else { panic!("{error:?}") };
    assert!((180..182).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(rig.asked().len(), 19, "and nobody was asked in vain");
    rig.clock.advance(wait + Duration::from_secs(1));
    rig.amazon.call(&rig.account, &SearchOrders::default()).await.unwrap();
    // Another operation has a budget of its own.
    rig.amazon.call(&rig.account, &get_order("1")).await.unwrap();
}

#[tokio::test]
async fn a_call_waits_for_its_permit_as_long_as_it_may() {
    let rig = Rig::new(|_| Reply::json(200, &json!({}))).await;
    let config = rig.amazon.inner.config.clone().with_patience(Duration::from_secs(2));
    let pacer = Arc::new(MemoryPacer::new(Arc::<ManualClock>::clone(&rig.clock)));
    let secrets = Arc::new(FixedSecrets::new().with("lwa", "x").with("anna", "y"));
    let patient = SpApi::new(config, secrets, pacer, Arc::<ManualClock>::clone(&rig.clock)).unwrap();
    patient.authorise((*rig.amazon.access::<PatchListingsItem>(&rig.account).unwrap()).clone());
    for _ in 0..4 {
        patient.call(&rig.account, &patch("a")).await.unwrap();
    }
    let waiting = tokio::spawn({
        let (patient, account) = (patient.clone(), rig.account.clone());
        async move { patient.call(&account, &patch("a")).await.map(drop) }
    });
    while !waiting.is_finished() {
        tokio::task::yield_now().await;
        rig.clock.advance(Duration::from_millis(50));
    }
    waiting.await.unwrap().unwrap();
    assert_eq!(rig.asked().len(), 5);
}

#[tokio::test]
async fn a_429_is_learnt_from_and_so_is_the_rate_that_is_told() {
    let rig = Rig::new(|request| {
        let reply = if request.path.contains("slow") {
            Reply::json(429, &errors("QuotaExceeded", "You exceeded your quota for the requested resource."))
        } else {
            Reply::json(200, &json!({}))
        };
        reply.with("x-amzn-RateLimit-Limit", "2.0")
    })
    .await;
    rig.amazon.call(&rig.account, &patch("quick")).await.unwrap();
    let rate = async || {
        let access = rig.amazon.access::<PatchListingsItem>(&rig.account).unwrap();
        let budgets = &rig.amazon.inner.budgets;
        budgets.rate(&access, "patchListingsItem").await
    };
    assert!((rate().await - 2.0 * 0.995).abs() < 1e-9);
    let error = rig.amazon.call(&rig.account, &patch("slow")).await.unwrap_err();
    assert!(matches!(&error, MarketError::Throttled { request: Some(id), .. } if id == "req-1"), "{error:?}");
    assert!(rate().await < 1.9);
    let asked = rig.asked().len();
    let error = rig.amazon.call(&rig.account, &patch("quick")).await.unwrap_err();
    assert!(matches!(error.fault(), Fault::Throttled { retry_after: Some(_) }));
    assert_eq!(rig.asked().len(), asked, "the budget rests");
}

#[tokio::test]
async fn a_429_of_the_application_slows_no_single_seller_down() {
    let rig = Rig::new(|_| {
        Reply::json(429, &errors("QuotaExceeded", "You exceeded your application's quota for the resource."))
    })
    .await;
    rig.amazon.call(&rig.account, &patch("a")).await.unwrap_err();
    let access = rig.amazon.access::<PatchListingsItem>(&rig.account).unwrap();
    let budgets = &rig.amazon.inner.budgets;
    let stack = budgets.stack(&access, "patchListingsItem", &[]).unwrap();
    let granted = budgets.take(&stack, 3).await.unwrap();
    assert_eq!(granted.permits, 0, "the application rests");
    assert!((budgets.rate(&access, "patchListingsItem").await - 5.0 * 0.995).abs() < 1e-9);
    // What the seller's level granted went back.
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(budgets.take(&stack, 10).await.unwrap().permits, 4);
}

#[tokio::test]
async fn an_account_that_nobody_opened_is_not_asked_for() {
    let rig = Rig::new(|_| Reply::json(200, &json!({}))).await;
    rig.amazon.withdraw(&rig.account);
    let error = rig.amazon.call(&rig.account, &get_order("1")).await.unwrap_err();
    assert!(error.stops_the_account() && error.to_string().contains("SpApi::authorise"), "{error}");
    assert!(rig.stub.seen().is_empty());
}

#[tokio::test]
async fn the_application_asks_for_itself_where_amazon_wants_it_so() {
    let rig = Rig::new(|_| Reply::json(200, &json!({"payload": {"destinationId": "d"}}))).await;
    rig.amazon.call(&rig.account, &CreateDestination::default()).await.unwrap();
    rig.amazon.call(&rig.account, &GetFeed { feed_id: "1".into(), ..GetFeed::default() }).await.unwrap();
    let tokens: Vec<String> = rig.tokens_asked().iter().map(Request::text).collect();
    assert!(tokens[0].contains("grant_type=client_credentials&scope=sellingpartnerapi%3A%3Anotifications"));
    assert!(tokens[1].contains("grant_type=refresh_token&refresh_token=Atzr%7Chunter3"));
}
