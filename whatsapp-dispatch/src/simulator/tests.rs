use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::mpsc;

use reqwest::Client;
use tokio::net::TcpListener;

use super::builder::NUMBER_ID;
use super::*;
use crate::adapters::cloud_api::testing::{encode, template};
use crate::gateway::{Content, GatewayError, MessageGateway, Outgoing};
use crate::phone::PhoneNumber;
use crate::template::{Skeleton, TemplateDefinition};
use crate::webhook::{Change, Handshake, Status, StatusUpdate, WebhookError, router, verify_signature};

/// Passes on what it can verify, after refusing the first webhooks.
#[derive(Debug)]
struct Inbox {
    secret: SecretString,
    refuse: Mutex<u32>,
    told: mpsc::UnboundedSender<StatusUpdate>,
}

#[async_trait]
impl WebhookHandler for Inbox {
    fn handshake(&self, question: &Handshake) -> Result<String, WebhookError> {
        question.answer(&self.secret)
    }

    async fn receive(&self, signature: Option<&str>, body: &[u8]) -> Result<(), WebhookError> {
        let webhook = verify_signature(std::slice::from_ref(&self.secret), signature, body)?;
        let mut refuse = self.refuse.lock().unwrap();
        if 0 < *refuse {
            *refuse -= 1;
            return Err(WebhookError::Unavailable { source: "not now".into() });
        }
        for status in webhook.changes()?.iter().flat_map(Change::updates) {
            // The test may have seen enough already.
            drop(self.told.send(status));
        }
        Ok(())
    }
}

fn inbox(meta: &Simulator, refuse: u32) -> (Inbox, mpsc::UnboundedReceiver<StatusUpdate>) {
    let (told, statuses) = mpsc::unbounded_channel();
    (Inbox { secret: meta.app_secret(), refuse: Mutex::new(refuse), told }, statuses)
}

fn offer(digits: u64) -> Outgoing {
    Outgoing {
        to: PhoneNumber::from_digits(digits).unwrap(),
        content: Arc::new(Content::new(template("diwali_offer"), Skeleton::numbered(2))),
        parameters: encode(&["Zoë \"Z\"", "20 %"]),
        token: format!("token-{digits}"),
    }
}

async fn delivered(statuses: &mut mpsc::UnboundedReceiver<StatusUpdate>) -> StatusUpdate {
    loop {
        let status = statuses.recv().await.unwrap();
        if status.status == Status::Delivered {
            return status;
        }
    }
}

async fn quiet() -> Simulator {
    Simulator::builder().faults(Faults::none()).start().await.unwrap()
}

#[tokio::test]
async fn a_message_is_taken_and_its_statuses_come_with_our_token() {
    let meta = quiet().await;
    let (inbox, mut statuses) = inbox(&meta, 0);
    meta.deliver_webhooks_to(inbox);
    let receipt = meta.gateway().send(&meta.sender(), &offer(4_915_112_345_678)).await.unwrap();
    let status = delivered(&mut statuses).await;
    assert_eq!(status.wamid, receipt.wamid);
    assert_eq!(status.callback.as_deref(), Some("token-4915112345678"));
    assert!(status.at.is_some());
}

#[tokio::test]
async fn a_lost_answer_leaves_doubt_until_a_status_resolves_it() {
    let mut faults = Faults::none();
    faults.lost_answer = 1.0;
    let meta = Simulator::builder().faults(faults).start().await.unwrap();
    let (inbox, mut statuses) = inbox(&meta, 0);
    meta.deliver_webhooks_to(inbox);
    for (digits, gateway) in [
        (4_915_100_000_001, &meta.gateway() as &dyn MessageGateway),
        (4_915_100_000_002, &meta.in_process_gateway()),
    ] {
        let error = gateway.send(&meta.sender(), &offer(digits)).await.unwrap_err();
        assert!(matches!(error, GatewayError::InDoubt { .. }), "{error:?}");
        let status = delivered(&mut statuses).await;
        assert_eq!(status.callback, Some(format!("token-{digits}")));
    }
    assert_eq!((meta.report().accepted, meta.report().lost_answers), (2, 2));
}

#[tokio::test]
async fn both_doors_say_the_same_and_so_does_the_same_seed() {
    let outcomes = async |in_process: bool| {
        let meta = Simulator::builder().faults(Faults::harsh()).seed(42).start().await.unwrap();
        let (http, memory) = (meta.gateway(), meta.in_process_gateway());
        let gateway: &dyn MessageGateway = if in_process { &memory } else { &http };
        let mut all = Vec::new();
        for digits in 4_915_100_000_000..4_915_100_000_150 {
            all.push(match gateway.send(&meta.sender(), &offer(digits)).await {
                Ok(receipt) => format!("{} {}", receipt.wamid.expose(), receipt.held),
                Err(GatewayError::InDoubt { .. }) => "in doubt".to_owned(),
                Err(error) => format!("{error:?}"),
            });
        }
        (all, meta.report().refused)
    };
    let http = outcomes(false).await;
    assert_eq!(http, outcomes(false).await);
    assert_eq!(http, outcomes(true).await);
    assert!(http.0.iter().any(|outcome| outcome == "in doubt"));
    assert!(http.1.keys().eq(&[131_016, 131_026]));
}

