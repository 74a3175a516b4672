//! What follows from WhatsApp's errors, end to end on memory: for the message, its person, its
//! campaign, its number, and everything that shares something with it.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::key::Outlet;
use rules_core::judge::tenant::TenantId;
use rules_core::store::memory::Memory;
use rules_core::work::clock::Clock;
use rules_core::work::ids::RandomIds;
use rules_core::work::lanes::HoldOn;
use rules_core::work::pacer::Pacer;
use rules_core::work::secrets::SecretRef;
use secrecy::SecretString;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::delivery::{DeliveryLog, Query};
use whatsapp_dispatch::dispatch::{Dispatch, Running, Sent, WebhookConfig, Webhooks};
use whatsapp_dispatch::fact::{Facts, State};
use whatsapp_dispatch::gateway::{ApiError, GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::{Template, TemplateDefinition};
use whatsapp_dispatch::webhook::{WebhookHandler, signature};

use crate::campaign::sums_hold;
use crate::house::{Jumping, definition, finished, main_tenant, people, quick, until};

/// Answers post number `nth` (from 1) from a number to a person.
type Script = dyn Fn(&Sender, PhoneNumber, u32) -> Result<(), GatewayError> + Send + Sync;

/// A gateway with a script that remembers every post.
#[derive(Clone)]
struct Meta {
    script: Arc<Script>,
    posts: Arc<Mutex<Vec<(NumberId, PhoneNumber, String)>>>,
}

impl Debug for Meta {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta").finish_non_exhaustive()
    }
}

impl Meta {
    fn new(
        script: impl Fn(&Sender, PhoneNumber, u32) -> Result<(), GatewayError> + Send + Sync + 'static,
    ) -> Self {
        Self { script: Arc::new(script), posts: Arc::default() }
    }

    /// A gateway that refuses what concerns it with one number until the trouble is over.
    fn troubled(
        number: i64,
        concerns: impl Fn(&Sender) -> bool + Send + Sync + 'static,
    ) -> (Self, Arc<AtomicBool>) {
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let meta = Self::new(move |sender, _, _| {
            if !over.load(Ordering::Acquire) && concerns(sender) { refused(number) } else { Ok(()) }
        });
        (meta, ends)
    }

    fn posts(&self) -> usize {
        self.posts.lock().unwrap().len()
    }

    fn posts_from(&self, sender: &Sender) -> usize {
        self.posts.lock().unwrap().iter().filter(|(from, ..)| *from == sender.number_id).count()
    }

    fn posts_to(&self, person: PhoneNumber) -> usize {
        self.posts.lock().unwrap().iter().filter(|(_, to, _)| *to == person).count()
    }

    /// The most posts that any person got from any number.
    fn most(&self) -> usize {
        let mut counts: HashMap<(NumberId, PhoneNumber), usize> = HashMap::new();
        for (from, to, _) in self.posts.lock().unwrap().iter() {
            *counts.entry((from.clone(), *to)).or_default() += 1;
        }
        counts.into_values().max().unwrap_or_default()
    }
}

#[async_trait]
impl MessageGateway for Meta {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let nth = {
            let mut posts = self.posts.lock().unwrap();
            posts.push((sender.number_id.clone(), message.to, message.token.clone()));
            posts.iter().filter(|(from, to, _)| *from == sender.number_id && *to == message.to).count()
        };
        tokio::task::yield_now().await;
        (self.script)(sender, message.to, u32::try_from(nth).unwrap())?;
        Ok(Receipt::new(Wamid::new(format!("wamid.{}", message.token))))
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        Ok(Some(definition(template)))
    }
}

fn refused(number: i64) -> Result<(), GatewayError> {
    Err(GatewayError::Refused(ApiError::new(number, 400)))
}

/// A number of the tenant `main`; what is named alike is shared.
fn number(id: &str, waba: &str, portfolio: &str, secret: &str) -> Sender {
    let tenant = TenantId::parse("main").unwrap();
    let mut sender = Sender::new(NumberId::parse(id).unwrap(), waba, tenant, SecretRef::named(secret));
    portfolio.clone_into(&mut sender.portfolio);
    sender.with_rate(1_000)
}

