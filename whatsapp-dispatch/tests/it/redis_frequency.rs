//! Frequency caps on a store that several processes share.

use std::time::Duration;

use rules_core::judge::code::Code;
use rules_core::judge::rule_set::RuleSet;
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use whatsapp_dispatch::dispatch::Dispatch;
use whatsapp_dispatch::rule;

use crate::house::{Scripted, campaign, people, quick, until};
use crate::redis_server::{key_prefix, shared_url};

const PEOPLE: u32 = 150;

fn capped(messages: u32) -> RuleSet {
    let rules = serde_json::json!({ "rule": [{ "kind": "frequency_cap", "messages": messages, "days": 7 }] });
    RuleSet::from_json(&rules, &rule::kinds()).unwrap()
}

fn config() -> RedisConfig {
    let config = RedisConfig::parse(&shared_url()).unwrap().accepting(Guarantee::Nothing);
    config.named(&key_prefix())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_for_campaigns_that_several_processes_send_at_once() {
    let (config, gateway) = (config(), Scripted::accepting());
    let mut processes = Vec::new();
    for _ in 0..3 {
        let store = Redis::connect(config.clone()).await.unwrap();
        let process = Dispatch::builder(&store, gateway.clone()).config(quick()).rules(capped(1));
        processes.push(process.events(Memory::new()).build().unwrap());
    }
    let mut sent = Vec::new();
    for name in ["first", "second", "third", "fourth"] {
        let plan = processes[0].plan(campaign(name), people(PEOPLE as usize)).await.unwrap();
        sent.push(processes[0].release(&plan).await.unwrap());
    }
    let running: Vec<_> = processes.iter().map(Dispatch::start).collect();
    until("everybody has one and the rest waits for the cap", || async {
        let mut capped = 0;
        for sent in &sent {
            let progress = sent.report().await.unwrap().progress;
            let waits = progress.reasons().get(&Code::known("people.frequency_cap")).copied();
            capped += waits.unwrap_or_default();
        }
        u64::from(gateway.total()) + capped == 4 * u64::from(PEOPLE)
    })
    .await;
    assert!(gateway.nobody_twice(), "somebody got more than the cap allows");
    assert_eq!(gateway.total(), PEOPLE);
    for running in running {
        assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_stays_within_a_tenth_of_a_trip_per_message() {
    const MESSAGES: u32 = 2_000;
    let (store, gateway) = (Redis::connect(config()).await.unwrap(), Scripted::accepting());
    let busy = quick().with_concurrency(128).unpaced();
    let dispatch = Dispatch::builder(&store, gateway.clone()).config(busy).rules(capped(16));
    let dispatch = dispatch.events(Memory::new()).build().unwrap();
    let running = dispatch.start();
    // Of nobody anything is known at first, of everybody something then.
    for round in 1..=2 {
        let before = store.trips();
        let plan = dispatch.plan(campaign(&format!("{round}")), people(MESSAGES as usize)).await.unwrap();
        let planned = store.trips();
        dispatch.release(&plan).await.unwrap();
        until("all are sent", || async { gateway.total() == round * MESSAGES }).await;
        let (planning, sending) = (planned - before, store.trips() - planned);
        println!("round {round}: {planning} trips to plan, {sending} to send {MESSAGES}");
        assert!((planning + sending) * 10 <= u64::from(MESSAGES), "{planning} to plan, {sending} to send");
    }
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}
