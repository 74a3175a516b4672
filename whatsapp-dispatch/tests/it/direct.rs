//! Single messages: once per key, ahead of campaigns, under the same rules.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::work::clock::{Clock, SystemClock};
use rules_core::work::secrets::SecretRef;
use whatsapp_dispatch::content::Message;
use whatsapp_dispatch::dispatch::{Direct, DirectContent, Dispatch, DispatchStore, SendError};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::gateway::{ApiError, GatewayError};
use whatsapp_dispatch::people::{Address, ConsentChange, ConsentSource, Learned, Lesson, Name, People};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::Category;

use crate::house::{
    Scripted, campaign, finished, jumping, main_tenant, memory, people, quick, sender, until,
};

fn anna() -> PhoneNumber {
    PhoneNumber::from_digits(4_915_112_345_678).unwrap()
}

/// A receipt, which needs no open window.
fn text() -> DirectContent {
    let fragment = br#""type":"template","template":{"name":"receipt","language":{"code":"en"}}"#;
    DirectContent::template(Category::Utility, Bytes::from_static(fragment))
}

async fn accepted(direct: &Direct) {
    until("it is taken", || async { direct.state().await.unwrap() == State::Accepted }).await;
}

async fn once_per_key(store: &impl DispatchStore) {
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(store, gateway.clone()).config(quick()).build().unwrap();
    let first = dispatch.send(&sender(), anna(), text(), "order 1").await.unwrap();
    let again = dispatch.send(&sender(), anna(), text(), "order 1").await.unwrap();
    assert_eq!((first.was_known(), again.was_known()), (false, true));
    assert_eq!(first.key(), again.key());
    assert_eq!(first.state().await.unwrap(), State::Waiting);
    let running = dispatch.start();
    accepted(&first).await;
    let other = dispatch.send(&sender(), anna(), text(), "order 2").await.unwrap();
    accepted(&other).await;
    let late = dispatch.send(&sender(), anna(), text(), "order 1").await.unwrap();
    assert_eq!((late.key(), late.state().await.unwrap()), (first.key(), State::Accepted));
    assert_eq!(gateway.total(), 2);
    for key in [String::new(), "k".repeat(257)] {
        let refused = dispatch.send(&sender(), anna(), text(), &key).await.unwrap_err();
        assert!(matches!(refused, SendError::Key { .. }), "{refused}");
    }
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_sent_once_per_key_on_memory() {
    once_per_key(&memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_sent_once_per_key_on_sqlite() {
    once_per_key(&jumping().await.0.store).await;
}

async fn many_messages_to_a_person_with_two_names(store: &impl DispatchStore, now: DateTime<Utc>) {
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(store, gateway.clone()).config(quick()).build().unwrap();
    let scope = main_tenant().await;
    let user = Lesson::SameAs(Name::user_id("DE.1234567890").unwrap());
    store.learn(&[Learned::new(Address::new(&scope, anna()), now, user)]).await.unwrap();
    let mut waiting = Vec::new();
    for n in 0..3 {
        waiting.push(dispatch.send(&sender(), anna(), text(), &format!("code {n}")).await.unwrap());
    }
    let running = dispatch.start();
    for direct in &waiting {
        accepted(direct).await;
    }
    for n in 3..6 {
        accepted(&dispatch.send(&sender(), anna(), text(), &format!("code {n}")).await.unwrap()).await;
    }
    assert_eq!(gateway.total(), 6);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_two_names_gets_every_single_message_on_memory() {
    many_messages_to_a_person_with_two_names(&memory(), SystemClock.now()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_two_names_gets_every_single_message_on_sqlite() {
    let (house, clock) = jumping().await;
    many_messages_to_a_person_with_two_names(&house.store, clock.now()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_cannot_be_sent_stops_no_other() {
    let (house, clock) = jumping().await;
    // Anna's names a template that does not exist, Bert's one that is paused, Carl's flow is slow.
    let gateway = Scripted::new(|to, nth| match (to.digits() % 10, nth) {
        (1, _) => Err(GatewayError::Refused(ApiError::new(132_001, 400))),
        (2, _) => Err(GatewayError::Refused(ApiError::new(132_015, 400))),
        (3, 1) => Err(GatewayError::Refused(ApiError::new(132_069, 400))),
        (4, _) => Err(GatewayError::Refused(ApiError::new(132_000, 400))),
        (5, _) => Err(GatewayError::Refused(ApiError::new(139_200, 400))),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let send = async |digit: u64, key: &str| {
        let to = PhoneNumber::from_digits(491_511_234_560 + digit).unwrap();
        dispatch.send(&sender(), to, text(), key).await.unwrap()
    };
    for (digit, code) in [(1, "132001"), (2, "132015"), (5, "139200")] {
        let direct = send(digit, code).await;
        until("it has failed", || async { direct.state().await.unwrap() == State::Failed }).await;
        let facts = direct.facts().await.unwrap();
        assert_eq!((facts.code.unwrap().as_str(), facts.attempts), (&*format!("whatsapp.{code}"), 1));
    }
    for n in 0..5 {
        let direct = send(4, &format!("order {n}")).await;
        until("it has failed", || async { direct.state().await.unwrap() == State::Failed }).await;
    }
    let later = send(3, "slow flow").await;
    until("it waits", || async { later.facts().await.unwrap().not_before.is_some() }).await;
    accepted(&send(6, "good").await).await;
    until("it is tried again", || async {
        clock.jump(Duration::from_secs(60));
        later.state().await.unwrap() == State::Accepted
    })
    .await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_number_keeps_no_other_waiting() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let mut slow = Vec::new();
    for n in 0..12 {
        let tenant = TenantId::parse("main").unwrap();
        let number = NumberId::parse(&format!("20{n}")).unwrap();
        let sender = Sender::new(number, format!("slow {n}"), tenant, SecretRef::named("token")).with_rate(4);
        let campaign = campaign(&format!("slow {n}")).from(sender);
        let plan = dispatch.plan(campaign, people(100)).await.unwrap();
        slow.push(dispatch.release(&plan).await.unwrap());
    }
    let plan = dispatch.plan(campaign("fast"), people(2_000)).await.unwrap();
    let fast = dispatch.release(&plan).await.unwrap();
    let (running, began) = (dispatch.start(), clock.now());
    assert_eq!(finished(&fast).await.progress.accepted, 2_000);
    // Twelve numbers that wait for their turn one after the other would leave it 80 messages a
    // second; it may send 1,000.
    let took = clock.now() - began;
    assert!(took < TimeDelta::seconds(10), "{took}");
    for slow in &slow {
        assert!(0 < slow.report().await.unwrap().progress.accepted);
    }
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_known_in_the_next_month() {
    let (house, clock) = jumping().await;
    let dispatch = Dispatch::builder(&house.store, Scripted::accepting()).config(quick()).build().unwrap();
    let first = dispatch.send(&sender(), anna(), text(), "order 1").await.unwrap();
    clock.jump(Duration::from_secs(30 * 24 * 3_600));
    let again = dispatch.send(&sender(), anna(), text(), "order 1").await.unwrap();
    assert_eq!((again.key(), again.was_known()), (first.key(), true));
    let other = dispatch.send(&sender(), anna(), text(), "order 2").await.unwrap();
    assert_ne!(other.key().campaign(), first.key().campaign());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_message_overtakes_a_campaign() {
    let (house, _) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let slow = sender().with_rate(40);
    let plan = dispatch.plan(campaign("test"), people(4_000)).await.unwrap();
    dispatch.release(&plan).await.unwrap();
    until("some are sent", || async { 10 < gateway.total() }).await;
    let direct = dispatch.send(&slow, anna(), text(), "code 1").await.unwrap();
    accepted(&direct).await;
    assert!(gateway.total() < 4_000, "{}", gateway.total());
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_opted_out_gets_nothing_and_marketing_wants_consent() {
    let (house, clock) = jumping().await;
    let dispatch = Dispatch::builder(&house.store, Scripted::accepting()).config(quick()).build().unwrap();
    let offer = DirectContent::template(Category::Marketing, Bytes::from_static(br#""type":"template""#));
    let refused = dispatch.send(&sender(), anna(), offer, "offer 1").await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Denied { code } if code.as_str() == "consent.missing"),
        "{refused}"
    );
    let scope = main_tenant().await;
    let anna_of_ours = Address::new(&scope, anna());
    let change = ConsentChange::opt_out(anna_of_ours, ConsentSource::Host, clock.now());
    house.store.consent(&[change]).await.unwrap();
    let refused = dispatch.send(&sender(), anna(), text(), "order 1").await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Denied { code } if code.as_str() == "consent.opted_out"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_goes_to_a_few_people_and_leaves_the_plan_alone() {
    let (house, _) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(2)).await.unwrap();
    for total in [1, 2] {
        let sent = dispatch.test_send(&plan, &[anna()]).await.unwrap();
        accepted(&sent[0]).await;
        assert_eq!(gateway.total(), total);
    }
    let refused = dispatch.test_send(&plan, &[anna(); 11]).await.unwrap_err();
    assert!(matches!(refused, SendError::Testers { people: 11 }));
    assert_eq!(gateway.posts.lock().unwrap().len(), 1);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn free_form_needs_the_window_that_the_person_opened() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let answer = || DirectContent::message(&Message::text("Here you are"), Category::Utility).unwrap();
    let refused = dispatch.send(&sender(), anna(), answer(), "answer 1").await.unwrap_err();
    assert!(matches!(&refused, SendError::Denied { code } if code.as_str() == "window.closed"), "{refused}");
    let scope = main_tenant().await;
    let lesson = Lesson::Inbound { to: sender().number_id };
    let learned = Learned::new(Address::new(&scope, anna()), clock.now(), lesson);
    house.store.learn(&[learned]).await.unwrap();
    let running = dispatch.start();
    let sent = dispatch.send(&sender(), anna(), answer(), "answer 1").await.unwrap();
    until("the answer is taken", || async { sent.state().await.unwrap() == State::Accepted }).await;
    assert_eq!(gateway.total(), 1);
    clock.jump(Duration::from_secs(25 * 3_600));
    let refused = dispatch.send(&sender(), anna(), answer(), "answer 2").await.unwrap_err();
    assert!(matches!(&refused, SendError::Denied { code } if code.as_str() == "window.closed"), "{refused}");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}
