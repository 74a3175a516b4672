//! Webhooks: received durably, applied once, and only to whom they belong.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::sqlite::{Sqlite, SqliteConfig, SqliteError};
use rules_core::work::clock::{Clock, SystemClock};
use rules_core::work::queue::{Queue, QueueLimits};
use rules_core::work::secrets::SecretRef;
use rules_core::work::tenants::{FixedTenants, Tenants};
use secrecy::SecretString;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::delivery::{DeliveryLog, Query};
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, Sent, WebhookConfig, Webhooks};
use whatsapp_dispatch::fact::{Facts, State};
use whatsapp_dispatch::sender::{NumberId, Sender, Senders};
use whatsapp_dispatch::webhook::{MAX_BODY_BYTES, WebhookError, WebhookHandler, signature};

use crate::house::{Scripted, SqliteHouse, campaign, finished, memory, people, quick, sender, sqlite, until};

const WABA: &str = "102290129340398";

fn secret() -> SecretString {
    SecretString::from("app secret")
}

fn receiver(dispatch: &Dispatch) -> Webhooks {
    Webhooks::new(dispatch, WebhookConfig { app_secrets: vec![secret()], verify_token: secret() }).unwrap()
}

async fn post(webhooks: &Webhooks, body: &str) -> Result<(), WebhookError> {
    webhooks.receive(Some(&signature(&secret(), body.as_bytes())), body.as_bytes()).await
}

async fn applied(dispatch: &Dispatch) {
    until("the inbox is empty", || async { dispatch.inbox_depth().await.unwrap() == 0 }).await;
}

/// One webhook with one change per list of statuses, all about one number.
fn webhook(number: &str, changes: &[String]) -> String {
    let mut body = format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{WABA}","changes":["#);
    for (index, statuses) in changes.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(
            body,
            r#"{comma}{{"field":"messages","value":{{"messaging_product":"whatsapp",
            "metadata":{{"phone_number_id":"{number}"}},"statuses":[{statuses}]}}}}"#
        )
        .unwrap();
    }
    body + "]}]}"
}

fn status(facts: &Facts, word: &str) -> String {
    status_at(facts, word, 1_767_614_400)
}

