//! What webhooks tell after a message was taken, and what people say, decides about the messages
//! that follow; on memory and on SQLite, from signed bodies to the next POST.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rules_core::judge::code::Code;
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::memory::Memory;
use rules_core::work::clock::Clock;
use rules_core::work::ids::RandomIds;
use rules_core::work::lanes::{Hold, HoldOn};
use rules_core::work::pacer::Pacer;
use rules_core::work::secrets::SecretRef;
use rules_core::work::tenants::{FixedTenants, Tenants};
use secrecy::SecretString;
use serde_json::{Value, json};
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::delivery::{DeliveryLog, Query};
use whatsapp_dispatch::dispatch::{
    DirectContent, Dispatch, DispatchStore, Report, Running, SendError, Sent, WebhookConfig, Webhooks,
};
use whatsapp_dispatch::fact::{Facts, State};
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::people::{Address, Name, Standing};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::{Template, TemplateDefinition};
use whatsapp_dispatch::webhook::{WebhookHandler, signature};

use crate::campaign::sums_hold;
use crate::house::{
    Jumping, campaign, definition, finished, jumping, main_tenant, people, quick, sender, until,
};

/// Takes every message; the first one to person 1 is held back, and person 2 has a user id.
#[derive(Clone, Debug, Default)]
struct Meta {
    posts: Arc<Mutex<Vec<PhoneNumber>>>,
}

impl Meta {
    fn total(&self) -> usize {
        self.posts.lock().unwrap().len()
    }

    fn to(&self, n: u64) -> usize {
        self.posts.lock().unwrap().iter().filter(|to| **to == person(n)).count()
    }
}

#[async_trait]
impl MessageGateway for Meta {
    async fn send(&self, _: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let first = {
            let mut posts = self.posts.lock().unwrap();
            posts.push(message.to);
            posts.iter().filter(|to| **to == message.to).count() == 1
        };
        tokio::task::yield_now().await;
        let receipt = Receipt::new(Wamid::new(format!("wamid.{}", message.token)));
        let named = message.to == person(2);
        let receipt = receipt.known_as(message.to, named.then(|| Name::user_id("IN.2").unwrap()));
        Ok(if first && message.to == person(1) { receipt.held() } else { receipt })
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        Ok(Some(definition(template)))
    }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// A dispatcher that runs, and receives webhooks.
struct House<S> {
    store: S,
    clock: Jumping,
    /// SQLite's pacer is a new one for each dispatcher, so both have one that can be asked.
    pacer: Memory,
    meta: Meta,
    dispatch: Dispatch,
    hooks: Webhooks,
    running: Running,
    /// Keeps the store's folder.
    _folder: Option<tempfile::TempDir>,
}

fn open<S: DispatchStore>(store: S, clock: Jumping, folder: Option<tempfile::TempDir>) -> House<S> {
    let meta = Meta::default();
    let tenants = ["main", "rival"].map(|name| TenantRecord::new(id(name)));
    let pacer = Memory::with(Arc::new(clock.clone()), Arc::new(RandomIds));
    let dispatch = Dispatch::builder(&store, meta.clone())
        .config(quick())
        .pacer(pacer.clone())
        .tenants(Tenants::new(FixedTenants::new(tenants)))
        .build()
        .unwrap();
    let config = WebhookConfig { app_secrets: vec![secret()], verify_token: secret() };
    let hooks = Webhooks::new(&dispatch, config).unwrap();
    let running = dispatch.start();
    House { store, clock, pacer, meta, dispatch, hooks, running, _folder: folder }
}

fn in_memory() -> House<Memory> {
    let clock = Jumping::at_noon();
    open(Memory::with(Arc::new(clock.clone()), Arc::new(RandomIds)), clock, None)
}

async fn in_sqlite() -> House<rules_core::store::sqlite::Sqlite> {
    let (house, clock) = jumping().await;
    open(house.store, clock, Some(house.folder))
}

macro_rules! on_every_store {
    ($($case:ident)*) => {
        mod on_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::in_memory()).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::in_sqlite().await).await;
            })*
        }
    };
}

