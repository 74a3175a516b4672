//! WhatsApp's own limits: people in 24 hours per portfolio, throughput of a number.

use std::time::Duration;

use bytes::Bytes;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::dispatch::{DirectContent, Dispatch, Sent};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::Category;

use crate::campaign::sums_hold;
use crate::house::{Jumping, Scripted, campaign, jumping, memory, people, quick, sender, until};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn accepted(sent: &Sent) -> u64 {
    sent.report().await.unwrap().progress.accepted
}

/// Waits until the portfolio's limit is what holds the campaign.
async fn until_full(sent: &Sent) {
    until("the portfolio is full", || async {
        let report = sent.report().await.unwrap();
        report.leased == 0 && report.holds.iter().any(|hold| hold.code.as_str() == "quota.people_exceeded")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portfolio_writes_to_as_many_people_as_it_may_in_24_hours() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let limited = campaign_of(sender().with_people_per_day(10));
    let plan = dispatch.plan(limited, people(25)).await.unwrap();
    assert!(plan.to_string().contains("1.5 days at 10 people in 24 hours"), "{plan}");
    let running = dispatch.start();
    let sent = dispatch.release(&plan).await.unwrap();
    for expected in [10, 20] {
        until_full(&sent).await;
        assert_eq!((accepted(&sent).await, u64::from(gateway.total())), (expected, expected));
        clock.jump(DAY);
    }
    until("everybody is reached", || async { accepted(&sent).await == 25 }).await;
    assert!(gateway.nobody_twice());
    sums_hold(&sent.report().await.unwrap());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_portfolio_keeps_back_only_what_counts() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let limited = sender().with_people_per_day(10);
    let plan = dispatch.plan(campaign_of(limited.clone()), people(25)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until_full(&sent).await;
    let fragment = br#""type":"template","template":{"name":"receipt","language":{"code":"en"}}"#;
    let receipt = || DirectContent::template(Category::Utility, Bytes::from_static(fragment));
    let known = *gateway.posts.lock().unwrap().keys().next().unwrap();
    let stranger = PhoneNumber::from_digits(4_915_112_345_678).unwrap();
    let waits = dispatch.send(&limited, stranger, receipt(), "to a stranger").await.unwrap();
    let leaves = dispatch.send(&limited, known, receipt(), "to one of the ten").await.unwrap();
    until("it leaves", || async { leaves.state().await.unwrap() == State::Accepted }).await;
    until("it waits", || async { waits.state().await.unwrap() == State::Deferred }).await;
    assert_eq!(waits.facts().await.unwrap().code.unwrap().as_str(), "quota.people_exceeded");
    until("there is room", || async {
        clock.jump(Duration::from_secs(3_600));
        waits.state().await.unwrap() == State::Accepted
    })
    .await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

fn campaign_of(sender: Sender) -> whatsapp_dispatch::campaign::Campaign {
    campaign("test").from(sender)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_of_one_portfolio_share_its_limit() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let tenants = two_tenants(&clock);
    let dispatch =
        Dispatch::builder(&house.store, gateway.clone()).tenants(tenants).config(quick()).build().unwrap();
    let running = dispatch.start();
    let other = Sender::new(
        NumberId::parse("106540352242923").unwrap(),
        "102290129340399",
        TenantId::parse("other").unwrap(),
        sender().secret,
    );
    let mut all = Vec::new();
    for sender in [sender(), other.with_rate(1_000)] {
        let sender = sender.in_portfolio("shared").with_people_per_day(12);
        let plan = dispatch.plan(campaign_of(sender), people(10)).await.unwrap();
        all.push(dispatch.release(&plan).await.unwrap());
    }
    until("the same ten people have the messages of both tenants", || async {
        accepted(&all[0]).await + accepted(&all[1]).await == 20
    })
    .await;
    assert_eq!(gateway.total(), 20);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

fn two_tenants(clock: &Jumping) -> Tenants {
    let records = ["main", "other"].map(|name| TenantRecord::new(TenantId::parse(name).unwrap()));
    Tenants::new(FixedTenants::new(records)).with_clock(std::sync::Arc::new(clock.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_whatsapp_tells_replaces_the_configured_one() {
    let store = memory();
    let dispatch = Dispatch::builder(&store, Scripted::accepting()).config(quick()).build().unwrap();
    let sender = sender().with_people_per_day(10);
    dispatch.portfolio_limit(&sender, Some(2_000)).await.unwrap();
    let plan = dispatch.plan(campaign_of(sender.clone()), people(25)).await.unwrap();
    assert!(!plan.to_string().contains("people in 24 hours"), "{plan}");
    dispatch.portfolio_limit(&sender, Some(0)).await.unwrap();
    let plan = dispatch.plan(campaign_of(sender), people(25)).await.unwrap();
    assert!(plan.to_string().contains("the portfolio may write to nobody"), "{plan}");
}
