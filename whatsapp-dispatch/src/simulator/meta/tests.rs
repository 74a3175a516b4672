use super::super::wire::Asked;
use super::super::wire::ask;
use serde_json::{Value, json};

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
        messaging_limit: None,
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

/// A request with parameters, each by its name or by position.
fn request(to: &str, template: &str, parameters: &[(Option<&str>, &str)]) -> String {
    let parameter = |(name, text): &(Option<&str>, &str)| match name {
        Some(name) => json!({"type": "text", "parameter_name": name, "text": text}),
        None => json!({"type": "text", "text": text}),
    };
    let parameters: Vec<Value> = parameters.iter().map(parameter).collect();
    json!({"messaging_product": "whatsapp", "type": "template", "to": to, "biz_opaque_callback_data": "token",
        "template": {"name": template, "language": {"code": "en_US"},
            "components": [{"type": "body", "parameters": parameters}]}})
    .to_string()
}

fn send(meta: &mut Meta, body: &str, ms: i64) -> Reply {
    match ask(0, body.as_bytes(), false).unwrap() {
        Asked::Send(post) => meta.post(&post, at(ms)),
        Asked::MarkRead => panic!("{body}"),
    }
}

fn text(to: &str) -> String {
    json!({"messaging_product": "whatsapp", "type": "text", "to": to, "text": {"body": "Hi"}}).to_string()
}

fn hello(to: &str) -> String {
    request(to, "hello_world", &[])
}