on_every_store! {
    a_failure_that_passes_is_tried_again_once
    too_much_marketing_is_tried_again_after_days
    what_arrived_after_all_is_not_tried_again
    what_nobody_may_send_any_more_stays_failed
    held_messages_wait_for_their_template
    who_opted_out_at_whatsapp_gets_no_marketing
    who_cannot_be_reached_twice_is_left_out
    a_stop_counts_at_the_second_of_sending
    a_switch_for_marketing_stops_marketing_alone
    a_new_number_is_the_same_person
    a_message_opens_the_window_of_its_number
    a_user_id_of_an_answer_is_a_name_of_the_person
    an_upgraded_number_sends_faster
    a_lower_limit_of_the_portfolio_holds
    a_disabled_account_waits_until_it_is_reinstated
    what_is_new_or_odd_costs_only_itself
    what_a_rival_is_told_is_the_rivals
}

fn id(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn secret() -> SecretString {
    SecretString::from("app secret")
}

fn person(n: u64) -> PhoneNumber {
    PhoneNumber::from_digits(919_800_000_000 + n).unwrap()
}

/// As WhatsApp writes it.
fn wa_id(n: u64) -> String {
    format!("9198{n:08}")
}

/// A message that a person wrote.
fn wrote(n: u64, kind: &str, content: &Value) -> Value {
    json!({"from": wa_id(n), "id": format!("wamid.in.{n}"), "type": kind, kind: content})
}

fn codes(report: &Report) -> Vec<String> {
    report.progress.reasons().keys().map(ToString::to_string).collect()
}

impl<S: DispatchStore> House<S> {
    /// A campaign of which every message is accepted.
    async fn accepted(&self, campaign: Campaign, n: usize) -> Sent {
        let plan = self.dispatch.plan(campaign, people(n)).await.unwrap();
        let sent = self.dispatch.release(&plan).await.unwrap();
        let all = u64::try_from(n).unwrap();
        until("all are accepted", || async { sent.report().await.unwrap().progress.accepted == all }).await;
        sent
    }

    async fn facts(&self, sent: &Sent, record: u32) -> Facts {
        let query = Query::Keys(vec![sent.key().message(record)]);
        DeliveryLog::messages(&self.store, &query).await.unwrap().messages[0].facts.clone()
    }

    async fn standing(&self, n: u64) -> Standing {
        let address = Address::new(&*main_tenant().await, person(n));
        let people = self.store.resolve(&[address]).await.unwrap();
        self.store.standing(&people).await.unwrap().remove(0)
    }

    /// How many of `n` people a campaign would be sent to, and why not to the others.
    async fn preview(&self, campaign: Campaign, n: usize) -> (u64, Vec<String>) {
        let plan = self.dispatch.plan(campaign, people(n)).await.unwrap();
        let reasons = plan.progress().reasons().keys().map(ToString::to_string).collect();
        (plan.progress().planned(), reasons)
    }

    fn second(&self) -> i64 {
        self.clock.now().timestamp()
    }

    /// A webhook of one change about an account, applied when this returns.
    async fn hear_of(&self, waba: &str, field: &str, value: Value) {
        self.hear_at(waba, field, value, self.second()).await;
    }

    /// News of our account that were told so many seconds ago.
    async fn hear_late(&self, field: &str, value: Value, seconds: i64) {
        self.hear_at(&sender().waba, field, value, self.second() - seconds).await;
    }

    async fn hear_at(&self, waba: &str, field: &str, value: Value, time: i64) {
        let change = json!({"field": field, "value": value});
        let entry = json!({"id": waba, "time": time, "changes": [change]});
        let body = json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string();
        self.hooks.receive(Some(&signature(&secret(), body.as_bytes())), body.as_bytes()).await.unwrap();
        until("it is applied", || async { self.dispatch.inbox_depth().await.unwrap() == 0 }).await;
    }

    async fn hear(&self, field: &str, value: Value) {
        self.hear_of(&sender().waba, field, value).await;
    }

    /// A webhook of our number.
    async fn messages(&self, mut value: Value) {
        value["messaging_product"] = "whatsapp".into();
        let number = sender().number_id.to_string();
        value["metadata"] = json!({"display_phone_number": "15550001111", "phone_number_id": number});
        self.hear("messages", value).await;
    }

    async fn status(&self, facts: &Facts, status: &str, code: Value) {
        let wamid = facts.wamid.as_ref().unwrap().expose();
        let token = wamid.strip_prefix("wamid.").unwrap();
        let status = json!({
            "id": wamid, "status": status, "timestamp": self.second().to_string(),
            "biz_opaque_callback_data": token, "errors": [{"code": code, "title": "t"}],
        });
        self.messages(json!({"statuses": [status]})).await;
    }

    async fn failed(&self, facts: &Facts, code: i64) {
        self.status(facts, "failed", code.into()).await;
    }

    async fn end(self) {
        assert!(self.running.drain(Duration::from_secs(10)).await.unwrap());
    }
}

async fn a_failure_that_passes_is_tried_again_once<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("test"), 3).await;
    let first = house.facts(&sent, 2).await;
    for _ in 0..3 {
        house.failed(&first, 131_000).await;
    }
    until("it is taken again", || async { house.facts(&sent, 2).await.attempts == 2 }).await;
    until("that is known", || async { house.facts(&sent, 2).await.state() == State::Accepted }).await;
    assert_eq!((house.meta.total(), house.meta.to(3)), (4, 2));
    house.failed(&first, 131_000).await;
    let second = house.facts(&sent, 2).await;
    assert_eq!((second.state(), second.counted, second.risked), (State::Accepted, 2, 0));
    house.failed(&second, 131_000).await;
    let last = house.facts(&sent, 2).await;
    assert_eq!((last.state(), last.code), (State::Failed, Some(Code::known("whatsapp.131000"))));
    let report = finished(&sent).await;
    assert_eq!((report.failed(), report.progress.begun, house.meta.total()), (1, 4, 4), "{report}");
    sums_hold(&report);
    house.end().await;
}

