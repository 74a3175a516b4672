//! What is known of people decides who gets a campaign.

use std::time::Duration;

use chrono::TimeDelta;
use rules_core::judge::code::Code;
use rules_core::judge::rule_set::RuleSet;
use rules_core::work::clock::Clock;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, Report};
use whatsapp_dispatch::people::{Address, Learned, Lesson, Name, People};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::rule;

use crate::house::{Scripted, campaign, finished, jumping, main_tenant, people, quick, until};

/// Everybody gets one message in seven days.
fn capped(store: &impl DispatchStore, gateway: &Scripted) -> Dispatch {
    let rules = serde_json::json!({ "rule": [{ "kind": "frequency_cap", "messages": 1, "days": 7 }] });
    Dispatch::builder(store, gateway.clone())
        .config(quick())
        .rules(RuleSet::from_json(&rules, &rule::kinds()).unwrap())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capped_person_waits_across_campaigns() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = capped(&house.store, &gateway);
    let running = dispatch.start();
    let first = dispatch.plan(campaign("first"), people(5)).await.unwrap();
    finished(&dispatch.release(&first).await.unwrap()).await;
    assert_eq!(gateway.total(), 5);
    clock.jump(Duration::from_secs(60));
    let second = dispatch.plan(campaign("second"), people(8)).await.unwrap();
    assert_eq!(second.progress().planned(), 8, "what waits is planned");
    let sent = dispatch.release(&second).await.unwrap();
    let report = finished(&sent).await;
    assert_eq!((report.progress.accepted, gateway.total()), (3, 8), "{report}");
    clock.jump(Duration::from_secs(7 * 86_400));
    until("the wait is over", || async { gateway.total() == 13 }).await;
    assert_eq!(finished(&sent).await.progress.accepted, 8);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn a_cap_holds_for_campaigns_that_run_at_once() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = capped(&house.store, &gateway);
    let mut sent = Vec::new();
    for name in ["first", "second", "third"] {
        let plan = dispatch.plan(campaign(name), people(200)).await.unwrap();
        sent.push(dispatch.release(&plan).await.unwrap());
    }
    let running = dispatch.start();
    until("everybody has one", || async { gateway.total() == 200 }).await;
    let capped = |report: &Report| {
        let reasons = report.progress.reasons();
        reasons.get(&Code::known("people.frequency_cap")).copied().unwrap_or_default()
    };
    until("the rest waits for the cap", || async {
        clock.jump(Duration::from_millis(500));
        let mut waiting = 0;
        for sent in &sent {
            waiting += capped(&sent.report().await.unwrap());
        }
        waiting == 400
    })
    .await;
    assert_eq!(gateway.total(), 200);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn a_person_with_two_numbers_gets_one_message() {
    let (house, clock) = jumping().await;
    let dispatch = Dispatch::builder(&house.store, Scripted::accepting()).config(quick()).build().unwrap();
    let scope = main_tenant().await;
    let [old, new] = ["+919800000002", "+919800000004"].map(|text| PhoneNumber::parse(text).unwrap());
    let changed = Learned::new(Address::new(&scope, old), clock.now(), Lesson::SameAs(Name::Number(new)));
    house.store.learn(&[changed]).await.unwrap();
    let plan = dispatch.plan(campaign("test"), people(5)).await.unwrap();
    assert_eq!(plan.progress().planned(), 4);
    let reasons: Vec<String> = plan.progress().reasons().keys().map(ToString::to_string).collect();
    assert_eq!(reasons, ["recipient.duplicate_person"]);
}

#[tokio::test]
async fn no_name_of_anybody_stands_in_the_file() {
    let (house, clock) = jumping().await;
    let scope = main_tenant().await;
    let (number, user) = ("919812345678", "IN.5556667778889");
    let address = Address::wa_id(&scope, number).unwrap();
    let at = clock.now() - TimeDelta::hours(1);
    let same = Lesson::SameAs(Name::user_id(user).unwrap());
    house.store.learn(&[Learned::new(address.clone(), at, same)]).await.unwrap();
    house.store.learn(&[Learned::new(address, at, Lesson::Suppressed(true))]).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for name in [number.as_bytes(), &number.as_bytes()[2..], &user.as_bytes()[3..]] {
            assert!(!bytes.windows(name.len()).any(|window| window == name));
        }
    }
    assert!(1 < files, "the file and its log");
}