fn refused_with(reply: &Reply) -> i64 {
    match reply {
        Reply::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

/// Word and wamid of each status, or the field of another webhook.
fn contents(parcel: &Parcel) -> Vec<(String, String)> {
    let body: Value = serde_json::from_str(&parcel.body).unwrap();
    let changes =
        body["entry"].as_array().unwrap().iter().flat_map(|entry| entry["changes"].as_array().unwrap());
    let mut all = Vec::new();
    for change in changes {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match change["value"]["statuses"].as_array() {
            Some(statuses) => {
                all.extend(statuses.iter().map(|status| (text(&status["status"]), text(&status["id"]))));
            }
            None => all.push((text(&change["field"]), change["value"].to_string())),
        }
    }
    all
}

/// Everything that is told, one webhook after the other, until nothing is left.
fn tell_all(meta: &mut Meta) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while let Some(due) = meta.next_due() {
        if let Some(parcel) = meta.next_parcel(due) {
            if parcel.forged {
                meta.refused(due);
            } else {
                all.extend(contents(&parcel));
                meta.taken();
            }
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
        (request("+4915112345678", "nobody_knows_it", &[]), 132_001),
        (request("+4915112345678", "diwali_offer", &[(None, "Anna")]), 132_000),
        (request("+4915112345678", "diwali_offer", &[(None, "Anna"), (None, "")]), 131_008),
        (request("+4915112345678", "visit_booked", &[(None, "Anna"), (None, "May")]), 132_000),
    ] {
        assert_eq!(refused_with(&send(&mut meta, &post, 0)), code, "{post:?}");
    }
    for post in [
        request("+4915112345678", "diwali_offer", &[(None, "Anna"), (None, "20 %")]),
        request("+4915112345678", "visit_booked", &[(Some("date"), "May"), (Some("first_name"), "Anna")]),
    ] {
        assert!(matches!(send(&mut meta, &post, 0), Reply::Accepted { .. }), "{post:?}");
    }
}

#[test]
fn the_number_takes_its_rate_and_no_more() {
    let mut meta = meta(Faults::none());
    let mut post = |person: usize, ms| send(&mut meta, &hello(&format!("+49151{person:08}")), ms);
    for person in 0..10 {
        assert!(matches!(post(person, 0), Reply::Accepted { .. }));
    }
    assert_eq!(refused_with(&post(10, 0)), 130_429);
    assert!(matches!(post(10, 100), Reply::Accepted { .. }), "one more after a tenth of a second");
    assert_eq!(refused_with(&post(11, 100)), 130_429);
    for second in 2..20_usize {
        let taken = (0..50).filter(|person| {
            matches!(
                post(second * 100 + *person, i64::try_from(second).unwrap() * 1_000),
                Reply::Accepted { .. }
            )
        });
        assert_eq!(taken.count(), 10);
    }
}

#[test]
fn a_throttled_attempt_changes_no_fate() {
    let mut faults = Faults::none();
    faults.transient = 0.5;
    let (mut calm, mut busy) = (meta(faults.clone()), meta(faults));
    for person in 0..10 {
        send(&mut busy, &hello(&format!("+49160{person:08}")), 0);
    }
    for person in 0..10 {
        let post = hello(&format!("+49151{person:08}"));
        assert_eq!(refused_with(&send(&mut busy, &post, 0)), 130_429);
        let (one, other) = (send(&mut calm, &post, 5_000), send(&mut busy, &post, 5_000));
        assert_eq!(one, other);
    }
}

#[test]
fn one_person_gets_forty_five_on_credit_which_are_paid_back() {
    let mut meta = Meta { numbers: numbers(1_000), ..meta(Faults::none()) };
    let mut burst = |messages: u32, to: &str, begun_ms: i64| {
        for _ in 0..messages {
            assert!(matches!(send(&mut meta, &hello(to), begun_ms), Reply::Accepted { .. }));
        }
        let paid_ms = begun_ms + i64::from(messages) * 6_000;
        assert_eq!(refused_with(&send(&mut meta, &hello(to), paid_ms - 1_000)), 131_056);
        assert!(matches!(send(&mut meta, &hello(to), paid_ms), Reply::Accepted { .. }));
    };
    burst(20, "+4915112345678", 0);
    burst(45, "+4915112345679", 1_000_000);
    burst(2, "+4915112345680", 2_000_000);
    for _ in 0..45 {
        send(&mut meta, &hello("+4915112345681"), 3_000_000);
    }
    assert_eq!(refused_with(&send(&mut meta, &hello("+4915112345681"), 3_000_000)), 131_056);
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
            .map(|person| {
                (person, format!("{:?}", send(&mut meta, &hello(&format!("+49151{person:08}")), 0)))
            })
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
        send(&mut meta, &hello(&format!("+49151{person:08}")), 0);
    }
    let told = tell_all(&mut meta);
    let count = |word| told.iter().filter(|(told, _)| told == word).count();
    assert_eq!((count("sent"), count("delivered")), (200, 200));
    assert!((30..90).contains(&count("read")), "{}", count("read"));
    let report = meta.report();
    assert_eq!((report.accepted, report.people, report.statuses), (200, 200, told.len() as u64));
    assert_eq!((report.statuses_waiting, report.max_accepted_per_number), (0, 1));
}

#[test]
fn what_was_not_taken_is_told_again_the_same_and_later_each_time() {
    let mut meta = meta(Faults::none());
    send(&mut meta, &hello("+4915112345678"), 0);
    let first = meta.next_parcel(at(100)).unwrap();
    let text = serde_json::to_string(&meta.state).unwrap();
    let mut restored = Meta { state: serde_json::from_str(&text).unwrap(), ..meta };
    assert_eq!(restored.next_parcel(at(100)).unwrap().body, first.body);
    restored.state.pending.clear();
    let mut waits = Vec::new();
    let mut now = at(100);
    while let Some(parcel) = restored.next_parcel(now) {
        assert_eq!(parcel.body, first.body);
        restored.refused(now);
        let Some(next) = restored.next_due() else { break };
        waits.push((next - now).num_milliseconds());
        now = next;
    }
    assert_eq!(waits[..4], [50, 100, 200, 400]);
    assert!((7..8).contains(&(now - at(0)).num_days()), "{now}");
    assert_eq!((restored.report().webhooks_lost, restored.report().statuses_waiting), (1, 0));
}

#[test]
fn a_new_endpoint_gets_the_backlog_at_once() {
    let mut meta = meta(Faults::none());
    send(&mut meta, &hello("+4915112345678"), 0);
    let first = meta.next_parcel(at(100)).unwrap();
    meta.refused(at(100));
    meta.bring_all();
    assert_eq!(meta.next_parcel(at(101)).unwrap().body, first.body);
}

#[test]
fn outside_a_window_only_templates_arrive() {
    let mut meta = meta(Faults::none());
    let (to, day_ms) = ("+4915112345678", 24 * 3_600_000);
    let fares = |meta: &mut Meta, ms| {
        assert!(matches!(send(meta, &text(to), ms), Reply::Accepted { .. }));
        tell_all(meta).into_iter().map(|(word, _)| word).find(|word| word != "messages").unwrap()
    };
    assert_eq!(fares(&mut meta, 0), "failed");
    meta.hear(0, 4_915_112_345_678, &Said::Text("Hi".to_owned()), at(10_000).timestamp_millis());
    assert_eq!(fares(&mut meta, 20_000), "sent");
    assert_eq!(fares(&mut meta, day_ms + 30_000), "failed");
}

#[test]
fn a_portfolio_begins_conversations_with_so_many_people_a_day() {
    let mut meta = Meta { messaging_limit: Some(2), ..meta(Faults::none()) };
    let mut failed = |ms: i64, people: std::ops::Range<u32>| {
        for person in people {
            send(&mut meta, &hello(&format!("+49151{person:08}")), ms + i64::from(person) * 200);
        }
        tell_all(&mut meta).iter().filter(|(word, _)| word == "failed").count()
    };
    assert_eq!(failed(0, 0..4), 2);
    assert_eq!(failed(3_600_000, 0..2), 0, "the same people again");
    assert_eq!(failed(25 * 3_600_000, 2..4), 0, "a day later others");
    assert_eq!(meta.report().beyond_messaging_limit, 2);
}

#[test]
fn a_paused_template_is_refused_and_both_are_told() {
    let mut meta = meta(Faults::none());
    meta.pause("hello_world", true, at(0));
    assert_eq!(refused_with(&send(&mut meta, &hello("+4915112345678"), 0)), 132_015);
    meta.pause("hello_world", false, at(1));
    assert!(matches!(send(&mut meta, &hello("+4915112345678"), 1), Reply::Accepted { .. }));
    let told = tell_all(&mut meta);
    let events: Vec<&str> = told
        .iter()
        .filter(|(field, _)| field == "message_template_status_update")
        .map(|(_, value)| if value.contains("PAUSED") { "paused" } else { "approved" })
        .collect();
    assert_eq!(events, ["paused", "approved"]);
}

#[test]
fn an_upgrade_takes_a_minute_and_is_told() {
    let mut meta = meta(Faults::none());
    meta.upgrade(0, at(0));
    assert_eq!(refused_with(&send(&mut meta, &hello("+4915112345678"), 59_000)), 131_057);
    for person in 0..500 {
        let reply = send(&mut meta, &hello(&format!("+49151{person:08}")), 60_000);
        assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    }
    assert!(tell_all(&mut meta).iter().any(|(field, value)| {
        field == "phone_number_quality_update" && value.contains("THROUGHPUT_UPGRADE")
    }));
}

#[test]
fn people_who_had_enough_say_so_in_three_ways() {
    let mut faults = Faults::none();
    faults.stop = 1.0;
    let mut meta = Meta { numbers: numbers(1_000), ..meta(faults) };
    let offer = |person: u32| {
        request(&format!("+49151{person:08}"), "diwali_offer", &[(None, "Zoë"), (None, "20 %")])
    };
    for person in 0..60 {
        assert!(matches!(send(&mut meta, &offer(person), 0), Reply::Accepted { .. }));
    }
    let told = tell_all(&mut meta);
    let count = |part: &str| told.iter().filter(|(_, value)| value.contains(part)).count();
    let ways =
        [count(r#""body":"STOP""#), count(r#""payload":"Stop promotions""#), count(r#""value":"stop""#)];
    assert_eq!(ways.iter().sum::<usize>(), 60);
    assert!(ways.iter().all(|people| 5 < *people), "{ways:?}");
    let refused = (0..60).map(|person| send(&mut meta, &offer(person), 600_000));
    let refused = refused.filter(|reply| matches!(reply, Reply::Refused(refusal) if refusal.code == 131_050));
    assert_eq!(refused.count(), ways[2], "who said so in the settings gets no marketing");
}

#[test]
fn a_user_id_stands_for_a_number_that_webhooks_hide() {
    let mut faults = Faults::none();
    faults.hidden_number = 1.0;
    let mut meta = meta(faults);
    let user_id = meta.user_id(4_915_112_345_678);
    assert!(user_id.starts_with("DE."), "{user_id}");
    send(&mut meta, &hello("+4915112345678"), 0);
    let parcel = meta.next_parcel(at(1_000)).unwrap();
    assert!(parcel.body.contains(&user_id) && !parcel.body.contains("\"4915112345678\""), "{}", parcel.body);
    let again = hello(&user_id).replace("\"to\"", "\"recipient\"");
    assert!(matches!(send(&mut meta, &again, 1_000), Reply::Accepted { .. }));
    assert_eq!((meta.report().people, meta.report().again_without_refusal), (1, 1));
}

#[test]
fn lies_are_told_once_and_counted() {
    let mut faults = Faults::none();
    faults.forged_status = 1.0;
    let mut meta = meta(faults);
    send(&mut meta, &hello("+4915112345678"), 0);
    let told = tell_all(&mut meta);
    assert!(told.iter().all(|(word, _)| word != "failed"));
    let report = meta.report();
    assert!(2 <= report.forged_refused && report.forged_taken == 0, "{report:?}");
}

#[test]
fn too_many_waiting_statuses_are_dropped_and_counted() {
    let mut meta = Meta { keep_statuses: 3, ..meta(Faults::none()) };
    for person in 0..5 {
        send(&mut meta, &hello(&format!("+49151{person:08}")), 0);
    }
    let report = meta.report();
    assert_eq!((report.statuses_waiting, report.statuses_dropped), (3, 2));
}
