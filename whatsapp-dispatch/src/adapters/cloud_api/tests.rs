use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::TenantId;
use rules_core::work::StoreError;
use rules_core::work::secrets::{FixedSecrets, SecretRef};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::testing::{encode, template};
use super::*;
use crate::gateway::{ApiError, Content, MarketingApi, ProductPolicy};
use crate::phone::PhoneNumber;
use crate::template::Skeleton;

const TAKEN: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 35\r\n\r\n{\"messages\":[{\"id\":\"wamid.secret1\"}]}";

/// What the far side does with a request that it has read.
#[derive(Clone)]
enum Then {
    Answer(String),
    Close,
    Nothing,
}

/// A far side that reads each request whole, reports it and does as it is told.
async fn far_side(then: Then) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.send(read_request(&mut stream).await).unwrap();
            match &then {
                Then::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                Then::Close => {}
                Then::Nothing => open.push(stream),
            }
        }
    });
    (url, requests)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 1024];
        let n_read = stream.read(&mut part).await.unwrap();
        request.extend_from_slice(&part[..n_read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.map_or(0, |length| length.parse().unwrap()) <= body.len() {
            return text.into_owned();
        }
    }
}

fn answer(status: &str, body: &str) -> Then {
    Then::Answer(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

fn sender() -> Sender {
    Sender::new(
        NumberId::parse("4711").unwrap(),
        "17",
        TenantId::parse("main").unwrap(),
        SecretRef::named("meta"),
    )
}

fn message() -> Outgoing {
    Outgoing {
        to: PhoneNumber::from_digits(4_915_112_345_678).unwrap(),
        content: Arc::new(Content::new(template("offer"), Skeleton::numbered(1))),
        parameters: encode(&["Anna"]),
        token: "v1.token".to_owned(),
    }
}

fn gateway(url: &str) -> CloudApi {
    let secrets = FixedSecrets::new().with("meta", "hunter2");
    let config = CloudApiConfig::default()
        .with_base_url(url)
        .unwrap()
        .with_timeouts(Duration::from_secs(3), Duration::from_millis(300));
    CloudApi::new(config, Arc::new(secrets)).unwrap()
}

async fn send_to(then: Then) -> Result<Receipt, GatewayError> {
    let (url, _requests) = far_side(then).await;
    gateway(&url).send(&sender(), &message()).await
}

/// Everything that a log could show of an error.
fn shown(error: &GatewayError) -> String {
    format!("{error} {error:?} {}", rules_core::judge::fault::chain(error))
}

#[tokio::test]
async fn a_message_goes_to_its_number_with_the_token() {
    let (url, mut requests) = far_side(answer("200 OK", r#"{"messages":[{"id":"wamid.1"}]}"#)).await;
    let gateway = gateway(&url);
    let receipt = gateway.send(&sender(), &message()).await.unwrap();
    assert_eq!(receipt.wamid.expose(), "wamid.1");
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("POST /v26.0/4711/messages HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer hunter2\r\n"));
    assert!(request.contains("content-type: application/json\r\n"));
    assert!(request.ends_with(std::str::from_utf8(&CloudApi::body(&message())).unwrap()));
    assert!(!format!("{gateway:?}").contains("hunter2"));
}

#[tokio::test]
async fn an_answer_that_is_lost_garbled_or_late_leaves_doubt() {
    let cut = Then::Answer(TAKEN.chars().take(60).collect());
    let endless = answer("200 OK", &" ".repeat(MAX_ANSWER_BYTES * 2));
    for then in [Then::Close, Then::Nothing, cut, endless, answer("200 OK", "moved"), answer("502 Bad", "")] {
        let error = send_to(then).await.unwrap_err();
        assert!(matches!(error, GatewayError::InDoubt { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let then =
        Then::Answer("HTTP/1.1 307 Go\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_owned());
    let (url, mut requests) = far_side(then).await;
    assert!(gateway(&url).send(&sender(), &message()).await.is_err());
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = gateway(&url).send(&sender(), &message()).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Transient);
}

#[tokio::test]
async fn a_throttle_says_for_how_long() {
    let then = Then::Answer("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n".to_owned());
    let error = send_to(then).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Throttled { retry_after: Some(Duration::from_secs(7)) });
    let body = r#"{"error":{"code":130429}}"#;
    let then = Then::Answer(format!(
        "HTTP/1.1 400 Bad\r\nretry-after: 3\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    let error = send_to(then).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Throttled { retry_after: Some(Duration::from_secs(3)) });
}

#[tokio::test]
async fn no_error_shows_a_token_an_address_or_a_person() {
    let refused = r#"{"error":{"code":100,"message":"+4915112345678 Anna","fbtrace_id":"x"}}"#;
    for then in [Then::Close, Then::Nothing, answer("200 OK", "+4915112345678"), answer("400 Bad", refused)] {
        let shown = shown(&send_to(then).await.unwrap_err());
        for secret in ["hunter2", "4711", "127.0.0.1", "4915112345678", "Anna", "v1.token"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

/// Hands out another token each time it is asked after a `forget`.
#[derive(Debug, Default)]
struct Rotating {
    generation: AtomicUsize,
}

#[async_trait]
impl SecretSource for Rotating {
    async fn secret(&self, _: &SecretRef) -> Result<SecretString, StoreError> {
        Ok(format!("token-{}", self.generation.load(Ordering::SeqCst)).into())
    }

    fn forget(&self, _: &SecretRef) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew() {
    let (url, mut requests) = far_side(answer("401 Unauthorized", r#"{"error":{"code":190}}"#)).await;
    let config = CloudApiConfig::default().with_base_url(&url).unwrap();
    let gateway = CloudApi::new(config, Arc::new(Rotating::default())).unwrap();
    for generation in 0..2 {
        assert!(gateway.send(&sender(), &message()).await.is_err());
        let request = requests.recv().await.unwrap();
        assert!(request.contains(&format!("authorization: Bearer token-{generation}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_missing_or_broken_token_sends_nothing() {
    let (url, mut requests) = far_side(Then::Close).await;
    for secrets in [FixedSecrets::new(), FixedSecrets::new().with("meta", "two\nlines")] {
        let config = CloudApiConfig::default().with_base_url(&url).unwrap();
        let error =
            CloudApi::new(config, Arc::new(secrets)).unwrap().send(&sender(), &message()).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotSent { .. }), "{error:?}");
        assert!(!shown(&error).contains("lines"));
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_template_is_asked_for_by_name_and_language() {
    let (url, mut requests) = far_side(answer("200 OK", r#"{"data":[]}"#)).await;
    assert_eq!(gateway(&url).template(&sender(), &template("offer & more")).await.unwrap(), None);
    let request = requests.recv().await.unwrap();
    let expected = "GET /v26.0/17/message_templates?name=offer+%26+more&language=en_US&limit=100 ";
    assert!(request.starts_with(expected), "{request}");
}

#[tokio::test]
async fn a_message_leaves_through_the_door_of_its_campaign() {
    let (url, mut requests) = far_side(answer("200 OK", r#"{"messages":[{"id":"wamid.1"}]}"#)).await;
    let marketing = MarketingApi { policy: ProductPolicy::CloudApiFallback, share_activity: None };
    let content = Content::new(template("offer"), Skeleton::default()).with_marketing(marketing);
    let (gateway, message) = (gateway(&url), Outgoing { content: Arc::new(content), ..message() });
    for (route, edge) in [(Route::Marketing, "marketing_messages"), (Route::Messages, "messages")] {
        assert!(message.content.reroute(route));
        gateway.send(&sender(), &message).await.unwrap();
        let request = requests.recv().await.unwrap();
        assert!(request.starts_with(&format!("POST /v26.0/4711/{edge} ")), "{request}");
    }
}

#[tokio::test]
async fn a_file_is_uploaded_as_a_form() {
    let media = Media::named("a.png", "picture").unwrap();
    let (url, mut requests) = far_side(answer("200 OK", r#"{"id":"900"}"#)).await;
    assert_eq!(gateway(&url).upload(&sender(), &media).await.unwrap(), MediaId::new("900"));
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("POST /v26.0/4711/media HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer hunter2\r\n"));
    assert!(request.contains("content-type: multipart/form-data; boundary=part-"));
    assert!(request.contains("\r\n\r\npicture\r\n--part-"));
    let refused = answer("400 Bad", r#"{"error":{"code":131053}}"#);
    let error = gateway(&far_side(refused).await.0).upload(&sender(), &media).await.unwrap_err();
    assert!(matches!(error, GatewayError::Refused(ApiError { code: 131_053, .. })), "{error:?}");
    let silent = gateway(&far_side(answer("200 OK", "{}")).await.0).upload(&sender(), &media).await;
    assert!(matches!(silent, Err(GatewayError::InDoubt { .. })));
}

#[tokio::test]
async fn what_was_read_is_told_by_its_id() {
    let (url, mut requests) = far_side(answer("200 OK", r#"{"success":true}"#)).await;
    gateway(&url).mark_read(&sender(), &Wamid::new("wamid.7")).await.unwrap();
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("POST /v26.0/4711/messages "), "{request}");
    let body = r#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.7"}"#;
    assert!(request.ends_with(body), "{request}");
    let denied = answer("200 OK", r#"{"success":false}"#);
    assert!(gateway(&far_side(denied).await.0).mark_read(&sender(), &Wamid::new("w")).await.is_err());
}
