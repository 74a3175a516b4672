//! The quick start of the README, run as it stands there.

// ANCHOR: quick_start
use std::time::Duration;

use rules_core::store::sqlite::Sqlite;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::dispatch::{Dispatch, Report, Webhooks};
use whatsapp_dispatch::recipients::Csv;
use whatsapp_dispatch::simulator::Simulator;
use whatsapp_dispatch::template::Template;

async fn quick_start() -> anyhow::Result<Report> {
    let store = Sqlite::open("campaigns.db").await?; // or Memory::new()
    let meta = Simulator::start().await?; // a Cloud API on 127.0.0.1: no account needed
    let dispatch = Dispatch::new(&store, meta.gateway())?; // safe defaults, one tenant
    meta.deliver_webhooks_to(Webhooks::new(&dispatch, meta.webhook_config())?);
    let running = dispatch.start(); // sends, retries, tracks what came of it

    let campaign = Campaign::new("diwali-2026", meta.sender())
        .template(Template::marketing("diwali_offer", "en_US"))
        .body(["{first_name}", "{discount}"]) // columns of the file
        .assume_consent() // without it, people without consent are left out
        .expires_after(Duration::from_hours(24)); // counted from the release
    let plan = dispatch.plan(campaign, Csv::open("people.csv")?).await?;
    println!("{plan}"); // who goes, who doesn't and why, how long it takes

    let sent = dispatch.release(&plan).await?; // repeat it: nobody gets it twice
    let report = sent.finished().await?;
    println!("{report}"); // delivered, read, failed, unknown
    running.drain(Duration::from_secs(30)).await?; // finish or hand back
    Ok(report)
}
// ANCHOR_END: quick_start

const PEOPLE: &str = "\
phone,first_name,discount,opted_out
+919876543210,Asha,20 %,
+4915123456789,Jürgen,15 %,no
+447700900123,Sam,10 %,
+44 7700 900123,Samuel,10 %,
+12025550142,Alex,20 %,yes
";

// The only test of this file, because it changes the process's folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quick_start_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    std::fs::write("people.csv", PEOPLE).unwrap();
    let report = quick_start().await.unwrap();

    // One duplicate in another spelling, one opt-out.
    assert_eq!((report.progress.rows(), report.progress.planned()), (5, 3), "{report}");
    let known = report.delivered() + report.failed() + report.unknown() + report.accepted_without_delivery();
    assert_eq!(known, 3, "{report}");
}
