use super::*;
use crate::marketplace::{MarketError, Marketplace};
use crate::sink::{QuantitySink, Submitted};

async fn rig(behaviour: Behaviour, faults: Faults) -> Rig {
    let listing = ListingPlan::merchant(sku("MUG"), 50).lead_time(3);
    Rig::of(calm().behaviour(behaviour).faults(faults).listing(&owner(), listing)).await
}

fn slow() -> Behaviour {
    let mut behaviour = Behaviour::prompt();
    behaviour.patch_effect = Span::seconds(60, 300);
    behaviour
}

async fn submit(rig: &Rig, quantity: i64) -> Submitted {
    let writes = [rig.write("MUG", quantity)];
    rig.amazon.patches().submit(&rig.account, &writes).await.unwrap().remove(0)
}

async fn state(rig: &Rig) -> (Option<u32>, Option<u32>) {
    let states = rig.amazon.marketplace().listings(&rig.account, &[sku("MUG")]).await.unwrap();
    let state = &states[0][0];
    (state.declared.map(Quantity::get), state.effective.map(Quantity::get))
}

#[tokio::test]
async fn a_patch_is_accepted_at_once_and_takes_effect_one_to_five_minutes_later() {
    let rig = rig(slow(), Faults::none()).await;
    assert!(matches!(submit(&rig, 20).await, Submitted::Accepted(Some(_))));
    rig.pass(5);
    assert_eq!(state(&rig).await, (Some(50), Some(50)));
    rig.pass(54);
    assert_eq!(rig.shown("MUG"), 50);
    rig.pass(241);
    assert_eq!(state(&rig).await, (Some(20), Some(20)));
}

#[tokio::test]
async fn the_stored_number_changes_before_buyers_see_it() {
    let rig = rig(slow(), Faults::none()).await;
    submit(&rig, 20).await;
    let mut seen = Vec::new();
    for _ in 0..300 {
        rig.pass(1);
        seen.push(state(&rig).await);
    }
    seen.dedup();
    assert_eq!(seen, [(Some(50), Some(50)), (Some(20), Some(50)), (Some(20), Some(20))]);
}

#[tokio::test]
async fn a_write_is_absolute_and_wipes_what_amazon_counted_meanwhile() {
    let rig = rig(slow(), Faults::none()).await;
    submit(&rig, 20).await;
    rig.pass(30);
    rig.place(ScriptedOrder::of(sku("MUG"), 5));
    assert_eq!(rig.shown("MUG"), 45);
    rig.pass(300);
    assert_eq!(rig.shown("MUG"), 20);
}

#[tokio::test]
async fn a_lost_write_is_accepted_and_never_seen_again() {
    let mut faults = Faults::none();
    faults.lost_write = 1.0;
    let rig = rig(slow(), faults).await;
    assert!(matches!(submit(&rig, 20).await, Submitted::Accepted(_)));
    rig.pass(24 * 3_600);
    assert_eq!(state(&rig).await, (Some(50), Some(50)));
}

#[tokio::test]
async fn a_stuck_write_leaves_the_stored_number_right_and_the_shown_one_wrong() {
    let mut faults = Faults::none();
    faults.stuck_write = 1.0;
    let rig = rig(slow(), faults).await;
    submit(&rig, 20).await;
    rig.pass(24 * 3_600);
    assert_eq!(state(&rig).await, (Some(20), Some(50)));
}

#[tokio::test]
async fn an_older_write_may_arrive_last_and_win() {
    let mut faults = Faults::none();
    faults.late_write = 0.5;
    let mut overtaken = 0;
    for seed in 0..20 {
        let listing = ListingPlan::merchant(sku("MUG"), 50);
        let world = calm().seed(seed).behaviour(slow()).faults(faults.clone()).listing(&owner(), listing);
        let rig = Rig::of(world).await;
        submit(&rig, 20).await;
        rig.pass(10);
        submit(&rig, 10).await;
        rig.pass(3_600);
        overtaken += u32::from(rig.shown("MUG") == 20);
    }
    assert!((1..=15).contains(&overtaken), "{overtaken}");
}

#[tokio::test]
async fn what_it_should_not_or_cannot_write_is_refused_by_the_sink() {
    let rig = Rig::of(calm().listing(&owner(), ListingPlan::amazon(sku("LAMP"), 9))).await;
    let mut write = rig.write("LAMP", 3);
    write.listing = ListingKey::new(rig.account.clone(), sku("LAMP"), Channel::of("AMAZON_NA"));
    let unknown = rig.write("NOTHING", 3);
    let answers = rig.amazon.patches().submit(&rig.account, &[write, unknown]).await.unwrap();
    assert!(
        matches!(&answers[0], Submitted::Invalid { why } if why.contains("shipped by Amazon")),
        "{answers:?}"
    );
    assert!(matches!(&answers[1], Submitted::Invalid { why } if why.contains("8560")), "{answers:?}");
    assert_eq!(rig.shown("LAMP"), 9);
}