async fn too_much_marketing_is_tried_again_after_days<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("test"), 3).await;
    for (nth, wait) in [(1, DAY), (2, 2 * DAY)] {
        let facts = house.facts(&sent, 2).await;
        assert_eq!((facts.state(), facts.attempts), (State::Accepted, nth));
        let told = house.clock.now();
        house.failed(&facts, 131_049).await;
        let deferred = house.facts(&sent, 2).await;
        assert_eq!((deferred.state(), u16::from(deferred.deferrals)), (State::Deferred, nth));
        assert_eq!(deferred.counted, 0, "it uses up no attempt");
        let waits = (deferred.not_before.unwrap() - told).to_std().unwrap_or_default();
        assert!(wait.abs_diff(waits) < MINUTE, "{waits:?}");
        let report = finished(&sent).await;
        assert_eq!(report.waits()[0].code.as_str(), "whatsapp.131049");
        let standing = house.standing(3).await;
        assert_eq!(standing.marketing_not_before, deferred.not_before);
        house.clock.jump(wait + MINUTE);
        until("it leaves", || async { house.meta.to(3) == usize::from(nth) + 1 }).await;
        until("it is taken", || async { house.facts(&sent, 2).await.state() == State::Accepted }).await;
    }
    let facts = house.facts(&sent, 2).await;
    house.failed(&facts, 131_049).await;
    assert_eq!(house.facts(&sent, 2).await.state(), State::Failed);
    sums_hold(&sent.report().await.unwrap());
    house.end().await;
}

async fn what_arrived_after_all_is_not_tried_again<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("test"), 3).await;
    let (before, after) = (house.facts(&sent, 1).await, house.facts(&sent, 2).await);
    house.status(&before, "delivered", 0.into()).await;
    house.failed(&before, 131_000).await;
    house.failed(&after, 131_049).await;
    assert_eq!(house.facts(&sent, 2).await.state(), State::Deferred);
    house.status(&after, "read", 0.into()).await;
    house.clock.jump(DAY + MINUTE);
    let third = house.facts(&sent, 0).await;
    house.status(&third, "delivered", 0.into()).await;
    let report = finished(&sent).await;
    assert_eq!((report.delivered(), report.read(), report.record.status), (3, 1, Status::Finished));
    assert_eq!(house.meta.total(), 3);
    house.end().await;
}

