//! Campaigns that are paused, cancelled, late, limited, throttled or refused at the last gate.

use std::time::Duration;

use rules_core::judge::code::Code;
use rules_core::judge::key::Outlet;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::clock::Clock;
use rules_core::work::pacer::Pacer;
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore};
use whatsapp_dispatch::fact::State;
use whatsapp_dispatch::gateway::{ApiError, GatewayError};
use whatsapp_dispatch::people::{Address, ConsentChange, ConsentSource, People};
use whatsapp_dispatch::phone::PhoneNumber;

use crate::campaign::sums_hold;
use crate::house::{
    Jumping, Scripted, SqliteHouse, campaign, finished, jumping, memory, people, quick, sender, sqlite, until,
};

fn tenants(clock: &Jumping, record: impl Fn(TenantRecord) -> TenantRecord) -> Tenants {
    let main = TenantRecord::new(TenantId::parse("main").unwrap());
    Tenants::new(FixedTenants::new([record(main)])).with_clock(std::sync::Arc::new(clock.clone()))
}

async fn pause_and_resume(store: &impl DispatchStore) {
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(900)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("some are sent", || async { 50 < gateway.total() }).await;
    sent.pause().await.unwrap();
    let paused = finished(&sent).await;
    assert_eq!(paused.record.status, Status::Paused);
    assert!(0 < paused.waiting(), "{paused}");
    sums_hold(&paused);
    sent.resume().await.unwrap();
    let report = finished(&sent).await;
    assert_eq!((report.progress.accepted, gateway.total()), (900, 900));
    assert!(gateway.nobody_twice());
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_pause_everybody_gets_it_once_on_memory() {
    pause_and_resume(&memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_pause_everybody_gets_it_once_on_sqlite() {
    pause_and_resume(&jumping().await.0.store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_begun_when_a_campaign_is_cancelled_never_is() {
    let (house, _) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(900)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("some are sent", || async { 50 < gateway.total() }).await;
    sent.cancel().await.unwrap();
    let report = finished(&sent).await;
    assert!(0 < report.cancelled(), "{report}");
    assert_eq!(report.progress.accepted + report.cancelled(), 900);
    assert_eq!(u64::from(gateway.total()), report.progress.accepted);
    sums_hold(&report);
    assert!(sent.resume().await.is_err() && dispatch.release(&plan).await.is_err());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    assert_eq!(u64::from(gateway.total()), report.progress.accepted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_late_expires() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let campaign = campaign("test").expires_after(Duration::from_secs(3_600));
    let plan = dispatch.plan(campaign, people(60)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    clock.jump(Duration::from_secs(3_601));
    let running = dispatch.start();
    let report = finished(&sent).await;
    assert_eq!((report.expired(), gateway.total()), (60, 0), "{report}");
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daily_limit_holds_and_the_next_day_goes_on() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone())
        .config(quick())
        .tenants(tenants(&clock, |main| main.with_daily_limit(50)))
        .build()
        .unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(120)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    for total in [50, 100, 120] {
        let report = finished(&sent).await;
        assert_eq!((gateway.total(), report.progress.accepted), (total, u64::from(total)), "{report}");
        sums_hold(&report);
        if total < 120 {
            let codes: Vec<String> = report.waits().iter().map(|wait| wait.code.to_string()).collect();
            assert_eq!(codes, ["quota.daily_exceeded"]);
            let midnight = report.waits()[0].until.unwrap();
            assert_eq!(midnight.time(), chrono::NaiveTime::MIN);
            clock.jump((midnight - clock.now()).to_std().unwrap());
            until("the day has begun", || async { total < gateway.total() }).await;
        }
    }
    assert!(gateway.nobody_twice());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_messages_give_their_unit_of_the_day_back() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::new(|to, _| match to.digits() % 2 {
        0 => Err(GatewayError::Refused(ApiError::new(131_026, 400))),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone())
        .config(quick())
        .tenants(tenants(&clock, |main| main.with_daily_limit(60)))
        .build()
        .unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(60)).await.unwrap();
    let report = finished(&dispatch.release(&plan).await.unwrap()).await;
    assert_eq!((report.progress.accepted, report.failed()), (30, 30));
    let second = dispatch.plan(campaign("second"), people(30)).await.unwrap();
    let report = finished(&dispatch.release(&second).await.unwrap()).await;
    assert_eq!((report.progress.accepted, report.failed()), (15, 15), "{report}");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

async fn opt_out(house: &SqliteHouse, clock: &Jumping, number: PhoneNumber) {
    let main = TenantId::parse("main").unwrap();
    let scope = tenants(clock, |main| main).enter(&main).await.unwrap();
    let address = Address::new(&scope, number.canonical());
    let word = ConsentChange::opt_out(address, ConsentSource::Word, clock.now());
    house.store.consent(&[word]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opts_out_between_plan_and_release_gets_nothing() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let plan = dispatch.plan(campaign("test"), people(20)).await.unwrap();
    assert_eq!(plan.progress().planned(), 20);
    let gone = PhoneNumber::parse("+919800000007").unwrap();
    opt_out(&house, &clock, gone).await;
    let running = dispatch.start();
    let report = finished(&dispatch.release(&plan).await.unwrap()).await;
    assert_eq!((report.dead(), report.progress.accepted), (1, 19), "{report}");
    assert!(!gateway.posts.lock().unwrap().contains_key(&gone));
    let reasons: Vec<String> = report.progress.reasons().keys().map(ToString::to_string).collect();
    assert_eq!(reasons, ["consent.opted_out"]);
    sums_hold(&report);
    let second = dispatch.plan(campaign("second"), people(20)).await.unwrap();
    assert_eq!(second.progress().planned(), 19, "the next plan knows");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttled_messages_use_up_no_attempt() {
    let (house, clock) = jumping().await;
    // Six throttles are more than the campaign's two attempts.
    let gateway = Scripted::new(|_, nth| match nth {
        1..=3 => Err(GatewayError::Refused(ApiError::new(130_429, 429))),
        4..=6 => Err(GatewayError::Throttled { retry_after: None }),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test").max_attempts(2), people(10)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    let skipping = tokio::spawn({
        let clock = clock.clone();
        async move {
            loop {
                rules_core::work::clock::ClockExt::sleep(&clock, Duration::from_millis(500)).await;
                clock.jump(Duration::from_secs(1));
            }
        }
    });
    let report = finished(&sent).await;
    skipping.abort();
    assert_eq!((report.progress.accepted, gateway.total()), (10, 70), "{report}");
    assert_eq!(report.progress.begun, 70);
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_slows_the_number_down() {
    let store = memory();
    let gateway = Scripted::new(|_, nth| match nth {
        1 => Err(GatewayError::Refused(ApiError::new(130_429, 429))),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(100)).await.unwrap();
    let report = finished(&dispatch.release(&plan).await.unwrap()).await;
    assert_eq!((report.progress.accepted, gateway.total()), (100, 200), "{report}");
    let main = TenantId::parse("main").unwrap();
    let scope = tenants(&Jumping::at_noon(), |main| main).enter(&main).await.unwrap();
    let outlet = Outlet::new(&scope, sender().number_id.as_str()).unwrap();
    let rate = store.rates(&[outlet]).await.unwrap()[0].unwrap();
    assert!(rate.per_second < 900.0, "{rate:?} of 1,000 a second");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_template_pauses_the_campaign_until_somebody_resumes_it() {
    let (house, _) = jumping().await;
    let gateway = Scripted::new(|to, nth| match (to.digits() % 40, nth) {
        (7, 1) => Err(GatewayError::Refused(ApiError::new(132_015, 400))),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(200)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    let mut pauses = 0;
    let report = loop {
        let report = finished(&sent).await;
        sums_hold(&report);
        if report.record.status != Status::Paused {
            break report;
        }
        pauses += 1;
        assert_eq!(report.record.reason.as_ref().unwrap().as_str(), "whatsapp.132015");
        until("the lane is held", || async { !sent.report().await.unwrap().waits().is_empty() }).await;
        assert_eq!(sent.report().await.unwrap().waits()[0].code.as_str(), "whatsapp.132015");
        sent.resume().await.unwrap();
    };
    assert!((1..=5).contains(&pauses), "{pauses}");
    assert_eq!((report.progress.accepted, report.progress.in_state(State::Accepted)), (200, 200), "{report}");
    assert_eq!(gateway.total(), 205);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_stops_at_its_allowance_and_says_so() {
    let house = sqlite().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("allowance").allowance(30), people(100)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("thirty are accepted", || async { 30 <= sent.report().await.unwrap().progress.accepted }).await;
    until("the campaign is paused", || async {
        sent.record().await.unwrap().reason == Some(Code::known("quota.campaign_exceeded"))
    })
    .await;
    // Resuming without a larger allowance sends nobody more.
    sent.resume().await.unwrap();
    until("it is paused again", || async { sent.record().await.unwrap().status == Status::Paused }).await;
    assert_eq!(gateway.total(), 30);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}