#[tokio::test]
async fn webhooks_wait_for_an_endpoint_and_are_repeated_until_it_takes_them() {
    let meta = quiet().await;
    meta.gateway().send(&meta.sender(), &offer(4_915_112_345_678)).await.unwrap();
    let (inbox, mut statuses) = inbox(&meta, 2);
    let app = axum::Router::new().nest("/whatsapp", router(Arc::new(inbox)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/whatsapp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let told = Client::new()
        .post(format!("{}/simulator/webhook", meta.url()))
        .body(format!(r#"{{"url":"{url}"}}"#))
        .send()
        .await
        .unwrap();
    assert_eq!(told.status(), 204);
    delivered(&mut statuses).await;
}

#[tokio::test]
async fn a_simulator_goes_on_where_another_stopped() {
    let meta = quiet().await;
    let (gateway, sender) = (meta.gateway(), meta.sender());
    let first = gateway.send(&sender, &offer(4_915_112_345_678)).await.unwrap();
    let saved = serde_json::to_value(meta.save()).unwrap();
    drop(meta);
    let restored = serde_json::from_value(saved).unwrap();
    let meta = Simulator::builder().seed(99).faults(Faults::none()).restore(restored).start().await.unwrap();
    let (inbox, mut statuses) = inbox(&meta, 0);
    meta.deliver_webhooks_to(inbox);
    assert_eq!(delivered(&mut statuses).await.wamid, first.wamid);
    let second = meta.gateway().send(&sender, &offer(4_915_112_345_678)).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(meta.report().max_accepted_per_number, 2);
    assert_eq!(meta.report().accepted_more_than_once, ["+4915112345678"]);
}

#[tokio::test]
async fn the_templates_are_those_that_were_approved() {
    let offer = TemplateDefinition::new(template("new_offer"), "Only {{first_name}}, {{rebate}}!").unwrap();
    let meta = Simulator::builder().template(&offer).start().await.unwrap();
    for gateway in [&meta.gateway() as &dyn MessageGateway, &meta.in_process_gateway()] {
        let found = gateway.template(&meta.sender(), &template("new_offer")).await.unwrap().unwrap();
        assert_eq!(found, offer);
        assert_eq!(gateway.template(&meta.sender(), &template("offer")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_control_door_reports() {
    let meta = quiet().await;
    for digits in [4_915_100_000_001, 4_915_100_000_002, 4_915_100_000_002] {
        meta.gateway().send(&meta.sender(), &offer(digits)).await.unwrap();
    }
    let get = async |path: &str| {
        let url = format!("{}/simulator/{path}", meta.url());
        Client::new().get(url).send().await.unwrap().bytes().await.unwrap()
    };
    let report: Report = serde_json::from_slice(&get("report").await).unwrap();
    assert_eq!((report.posts, report.accepted, report.people), (3, 3, 2));
    let accepted = get("accepted").await;
    let accepted: BTreeMap<_, _> =
        std::str::from_utf8(&accepted).unwrap().lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(accepted, BTreeMap::from([("+4915100000001", "1"), ("+4915100000002", "2")]));
}

#[tokio::test]
async fn strangers_and_strange_requests_are_refused() {
    let meta = quiet().await;
    let post = async |number: &str, token: &str, body: &'static str| {
        let url = format!("{}/v26.0/{number}/messages", meta.url());
        let request = Client::new().post(url).header("authorization", format!("Bearer {token}"));
        let answer = request.body(body).send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&answer).unwrap()["error"]["code"].clone()
    };
    let token = secrecy::ExposeSecret::expose_secret(&meta.access_token()).to_owned();
    assert_eq!(post(NUMBER_ID, "other", "{}").await, 190);
    assert_eq!(post("123", &token, "{}").await, 100);
    assert_eq!(post(NUMBER_ID, &token, "no json").await, 100);
    assert_eq!(meta.report().posts, 0);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let meta = quiet().await;
    let port = meta.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Simulator::builder().port(port).start().await.unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn a_file_has_the_same_id_whenever_it_is_uploaded() {
    let meta = Simulator::start().await.unwrap();
    let sender = meta.sender();
    let upload = async |name: &str, bytes: &'static str| {
        let media = crate::media::Media::named(name, bytes).unwrap();
        let through_http = meta.gateway().upload(&sender, &media).await.unwrap();
        (through_http, meta.in_process_gateway().upload(&sender, &media).await.unwrap())
    };
    assert_eq!(upload("a.png", "x").await, upload("a.png", "x").await);
    let (one, other) = (upload("a.png", "x").await, upload("a.png", "y").await);
    assert!(one.0 != other.0 && one.1 != other.1);
}

#[tokio::test]
async fn a_simulator_that_ends_lets_go_of_whom_it_told() {
    let meta = Simulator::builder().faults(Faults::none()).start().await.unwrap();
    let (inbox, mut statuses) = inbox(&meta, 0);
    meta.deliver_webhooks_to(inbox);
    // A dispatcher would hold both, and the simulator would hold the dispatcher.
    let gateways = (meta.gateway(), meta.in_process_gateway());
    drop(meta);
    assert_eq!(statuses.recv().await, None);
    drop(gateways);
}
