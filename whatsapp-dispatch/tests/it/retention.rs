//! Campaigns that have ended are exported, whole, and then forgotten, whoever dies meanwhile.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::key::{ChainKey, Folder};
use rules_core::judge::tenant::TenantId;
use rules_core::store::files::Files;
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::rusqlite::Connection;
use rules_core::work::StoreError;
use rules_core::work::archive::{Archive, ListRequest, MemoryArchive};
use rules_core::work::clock::{Clock, SystemClock};
use rules_core::work::events::EventLog;
use rules_core::work::ids::SeededIds;
use secrecy::SecretString;
use serde_json::Value;
use sha2::{Digest, Sha256};
use whatsapp_dispatch::campaign::CampaignName;
use whatsapp_dispatch::campaigns::{Campaigns, Change, Changed, Select, Status};
use whatsapp_dispatch::delivery::{DeliveryLog, Kind, Message, Query};
use whatsapp_dispatch::dispatch::{ChangeError, Dispatch, DispatchStore, Sent, WebhookConfig, Webhooks};
use whatsapp_dispatch::erase::erase;
use whatsapp_dispatch::fact::{Fact, Recorded, Resend, State, Subject, What};
use whatsapp_dispatch::gateway::{ApiError, GatewayError};
use whatsapp_dispatch::message::{CampaignKey, Salt};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::retention::{Export, ForgetError, Retention};
use whatsapp_dispatch::webhook::{WebhookHandler, signature};

use crate::house::{
    Jumping, Scripted, campaign, finished, jumping, main_tenant, memory, people, quick, sender, sqlite, until,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A dispatcher that exports into this archive, with evidence of its own.
fn keeping(store: &impl DispatchStore, gateway: Scripted, archive: Arc<dyn Archive>) -> (Dispatch, Memory) {
    let events = Memory::new();
    let builder = Dispatch::builder(store, gateway).config(quick()).events(events.clone());
    (builder.retention(Retention::new(archive)).build().unwrap(), events)
}

/// Everything that was exported, by name.
pub(crate) async fn exported(archive: &dyn Archive) -> BTreeMap<String, Bytes> {
    let folder = Folder::new(&*main_tenant().await, "deliveries").unwrap();
    let keys = archive.list(&ListRequest { folder, after: None, max: 10_000 }).await.unwrap();
    let objects = archive.get(&keys).await.unwrap();
    keys.iter().map(|key| key.name().to_owned()).zip(objects.into_iter().flatten()).collect()
}

/// The SHA-256 of some bytes, in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

/// The parts of one export, one after the other, after a look at what is listed of them.
fn whole(objects: &BTreeMap<String, Bytes>, campaign: &CampaignKey) -> (Value, Vec<u8>) {
    let ours = format!("{:010}-", campaign.number());
    let mut ours = objects.iter().filter(|(name, _)| name.starts_with(&ours));
    let (name, seal) = ours.next_back().unwrap();
    assert!(name.ends_with("/seal.json"), "{name}");
    let seal: Value = serde_json::from_slice(seal).unwrap();
    let mut text = Vec::new();
    for listed in seal["parts"].as_array().unwrap() {
        let (name, bytes) = ours.next().unwrap();
        let named = (&Value::from(name.clone()), &Value::from(digest(bytes)));
        assert_eq!((&listed["object"], &listed["sha256"]), named);
        assert_eq!(listed["bytes"], bytes.len());
        assert_eq!(listed["lines"], std::str::from_utf8(bytes).unwrap().lines().count());
        text.extend_from_slice(bytes);
    }
    assert_eq!(ours.count(), 0, "every part is listed");
    (seal, text)
}

async fn read(mut export: Export) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(lines) = export.next().await.unwrap() {
        assert!(lines.ends_with(b"\n"));
        text.extend_from_slice(&lines);
    }
    text
}

