use proptest::prelude::*;

use super::*;
use crate::quantity::Units;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn patch() -> SinkCaps {
    SinkCaps {
        name: SinkName(SinkName::PATCH.to_owned()),
        batch_max: 1,
        submissions_per_second: 5.0,
        burst: 5,
        usual_latency: Duration::from_secs(60),
        deadline: Duration::from_secs(600),
    }
}

fn feed() -> SinkCaps {
    SinkCaps {
        name: SinkName(SinkName::FEED.to_owned()),
        batch_max: 25_000,
        submissions_per_second: 1.0 / 60.0,
        burst: 5,
        usual_latency: Duration::from_secs(900),
        deadline: Duration::from_secs(8 * 3_600),
    }
}

fn state(caps: &SinkCaps, permits: u32) -> SinkState<'_> {
    SinkState { caps, permits, backlog: 0, latency: None, recent: &[] }
}

fn waiting(number: i64, shown: i64, a_day: f64, second: i64) -> Waiting {
    let quantity = |number| Quantity::clamped(Units::new(number));
    Waiting {
        quantity: quantity(number),
        shown: Some(quantity(shown)),
        rate: Rate::of(a_day, Duration::from_secs(86_400)),
        since: at(second),
    }
}

fn plan(waiting: &[Waiting], patch: Option<&SinkState<'_>>, feed: Option<&SinkState<'_>>) -> RoutePlan {
    RoutePlan::new(at(10_000), waiting, patch, feed, &FeedPace::default())
}

/// How many go by patch and by feed, and how many wait.
fn counts(plan: &RoutePlan) -> (usize, usize, usize) {
    let by = |name| {
        let submissions = plan.submissions.iter().filter(|(sink, _)| sink.0 == name);
        submissions.map(|(_, places)| places.len()).sum()
    };
    (by(SinkName::PATCH), by(SinkName::FEED), plan.later.len())
}

#[test]
fn the_most_urgent_goes_first() {
    let all = [
        waiting(50, 40, 1.0, 0), // rises
        waiting(50, 60, 1.0, 5), // falls
        waiting(50, 60, 9.0, 9), // falls, and sells more
        waiting(3, 2, 9.0, 0),   // low, and rises
        waiting(3, 9, 9.0, 0),   // low, and falls
        waiting(0, 4, 0.0, 9),   // is zeroed
        waiting(50, 60, 1.0, 2), // falls, and waits longer
        waiting(0, 0, 7.0, 0),   // is nothing already
    ];
    let patch = patch();
    let plan = plan(&all, Some(&state(&patch, 5)), None);
    let order: Vec<_> =
        plan.submissions.iter().flat_map(|(_, places)| places).chain(&plan.later).copied().collect();
    assert_eq!(order, [5, 4, 3, 7, 2, 6, 1, 0]);
    assert_eq!(counts(&plan), (5, 0, 3));
    assert_eq!(plan.again_at, Some(at(10_000) + Duration::from_millis(200)));
}

#[test]
fn what_can_be_patched_before_a_feed_is_through_is_patched() {
    let (patch, feed) = (patch(), feed());
    let (patch, feed) = (state(&patch, 5), state(&feed, 15));
    // 5 a second for 15 minutes.
    let few = vec![waiting(9, 8, 1.0, 0); 4_500];
    assert_eq!(counts(&plan(&few, Some(&patch), Some(&feed))), (5, 0, 4_495));
    let many = vec![waiting(9, 8, 1.0, 0); 10_000];
    assert_eq!(counts(&plan(&many, Some(&patch), Some(&feed))), (5, 5_500, 4_495));
    // Feeds were faster lately, and patches have something to do.
    let fast = SinkState { latency: Some(Duration::from_secs(300)), ..feed };
    let busy = SinkState { backlog: 500, ..patch };
    assert_eq!(counts(&plan(&many, Some(&busy), Some(&fast))), (5, 9_000, 995));
    // A feed for a hundred is not worth it.
    let hardly_more = vec![waiting(9, 8, 1.0, 0); 4_600];
    assert_eq!(counts(&plan(&hardly_more, Some(&patch), Some(&feed))), (5, 0, 4_595));
}

