//! Single messages: once per key, ahead of campaigns, under the same rules.

use std::time::Duration;

use bytes::Bytes;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::clock::Clock;
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::content::Message;
use whatsapp_dispatch::dispatch::{Direct, DirectContent, Dispatch, DispatchStore, SendError};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::people::{Address, ConsentChange, ConsentSource, Learned, Lesson, People};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::template::Category;

use crate::house::{Scripted, campaign, jumping, memory, people, quick, sender, until};

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
    let main = TenantId::parse("main").unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(main.clone())]));
    let scope = tenants.enter(&main).await.unwrap();
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
    let main = TenantId::parse("main").unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(main.clone())]));
    let scope = tenants.enter(&main).await.unwrap();
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
