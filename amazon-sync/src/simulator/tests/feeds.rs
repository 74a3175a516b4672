use super::*;
use crate::sink::{QuantitySink, SubmissionRef, SubmissionState, Submitted};

async fn rig(faults: Faults) -> Rig {
    let mut behaviour = Behaviour::prompt();
    behaviour.feed_effect = Span::seconds(600, 600);
    let mut world = calm().behaviour(behaviour).faults(faults);
    for name in ["CUP", "MUG"] {
        world = world.listing(&owner(), ListingPlan::merchant(sku(name), 50));
    }
    Rig::of(world).await
}

async fn submit(rig: &Rig, names: &[&str]) -> SubmissionRef {
    let writes: Vec<_> = names.iter().map(|name| rig.write(name, 20)).collect();
    let answers = rig.amazon.feeds().submit(&rig.account, &writes).await.unwrap();
    match &answers[0] {
        Submitted::Accepted(Some(feed)) => feed.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_feed_takes_its_time_and_reports_what_is_refused_and_what_is_in_effect() {
    let rig = rig(Faults::none()).await;
    let feed = submit(&rig, &["MUG", "NOTHING", "CUP"]).await;
    let pending = rig.amazon.feeds().status(&rig.account, &feed).await.unwrap();
    assert_eq!(pending, SubmissionState::Pending { again_at: nine() + TimeDelta::seconds(30) });
    rig.pass(299);
    assert_eq!(rig.shown("MUG"), 50);
    rig.pass(301);
    let done = rig.amazon.feeds().status(&rig.account, &feed).await.unwrap();
    let SubmissionState::Done { refused, effective } = done else { panic!("{done:?}") };
    assert_eq!(refused.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>(), ["NOTHING"]);
    let twenty = Quantity::new(20).unwrap();
    assert_eq!(effective, [("CUP".to_owned(), twenty), ("MUG".to_owned(), twenty)]);
    assert_eq!((rig.shown("CUP"), rig.shown("MUG")), (20, 20));
}

#[tokio::test]
async fn a_feed_may_be_fatal_and_then_changes_nothing() {
    let mut faults = Faults::none();
    faults.fatal_feed = 1.0;
    let rig = rig(faults).await;
    let feed = submit(&rig, &["MUG"]).await;
    rig.pass(600);
    let failed = rig.amazon.feeds().status(&rig.account, &feed).await.unwrap();
    assert_eq!(failed, SubmissionState::Failed { why: "FATAL".into() });
    rig.pass(24 * 3_600);
    assert_eq!(rig.shown("MUG"), 50);
}

#[tokio::test]
async fn a_slow_feed_takes_half_an_hour_to_eight_hours() {
    let mut faults = Faults::none();
    faults.slow_feed = 1.0;
    let rig = rig(faults).await;
    let feed = submit(&rig, &["MUG"]).await;
    rig.pass(1_799);
    let pending = rig.amazon.feeds().status(&rig.account, &feed).await.unwrap();
    assert!(matches!(pending, SubmissionState::Pending { .. }), "{pending:?}");
    rig.pass(8 * 3_600);
    let done = rig.amazon.feeds().status(&rig.account, &feed).await.unwrap();
    assert!(matches!(done, SubmissionState::Done { .. }), "{done:?}");
}

#[tokio::test]
async fn five_listings_feeds_in_five_minutes_and_no_more() {
    let rig = rig(Faults::none()).await;
    for _ in 0..5 {
        submit(&rig, &["MUG"]).await;
    }
    let writes = [rig.write("MUG", 3)];
    let sixth = rig.amazon.feeds().submit(&rig.account, &writes).await.unwrap();
    assert!(matches!(sixth[0], Submitted::NotNow { again_at: Some(_) }), "{sixth:?}");
    rig.pass(61);
    submit(&rig, &["MUG"]).await;
}