#[test]
fn a_feed_follows_the_last_one_after_twenty_minutes_unless_it_is_urgent() {
    let (patch, feed) = (patch(), feed());
    let (patch, recent) = (state(&patch, 0), [at(9_500)]);
    let feed = SinkState { recent: &recent, ..state(&feed, 15) };
    let many = vec![waiting(9, 8, 1.0, 0); 20_000];
    let plan_of = |waiting: &[Waiting], feed: &SinkState<'_>| plan(waiting, Some(&patch), Some(feed));
    // 20 minutes after the last are 700 s from now: patches reach (700 + 900) x 5 of them.
    let plan = plan_of(&many, &feed);
    assert_eq!(counts(&plan), (0, 0, 20_000));
    assert_eq!(plan.again_at, Some(at(10_000) + Duration::from_millis(200)));
    let feed_only = RoutePlan::new(at(10_000), &many, None, Some(&feed), &FeedPace::default());
    assert_eq!((counts(&feed_only), feed_only.again_at), ((0, 0, 20_000), Some(at(10_700))));
    // The last one is not through: it should be 900 s after it went.
    let slow = SinkState { backlog: 7, latency: Some(Duration::from_secs(3_000)), ..feed };
    let plan = RoutePlan::new(at(10_000), &many, None, Some(&slow), &FeedPace::default());
    assert_eq!(plan.again_at, Some(at(12_500)));
    // A full one goes at once, and so does one that takes something off Amazon.
    let full = vec![waiting(9, 8, 1.0, 0); 40_000];
    assert_eq!(counts(&plan_of(&full, &feed)), (0, 25_000, 15_000));
    let zeroing = vec![waiting(0, 8, 1.0, 0); 9_000];
    assert_eq!(counts(&plan_of(&zeroing, &feed)), (0, 4_500, 4_500));
}

#[test]
fn no_more_than_five_feeds_go_in_five_minutes() {
    let feed = feed();
    let recent = [9_000, 9_750, 9_760, 9_770, 9_780, 9_790].map(at);
    let feed = SinkState { recent: &recent, ..state(&feed, 15) };
    let full = vec![waiting(9, 8, 1.0, 0); 30_000];
    let plan = plan(&full, None, Some(&feed));
    assert_eq!((counts(&plan), plan.again_at), ((0, 0, 30_000), Some(at(10_050))));
}

#[test]
fn without_a_sink_everything_waits_for_one() {
    let plan = plan(&[waiting(9, 8, 1.0, 0)], None, None);
    assert_eq!((counts(&plan), plan.again_at), ((0, 0, 1), None));
}

proptest! {
    #[test]
    fn every_number_has_one_route_and_no_sink_gets_more_than_it_can_take(
        numbers in prop::collection::vec((0..30_i64, 0..30_i64, 0.0..20.0_f64), 0..400),
        permits in (0..20_u32, 0..3_u32),
        backlogs in (0..300_usize, 0..300_usize),
        latency in 1..100_u64,
        recent in prop::collection::vec(9_000..10_000_i64, 0..8),
        batch_max in 1..200_usize,
        sinks in (any::<bool>(), any::<bool>()),
        least_listings in 0..50_usize,
    ) {
        let waiting: Vec<_> =
            numbers.iter().map(|(number, shown, a_day)| waiting(*number, *shown, *a_day, 0)).collect();
        let (patch, feed) = (patch(), SinkCaps { batch_max, ..feed() });
        let mut recent: Vec<_> = recent.into_iter().map(at).collect();
        recent.sort_unstable();
        let patch = SinkState { backlog: backlogs.0, ..state(&patch, permits.0) };
        let feed = SinkState {
            backlog: backlogs.1,
            latency: Some(Duration::from_secs(latency)),
            recent: &recent,
            ..state(&feed, permits.1)
        };
        let pace = FeedPace { least_listings, ..FeedPace::default() };
        let plan =
            RoutePlan::new(at(10_000), &waiting, sinks.0.then_some(&patch), sinks.1.then_some(&feed), &pace);
        let gone = plan.submissions.iter().flat_map(|(_, places)| places);
        let mut places: Vec<_> = gone.chain(&plan.later).copied().collect();
        places.sort_unstable();
        prop_assert!(places.into_iter().eq(0..waiting.len()));
        let (patched, fed, later) = counts(&plan);
        prop_assert!(patched <= usize::from(sinks.0) * permits.0 as usize);
        prop_assert!(fed <= usize::from(sinks.1 && permits.1 > 0) * batch_max);
        let in_five_minutes = recent.iter().filter(|instant| **instant > at(9_700)).count();
        prop_assert!(fed == 0 || in_five_minutes < 5);
        prop_assert_eq!(plan.again_at.is_some(), later > 0 && (sinks.0 || sinks.1));
        // What is zeroed goes before everything else that is patched.
        let zeroed = |place: &usize| waiting[*place].quantity == Quantity::ZERO
            && waiting[*place].shown != Some(Quantity::ZERO);
        let by_patch: Vec<_> = plan.submissions.iter().filter(|(sink, _)| sink.0 == SinkName::PATCH).collect();
        prop_assert!(by_patch.iter().map(|(_, places)| !zeroed(&places[0])).is_sorted());
    }
}