fn alone() -> Sender {
    number("1", "waba", "portfolio", "token")
}

fn campaign(name: &str, sender: &Sender) -> Campaign {
    Campaign::new(name, sender.clone())
        .template(Template::marketing("diwali_offer", "en_US"))
        .body(["{first_name|friend}", "{discount}"])
        .assume_consent()
}

/// A dispatcher on memory that runs, with a clock that can jump.
struct House {
    store: Memory,
    clock: Jumping,
    /// When the house was opened.
    noon: DateTime<Utc>,
    meta: Meta,
    dispatch: Dispatch,
    running: Running,
}

impl House {
    fn new(meta: Meta) -> Self {
        let clock = Jumping::at_noon();
        let noon = clock.now();
        let store = Memory::with(Arc::new(clock.clone()), Arc::new(RandomIds));
        let dispatch = Dispatch::builder(&store, meta.clone()).config(quick()).build().unwrap();
        let running = dispatch.start();
        Self { store, clock, noon, meta, dispatch, running }
    }

    async fn release(&self, campaign: Campaign, n_people: usize) -> Sent {
        let plan = self.dispatch.plan(campaign, people(n_people)).await.unwrap();
        self.dispatch.release(&plan).await.unwrap()
    }

    /// What is known of the first message of a campaign.
    async fn first(&self, sent: &Sent) -> Facts {
        let found = self.store.messages(&Query::Keys(vec![sent.key().message(0)])).await.unwrap();
        found.messages[0].facts.clone()
    }

    fn until_due(&self, instant: DateTime<Utc>) -> Duration {
        (instant - self.clock.now()).to_std().unwrap_or_default()
    }

    /// A webhook that says that the person's first message failed so long before noon.
    async fn tell_failed(&self, person: PhoneNumber, code: i64, ago: Duration) {
        let token = {
            let posts = self.meta.posts.lock().unwrap();
            posts.iter().find(|(_, to, _)| *to == person).unwrap().2.clone()
        };
        let secret = SecretString::from("app secret");
        let config =
            WebhookConfig { app_secrets: vec![secret.clone()], verify_token: SecretString::from("verify") };
        let at = self.noon.timestamp() - i64::try_from(ago.as_secs()).unwrap();
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"waba","changes":[{{"field":"messages",
            "value":{{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"1"}},"statuses":[
            {{"id":"wamid.{token}","status":"failed","timestamp":"{at}","recipient_id":"919800000007",
            "biz_opaque_callback_data":"{token}","errors":[{{"code":{code},"title":"t"}}]}}]}}}}]}}]}}"#
        );
        let header = signature(&secret, body.as_bytes());
        let hooks = Webhooks::new(&self.dispatch, config).unwrap();
        hooks.receive(Some(&header), body.as_bytes()).await.unwrap();
        until("it is applied", || async { self.dispatch.inbox_depth().await.unwrap() == 0 }).await;
    }

    async fn end(self) {
        assert!(self.running.drain(Duration::from_secs(10)).await.unwrap());
    }
}

/// The codes that a campaign waits for.
async fn waits(sent: &Sent) -> Vec<String> {
    sent.report().await.unwrap().waits().iter().map(|wait| wait.code.to_string()).collect()
}

