use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::wire::GetOrder;

fn get_order() -> GetOrder {
    GetOrder { order_id: "1".into(), ..GetOrder::default() }
}

/// A far side that gives another token each time, and refuses those that `is_good` does not like.
async fn counting(is_good: impl Fn(&str) -> bool + Send + Sync + 'static) -> Rig {
    let given = AtomicUsize::new(0);
    Rig::answering(move |request| {
        if request.is_for("/auth/o2/token") {
            let token = format!("Atza|{}", given.fetch_add(1, Ordering::SeqCst) + 1);
            return Reply::json(200, &json!({"access_token": token, "expires_in": 3600}));
        }
        if is_good(request.header("x-amz-access-token").unwrap()) {
            Reply::json(200, &json!({}))
        } else {
            Reply::json(403, &errors("Unauthorized", "Access to requested resource is denied."))
        }
    })
    .await
}

#[tokio::test]
async fn a_token_is_fetched_once_however_many_ask_and_again_before_it_is_old() {
    let rig = counting(|_| true).await;
    let call = get_order();
    let answers = join_all((0..10).map(|_| rig.amazon.call(&rig.account, &call))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(rig.tokens_asked().len(), 1);
    rig.clock.advance(Duration::from_mins(59) - Duration::from_secs(1));
    rig.amazon.call(&rig.account, &call).await.unwrap();
    assert_eq!(rig.tokens_asked().len(), 1);
    rig.clock.advance(Duration::from_secs(1));
    rig.amazon.call(&rig.account, &call).await.unwrap();
    assert_eq!(rig.tokens_asked().len(), 2, "a minute before the end it is fetched anew");
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    let rig = counting(|token| token != "Atza|1").await;
    // While it is fresh, it was not refused for its age.
    let error = rig.amazon.call(&rig.account, &get_order()).await.unwrap_err();
    assert!(matches!(error, MarketError::Forbidden { .. }), "{error:?}");
    assert_eq!((rig.asked().len(), rig.tokens_asked().len()), (1, 1));
    rig.clock.advance(Duration::from_mins(5));
    rig.amazon.call(&rig.account, &get_order()).await.unwrap();
    assert_eq!((rig.asked().len(), rig.tokens_asked().len()), (3, 2));
}

#[tokio::test]
async fn a_seller_that_is_refused_with_a_fresh_token_is_forbidden() {
    let rig = counting(|_| false).await;
    rig.amazon.call(&rig.account, &get_order()).await.unwrap_err();
    rig.clock.advance(Duration::from_mins(5));
    let error = rig.amazon.call(&rig.account, &get_order()).await.unwrap_err();
    assert!(error.stops_the_account());
    let text = error.to_string();
    assert!(text.contains("refuses seller A1TEST: Unauthorized") && text.contains("req-1"), "{text}");
    assert_eq!((rig.asked().len(), rig.tokens_asked().len()), (3, 2));
}

#[tokio::test]
async fn a_seller_that_took_its_word_back_is_revoked() {
    let rig = Rig::answering(|_| {
        Reply::json(400, &json!({"error": "invalid_grant", "error_description": "Atzr|hunter3 is bad"}))
    })
    .await;
    let error = rig.amazon.call(&rig.account, &get_order()).await.unwrap_err();
    assert!(matches!(&error, MarketError::Revoked { seller } if seller == "A1TEST"), "{error:?}");
    assert!(error.stops_the_account() && !shown(&error).contains("hunter"));
    assert!(rig.asked().is_empty());
}

#[tokio::test]
async fn an_application_that_is_refused_and_a_login_that_fails_are_told_apart() {
    use rules_core::judge::fault::{Classify, Fault};
    let answering = async |status, word: &'static str| {
        let rig = Rig::answering(move |_| Reply::json(status, &json!({"error": word}))).await;
        rig.amazon.call(&rig.account, &get_order()).await.unwrap_err()
    };
    assert!(matches!(answering(401, "invalid_client").await, MarketError::Application { .. }));
    assert_eq!(answering(400, "temporarily_unavailable").await.fault(), Fault::Transient);
    let silent = Rig::answering(|_| Reply::Silence).await;
    let error = silent.amazon.call(&silent.account, &get_order()).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Transient, "a question for a token changes nothing: {error:?}");
    assert!(!shown(&error).contains("hunter"));
}
