//! What is lost and found again: references, processes, files.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rules_core::store::sqlite::{Sqlite, SqliteConfig, SqliteError};
use rules_core::work::lanes::Lanes;
use secrecy::SecretString;
use whatsapp_dispatch::campaign::CampaignName;
use whatsapp_dispatch::delivery::{DeliveryLog, Query};
use whatsapp_dispatch::dispatch::{Dispatch, WebhookConfig, Webhooks};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt};
use whatsapp_dispatch::sender::Sender;
use whatsapp_dispatch::template::{Template, TemplateDefinition};
use whatsapp_dispatch::webhook::{WebhookHandler, signature};

use crate::campaign::sums_hold;
use crate::house::{Scripted, campaign, finished, jumping, people, quick, sender, sqlite, until};

/// A gateway that never answers.
#[derive(Clone, Debug)]
struct Silent(Scripted);

#[async_trait]
impl MessageGateway for Silent {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        self.0.send(sender, message).await?;
        std::future::pending().await
    }

    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        self.0.template(sender, template).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_that_the_queue_lost_are_queued_again() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(900)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("some are sent", || async { 50 < gateway.total() }).await;
    sent.pause().await.unwrap();
    finished(&sent).await;
    for depth in house.store.depths(None, 10).await.unwrap() {
        while house.store.drop_lane(&depth.lane, 1_000).await.unwrap().more {}
    }
    sent.resume().await.unwrap();
    assert!(gateway.total() < 900);
    until("two audits have found them", || async {
        clock.jump(Duration::from_millis(200));
        gateway.total() == 900
    })
    .await;
    let report = finished(&sent).await;
    assert_eq!((report.progress.accepted, gateway.total()), (900, 900), "{report}");
    assert!(gateway.nobody_twice());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_had_begun_is_unknown_and_the_rest_is_sent() {
    let (house, clock) = jumping().await;
    let dying = Silent(Scripted::accepting());
    let config = quick().with_concurrency(40).with_window(70);
    {
        let dispatch = Dispatch::builder(&house.store, dying.clone()).config(config.clone()).build().unwrap();
        let running = dispatch.start();
        let plan = dispatch.plan(campaign("test"), people(300)).await.unwrap();
        let sent = dispatch.release(&plan).await.unwrap();
        until("the wire is full", || async { 40 == dying.0.total() }).await;
        until("a group is begun behind it", || async { 40 < sent.report().await.unwrap().progress.begun })
            .await;
        assert!(!running.drain(Duration::ZERO).await.unwrap(), "it cannot finish what is on the wire");
    }
    let file = house.file();
    let crate::house::SqliteHouse { store, folder } = house;
    drop(store);
    let store = loop {
        let config = SqliteConfig::default().with_clock(Arc::new(clock.clone()));
        match Sqlite::open_with(&file, config).await {
            Ok(store) => break store,
            Err(SqliteError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&store, gateway.clone()).config(config).build().unwrap();
    let running = dispatch.start();
    let main = rules_core::judge::tenant::TenantId::parse("main").unwrap();
    let name = CampaignName::parse("test").unwrap();
    let sent = dispatch.campaign(&main, &name).await.unwrap().unwrap();
    let report = finished(&sent).await;
    assert!((41..=70).contains(&report.unknown()), "{report}");
    assert_eq!(report.unknown() + report.progress.accepted, 300);
    assert_eq!(u64::from(gateway.total()), report.progress.accepted);
    let first = dying.0.posts.lock().unwrap().clone();
    assert!(gateway.posts.lock().unwrap().keys().all(|to| !first.contains_key(to)), "nobody twice");
    let reasons: Vec<String> = report.progress.reasons().keys().map(ToString::to_string).collect();
    assert_eq!(reasons, ["dispatch.worker_lost"]);
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_lost_our_token_finds_its_message_in_the_next_sweep() {
    let (house, clock) = jumping().await;
    let dispatch = Dispatch::builder(&house.store, Scripted::accepting()).config(quick()).build().unwrap();
    let secret = SecretString::from("app secret");
    let config = WebhookConfig { app_secrets: vec![secret.clone()], verify_token: secret.clone() };
    let webhooks = Webhooks::new(&dispatch, config).unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(3)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    finished(&sent).await;
    let query = Query::Keys(vec![plan.key().message(1)]);
    let wamid = house.store.messages(&query).await.unwrap().messages[0].facts.wamid.clone().unwrap();
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"messages",
        "value":{{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"{}"}},
        "statuses":[{{"id":"{}","status":"delivered","timestamp":"1767614400"}}]}}}}]}}]}}"#,
        sender().number_id,
        wamid.expose(),
    );
    webhooks.receive(Some(&signature(&secret, body.as_bytes())), body.as_bytes()).await.unwrap();
    until("it is applied", || async { dispatch.inbox_depth().await.unwrap() == 0 }).await;
    assert_eq!(sent.report().await.unwrap().delivered(), 0);
    clock.jump(Duration::from_secs(30));
    until("a sweep has found it", || async { sent.report().await.unwrap().delivered() == 1 }).await;
    let message = house.store.messages(&query).await.unwrap().messages.pop().unwrap();
    assert_eq!(message.facts.state(), State::Delivered);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn a_second_dispatcher_on_one_file_is_refused_and_a_look_is_not() {
    let house = sqlite().await;
    let dispatch = Dispatch::new(&house.store, Scripted::accepting()).unwrap();
    let plan = dispatch.plan(campaign("test"), people(7)).await.unwrap();
    let refused = Sqlite::open(house.file()).await.unwrap_err();
    assert!(matches!(refused, SqliteError::InUse { .. }), "{refused}");

    let looking = Sqlite::open_read_only(house.file()).await.unwrap();
    let onlooker = Dispatch::new(&looking, Scripted::accepting()).unwrap();
    let main = rules_core::judge::tenant::TenantId::parse("main").unwrap();
    let sent = onlooker.campaign(&main, plan.name()).await.unwrap().unwrap();
    assert_eq!(sent.report().await.unwrap().progress.planned(), 7);
    assert!(onlooker.release(&plan).await.is_err(), "a look changes nothing");
    assert!(sent.cancel().await.is_err());
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let house = sqlite().await;
    let file = house.file();
    let dispatch = Dispatch::new(&house.store, Scripted::accepting()).unwrap();
    let _plan = dispatch.plan(campaign("test"), people(1)).await.unwrap();
    drop(dispatch);
    let crate::house::SqliteHouse { store, folder } = house;
    store
        .write(&NOTHING, |tx| {
            tx.execute("UPDATE schema_version SET version = 99 WHERE name = 'whatsapp-dispatch'", [])?;
            Ok(())
        })
        .await
        .unwrap();
    drop(store);
    let store = loop {
        match Sqlite::open(&file).await {
            Err(SqliteError::InUse { .. }) => tokio::task::yield_now().await,
            other => break other.unwrap(),
        }
    };
    let dispatch = Dispatch::new(&store, Scripted::accepting()).unwrap();
    let error = dispatch.plan(campaign("other"), people(1)).await.unwrap_err();
    let text = rules_core::judge::fault::chain(&error).to_string();
    assert!(text.contains("version 99 of the whatsapp-dispatch tables"), "{text}");
    drop(folder);
}

static NOTHING: rules_core::store::sqlite::Schema =
    rules_core::store::sqlite::Schema { name: "test", steps: &[] };