async fn what_nobody_may_send_any_more_stays_failed<S: DispatchStore>(house: House<S>) {
    let short = house.accepted(campaign("short").expires_after(Duration::from_secs(3_600)), 3).await;
    let facts = house.facts(&short, 2).await;
    house.failed(&facts, 131_049).await;
    assert_eq!(house.facts(&short, 2).await.state(), State::Failed, "its time is over before");
    let capped = house.accepted(campaign("capped").max_attempts(1), 2).await;
    let facts = house.facts(&capped, 1).await;
    house.failed(&facts, 131_000).await;
    assert_eq!(house.facts(&capped, 1).await.state(), State::Failed, "its attempts are used up");
    let cancelled = house.accepted(campaign("cancelled"), 2).await;
    cancelled.cancel().await.unwrap();
    let facts = house.facts(&cancelled, 1).await;
    house.failed(&facts, 131_000).await;
    assert_eq!(house.facts(&cancelled, 1).await.state(), State::Failed);
    let late = house.accepted(campaign("late"), 2).await;
    let facts = house.facts(&late, 1).await;
    house.clock.jump(31 * DAY);
    house.failed(&facts, 131_000).await;
    assert_eq!(house.facts(&late, 1).await.state(), State::Failed, "nobody expects it any more");
    assert_eq!(house.meta.total(), 3 + 2 + 2 + 2);
    house.end().await;
}

async fn held_messages_wait_for_their_template<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("test"), 2).await;
    let held = house.facts(&sent, 0).await;
    assert!(held.is_held());
    let template = |event: &str| {
        json!({"event": event, "message_template_id": 1, "message_template_name": "diwali_offer",
            "message_template_language": "en_US", "reason": "NONE"})
    };
    // Something else holds the lane already, and its reason stays.
    let outlet = Outlet::new(&*main_tenant().await, sender().number_id.as_str()).unwrap();
    let on = HoldOn::Lane(Lane::new(&outlet, &sent.key().number().to_string()).unwrap());
    let other = Hold { on, until: None, code: Code::known("test.why") };
    house.store.hold(&[other]).await.unwrap();
    house.failed(&held, 132_015).await;
    let record = sent.record().await.unwrap();
    assert_eq!((record.status, record.reason.unwrap().as_str()), (Status::Paused, "whatsapp.132015"));
    let waiting = house.facts(&sent, 0).await;
    assert_eq!((waiting.state(), waiting.counted), (State::Waiting, 0));
    house.hear("message_template_status_update", template("PAUSED")).await;
    assert_eq!(sent.record().await.unwrap().status, Status::Paused);
    assert_eq!(house.meta.total(), 2);
    house.hear("message_template_status_update", template("APPROVED")).await;
    until("it goes out", || async { house.meta.total() == 3 }).await;
    until("it is taken", || async { house.facts(&sent, 0).await.state() == State::Accepted }).await;
    assert_eq!(house.meta.to(1), 2);
    house.hear_late("message_template_status_update", template("PAUSED"), 100).await;
    assert_eq!(sent.record().await.unwrap().status, Status::Released, "that was before it was approved");
    house.end().await;
}

async fn who_opted_out_at_whatsapp_gets_no_marketing<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("first"), 4).await;
    let facts = house.facts(&sent, 3).await;
    house.failed(&facts, 131_050).await;
    assert_eq!(house.facts(&sent, 3).await.state(), State::Failed);
    assert_eq!(house.preview(campaign("next"), 4).await, (3, vec!["consent.opted_out".to_owned()]));
    // WhatsApp does not promise that a failure brings our token.
    let status = json!({"id": "wamid.without.token", "status": "failed", "timestamp": house.second().to_string(),
        "recipient_id": wa_id(2), "errors": [{"code": 131_050, "title": "t"}]});
    house.messages(json!({"statuses": [status]})).await;
    assert_eq!(house.preview(campaign("the one after"), 4).await.0, 2);
    let utility = campaign("utility").template(Template::utility("receipt", "en_US"));
    assert_eq!(house.preview(utility, 4).await.0, 4);
    house.end().await;
}