pub(crate) async fn records(store: &impl DispatchStore, campaign: &CampaignKey) -> Vec<Message> {
    let mut records = Vec::new();
    let mut from = Some(0);
    while let Some(start) = from {
        let query = Query::Scan { campaign: campaign.clone(), from: start, of: Kind::Any, max: 4_000 };
        let page = DeliveryLog::messages(store, &query).await.unwrap();
        records.extend(page.messages);
        from = page.next;
    }
    records
}

async fn status(store: &impl DispatchStore, campaign: &CampaignKey) -> Status {
    Campaigns::load(store, std::slice::from_ref(campaign)).await.unwrap().remove(0).unwrap().status
}

/// A campaign that was cancelled before anything of it was sent.
async fn cancelled(dispatch: &Dispatch, name: &str, n: usize) -> Sent {
    drop(dispatch.plan(campaign(name), people(n)).await.unwrap());
    let name = CampaignName::parse(name).unwrap();
    let sent = dispatch.campaign(&sender().tenant, &name).await.unwrap().unwrap();
    sent.cancel().await.unwrap();
    sent
}

/// Every third person's message is refused for good, the others' are delivered.
pub(crate) async fn sent_and_delivered(store: &impl DispatchStore, dispatch: &Dispatch, n: usize) -> Sent {
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("spring"), people(n)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    finished(&sent).await;
    let taken = records(store, sent.key()).await.into_iter();
    let taken = taken.filter(|message| message.facts.state() == State::Accepted);
    let delivered = |message: Message| Fact {
        of: Subject::Attempt(message.key, 1),
        at: store.dispatch_clock().now(),
        what: What::Delivered,
    };
    DeliveryLog::record(store, &taken.map(delivered).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(finished(&sent).await.record.status, Status::Finished);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    sent
}

fn every_third_refused() -> Scripted {
    Scripted::new(|to, _| match to.digits() % 3 {
        0 => Err(GatewayError::Refused(ApiError::new(131_026, 400))),
        _ => Ok(()),
    })
}

pub(crate) async fn in_time(store: &impl DispatchStore, clock: &Jumping) {
    let archive = Arc::new(MemoryArchive::new());
    let (dispatch, events) = keeping(store, every_third_refused(), Arc::<MemoryArchive>::clone(&archive));
    let sent = sent_and_delivered(store, &dispatch, 30).await;
    let before = sent.report().await.unwrap();
    assert_eq!((before.delivered(), before.failed()), (20, 10), "{before}");

    clock.jump(59 * DAY);
    assert_eq!(dispatch.forget_ended().await.unwrap(), []);
    for message in records(store, sent.key()).await {
        let failed = message.facts.state() == State::Failed;
        assert_eq!(message.parameters.is_empty(), !failed, "what failed may be tried again");
    }
    let expected = read(sent.export()).await;
    assert!(exported(&*archive).await.is_empty());

    clock.jump(DAY);
    let forgotten = dispatch.forget_ended().await.unwrap();
    assert_eq!(forgotten.len(), 1);
    assert_eq!((&forgotten[0].campaign, forgotten[0].records), (sent.key(), 30));
    assert_eq!(records(store, sent.key()).await, []);
    assert_eq!(dispatch.forget_ended().await.unwrap(), []);

    let objects = exported(&*archive).await;
    let (seal, text) = whole(&objects, sent.key());
    assert_eq!(String::from_utf8(text).unwrap(), String::from_utf8(expected).unwrap());
    assert_eq!((&seal["name"], &seal["records"]), (&"spring".into(), &30.into()));
    assert_eq!(seal["counts"][0], serde_json::json!({"is": "delivered", "records": 20}));
    let key = forgotten[0].export.as_ref().unwrap();
    let chain = ChainKey::of(&sender().tenant);
    let evidence = EventLog::read(&events, &chain, 1, 1_000).await.unwrap();
    let digest = digest(&objects[key.name()]);
    let told = evidence.iter().filter(|entry| entry.kind == Code::known("dispatch.exported"));
    let told: Vec<&str> = told.map(|entry| entry.body.as_str()).collect();
    let number = sent.key().number();
    assert_eq!(told, [format!(r#"{{"campaign":{number},"records":30,"parts":1,"sha256":"{digest}"}}"#)]);

    // The counts stay, and nothing can be begun.
    let after = sent.report().await.unwrap();
    assert_eq!((after.record.status, after.counts()), (Status::Forgotten, before.counts()));
    assert_eq!(after.record.salt, Salt::GONE);
    assert!(matches!(sent.resend(Resend::Failed).await, Err(ChangeError::NotAllowed { .. })));
    let plan = dispatch.plan(campaign("spring"), people(30)).await.unwrap();
    assert_eq!(plan.key(), sent.key());
    assert!(matches!(dispatch.release(&plan).await, Err(ChangeError::NotAllowed { .. })));
    let number = PhoneNumber::parse("+919800000001").unwrap();
    let explained = sent.explain(&*main_tenant().await, number).await.unwrap().to_string();
    assert!(explained.contains("forgotten"), "{explained}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_forgotten_in_time_on_memory() {
    let clock = Jumping::at_noon();
    in_time(&Memory::with(Arc::new(clock.clone()), Arc::new(SeededIds::new(1))), &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_forgotten_in_time_on_sqlite() {
    let (house, clock) = jumping().await;
    in_time(&house.store, &clock).await;
}

#[tokio::test]
async fn an_export_names_nobody() {
    let store = memory();
    let archive = Arc::new(MemoryArchive::new());
    let (dispatch, _) = keeping(&store, every_third_refused(), Arc::<MemoryArchive>::clone(&archive));
    let sent = sent_and_delivered(&store, &dispatch, 12).await;
    let before = records(&store, sent.key()).await;
    sent.forget_early().await.unwrap().unwrap();
    let objects = exported(&*archive).await;
    let (_, text) = whole(&objects, sent.key());
    let lines: Vec<Value> =
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), before.len());
    for (line, message) in lines.iter().zip(&before) {
        let to = message.to.unwrap();
        assert_eq!(line["record"], message.key.record());
        assert_eq!(line["id"], format!("{:032x}", u128::from_be_bytes(*to.id.as_bytes())));
        assert_eq!(line["state"], message.facts.state().as_str());
        assert_eq!(line["attempts"], message.facts.attempts);
        let at = message.facts.begun_at.unwrap().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        assert_eq!(line["begun_at"], at);
    }
    for (name, object) in &objects {
        let text = String::from_utf8(object.to_vec()).unwrap();
        for message in &before {
            let to = message.to.unwrap();
            let person = format!("{:032x}", u128::from_be_bytes(*to.person.as_bytes()));
            let digits = to.number.digits().to_string();
            for secret in [&*digits, &digits[2..], &person, "Person", "wamid"] {
                assert!(!text.contains(secret), "{name} shows {secret}");
            }
        }
    }
}

#[tokio::test]
async fn a_large_campaign_is_exported_in_parts() {
    let store = memory();
    let archive = Arc::new(MemoryArchive::new());
    let (dispatch, _) = keeping(&store, Scripted::accepting(), Arc::<MemoryArchive>::clone(&archive));
    let sent = cancelled(&dispatch, "large", 17_000).await;
    let expected = read(sent.export()).await;
    assert_eq!(sent.forget_early().await.unwrap().unwrap().records, 17_000);
    let objects = exported(&*archive).await;
    let (seal, text) = whole(&objects, sent.key());
    assert!(text == expected, "the same lines");
    let parts: Vec<(&str, u64)> = seal["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            (part["object"].as_str().unwrap().rsplit('/').next().unwrap(), part["lines"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        parts,
        [("0000000000.jsonl", 8_000), ("0000008000.jsonl", 8_000), ("0000016000.jsonl", 1_000)]
    );
}

#[tokio::test]
async fn what_goes_on_is_not_forgotten() {
    let (house, clock) = jumping().await;
    let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
    let (dispatch, _) = keeping(&house.store, Scripted::accepting(), Arc::clone(&archive));
    let plan = dispatch.plan(campaign("test"), people(3)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    for early in [false, true] {
        let refused = if early { sent.forget_early().await } else { sent.forget().await };
        let refused = refused.unwrap_err();
        assert!(matches!(refused, ForgetError::NotEnded { status: "released", .. }), "{refused}");
        assert_eq!(refused.fault(), Fault::Rejected);
    }
    sent.cancel().await.unwrap();
    clock.jump(37 * DAY);
    let refused = sent.forget().await.unwrap_err();
    assert!(matches!(refused, ForgetError::TooEarly { .. }), "{refused}");
    assert_eq!((refused.fault(), records(&house.store, sent.key()).await.len()), (Fault::Transient, 3));
    clock.jump(DAY);
    assert_eq!(sent.forget().await.unwrap().unwrap().records, 3);
    assert_eq!(sent.forget().await.unwrap(), None, "it is forgotten already");

    let without = Dispatch::new(&house.store, Scripted::accepting()).unwrap();
    assert!(matches!(without.forget_ended().await, Err(ForgetError::NoRetention)));
    let short = Retention::new(archive).keeping(37 * DAY);
    assert_eq!(short.unwrap_err().fault(), Fault::Rejected);
}

/// A message that WhatsApp took and has told nothing of keeps its campaign, until it has expired.
#[tokio::test]
async fn what_may_still_be_told_of_is_not_forgotten() {
    let (house, clock) = jumping().await;
    let (dispatch, _) = keeping(&house.store, Scripted::accepting(), Arc::new(MemoryArchive::new()));
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(3)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    finished(&sent).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    sent.cancel().await.unwrap();
    clock.jump(90 * DAY);
    assert_eq!(dispatch.forget_ended().await.unwrap(), []);
    assert_eq!(records(&house.store, sent.key()).await.len(), 3);
    let running = dispatch.start();
    let passes = async |what: &str, by: Duration, wanted: Status| {
        until(what, || async {
            clock.jump(by);
            let report = sent.report().await.unwrap();
            report.expired() == 3 && report.record.status == wanted
        })
        .await;
    };
    passes("they have expired", Duration::from_secs(10), Status::Cancelled).await;
    passes("it is forgotten", Duration::from_secs(300), Status::Forgotten).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    assert_eq!(sent.report().await.unwrap().expired(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_forget_by_themselves() {
    let clock = Jumping::at_noon();
    let store = Memory::with(Arc::new(clock.clone()), Arc::new(SeededIds::new(1)));
    let archive = Arc::new(MemoryArchive::new());
    let (dispatch, _) = keeping(&store, Scripted::accepting(), Arc::<MemoryArchive>::clone(&archive));
    let sent = cancelled(&dispatch, "test", 5).await;
    // Somebody's death left this one half done.
    let left = cancelled(&dispatch, "left", 5).await;
    let record = left.record().await.unwrap();
    let sealed = Campaigns::change(&store, left.key(), record.revision, &Change::Seal).await.unwrap();
    assert!(matches!(sealed, Changed::Made(_)));
    clock.jump(60 * DAY);
    let running = dispatch.start();
    // They look every ten minutes. Small steps, so that no second look comes before the first is seen.
    let forgotten = async |sent: &Sent| {
        until("it is forgotten", || async {
            clock.jump(Duration::from_secs(150));
            status(&store, sent.key()).await == Status::Forgotten
        })
        .await;
    };
    forgotten(&sent).await;
    assert_eq!(status(&store, left.key()).await, Status::Sealed, "somebody may be at it");
    forgotten(&left).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    let objects = exported(&*archive).await;
    for sent in [&sent, &left] {
        assert_eq!(whole(&objects, sent.key()).0["records"], 5);
    }
}

/// Polls a future so many times and drops it then, wherever it is.
pub(crate) async fn die_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Lets processes die that forget a campaign, each a little later, until one comes to the end.
/// Between two of them somebody is erased, or not.
pub(crate) async fn deaths(store: &impl DispatchStore, erasing: bool) {
    const RECORDS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let archive: Arc<dyn Archive> = Arc::new(Files::at(folder.path()));
    let mut ways = BTreeMap::new();
    for polls in 0.. {
        let (dispatch, events) = keeping(store, Scripted::accepting(), Arc::clone(&archive));
        let sent = cancelled(&dispatch, &format!("campaign {polls}"), RECORDS).await;
        let expected = read(sent.export()).await;
        let died = die_after(polls, sent.forget_early()).await.is_none();
        // What was on its way to the store may still come to its end.
        let reached = status(store, sent.key()).await;
        *ways.entry(reached).or_insert(0) += 1;
        let objects = exported(&*archive).await;
        let prefix = format!("{:010}-", sent.key().number());
        let sealed = objects.keys().any(|name| name.starts_with(&prefix) && name.ends_with("seal.json"));
        assert!(sealed || records(store, sent.key()).await.len() == RECORDS, "after {polls}: {reached:?}");
        let number = PhoneNumber::parse("+919800000007").unwrap();
        if erasing {
            erase(store, &events, &*main_tenant().await, &[number]).await.unwrap();
        }

        // Another process, which knows nothing of it.
        let (dispatch, _) = keeping(store, Scripted::accepting(), Arc::clone(&archive));
        let name = CampaignName::parse(&format!("campaign {polls}")).unwrap();
        let again = dispatch.campaign(&sender().tenant, &name).await.unwrap().unwrap();
        again.forget_early().await.unwrap();
        assert_eq!(status(store, sent.key()).await, Status::Forgotten);
        assert_eq!(records(store, sent.key()).await, []);
        let (seal, text) = whole(&exported(&*archive).await, sent.key());
        assert_eq!(seal["records"], RECORDS);
        if !erasing {
            assert!(text == expected, "after {polls}: {reached:?}");
        }
        if !died {
            break;
        }
    }
    assert!(ways.values().sum::<i32>() > 10, "{ways:?}");
    let every = [Status::Cancelled, Status::Sealed, Status::Exported, Status::Forgotten];
    assert!(every.iter().all(|status| ways.contains_key(status)), "{ways:?}");
}

#[tokio::test]
async fn a_death_at_any_instant_does_no_harm_on_sqlite() {
    deaths(&sqlite().await.store, false).await;
}

#[tokio::test]
async fn an_erasure_between_two_tries_does_no_harm_on_sqlite() {
    deaths(&sqlite().await.store, true).await;
}

#[tokio::test]
async fn removing_goes_on_whatever_became_of_the_archive() {
    let store = memory();
    let (dispatch, _) = keeping(&store, Scripted::accepting(), Arc::new(MemoryArchive::new()));
    let sent = cancelled(&dispatch, "test", 3).await;
    let mut record = sent.record().await.unwrap();
    for change in [Change::Seal, Change::Exported] {
        let Changed::Made(changed) = store.change(sent.key(), record.revision, &change).await.unwrap() else {
            unreachable!("nobody else is at it")
        };
        record = changed;
    }
    // The export was whole, or it would not stand here; what is left of the log is not exported again.
    assert_eq!(sent.forget().await.unwrap().unwrap().export, None);
    assert_eq!(records(&store, sent.key()).await, []);
}

#[tokio::test]
async fn a_log_that_misses_a_record_stays() {
    let house = sqlite().await;
    let archive = Arc::new(MemoryArchive::new());
    let (dispatch, _) = keeping(&house.store, Scripted::accepting(), Arc::<MemoryArchive>::clone(&archive));
    let sent = cancelled(&dispatch, "test", 3).await;
    let file = Connection::open(house.file()).unwrap();
    assert_eq!(file.execute("DELETE FROM message WHERE line = 3", []).unwrap(), 1);
    for _ in 0..2 {
        let refused = sent.forget_early().await.unwrap_err();
        assert!(matches!(refused, ForgetError::Store(StoreError::Damaged { .. })), "{refused}");
        assert_eq!(status(&house.store, sent.key()).await, Status::Sealed);
        assert_eq!(records(&house.store, sent.key()).await.len(), 2);
    }
    assert!(exported(&*archive).await.keys().all(|name| !name.ends_with("seal.json")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_of_a_forgotten_campaign_is_passed_over() {
    let store = memory();
    let (dispatch, _) = keeping(&store, Scripted::accepting(), Arc::new(MemoryArchive::new()));
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(1)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    finished(&sent).await;
    let wamid = records(&store, sent.key()).await.remove(0).facts.wamid.unwrap();
    sent.cancel().await.unwrap();
    sent.forget_early().await.unwrap().unwrap();
    let secret = SecretString::from("app secret");
    let config = WebhookConfig { app_secrets: vec![secret.clone()], verify_token: secret.clone() };
    let webhooks = Webhooks::new(&dispatch, config).unwrap();
    let token = wamid.expose().strip_prefix("wamid.").unwrap();
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[
        {{"field":"messages","value":{{"messaging_product":"whatsapp",
        "metadata":{{"phone_number_id":"106540352242922"}},"statuses":[{{"id":"{}","status":"read",
        "timestamp":"1767614400","biz_opaque_callback_data":"{token}"}}]}}}}]}}]}}"#,
        wamid.expose()
    );
    webhooks.receive(Some(&signature(&secret, body.as_bytes())), body.as_bytes()).await.unwrap();
    until("it is applied", || async { dispatch.inbox_depth().await.unwrap() == 0 }).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    // Nothing was kept of it, or it would meet the next message under this id.
    let plan = dispatch.plan(campaign("next"), people(1)).await.unwrap();
    dispatch.release(&plan).await.unwrap();
    let key = plan.key().message(0);
    let lease = rules_core::judge::id::LeaseToken::of(&[b"1"]);
    store.begin(&[whatsapp_dispatch::fact::Begin::new(key.clone(), lease)]).await.unwrap();
    let fact =
        Fact { of: Subject::Attempt(key.clone(), 1), at: SystemClock.now(), what: What::Accepted { wamid } };
    assert_eq!(store.record(&[fact]).await.unwrap(), [Recorded::Applied]);
    assert_eq!(records(&store, plan.key()).await[0].facts.state(), State::Accepted);
}

#[tokio::test]
async fn a_tenant_that_is_switched_off_keeps_what_it_has() {
    let (house, clock) = jumping().await;
    let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
    let (dispatch, _) = keeping(&house.store, Scripted::accepting(), Arc::clone(&archive));
    let sent = cancelled(&dispatch, "test", 3).await;
    clock.jump(90 * DAY);
    let other = rules_core::judge::tenant::TenantRecord::new(TenantId::parse("other").unwrap());
    let tenants = rules_core::work::tenants::FixedTenants::new([other]);
    let without = Dispatch::builder(&house.store, Scripted::accepting())
        .tenants(rules_core::work::tenants::Tenants::new(tenants))
        .retention(Retention::new(archive))
        .build()
        .unwrap();
    assert_eq!(without.forget_ended().await.unwrap(), []);
    assert_eq!(records(&house.store, sent.key()).await.len(), 3);
    let ended = Campaigns::list(&house.store, &Select::Ended, 0, 10).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(dispatch.forget_ended().await.unwrap().len(), 1);
}
