//! What becomes of doubt, what a round does, and what waits for its time.

use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use rules_core::work::clock::Clock;
use whatsapp_dispatch::campaign::UnknownPolicy;
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::dispatch::{Dispatch, Sent};
use whatsapp_dispatch::fact::Resend;
use whatsapp_dispatch::gateway::{ApiError, GatewayError};
use whatsapp_dispatch::template::Template;

use crate::campaign::sums_hold;
use crate::house::{Scripted, campaign, finished, jumping, people, quick, until};

const MINUTE: Duration = Duration::from_secs(60);

fn in_doubt() -> GatewayError {
    GatewayError::InDoubt { what: "nothing came", source: None }
}

async fn unknown(sent: &Sent) -> (u64, u64) {
    let report = sent.report().await.unwrap();
    (report.unknown(), report.progress.in_doubt())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marketing_in_doubt_is_given_up_and_the_campaign_ends() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::new(|_, _| Err(in_doubt()));
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(40)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("all are in doubt", || async { unknown(&sent).await == (40, 40) }).await;
    clock.jump(14 * MINUTE);
    assert_eq!(finished(&sent).await.record.status, Status::Released);
    clock.jump(2 * MINUTE);
    until("all are given up", || async { unknown(&sent).await == (40, 0) }).await;
    let report = finished(&sent).await;
    assert_eq!(report.record.status, Status::Finished);
    assert!(gateway.nobody_twice());
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn utility_in_doubt_is_sent_once_more() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::new(|to, nth| match nth {
        1 => Err(in_doubt()),
        2 if to.digits().is_multiple_of(2) => Err(in_doubt()),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let utility = campaign("test").template(Template::utility("diwali_offer", "en_US"));
    let plan = dispatch.plan(utility, people(40)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("all are in doubt", || async { unknown(&sent).await == (40, 40) }).await;
    assert!(gateway.nobody_twice());
    clock.jump(16 * MINUTE);
    until("all are sent again", || async { unknown(&sent).await == (20, 20) }).await;
    clock.jump(16 * MINUTE);
    until("the rest is given up", || async { unknown(&sent).await == (20, 0) }).await;
    let report = finished(&sent).await;
    assert_eq!((gateway.total(), report.progress.accepted, report.progress.risked), (80, 20, 40));
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_in_doubt_is_sent_again_at_once_within_its_attempts() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::new(|to, nth| match nth {
        1 => Err(in_doubt()),
        _ if to.digits().is_multiple_of(2) => Err(in_doubt()),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let codes = campaign("test").unknown(UnknownPolicy::Now).max_attempts(3);
    let plan = dispatch.plan(codes, people(20)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    until("attempts are used up", || async {
        clock.jump(Duration::from_secs(1));
        unknown(&sent).await == (10, 0)
    })
    .await;
    let report = finished(&sent).await;
    assert_eq!((gateway.total(), report.progress.accepted), (10 * 2 + 10 * 3, 10));
    sums_hold(&report);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_tries_again_what_failed_and_nothing_else() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::new(|to, nth| match nth {
        1 if to.digits().is_multiple_of(2) => Err(GatewayError::Refused(ApiError::new(131_026, 400))),
        _ => Ok(()),
    });
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let test = campaign("test").expires_after(60 * MINUTE);
    let plan = dispatch.plan(test, people(1_200)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    let report = finished(&sent).await;
    assert_eq!((report.failed(), report.progress.accepted), (600, 600), "{report}");
    // The expiry counts anew.
    clock.jump(120 * MINUTE);
    let round = sent.resend(Resend::Failed).await.unwrap();
    assert_eq!((round.number, round.messages), (1, 600));
    until("all are taken", || async { sent.report().await.unwrap().progress.accepted == 1_200 }).await;
    let report = finished(&sent).await;
    assert_eq!((report.failed(), gateway.total()), (0, 1_800), "{report}");
    sums_hold(&report);
    let nothing = sent.resend(Resend::Failed).await.unwrap();
    assert_eq!((nothing.number, nothing.messages), (2, 0));
    sent.cancel().await.unwrap();
    assert!(sent.resend(Resend::NotDelivered).await.is_err());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_a_pause_beyond_its_time_expires() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let plan = dispatch.plan(campaign("test").expires_after(60 * MINUTE), people(600)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    sent.pause().await.unwrap();
    let running = dispatch.start();
    clock.jump(61 * MINUTE);
    until("they expire", || async {
        clock.jump(Duration::from_secs(1));
        sent.report().await.unwrap().expired() == 600
    })
    .await;
    assert_eq!(gateway.total(), 0);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_before_the_start() {
    let (house, clock) = jumping().await;
    let gateway = Scripted::accepting();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(quick()).build().unwrap();
    let running = dispatch.start();
    let start = clock.now().trunc_subsecs(3) + TimeDelta::hours(2);
    let plan = dispatch.plan(campaign("test").starts_at(start), people(100)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    sent.pause().await.unwrap();
    sent.resume().await.unwrap();
    until("all are queued", || async { 0 < sent.report().await.unwrap().progress.queued }).await;
    let report = finished(&sent).await;
    let waits: Vec<_> = report.waits().into_iter().map(|wait| (wait.code.to_string(), wait.until)).collect();
    assert_eq!(waits, [("campaign.not_started".to_owned(), Some(start))]);
    assert_eq!((report.waiting(), gateway.total()), (100, 0));
    clock.jump(Duration::from_secs(2 * 3_600));
    until("all are sent", || async { gateway.total() == 100 }).await;
    assert!(gateway.nobody_twice());
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}