async fn who_cannot_be_reached_twice_is_left_out<S: DispatchStore>(house: House<S>) {
    for name in ["first", "second"] {
        let sent = house.accepted(campaign(name), 3).await;
        let facts = house.facts(&sent, 2).await;
        house.failed(&facts, 131_026).await;
        house.failed(&facts, 131_026).await;
        house.clock.jump(MINUTE);
    }
    assert_eq!(house.preview(campaign("third"), 3).await, (2, vec!["recipient.not_reachable".to_owned()]));
    house.end().await;
}

async fn a_stop_counts_at_the_second_of_sending<S: DispatchStore>(house: House<S>) {
    let plan = house.dispatch.plan(campaign("test"), people(10)).await.unwrap();
    assert_eq!(plan.progress().planned(), 10);
    let reply = json!({"type": "button_reply", "button_reply": {"id": "UNSUBSCRIBE", "title": "No, thanks"}});
    let said = [
        wrote(1, "text", &json!({"body": "Stop!"})),
        wrote(2, "button", &json!({"payload": "STOP", "text": "No more"})),
        wrote(3, "interactive", &reply),
        wrote(4, "text", &json!({"body": "não quero mais"})),
        wrote(5, "text", &json!({"body": "बंद करो 🙏"})),
        wrote(6, "text", &json!({"body": "please don't stop"})),
        wrote(7, "button", &json!({"payload": "YES", "text": "Tell me more"})),
    ];
    house.messages(json!({"messages": said})).await;
    let sent = house.dispatch.release(&plan).await.unwrap();
    let report = finished(&sent).await;
    assert_eq!((report.progress.accepted, report.dead()), (5, 5), "{report}");
    assert_eq!(codes(&report), ["consent.opted_out"]);
    assert_eq!((1..=5).map(|n| house.meta.to(n)).sum::<usize>(), 0);
    assert_eq!(house.preview(campaign("next"), 10).await.0, 5);
    house.clock.jump(MINUTE);
    house.messages(json!({"messages": [wrote(1, "text", &json!({"body": "start"}))]})).await;
    assert_eq!(house.preview(campaign("after"), 10).await.0, 6);
    house.end().await;
}

async fn a_switch_for_marketing_stops_marketing_alone<S: DispatchStore>(house: House<S>) {
    let _known = house.preview(campaign("before"), 3).await;
    let switch = |value: &str, at: i64| {
        json!({"messaging_product": "whatsapp", "contacts": [{"wa_id": wa_id(2)}],
            "metadata": {"phone_number_id": sender().number_id.to_string()},
            "user_preferences": [{"wa_id": wa_id(2), "category": "marketing_messages", "value": value,
                "detail": "d", "timestamp": at}]})
    };
    let utility = |name: &str| campaign(name).template(Template::utility("receipt", "en_US"));
    let at = house.second();
    house.hear("user_preferences", switch("stop", at)).await;
    assert_eq!(house.preview(campaign("next"), 3).await, (2, vec!["consent.opted_out".to_owned()]));
    assert_eq!(house.preview(utility("utility"), 3).await.0, 3);
    house.clock.jump(MINUTE);
    house.hear("user_preferences", switch("resume", at + 30)).await;
    assert_eq!(house.preview(campaign("again"), 3).await.0, 3);
    house.end().await;
}

async fn a_new_number_is_the_same_person<S: DispatchStore>(house: House<S>) {
    let plan = house.dispatch.plan(campaign("test"), people(5)).await.unwrap();
    assert_eq!(plan.progress().planned(), 5);
    let system = json!({"type": "user_changed_number", "body": "changed", "wa_id": wa_id(4)});
    house.messages(json!({"messages": [wrote(2, "system", &system)]})).await;
    assert!(house.standing(4).await.windows.is_empty(), "nobody wrote anything");
    let sent = house.dispatch.release(&plan).await.unwrap();
    let report = finished(&sent).await;
    assert_eq!((report.progress.accepted, house.meta.to(2) + house.meta.to(4)), (4, 1), "{report}");
    assert_eq!(codes(&report), ["recipient.duplicate_person"]);
    house.end().await;
}

