use std::borrow::Cow;

use super::super::wire::Parameter;
use super::*;
use crate::sender::NumberId;
use rules_core::judge::tenant::TenantId;
use rules_core::work::secrets::SecretRef;

fn meta(faults: Faults) -> Meta {
    Meta {
        seed: 7,
        faults,
        numbers: numbers(10),
        templates: Approved::defaults(),
        keep_statuses: 1_000,
        state: State::default(),
    }
}

fn numbers(rate: u32) -> Vec<Sender> {
    let (id, tenant) = (NumberId::parse("1").unwrap(), TenantId::parse("main").unwrap());
    vec![Sender::new(id, "2", tenant, SecretRef::named("token")).with_rate(rate)]
}

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_789_000_000_000 + ms).unwrap()
}

fn post_of(
    to: &str,
    template: &'static str,
    parameters: &[(Option<&'static str>, &'static str)],
) -> Post<'static> {
    let parameter = |(name, text): &(Option<&'static str>, &'static str)| Parameter {
        name: name.map(Cow::Borrowed),
        text: Cow::Borrowed(text),
    };
    Post {
        number: 0,
        to: Cow::Owned(to.to_owned()),
        template: Cow::Borrowed(template),
        language: Cow::Borrowed("en_US"),
        parameters: parameters.iter().map(parameter).collect(),
        token: Cow::Borrowed("token"),
    }
}

fn hello(to: &str) -> Post<'static> {
    post_of(to, "hello_world", &[])
}

fn refused_with(reply: &Reply) -> i64 {
    match reply {
        Reply::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

/// All statuses, one webhook after the other, until nothing is left.
fn tell_all(meta: &mut Meta) -> Vec<Told> {
    let mut all = Vec::new();
    while let Some(due) = meta.next_due() {
        let batch = meta.batch(due);
        if !batch.is_empty() {
            all.extend(batch);
            meta.taken();
        }
    }
    all
}

#[test]
fn templates_and_their_parameters_are_checked() {
    let mut meta = meta(Faults::none());
    for (post, code) in [
        (hello("4915112345678"), 131_009),
        (hello("+49 151"), 131_009),
        (post_of("+4915112345678", "nobody_knows_it", &[]), 132_001),
        (post_of("+4915112345678", "diwali_offer", &[(None, "Anna")]), 132_000),
        (post_of("+4915112345678", "diwali_offer", &[(None, "Anna"), (None, "")]), 131_008),
        (post_of("+4915112345678", "visit_booked", &[(None, "Anna"), (None, "May")]), 132_000),
    ] {
        assert_eq!(refused_with(&meta.post(&post, at(0))), code, "{post:?}");
    }
    for post in [
        post_of("+4915112345678", "diwali_offer", &[(None, "Anna"), (None, "20 %")]),
        post_of("+4915112345678", "visit_booked", &[(Some("date"), "May"), (Some("first_name"), "Anna")]),
    ] {
        assert!(matches!(meta.post(&post, at(0)), Reply::Accepted { .. }), "{post:?}");
    }
}

#[test]
fn the_number_takes_its_rate_and_no_more() {
    let mut meta = meta(Faults::none());
    let mut post = |person: usize, ms| meta.post(&hello(&format!("+49151{person:08}")), at(ms));
    for person in 0..10 {
        assert!(matches!(post(person, 0), Reply::Accepted { .. }));
    }
    assert_eq!(refused_with(&post(10, 0)), 130_429);
    assert!(matches!(post(10, 100), Reply::Accepted { .. }), "one more after a tenth of a second");
    assert_eq!(refused_with(&post(11, 100)), 130_429);
    for second in 2..20 {
        let taken = (0..50).filter(|person| matches!(post(*person, second * 1_000), Reply::Accepted { .. }));
        assert_eq!(taken.count(), 10);
    }
}

#[test]
fn a_throttled_attempt_changes_no_fate() {
    let mut faults = Faults::none();
    faults.transient = 0.5;
    let (mut calm, mut busy) = (meta(faults.clone()), meta(faults));
    for person in 0..10 {
        busy.post(&hello(&format!("+49160{person:08}")), at(0));
    }
    for person in 0..10 {
        let post = hello(&format!("+49151{person:08}"));
        assert_eq!(refused_with(&busy.post(&post, at(0))), 130_429);
        let (one, other) = (calm.post(&post, at(5_000)), busy.post(&post, at(5_000)));
        assert_eq!(one, other);
    }
}

#[test]
fn one_person_gets_forty_five_at_once_and_then_one_every_six_seconds() {
    let mut meta = Meta { numbers: numbers(1_000), ..meta(Faults::none()) };
    let mut post = |ms| meta.post(&hello("+4915112345678"), at(ms));
    for _ in 0..45 {
        assert!(matches!(post(0), Reply::Accepted { .. }));
    }
    assert_eq!(refused_with(&post(0)), 131_056);
    assert!(matches!(post(6_000), Reply::Accepted { .. }));
    assert_eq!(refused_with(&post(6_000)), 131_056);
}

#[test]
fn the_order_of_arrival_decides_nothing() {
    let run = |reversed: bool| {
        let mut meta = Meta { numbers: numbers(10_000), ..meta(Faults::harsh()) };
        let mut people: Vec<_> = (0..500).collect();
        if reversed {
            people.reverse();
        }
        let mut replies: Vec<_> = people
            .into_iter()
            .map(|person| (person, format!("{:?}", meta.post(&hello(&format!("+49151{person:08}")), at(0)))))
            .collect();
        replies.sort();
        let mut told: Vec<_> = tell_all(&mut meta).iter().map(|told| format!("{told:?}")).collect();
        told.sort();
        (replies, told)
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn every_status_is_told_once_when_nothing_goes_wrong() {
    let mut meta = Meta { numbers: numbers(1_000), ..meta(Faults::none()) };
    for person in 0..200 {
        meta.post(&hello(&format!("+49151{person:08}")), at(0));
    }
    let told = tell_all(&mut meta);
    let count = |stage| told.iter().filter(|told| told.stage == stage).count();
    assert_eq!((count(Stage::Sent), count(Stage::Delivered)), (200, 200));
    assert!((30..90).contains(&count(Stage::Read)), "{}", count(Stage::Read));
    let report = meta.report();
    assert_eq!((report.accepted, report.people, report.statuses), (200, 200, told.len() as u64));
    assert_eq!((report.statuses_waiting, report.max_accepted_per_number), (0, 1));
}

#[test]
fn what_was_not_taken_is_told_again_the_same() {
    let mut meta = meta(Faults::none());
    meta.post(&hello("+4915112345678"), at(0));
    let first = meta.batch(at(1_000));
    assert_eq!(first, meta.batch(at(2_000)));
    let text = serde_json::to_string(&meta.state).unwrap();
    let mut restored = Meta { state: serde_json::from_str(&text).unwrap(), ..meta };
    assert_eq!(first, restored.batch(at(3_000)));
    restored.taken();
    assert_ne!(first, restored.batch(at(3_000)));
}

#[test]
fn too_many_waiting_statuses_are_dropped_and_counted() {
    let mut meta = Meta { keep_statuses: 3, ..meta(Faults::none()) };
    for person in 0..5 {
        meta.post(&hello(&format!("+49151{person:08}")), at(0));
    }
    let report = meta.report();
    assert_eq!((report.statuses_waiting, report.statuses_dropped), (3, 2));
}