#[tokio::test]
async fn a_merchants_number_for_a_listing_that_amazon_ships_flips_it() {
    let rig = Rig::of(calm().listing(&owner(), ListingPlan::amazon(sku("LAMP"), 9))).await;
    let writes = [rig.write("LAMP", 3)];
    rig.amazon.patches().submit(&rig.account, &writes).await.unwrap();
    rig.pass(1);
    let states = rig.amazon.marketplace().listings(&rig.account, &[sku("LAMP")]).await.unwrap();
    assert_eq!((states[0][0].channel.clone(), rig.shown("LAMP")), (Channel::Merchant, 3));
    let flips = rig.amazon.world(World::take_happenings);
    assert!(flips.iter().any(|happening| matches!(happening.what, What::Flipped { .. })));
}

#[tokio::test]
async fn a_number_on_its_way_is_overtaken_when_somebody_hands_the_listing_to_amazon() {
    let rig = rig(slow(), Faults::none()).await;
    rig.amazon.patches().submit(&rig.account, &[rig.write("MUG", 3)]).await.unwrap();
    rig.amazon.world(|world| world.happen(Incident::Flip(owner(), sku("MUG"), "AMAZON_NA".to_owned(), 9)));
    rig.pass(4 * 3_600);
    assert_eq!((rig.shown("MUG"), rig.amazon.report().listings_flipped), (9, 0));
}

#[tokio::test]
async fn more_patches_than_the_burst_are_not_now_and_say_when() {
    let rig = rig(slow(), Faults::none()).await;
    let writes: Vec<_> = (0..7).map(|n| rig.write("MUG", n)).collect();
    let answers = rig.amazon.patches().submit(&rig.account, &writes).await.unwrap();
    let accepted = answers.iter().filter(|answer| matches!(answer, Submitted::Accepted(_))).count();
    assert_eq!(accepted, 5);
    let again_at = Some(nine() + TimeDelta::milliseconds(200));
    assert_eq!(answers[6], Submitted::NotNow { again_at });
}

#[tokio::test]
async fn luck_hits_calls_as_often_as_asked_and_a_lost_answer_was_carried_out() {
    let mut faults = Faults::none();
    faults.lost_answer = 1.0;
    let rig = rig(Behaviour::prompt(), faults).await;
    assert_eq!(submit(&rig, 20).await, Submitted::InDoubt);
    rig.pass(1);
    assert_eq!(rig.shown("MUG"), 20);
    let refused = rig.amazon.marketplace().listings(&rig.account, &[sku("MUG")]).await.unwrap_err();
    assert!(matches!(refused, MarketError::InDoubt { .. }), "{refused}");
}

#[tokio::test]
async fn a_lost_request_and_a_servers_failure_change_nothing() {
    let mut lost = Faults::none();
    lost.lost_request = 1.0;
    let mut broken = Faults::none();
    broken.server_error = 1.0;
    let rig_lost = rig(Behaviour::prompt(), lost).await;
    assert_eq!(submit(&rig_lost, 20).await, Submitted::InDoubt);
    let rig_broken = rig(Behaviour::prompt(), broken).await;
    assert!(matches!(submit(&rig_broken, 20).await, Submitted::Failed { .. }));
    for rig in [rig_lost, rig_broken] {
        rig.pass(60);
        assert_eq!(rig.shown("MUG"), 50);
    }
}

#[tokio::test]
async fn the_next_calls_meet_the_trouble_that_was_ordered() {
    let rig = rig(Behaviour::prompt(), Faults::none()).await;
    rig.amazon.world(|world| {
        for trouble in [
            Trouble::Throttled,
            Trouble::Unavailable,
            Trouble::ServerError,
            Trouble::LostRequest,
            Trouble::LostAnswer,
        ] {
            world.happen(Incident::Trouble(Operation::PatchListingsItem, trouble, 1));
        }
    });
    let mut seen = Vec::new();
    for quantity in 20..26 {
        rig.pass(1);
        let answer = submit(&rig, quantity).await;
        rig.pass(1);
        seen.push((format!("{answer:?}").split([' ', '(']).next().unwrap().to_owned(), rig.shown("MUG")));
    }
    let story =
        [("NotNow", 50), ("Failed", 50), ("Failed", 50), ("InDoubt", 50), ("InDoubt", 24), ("Accepted", 25)];
    assert_eq!(seen, story.map(|(answer, shown)| (answer.to_owned(), shown)));
}

#[tokio::test]
async fn writes_that_change_nothing_are_counted_and_are_no_use_of_the_budget() {
    let rig = rig(Behaviour::prompt(), Faults::none()).await;
    for quantity in [50, 20, 20, 21] {
        rig.pass(1);
        submit(&rig, quantity).await;
    }
    rig.pass(600);
    submit(&rig, 21).await;
    let report = rig.amazon.report();
    let patches = &report.operations[0];
    assert_eq!((patches.calls, patches.useful, patches.idle), (5, 2, 3));
    assert_eq!((report.writes, report.writes_idle), (5, 3));
    // From the first call to the last useful one there were three seconds at five a second.
    assert!((patches.allowed - 20.0).abs() < 1e-9 && (patches.share - 0.1).abs() < 1e-9, "{patches:?}");
}