async fn a_message_opens_the_window_of_its_number<S: DispatchStore>(house: House<S>) {
    let _known = house.preview(campaign("before"), 1).await;
    let text = || DirectContent::free_form(Bytes::from_static(br#""type":"text","text":{"body":"Hi"}"#));
    let number = sender();
    let send = |key: &'static str| house.dispatch.send(&number, person(1), text(), key);
    let refused = send("1").await.unwrap_err();
    assert!(matches!(refused, SendError::Denied { code } if code.as_str() == "window.closed"));
    house.messages(json!({"messages": [wrote(1, "text", &json!({"body": "Where is it?"}))]})).await;
    let direct = send("2").await.unwrap();
    until("it is taken", || async { direct.state().await.unwrap() == State::Accepted }).await;
    house.clock.jump(DAY + MINUTE);
    assert!(matches!(send("3").await, Err(SendError::Denied { .. })));
    house.end().await;
}

async fn a_user_id_of_an_answer_is_a_name_of_the_person<S: DispatchStore>(house: House<S>) {
    let _sent = house.accepted(campaign("first"), 3).await;
    // The person hides their number by now.
    let stop = json!({"from_user_id": "IN.2", "id": "wamid.in", "type": "text", "text": {"body": "STOP"}});
    house.messages(json!({"messages": [stop]})).await;
    assert_eq!(house.standing(2).await.opted_out, Some(true));
    assert_eq!(house.preview(campaign("next"), 3).await.0, 2);
    house.end().await;
}

async fn an_upgraded_number_sends_faster<S: DispatchStore>(house: House<S>) {
    let slow = || sender().with_rate(80);
    let _sent = house.accepted(campaign("first").from(slow()), 3).await;
    let outlet = Outlet::new(&*main_tenant().await, sender().number_id.as_str()).unwrap();
    let rate = || async {
        let rates = house.pacer.rates(std::slice::from_ref(&outlet)).await.unwrap();
        rates[0].map(|rate| rate.per_second)
    };
    assert_eq!(rate().await, Some(80.0));
    let update = json!({"display_phone_number": "15550001111", "event": "THROUGHPUT_UPGRADE",
        "current_limit": "TIER_UNLIMITED"});
    house.hear("phone_number_quality_update", update).await;
    let _next = house.accepted(campaign("next").from(slow()), 4).await;
    until("it is asked for", || async { rate().await == Some(900.0) }).await;
    house.end().await;
}

async fn a_lower_limit_of_the_portfolio_holds<S: DispatchStore>(house: House<S>) {
    let many = campaign("test").from(sender().with_people_per_day(100_000));
    let plan = house.dispatch.plan(many, people(8)).await.unwrap();
    let update = json!({"max_daily_conversations_per_business": "5", "max_phone_numbers_per_business": 25});
    house.hear("business_capability_update", update).await;
    let sent = house.dispatch.release(&plan).await.unwrap();
    until("the portfolio is full", || async {
        let report = sent.report().await.unwrap();
        report.leased == 0 && report.waits().iter().any(|wait| wait.code.as_str() == "quota.people_exceeded")
    })
    .await;
    assert_eq!(house.meta.total(), 5);
    let update = json!({"max_daily_conversations_per_business": "7", "max_phone_numbers_per_business": 25});
    house.hear("business_capability_update", update).await;
    until("a higher limit makes room", || async { house.meta.total() == 7 }).await;
    house.end().await;
}

async fn a_disabled_account_waits_until_it_is_reinstated<S: DispatchStore>(house: House<S>) {
    let account = |state: &str| json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state}});
    let plan = house.dispatch.plan(campaign("test"), people(5)).await.unwrap();
    house.hear("account_update", account("SCHEDULE_FOR_DISABLE")).await;
    house.hear("account_update", account("DISABLE")).await;
    let sent = house.dispatch.release(&plan).await.unwrap();
    until("it waits", || async {
        sent.report().await.unwrap().waits().iter().any(|wait| wait.code.as_str() == "account.disabled")
    })
    .await;
    assert_eq!(house.meta.total(), 0);
    house.hear("account_update", account("REINSTATE")).await;
    assert_eq!(finished(&sent).await.progress.accepted, 5);
    // The same while nothing waits.
    house.hear("account_update", account("DISABLE")).await;
    house.hear("account_update", account("REINSTATE")).await;
    house.hear_late("account_update", account("DISABLE"), 100).await;
    let _next = house.accepted(campaign("next"), 3).await;
    assert_eq!(house.meta.total(), 8);
    house.end().await;
}