async fn waits_for(sent: &Sent, code: &str) {
    until(code, || async { waits(sent).await.iter().any(|wait| wait == code) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_an_account_slows_all_its_numbers_and_no_other() {
    let numbers =
        [number("1", "waba", "p", "a"), number("2", "waba", "p", "b"), number("3", "other", "p", "c")];
    let first = numbers[0].clone();
    let meta = Meta::new(move |sender, _, nth| match nth {
        1 if *sender == first => refused(80_007),
        _ => Ok(()),
    });
    let house = House::new(meta);
    let mut sent = Vec::new();
    for sender in numbers.iter().rev() {
        sent.push(house.release(campaign(&format!("from-{}", sender.number_id), sender), 60).await);
    }
    for sent in &sent {
        assert_eq!(finished(sent).await.progress.accepted, 60);
    }
    let scope = main_tenant().await;
    let outlets = numbers.each_ref().map(|sender| Outlet::new(&scope, sender.number_id.as_str()).unwrap());
    let rates = house.store.rates(&outlets).await.unwrap();
    let slowed: Vec<bool> = rates.into_iter().map(|rate| rate.unwrap().per_second < 990.0).collect();
    assert_eq!(slowed, [true, true, false]);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_is_left_alone_for_longer_and_longer_and_ends_dead() {
    let house = House::new(Meta::new(|_, _, _| refused(131_056)));
    // A pair's waits do not count as attempts.
    let sent = house.release(campaign("test", &alone()).max_attempts(1), 1).await;
    for (nth, expected) in (1..).zip([1.0, 4.0, 16.0, 64.0, 256.0, 900.0, 900.0]) {
        until("it was refused", || async {
            let facts = house.first(&sent).await;
            facts.backoffs == nth && facts.not_before.is_some()
        })
        .await;
        let facts = house.first(&sent).await;
        let due = facts.not_before.unwrap();
        let wait = (due - facts.begun_at.unwrap()).as_seconds_f64();
        assert!((expected * 0.9..expected * 1.1 + 1.0).contains(&wait), "{wait} s, not {expected} s");
        assert_eq!((house.meta.posts(), facts.counted), (usize::from(nth), 0));
        house.clock.jump(house.until_due(due));
    }
    let report = finished(&sent).await;
    assert_eq!((report.dead(), house.meta.posts()), (1, 8), "{report}");
    assert_eq!(report.progress.reasons().keys().next().unwrap().as_str(), "whatsapp.131056");
    sums_hold(&report);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_got_too_much_marketing_is_asked_again_after_days_and_then_never() {
    let house = House::new(Meta::new(|_, _, _| refused(131_049)));
    let sent = house.release(campaign("test", &alone()).max_attempts(1), 1).await;
    for (nth, hours) in [(1, 24), (2, 48)] {
        until("it was put off", || async { house.first(&sent).await.deferrals == nth }).await;
        let report = finished(&sent).await;
        assert_eq!((report.deferred(), report.waiting()), (1, 0), "{report}");
        assert_eq!(waits(&sent).await, ["whatsapp.131049"]);
        let facts = house.first(&sent).await;
        let due = facts.not_before.unwrap();
        assert_eq!((due - facts.begun_at.unwrap()).num_hours(), hours);
        house.clock.jump(house.until_due(due));
    }
    until("it is given up", || async { house.first(&sent).await.state() == State::Failed }).await;
    assert_eq!(house.meta.posts(), 3);
    sums_hold(&finished(&sent).await);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_number_waits_for_somebody_while_others_go_on() {
    let (bad, good) = (alone(), number("2", "waba", "portfolio", "token"));
    let restricted = bad.clone();
    let (meta, over) = Meta::troubled(131_048, move |sender| *sender == restricted);
    let house = House::new(meta);
    let held = house.release(campaign("held", &bad), 900).await;
    waits_for(&held, "whatsapp.131048").await;
    let free = house.release(campaign("free", &good), 100).await;
    assert_eq!(finished(&free).await.progress.accepted, 100);
    let report = finished(&held).await;
    assert_eq!((report.progress.accepted, report.record.status), (0, Status::Released), "{report}");
    let wait = report.waits().remove(0);
    assert_eq!(wait.until, None);
    let sample = wait.sample.unwrap();
    assert_eq!(sample.campaign(), held.key());
    assert!(matches!(report.holds[0].on, HoldOn::Outlet(_)));
    assert!(report.to_string().contains(&format!("met by {sample}")), "{report}");
    let posts = house.meta.posts_from(&bad);
    assert!(posts < 900, "{posts}");

    over.store(true, Ordering::Release);
    house.dispatch.resume_sender(&bad).await.unwrap();
    let report = finished(&held).await;
    assert_eq!((report.progress.accepted, waits(&held).await.len()), (900, 0), "{report}");
    sums_hold(&report);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_in_maintenance_goes_on_by_itself() {
    let (meta, over) = Meta::troubled(131_057, |_| true);
    let house = House::new(meta);
    let sent = house.release(campaign("test", &alone()), 50).await;
    waits_for(&sent, "whatsapp.131057").await;
    let report = finished(&sent).await;
    let end = report.waits()[0].until.unwrap();
    assert!(
        Duration::from_secs(60) < house.until_due(end) && house.until_due(end) <= Duration::from_secs(90)
    );
    over.store(true, Ordering::Release);
    house.clock.jump(Duration::from_secs(91));
    until("it goes on", || async { sent.report().await.unwrap().progress.accepted == 50 }).await;
    assert_eq!(finished(&sent).await.progress.accepted, 50);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_is_not_ready_yet_holds_its_campaign_for_ten_minutes() {
    let (meta, over) = Meta::troubled(134_101, |_| true);
    let house = House::new(meta);
    let sent = house.release(campaign("test", &alone()), 50).await;
    waits_for(&sent, "whatsapp.134101").await;
    let report = finished(&sent).await;
    assert_eq!(report.record.status, Status::Released);
    assert!(matches!(report.holds[0].on, HoldOn::Lane(_)));
    let end = house.until_due(report.waits()[0].until.unwrap());
    assert!(Duration::from_secs(500) < end && end <= Duration::from_secs(600), "{end:?}");
    over.store(true, Ordering::Release);
    house.clock.jump(Duration::from_secs(601));
    until("it goes on", || async { sent.report().await.unwrap().progress.accepted == 50 }).await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_portfolio_holds_every_number_of_it() {
    let one = number("1", "waba-1", "portfolio", "a");
    let two = number("2", "waba-2", "portfolio", "b");
    let other = number("3", "waba-3", "other", "c");
    let (meta, over) = Meta::troubled(368, |sender| sender.portfolio == "portfolio");
    let house = House::new(meta);
    let planned = house.dispatch.plan(campaign("second", &two), people(50)).await.unwrap();
    let first = house.release(campaign("first", &one), 50).await;
    waits_for(&first, "whatsapp.368").await;
    let second = house.dispatch.release(&planned).await.unwrap();
    waits_for(&second, "whatsapp.368").await;
    let free = house.release(campaign("free", &other), 50).await;
    assert_eq!(finished(&free).await.progress.accepted, 50);
    assert_eq!(house.meta.posts_from(&two), 0, "the second number was never tried");
    assert_eq!(finished(&second).await.waits()[0].sample.as_ref().unwrap().campaign(), first.key());

    over.store(true, Ordering::Release);
    house.dispatch.resume_portfolio("portfolio").await.unwrap();
    for sent in [&first, &second] {
        assert_eq!(finished(sent).await.progress.accepted, 50);
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_fetched_anew_and_nobody_notices() {
    /// Requests that leave before the first refusal came back carry the old token.
    #[derive(Clone, Debug)]
    struct Expiring(Meta, Arc<AtomicBool>);

    #[async_trait]
    impl MessageGateway for Expiring {
        async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
            let is_fresh = self.1.load(Ordering::Acquire);
            let receipt = self.0.send(sender, message).await?;
            if is_fresh {
                return Ok(receipt);
            }
            self.1.store(true, Ordering::Release);
            Err(GatewayError::Refused(ApiError::new(190, 401)))
        }

        async fn template(
            &self,
            sender: &Sender,
            template: &Template,
        ) -> Result<Option<TemplateDefinition>, GatewayError> {
            self.0.template(sender, template).await
        }
    }

    let meta = Meta::new(|_, _, _| Ok(()));
    let store = Memory::new();
    let gateway = Expiring(meta.clone(), Arc::default());
    let dispatch = Dispatch::builder(&store, gateway).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test", &alone()), people(400)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    let report = finished(&sent).await;
    assert_eq!(report.progress.accepted, 400, "{report}");
    assert!(400 < meta.posts() && meta.most() == 2, "{} posts", meta.posts());
    assert!(report.waits().is_empty());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_is_refused_twice_holds_all_its_numbers() {
    let (one, two) = (number("1", "w", "p", "token"), number("2", "w", "p", "token"));
    let (meta, over) = Meta::troubled(190, |_| true);
    let house = House::new(meta);
    let planned = house.dispatch.plan(campaign("second", &two), people(50)).await.unwrap();
    let first = house.release(campaign("first", &one), 900).await;
    waits_for(&first, "whatsapp.190").await;
    finished(&first).await;
    assert!(house.meta.posts() < 900, "{} posts", house.meta.posts());
    let second = house.dispatch.release(&planned).await.unwrap();
    waits_for(&second, "whatsapp.190").await;
    assert_eq!(house.meta.posts_from(&two), 0);

    over.store(true, Ordering::Release);
    house.dispatch.resume_credential(&one.secret).await.unwrap();
    for (sent, n_people) in [(&first, 900), (&second, 50)] {
        let report = finished(sent).await;
        assert_eq!(report.progress.accepted, n_people, "{report}");
        sums_hold(&report);
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_stops_the_tenant() {
    let (meta, over) = Meta::troubled(10, |_| true);
    let house = House::new(meta);
    let sent = house.release(campaign("test", &alone()), 300).await;
    waits_for(&sent, "whatsapp.10").await;
    let report = finished(&sent).await;
    assert!(matches!(&report.holds[0].on, HoldOn::Outlet(_)), "its webhooks are applied all the same");
    let posts = house.meta.posts();
    let person = house.meta.posts.lock().unwrap()[0].1;
    house.tell_failed(person, 131_050, Duration::ZERO).await;
    assert_eq!(house.meta.posts(), posts);
    over.store(true, Ordering::Release);
    house.dispatch.resume_tenant(&TenantId::parse("main").unwrap()).await.unwrap();
    assert_eq!(finished(&sent).await.progress.accepted, 300);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_sent_where_the_message_came_from_pauses() {
    // These want `/messages`, by which it left.
    for code in [139_200, 134_100] {
        let house = House::new(Meta::new(move |_, _, _| refused(code)));
        let sent = house.release(campaign("test", &alone()), 300).await;
        until("it is paused", || async { sent.record().await.unwrap().status == Status::Paused }).await;
        let report = finished(&sent).await;
        assert_eq!(report.waits()[0].code.as_str(), format!("whatsapp.{code}"));
        assert!(house.meta.most() < 4, "{} posts to somebody", house.meta.most());
        house.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_refusals_in_a_row_for_one_reason_pause_the_campaign() {
    let house = House::new(Meta::new(|_, to, _| match to.digits() % 2 {
        // Every second person is not there, which says nothing about the template.
        0 => refused(131_026),
        _ => Ok(()),
    }));
    let sent = house.release(campaign("fine", &alone()), 300).await;
    let report = finished(&sent).await;
    assert_eq!((report.progress.accepted, report.failed()), (150, 150), "{report}");
    house.end().await;

    let house = House::new(Meta::new(|_, _, _| refused(132_000)));
    let sent = house.release(campaign("wrong", &alone()), 900).await;
    until("it is paused", || async { sent.record().await.unwrap().status == Status::Paused }).await;
    let report = finished(&sent).await;
    assert_eq!(report.record.reason.as_ref().unwrap().as_str(), "whatsapp.132000");
    assert!((3..900).contains(&report.failed()), "{report}");
    assert_eq!(report.waits()[0].sample.as_ref().unwrap().campaign(), sent.key());
    sums_hold(&report);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn campaigns_go_on_when_their_template_is_back() {
    let (meta, over) = Meta::troubled(132_015, |_| true);
    let house = House::new(meta);
    let sent = house.release(campaign("test", &alone()), 50).await;
    until("it is paused", || async { sent.record().await.unwrap().status == Status::Paused }).await;
    finished(&sent).await;
    over.store(true, Ordering::Release);
    let (back, other) =
        (Template::marketing("diwali_offer", "en_US"), Template::marketing("diwali_offer", "de"));
    assert_eq!(house.dispatch.template_is_back("waba", &other).await.unwrap(), 0);
    assert_eq!(house.dispatch.template_is_back("another", &back).await.unwrap(), 0);
    assert_eq!(house.dispatch.template_is_back("waba", &back).await.unwrap(), 1);
    assert_eq!(finished(&sent).await.progress.accepted, 50);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_told_whatsapp_to_stop_gets_nothing_of_the_next_campaign() {
    let gone = PhoneNumber::parse("+919800000007").unwrap();
    let house = House::new(Meta::new(move |_, to, _| if to == gone { refused(131_050) } else { Ok(()) }));
    let planned = house.dispatch.plan(campaign("planned-before", &alone()), people(20)).await.unwrap();
    let first = finished(&house.release(campaign("first", &alone()), 20).await).await;
    assert_eq!((first.progress.accepted, first.failed()), (19, 1), "{first}");
    assert_eq!(house.meta.posts_to(gone), 1);
    let before = finished(&house.dispatch.release(&planned).await.unwrap()).await;
    assert_eq!((before.progress.accepted, before.dead()), (19, 1), "{before}");
    let next = house.dispatch.plan(campaign("next", &alone()), people(20)).await.unwrap();
    assert_eq!(next.progress().planned(), 19);
    assert_eq!(house.meta.posts_to(gone), 1);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_counts_when_it_is_told_by_a_webhook() {
    let gone = PhoneNumber::parse("+919800000007").unwrap();
    let house = House::new(Meta::new(|_, _, _| Ok(())));
    let sent = house.release(campaign("first", &alone()), 20).await;
    until("all are accepted", || async { sent.report().await.unwrap().progress.accepted == 20 }).await;
    house.tell_failed(gone, 131_050, Duration::ZERO).await;
    assert_eq!(sent.report().await.unwrap().failed(), 1);
    let next = house.dispatch.plan(campaign("next", &alone()), people(20)).await.unwrap();
    assert_eq!(next.progress().planned(), 19);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_in_a_webhook_holds_a_number_unless_it_is_old_or_known() {
    let person = |n: u32| PhoneNumber::parse(&format!("+9198{n:08}")).unwrap();
    let house = House::new(Meta::new(|_, _, _| Ok(())));
    let sent = house.release(campaign("first", &alone()), 20).await;
    until("all are accepted", || async { sent.report().await.unwrap().progress.accepted == 20 }).await;
    let next = house.dispatch.plan(campaign("next", &alone()), people(20)).await.unwrap();

    house.tell_failed(person(1), 131_048, Duration::from_hours(2)).await;
    assert_eq!(finished(&house.dispatch.release(&next).await.unwrap()).await.progress.accepted, 20);

    let held = house.dispatch.plan(campaign("held", &alone()), people(20)).await.unwrap();
    house.tell_failed(person(2), 131_048, Duration::ZERO).await;
    let held = house.dispatch.release(&held).await.unwrap();
    waits_for(&held, "whatsapp.131048").await;
    let sample = held.report().await.unwrap().waits().remove(0).sample.unwrap();
    assert_eq!((sample.campaign(), sample.record()), (sent.key(), 1));

    house.dispatch.resume_sender(&alone()).await.unwrap();
    house.tell_failed(person(2), 131_048, Duration::ZERO).await;
    assert_eq!(finished(&held).await.progress.accepted, 20, "Meta repeats itself; that is no news");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_errors_that_nobody_knows_end_their_messages_and_nothing_else() {
    let house =
        House::new(Meta::new(|_, to, _| if to.digits() % 4 == 0 { refused(987_654) } else { Ok(()) }));
    let report = finished(&house.release(campaign("test", &alone()), 100).await).await;
    assert_eq!((report.progress.accepted, report.failed()), (75, 25), "{report}");
    assert_eq!(report.progress.reasons().keys().next().unwrap().as_str(), "whatsapp.987654");
    assert_eq!(house.meta.posts(), 100);
    house.end().await;
}
