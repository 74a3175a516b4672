use std::time::Duration;

use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::clock::{Clock, SystemClock, after};
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, Report};
use whatsapp_dispatch::gateway::{ApiError, GatewayError};

use crate::house::{Scripted, campaign, finished, memory, people, sender, sqlite};

fn unwaiting() -> DispatchConfig {
    DispatchConfig::default().with_report_after(Duration::ZERO)
}

async fn run(store: &impl DispatchStore, gateway: Scripted, n: usize) -> Report {
    let dispatch = Dispatch::builder(store, gateway).config(unwaiting()).build().unwrap();
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("test"), people(n)).await.unwrap();
    assert_eq!(plan.progress().planned(), n as u64);
    let sent = dispatch.release(&plan).await.unwrap();
    let report = finished(&sent).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    report
}

pub(crate) fn sums_hold(report: &Report) {
    let progress = &report.progress;
    let counts: std::collections::BTreeMap<_, _> = report.counts().into_iter().collect();
    assert_eq!(
        counts["rows"],
        counts["malformed"]
            + counts["invalid"]
            + counts["duplicate"]
            + counts["suppressed"]
            + counts["planned"]
    );
    let states = [
        "waiting",
        "deferred",
        "cancelled",
        "expired",
        "dead",
        "failed",
        "unknown",
        "accepted_without_delivery",
        "delivered",
    ];
    assert_eq!(counts["planned"], states.iter().map(|state| counts[state]).sum::<u64>(), "{progress:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_one_message_on_memory() {
    let gateway = Scripted::accepting();
    let report = run(&memory(), gateway.clone(), 700).await;
    assert_eq!(report.progress.accepted, 700);
    assert_eq!(gateway.total(), 700);
    sums_hold(&report);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_one_message_on_sqlite() {
    let gateway = Scripted::accepting();
    let house = sqlite().await;
    let report = run(&house.store, gateway.clone(), 700).await;
    assert_eq!(report.progress.accepted, 700);
    assert_eq!(gateway.total(), 700);
    sums_hold(&report);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_retried_ended_or_left_in_doubt() {
    let gateway = Scripted::new(|to, nth| match to.digits() % 10 {
        1 => Err(GatewayError::Refused(ApiError::new(131_026, 400))),
        2 if nth < 3 => Err(GatewayError::Refused(ApiError::new(131_016, 400))),
        3 => Err(GatewayError::InDoubt { what: "the connection was closed", source: None }),
        _ => Ok(()),
    });
    let house = sqlite().await;
    let report = run(&house.store, gateway.clone(), 100).await;
    assert_eq!((report.failed(), report.unknown()), (10, 10));
    assert_eq!(report.progress.accepted, 80);
    assert_eq!(gateway.total(), 100 + 2 * 10);
    sums_hold(&report);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_two_tenants_sends_for_both() {
    let [ours, theirs] = ["main", "rival"].map(|name| TenantId::parse(name).unwrap());
    let tenants = [&ours, &theirs].map(|id| TenantRecord::new(id.clone()));
    let dispatch = Dispatch::builder(&memory(), Scripted::accepting())
        .config(unwaiting())
        .tenants(Tenants::new(FixedTenants::new(tenants)))
        .build()
        .unwrap();
    let running = dispatch.start();
    let tomorrow = after(SystemClock.now(), Duration::from_secs(86_400));
    let waits = dispatch.plan(campaign("test").starts_at(tomorrow), people(3)).await.unwrap();
    let _waits = dispatch.release(&waits).await.unwrap();
    let mut shared = sender();
    shared.tenant = theirs;
    let leaves = dispatch.plan(campaign("test").from(shared), people(3)).await.unwrap();
    let report = finished(&dispatch.release(&leaves).await.unwrap()).await;
    assert_eq!(report.progress.accepted, 3, "{report}");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}