/// The scripted gateway's ids hold our token.
fn status_at(facts: &Facts, word: &str, at: i64) -> String {
    let wamid = facts.wamid.as_ref().unwrap().expose();
    let token = wamid.strip_prefix("wamid.").unwrap();
    format!(r#"{{"id":"{wamid}","status":"{word}","timestamp":"{at}","biz_opaque_callback_data":"{token}"}}"#)
}

fn ours() -> String {
    sender().number_id.to_string()
}

fn build(store: &impl DispatchStore) -> Dispatch {
    Dispatch::builder(store, Scripted::accepting()).config(quick()).build().unwrap()
}

/// A campaign of which every message is accepted; nothing runs any more.
async fn accepted(
    dispatch: &Dispatch,
    store: &impl DispatchStore,
    plan: Campaign,
    n: usize,
) -> (Sent, Vec<Facts>) {
    let running = dispatch.start();
    let plan = dispatch.plan(plan, people(n)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    assert_eq!(finished(&sent).await.progress.accepted, n as u64);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    let facts = facts(store, &sent, n).await;
    (sent, facts)
}

async fn facts(store: &impl DispatchStore, sent: &Sent, n: usize) -> Vec<Facts> {
    let keys = (0..u32::try_from(n).unwrap()).map(|record| sent.key().message(record)).collect();
    let page = DeliveryLog::messages(store, &Query::Keys(keys)).await.unwrap();
    page.messages.into_iter().map(|message| message.facts).collect()
}

async fn repeats(store: &impl DispatchStore) {
    let dispatch = build(store);
    let webhooks = receiver(&dispatch);
    let (sent, messages) = accepted(&dispatch, store, campaign("test"), 3).await;
    let both = [status(&messages[0], "delivered"), status(&messages[1], "sent")];
    let body = webhook(&ours(), &both);
    for _ in 0..3 {
        post(&webhooks, &body).await.unwrap();
    }
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 2, "two changes, kept once");
    let running = dispatch.start();
    applied(&dispatch).await;
    let report = sent.report().await.unwrap();
    assert_eq!((report.delivered(), report.accepted_without_delivery()), (1, 2), "{report}");
    let before = facts(store, &sent, 3).await;
    assert_eq!(before[1].state(), State::Accepted);
    assert!(before[1].sent_at.is_some());

    // The same statuses in another body are not known to the queue, and change nothing.
    post(&webhooks, &(body.clone() + "\n")).await.unwrap();
    applied(&dispatch).await;
    assert_eq!(facts(store, &sent, 3).await, before);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_webhook_is_applied_once_on_memory() {
    repeats(&memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_webhook_is_applied_once_on_sqlite() {
    repeats(&sqlite().await.store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_webhook_is_refused_and_what_is_odd_costs_only_itself() {
    let store = memory();
    let dispatch = build(&store);
    let webhooks = receiver(&dispatch);
    let (sent, messages) = accepted(&dispatch, &store, campaign("test"), 2).await;
    let good = webhook(&ours(), &[status(&messages[0], "read")]);

    let forged = signature(&SecretString::from("other"), good.as_bytes());
    assert!(matches!(webhooks.receive(Some(&forged), good.as_bytes()).await, Err(WebhookError::Forged)));
    assert!(matches!(webhooks.receive(None, good.as_bytes()).await, Err(WebhookError::Unsigned)));
    let truncated = &good[..good.len() - 9];
    let whole = signature(&secret(), good.as_bytes());
    assert!(matches!(webhooks.receive(Some(&whole), truncated.as_bytes()).await, Err(WebhookError::Forged)));
    assert!(matches!(post(&webhooks, truncated).await, Err(WebhookError::Unreadable { .. })));
    let oversized = " ".repeat(MAX_BODY_BYTES) + &good;
    assert!(matches!(post(&webhooks, &oversized).await, Err(WebhookError::TooLarge)));
    let mut bytes = good.clone().into_bytes();
    let at = good.find("wamid").unwrap();
    bytes[at] = 0xFF;
    let signed = signature(&secret(), &bytes);
    let refused = webhooks.receive(Some(&signed), &bytes).await.unwrap_err();
    assert_eq!((refused.http_status(), dispatch.inbox_depth().await.unwrap()), (400, 0));

    // Nested too deeply, in one of two changes; the other one counts, and happens tomorrow.
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let tomorrow = SystemClock.now().timestamp() + 86_400;
    let body = webhook(&ours(), &[deep, status_at(&messages[1], "delivered", tomorrow)]);
    post(&webhooks, &body).await.unwrap();
    let running = dispatch.start();
    applied(&dispatch).await;
    let after = facts(&store, &sent, 2).await;
    assert_eq!((after[0].state(), after[1].state()), (State::Accepted, State::Delivered));
    assert!(after[1].delivered_at.unwrap() <= SystemClock.now(), "nothing is known before it happens");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_larger_than_a_record_is_applied_in_pieces() {
    let store = memory();
    let dispatch = build(&store);
    let webhooks = receiver(&dispatch);
    let (sent, messages) = accepted(&dispatch, &store, campaign("test"), 700).await;
    let statuses: Vec<String> = messages.iter().map(|facts| status(facts, "delivered")).collect();
    let body = webhook(&ours(), &[statuses.join(",")]);
    assert!(store.limits().max_payload < body.len());
    post(&webhooks, &body).await.unwrap();
    let records = dispatch.inbox_depth().await.unwrap();
    assert!((2..5).contains(&records), "{records}");
    let running = dispatch.start();
    applied(&dispatch).await;
    assert_eq!(sent.report().await.unwrap().delivered(), 700);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

fn id(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn number(tenant: &str, number: &str, waba: &str) -> Sender {
    Sender::new(NumberId::parse(number).unwrap(), waba, id(tenant), SecretRef::named("token"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_of_another_tenants_number_touches_nothing_of_ours() {
    let store = memory();
    let tenants = ["main", "rival"].map(|name| TenantRecord::new(id(name)));
    let dispatch = Dispatch::builder(&store, Scripted::accepting())
        .config(quick())
        .tenants(Tenants::new(FixedTenants::new(tenants)))
        .senders(Senders::new([sender(), number("rival", "777", "1")]).unwrap())
        .build()
        .unwrap();
    let webhooks = receiver(&dispatch);
    let (sent, messages) = accepted(&dispatch, &store, campaign("test"), 1).await;
    let (rivals, theirs) = {
        let rival = Campaign::new("test", number("rival", "777", "1").with_rate(1_000))
            .template(whatsapp_dispatch::template::Template::marketing("diwali_offer", "en_US"))
            .body(["{first_name|friend}", "{discount}"])
            .assume_consent();
        accepted(&dispatch, &store, rival, 1).await
    };
    // Our ids and our token, under their number and under no number in their account.
    post(&webhooks, &webhook("777", &[status(&messages[0], "read")])).await.unwrap();
    let in_their_account = webhook("", &[status(&messages[0], "read")]).replace(WABA, "1");
    post(&webhooks, &in_their_account).await.unwrap();
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 2);
    let running = dispatch.start();
    applied(&dispatch).await;
    assert_eq!(facts(&store, &sent, 1).await, messages);
    assert_eq!(facts(&store, &rivals, 1).await, theirs);
    post(&webhooks, &webhook("777", &[status(&theirs[0], "read")])).await.unwrap();
    applied(&dispatch).await;
    assert_eq!(facts(&store, &sent, 1).await, messages);
    assert_eq!(rivals.report().await.unwrap().read(), 1);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn what_belongs_to_nobody_is_put_into_quarantine_and_taken_all_the_same() {
    let house = sqlite().await;
    let mut off = TenantRecord::new(id("off"));
    off.enabled = false;
    let dispatch = Dispatch::builder(&house.store, Scripted::accepting())
        .tenants(Tenants::new(FixedTenants::new([TenantRecord::new(id("main")), off])))
        .senders(Senders::new([sender(), number("off", "555", "2")]).unwrap())
        .build()
        .unwrap();
    let webhooks = receiver(&dispatch);
    let status = r#"{"id":"wamid.secret","status":"sent","timestamp":"1"}"#.to_owned();
    for _ in 0..2 {
        post(&webhooks, &webhook("999", std::slice::from_ref(&status))).await.unwrap();
    }
    post(&webhooks, &webhook("555", &[status])).await.unwrap();
    let update = |waba: &str| {
        format!(
            r#"{{"entry":[{{"id":"{waba}","changes":[{{"field":"account_update","value":{{"event":"X"}}}}]}}]}}"#
        )
    };
    post(&webhooks, &update(WABA)).await.unwrap();
    post(&webhooks, &update("31337")).await.unwrap();

    let kept = dispatch.quarantined(None, 10).await.unwrap();
    let seen: Vec<_> =
        kept.iter().map(|kept| (kept.stray.code.as_str(), kept.stray.field.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("webhook.unknown_number", "messages"),
            ("tenant.off", "messages"),
            ("webhook.unknown_account", "account_update"),
            ("webhook.unknown_account", "account_update"),
        ]
    );
    assert!(!format!("{kept:?}").contains("wamid"), "content stays out of logs");
    assert!(String::from_utf8_lossy(&kept[0].stray.change).contains("wamid.secret"));
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 0);

    // Once a number of the account is known, what is about the account finds its tenant.
    let _plan = dispatch.plan(campaign("test"), people(1)).await.unwrap();
    post(&webhooks, &(update(WABA) + " ")).await.unwrap();
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 1);
    assert_eq!(dispatch.quarantined(Some(kept[3].number), 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_day_is_used_up_still_gets_its_webhooks() {
    let store = memory();
    let main = TenantRecord::new(id("main")).with_daily_limit(1);
    let dispatch = Dispatch::builder(&store, Scripted::accepting())
        .config(quick())
        .tenants(Tenants::new(FixedTenants::new([main])))
        .build()
        .unwrap();
    let webhooks = receiver(&dispatch);
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(2)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    let held = finished(&sent).await;
    assert_eq!((held.progress.accepted, held.waits()[0].code.as_str()), (1, "quota.daily_exceeded"));
    let messages = facts(&store, &sent, 2).await;
    let message = messages.iter().find(|facts| facts.wamid.is_some()).unwrap();
    post(&webhooks, &webhook(&ours(), &[status(message, "delivered")])).await.unwrap();
    applied(&dispatch).await;
    assert_eq!(sent.report().await.unwrap().delivered(), 1);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn of_an_account_that_tenants_share_each_is_told_what_concerns_all() {
    let store = memory();
    let tenants = ["main", "rival"].map(|name| TenantRecord::new(id(name)));
    let dispatch = Dispatch::builder(&store, Scripted::accepting())
        .tenants(Tenants::new(FixedTenants::new(tenants)))
        .senders(Senders::new([sender(), number("rival", "777", WABA)]).unwrap())
        .build()
        .unwrap();
    let webhooks = receiver(&dispatch);
    // Numbers become known by their first webhook.
    for number in [ours().as_str(), "777"] {
        post(&webhooks, &webhook(number, &[String::new()])).await.unwrap();
    }
    let about = |field: &str| {
        format!(r#"{{"entry":[{{"id":"{WABA}","changes":[{{"field":"{field}","value":{{}}}}]}}]}}"#)
    };
    post(&webhooks, &about("message_template_status_update")).await.unwrap();
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 2 + 2);
    post(&webhooks, &about("messages")).await.unwrap();
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 2 + 2);
    assert_eq!(dispatch.quarantined(None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_after_the_answer_loses_nothing() {
    let house = sqlite().await;
    let messages = {
        let dispatch = build(&house.store);
        let (_, messages) = accepted(&dispatch, &house.store, campaign("test"), 40).await;
        let webhooks = receiver(&dispatch);
        for facts in &messages {
            post(&webhooks, &webhook(&ours(), &[status(facts, "delivered")])).await.unwrap();
        }
        messages
    };
    let file = house.file();
    let SqliteHouse { store, folder } = house;
    drop(store);
    let store = loop {
        match Sqlite::open(&file).await {
            Ok(store) => break store,
            Err(SqliteError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let dispatch = build(&store);
    assert_eq!(dispatch.inbox_depth().await.unwrap(), messages.len() as u64);
    let running = dispatch.start();
    applied(&dispatch).await;
    let name = whatsapp_dispatch::campaign::CampaignName::parse("test").unwrap();
    let sent = dispatch.campaign(&id("main"), &name).await.unwrap().unwrap();
    assert_eq!(sent.report().await.unwrap().delivered(), messages.len() as u64);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    drop(folder);
}

#[tokio::test]
async fn a_store_that_cannot_take_a_webhook_makes_meta_repeat_it() {
    let house = sqlite().await;
    let dispatch = build(&house.store);
    let _plan = dispatch.plan(campaign("test"), people(1)).await.unwrap();
    let body = webhook(&ours(), &[r#"{"id":"wamid.x","status":"sent","timestamp":"1"}"#.to_owned()]);

    let looking = Sqlite::open_read_only(house.file()).await.unwrap();
    let senders = || Senders::new([sender()]).unwrap();
    let onlooker = Dispatch::builder(&looking, Scripted::accepting()).senders(senders()).build().unwrap();
    let refused = post(&receiver(&onlooker), &body).await.unwrap_err();
    assert_eq!(refused.http_status(), 503);
    let stray = post(&receiver(&onlooker), &webhook("999", &[String::new()])).await.unwrap_err();
    assert_eq!(stray.http_status(), 503);

    let folder = tempfile::tempdir().unwrap();
    let mut config = SqliteConfig::default();
    config.queue_limits = QueueLimits::default().with_high_water(1);
    let small = Sqlite::open_with(folder.path().join("small.db"), config).await.unwrap();
    let full = Dispatch::builder(&small, Scripted::accepting()).senders(senders()).build().unwrap();
    let webhooks = receiver(&full);
    post(&webhooks, &body).await.unwrap();
    let another = body.clone() + " ";
    assert_eq!(post(&webhooks, &another).await.unwrap_err().http_status(), 503);
    post(&webhooks, &body).await.unwrap();
    let running = full.start();
    applied(&full).await;
    post(&webhooks, &another).await.unwrap();
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_come_together_are_stored_and_applied_together() {
    const WEBHOOKS: usize = 500;
    let house = sqlite().await;
    let dispatch = build(&house.store);
    let (sent, messages) = accepted(&dispatch, &house.store, campaign("test"), WEBHOOKS).await;
    let webhooks = Arc::new(receiver(&dispatch));
    let before = house.store.trips();
    let mut posts = tokio::task::JoinSet::new();
    for facts in messages {
        let webhooks = Arc::clone(&webhooks);
        posts.spawn(async move {
            let body = webhook(&ours(), &[status(&facts, "sent") + "," + &status(&facts, "delivered")]);
            post(&webhooks, &body).await.unwrap();
        });
    }
    while let Some(posted) = posts.join_next().await {
        posted.unwrap();
    }
    let received = house.store.trips();
    let running = dispatch.start();
    applied(&dispatch).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    assert_eq!(sent.report().await.unwrap().delivered(), WEBHOOKS as u64);
    // One comes first and alone, the others in groups of up to 256.
    assert!(received - before <= 12, "{} trips for {WEBHOOKS} webhooks", received - before);
}