async fn what_is_new_or_odd_costs_only_itself<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("test"), 4).await;
    let facts = house.facts(&sent, 0).await;
    house.status(&facts, "teleported", 0.into()).await;
    assert_eq!(house.facts(&sent, 0).await, facts);
    let wamid = facts.wamid.as_ref().unwrap().expose();
    let delivered = json!({"id": wamid, "status": "delivered", "timestamp": house.second(),
        "biz_opaque_callback_data": wamid.strip_prefix("wamid.").unwrap(), "pricing": 7, "new": {"a": []}});
    house.messages(json!({"statuses": [delivered, 7, null, {"status": "sent"}], "new": true})).await;
    assert_eq!(house.facts(&sent, 0).await.state(), State::Delivered);
    // Numbers come as texts, too.
    let facts = house.facts(&sent, 3).await;
    house.status(&facts, "failed", "131050".into()).await;
    assert_eq!(house.facts(&sent, 3).await.code, Some(Code::known("whatsapp.131050")));
    let facts = house.facts(&sent, 1).await;
    house.status(&facts, "failed", "none".into()).await;
    assert_eq!(house.facts(&sent, 1).await.state(), State::Failed);
    for (field, value) in [
        ("account_update", json!({"event": "SOMETHING_NEW", "ban_info": {"waba_ban_state": "MAYBE"}})),
        (
            "account_update",
            json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "X"}]}),
        ),
        ("phone_number_quality_update", json!({"event": "SPARKLING", "current_limit": "TIER_LARGE"})),
        (
            "message_template_status_update",
            json!({"event": "GLOWING", "message_template_name": "diwali_offer",
            "message_template_language": "en_US"}),
        ),
        ("user_preferences", json!({"user_preferences": [{"wa_id": wa_id(1), "value": "maybe"}]})),
        ("weather", json!({"sky": "blue"})),
    ] {
        house.hear(field, value).await;
    }
    house.messages(json!({"messages": [wrote(1, "hologram", &json!({"body": "STOP"}))]})).await;
    assert_eq!(house.preview(campaign("next"), 4).await, (3, vec!["consent.opted_out".to_owned()]));
    let _next = house.accepted(campaign("after"), 3).await;
    house.end().await;
}

async fn what_a_rival_is_told_is_the_rivals<S: DispatchStore>(house: House<S>) {
    let sent = house.accepted(campaign("test"), 3).await;
    let number = NumberId::parse("777").unwrap();
    let theirs = Sender::new(number, "1", id("rival"), SecretRef::named("token")).with_rate(1_000);
    let rivals = house.accepted(campaign("test").from(theirs.clone()), 3).await;
    let before = [house.facts(&sent, 0).await, house.facts(&sent, 1).await];
    let wamid = before[1].wamid.as_ref().unwrap().expose();
    let failed = json!({"id": wamid, "status": "failed", "timestamp": house.second().to_string(),
        "biz_opaque_callback_data": wamid.strip_prefix("wamid.").unwrap(), "errors": [{"code": 131_000}]});
    let value = json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": "777"},
        "statuses": [failed], "messages": [wrote(1, "text", &json!({"body": "STOP"}))]});
    house.hear_of("1", "messages", value).await;
    let disabled = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}});
    house.hear_of("1", "account_update", disabled).await;
    assert_eq!([house.facts(&sent, 0).await, house.facts(&sent, 1).await], before);
    assert_eq!(house.standing(1).await, Standing::default());
    let posts = house.meta.total();
    let _next = house.accepted(campaign("next"), 3).await;
    assert_eq!(house.meta.total(), posts + 3);
    assert_eq!(house.preview(campaign("theirs").from(theirs), 3).await.0, 2);
    assert_eq!(rivals.report().await.unwrap().accepted_without_delivery(), 3);
    house.end().await;
}
