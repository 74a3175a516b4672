use chrono_tz::{
    Africa::Cairo,
    America::{Havana, New_York, Santiago, Sao_Paulo, Scoresbysund, St_Johns},
    Asia::{Beirut, Kolkata},
    Australia::Lord_Howe,
    Pacific::Apia,
    TZ_VARIANTS,
};
use proptest::prelude::*;

use super::*;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn days_with_changed_clocks_begin_and_end_where_they_should() {
    let cases = [
        ("an ordinary day", Kolkata, "2026-01-05T12:00:00Z", "2026-01-04T18:30:00Z", "2026-01-05T18:30:00Z"),
        ("23 hours", New_York, "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("25 hours", New_York, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        // Clocks go from 24:00 to 01:00: the day begins at 01:00.
        ("no midnight", Sao_Paulo, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        (
            "before no midnight",
            Sao_Paulo,
            "2018-11-04T02:59:59Z",
            "2018-11-03T03:00:00Z",
            "2018-11-04T03:00:00Z",
        ),
        // Clocks go from 24:00 to 23:00: the day has 25 hours and its last one comes twice.
        ("23:00 twice", Sao_Paulo, "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
        ("no midnight", Cairo, "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
        ("no midnight", Beirut, "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        ("no midnight", Santiago, "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"),
        // Clocks go from 01:00 to 00:00: midnight comes twice, and the first one counts.
        ("midnight twice", Havana, "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ("24.5 hours", Lord_Howe, "2026-04-05T00:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        ("23.5 hours", Lord_Howe, "2026-10-04T00:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),
        (
            "the day before",
            Scoresbysund,
            "2024-03-30T12:00:00Z",
            "2024-03-30T01:00:00Z",
            "2024-03-31T01:00:00Z",
        ),
        (
            "a changed zone",
            Scoresbysund,
            "2024-03-31T12:00:00Z",
            "2024-03-31T01:00:00Z",
            "2024-04-01T01:00:00Z",
        ),
        // 30 December 2011 was left out.
        ("the 29th", Apia, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("the 31st", Apia, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        // Clocks went from 00:01 back to 23:01: the new day keeps the hour that comes again.
        ("23:01 twice", St_Johns, "2010-11-07T02:45:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        ("23:01 again", St_Johns, "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
    ];
    for (case, zone, now, start, end) in cases {
        let expected = Span { start: instant(start), end: Some(instant(end)) };
        assert_eq!(Window::Day(zone).at(instant(now)), expected, "{case} in {zone} at {now}");
    }
}

#[test]
fn an_allowance_is_one_window() {
    let span = Window::Lifetime.at(instant("2026-01-05T12:00:00Z"));
    assert_eq!(span, Window::Lifetime.at(instant("1999-01-05T12:00:00Z")));
    assert_eq!(span, Window::Lifetime.after(span, instant("2099-01-05T12:00:00Z")));
}

#[test]
fn the_ends_of_time_do_not_break_a_day() {
    for zone in [New_York, Kolkata] {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let day = Window::Day(zone).at(now);
            assert_eq!(Window::Day(zone).after(day, now).start, day.start);
        }
    }
}

prop_compose! {
    fn zones()(index in 0..TZ_VARIANTS.len()) -> Tz { TZ_VARIANTS[index] }
}

prop_compose! {
    /// An instant from 1990 to 2060.
    fn instants()(second in 631_152_000..2_840_140_800_i64, nano in 0..1_000_000_000_u32) -> DateTime<Utc> {
        DateTime::from_timestamp(second, nano).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_instant_lies_in_one_day_and_days_touch(zone in zones(), now in instants()) {
        let window = Window::Day(zone);
        let day = window.at(now);
        let end = day.end.unwrap();
        let last = end - TimeDelta::nanoseconds(1);

        prop_assert!(day.holds(now));
        prop_assert_eq!(window.at(day.start), day);
        prop_assert_eq!(window.at(last), day);
        prop_assert_eq!(window.at(end).start, end);
        prop_assert_eq!(window.after(day, now), day);
        prop_assert_eq!(window.after(day, last), day);
        prop_assert_eq!(window.after(day, end), window.at(end));
    }

    #[test]
    fn a_day_is_a_date(zone in zones(), now in instants()) {
        let day = Window::Day(zone).at(now);
        let date = local_date(zone, day.start);
        if local_date(zone, now) != date {
            // Only where clocks went back over midnight in the hours before.
            prop_assert_eq!(next(local_date(zone, now)), date);
            prop_assert!(now - day.start < TimeDelta::hours(3));
        }
        prop_assert!(local_date(zone, day.start - TimeDelta::seconds(1)) < date);
        prop_assert!(date < local_date(zone, day.end.unwrap()));
    }

    #[test]
    fn whoever_moves_between_zones_gets_whole_days_that_never_overlap(
        start in instants(),
        moves in prop::collection::vec((zones(), 0..200_000_i64), 1..20),
    ) {
        let mut now = start;
        let mut newest: Option<Span> = None;
        for (zone, seconds) in moves {
            now += TimeDelta::seconds(seconds);
            let window = Window::Day(zone);
            let span = newest.map_or_else(|| window.at(now), |last| window.after(last, now));
            prop_assert!(span.holds(now));
            match newest {
                Some(last) if span.start == last.start => prop_assert!(last.end <= span.end),
                Some(last) => prop_assert!(last.end.unwrap() <= span.start),
                None => {}
            }
            if newest.is_none_or(|last| span.start != last.start) {
                prop_assert_eq!(span, window.at(now));
                newest = Some(span);
            }
        }
    }
}
