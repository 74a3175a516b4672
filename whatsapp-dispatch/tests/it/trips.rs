//! What a message costs the store.

use std::time::Duration;

use rules_core::store::sqlite::Sqlite;
use whatsapp_dispatch::dispatch::Dispatch;

use crate::house::{Scripted, campaign, finished, people, quick, sqlite};

const MESSAGES: u32 = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planning_and_sending_cost_at_most_a_tenth_of_a_trip_per_message() {
    let house = sqlite().await;
    let trips = |store: &Sqlite| u32::try_from(store.trips()).unwrap();
    let gateway = Scripted::accepting();
    let config = quick().with_concurrency(128).unpaced();
    let dispatch = Dispatch::builder(&house.store, gateway.clone()).config(config).build().unwrap();
    let before = trips(&house.store);
    let plan = dispatch.plan(campaign("test"), people(MESSAGES as usize)).await.unwrap();
    let planned = trips(&house.store);
    let running = dispatch.start();
    let sent = dispatch.release(&plan).await.unwrap();
    // Watching the gateway costs no trip.
    crate::house::until("all are sent", || async { gateway.total() == MESSAGES }).await;
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    let done = trips(&house.store);
    let report = finished(&sent).await;
    assert_eq!(report.progress.accepted, u64::from(MESSAGES));
    let per_message = f64::from(done - before) / f64::from(MESSAGES);
    assert!(
        per_message <= 0.1,
        "{per_message} trips per message: {} to plan, {} to send",
        planned - before,
        done - planned
    );
}
