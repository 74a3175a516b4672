use serde_json::{Value, json};
use whatsapp_dispatch::webhook::{Change, Payload, Status, split};

use super::{decoded, kinds, with_statuses};

/// A webhook of two changes with a hole in one of its parts.
fn with_hole(place: &str) -> String {
    let hole = |name: &str| if name == place { json!("HOLE") } else { json!("whole") };
    let mut body = json!({"object": hole("object"), "extra": hole("extra"), "entry": [
        {"id": "17", "extra": hole("entry"), "changes": [
            {"field": "messages", "extra": hole("change"), "value": {
                "metadata": {"phone_number_id": "4711", "extra": hole("metadata")},
                "contacts": [hole("contact")],
                "statuses": [
                    {"id": "wamid.a", "status": "read", "errors": [hole("error")], "conversation": hole("conversation")},
                    hole("status"),
                    {"id": "wamid.b", "status": "failed", "timestamp": "1789000000"}]}},
            {"field": "security", "value": hole("value")},
            {"field": "messages", "value": {"statuses": [{"id": "wamid.c", "status": "sent"}]}}]},
    ]});
    let (entries, changes) = ("/entry", "/entry/0/changes");
    for (name, list) in [("whole change", changes), ("whole entry", entries)] {
        if name == place {
            body.pointer_mut(list).and_then(Value::as_array_mut).unwrap().insert(0, hole(name));
        }
    }
    body.to_string()
}

const PLACES: [&str; 12] = [
    "object",
    "extra",
    "entry",
    "change",
    "metadata",
    "contact",
    "error",
    "conversation",
    "status",
    "value",
    "whole change",
    "whole entry",
];

/// What the untouched statuses of [`with_hole`] say.
fn untouched(changes: &[Change]) -> Vec<(String, Status)> {
    let updates = changes.iter().flat_map(Change::updates);
    updates.map(|update| (update.wamid.expose().to_owned(), update.status)).collect()
}

fn expected() -> Vec<(String, Status)> {
    [("wamid.a", Status::Read), ("wamid.b", Status::Failed), ("wamid.c", Status::Sent)]
        .map(|(id, status)| (id.to_owned(), status))
        .to_vec()
}

#[test]
fn one_broken_part_never_costs_the_others() {
    let deep = [
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{}1{}", r#"{"a":"#.repeat(20_000), "}".repeat(20_000)),
    ];
    let odd =
        ["null", "true", "[[]]", r#"{"id": {}}"#, "1e999", "-1e999", r#""a\ud800""#, r#"{"\udc00": 1}"#];
    for part in deep.iter().map(String::as_str).chain(odd) {
        for place in PLACES {
            let body = with_hole(place).replace("\"HOLE\"", part);
            let shown = part.get(..20).unwrap_or(part);
            let payload = Payload::decode(body.as_bytes()).unwrap();
            let whole: Vec<_> = payload.clone().into_changes().collect();
            assert_eq!(untouched(&whole), expected(), "{place}: {shown}");
            let raw = split(body.as_bytes()).unwrap();
            let alone: Vec<_> = raw.iter().filter_map(|raw| Change::decode(&raw.bytes).ok()).collect();
            assert_eq!(untouched(&alone), expected(), "{place}: {shown}");
            drop(payload.encode());
        }
    }
}

#[test]
fn what_had_to_be_cut_is_counted() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let unharmed = Payload::decode(with_hole("").as_bytes()).unwrap().undecoded();
    for place in PLACES {
        let body = with_hole(place).replace("\"HOLE\"", &deep);
        assert!(unharmed < Payload::decode(body.as_bytes()).unwrap().undecoded(), "{place}");
    }
}

#[test]
fn parts_of_unexpected_kinds_are_kept_and_counted() {
    let webhook = with_statuses(&json!([
        {"id": ["odd"], "status": "sent"},
        "not even an object",
        {"id": "wamid.x", "status": "read", "timestamp": {"odd": 1}, "errors": "none"},
    ]));
    let payload = decoded(&webhook);
    assert_eq!(payload.encode(), webhook);
    let change = payload.changes().next().unwrap();
    let read: Vec<_> = change.updates().map(|update| update.status).collect();
    // The odd id, the status that it makes useless, the text, the odd time, the odd errors.
    assert_eq!((read, change.unread), (vec![Status::Read], 5));
    for statuses in [json!({"odd": true}), json!(null), json!("none")] {
        assert_eq!(decoded(&with_statuses(&statuses)).changes().flat_map(Change::updates).count(), 0);
    }
}

#[test]
fn a_body_that_ends_early_is_unreadable() {
    let body = kinds()["three statuses"].to_string();
    for end in 0..body.len() {
        let cut = body.get(..end).unwrap_or_default().as_bytes();
        assert!(Payload::decode(cut).is_err() && split(cut).is_err(), "{end}");
    }
}

#[test]
fn of_a_repeated_part_the_last_counts() {
    let body = br#"{"entry": [{"id": "1", "changes": [{"field": "messages", "field": "messages", "value": {},
        "value": {"statuses": [{"id": 1, "status": "sent", "id": {}, "id": "wamid.x"}]}}]}]}"#;
    let changes: Vec<_> = Payload::decode(body).unwrap().into_changes().collect();
    assert_eq!(untouched(&changes), [("wamid.x".to_owned(), Status::Sent)]);
    let raw = split(body).unwrap();
    assert_eq!(untouched(&[Change::decode(&raw[0].bytes).unwrap()]), [("wamid.x".to_owned(), Status::Sent)]);
}
