//! Webhooks of every kind as typed values: each goes back to the same JSON, whatever happens to
//! its parts. The fixtures are ours, in Meta's shapes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use whatsapp_dispatch::sender::NumberId;
use whatsapp_dispatch::webhook::number::PhoneQualityEvent;
use whatsapp_dispatch::webhook::template::TemplateEvent;
use whatsapp_dispatch::webhook::{
    Change, ChangeValue, InboundKind, Payload, PreferenceValue, RawChange, Status, Text, WebhookError, split,
};

mod broken;
mod mutated;

/// Webhooks by name.
fn kinds() -> Map<String, Value> {
    serde_json::from_str(include_str!("webhooks/kinds.json")).unwrap()
}

fn kind(name: &str) -> Payload {
    decoded(&kinds()[name])
}

fn decoded(webhook: &Value) -> Payload {
    Payload::decode(webhook.to_string().as_bytes()).unwrap()
}

fn change(name: &str) -> Change {
    kind(name).into_changes().next().unwrap()
}

/// A webhook with these statuses.
fn with_statuses(statuses: &Value) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "17", "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550100", "phone_number_id": "4711"},
            "statuses": statuses,
        },
    }]}]})
}

#[test]
fn every_kind_is_read_whole_and_goes_back_to_the_same_json() {
    let mut fields = BTreeSet::new();
    for (name, webhook) in kinds() {
        let payload = decoded(&webhook);
        assert_eq!(payload.encode(), webhook, "{name}");
        assert_eq!((payload.undecoded(), payload.unknown_fields()), (0, vec![]), "{name}");
        for change in payload.changes() {
            assert!(!matches!(change.value, ChangeValue::Other(_) | ChangeValue::Absent), "{name}");
            assert_eq!((change.unread, change.unknown), (0, 0), "{name}");
            fields.insert(change.field.clone());
        }
    }
    assert_eq!(fields.len(), 33, "{fields:?}");
}

#[test]
fn a_change_can_be_read_alone() {
    for (name, webhook) in kinds() {
        let whole: Vec<_> = decoded(&webhook).into_changes().collect();
        let raw = split(webhook.to_string().as_bytes()).unwrap();
        let alone: Vec<_> = raw.iter().map(|raw| Change::decode(&raw.bytes).unwrap()).collect();
        assert_eq!(alone, whole, "{name}");
        for (raw, change) in raw.iter().zip(&whole) {
            let address = (&raw.waba, &raw.field, &raw.number_id);
            assert_eq!(address, (&change.waba, &change.field, &change.number_id), "{name}");
            let again = Change::decode(change.encode().to_string().as_bytes()).unwrap();
            assert_eq!(&again, change, "{name}");
            assert_eq!(Change::decode(&RawChange::from(change).bytes).unwrap(), *change, "{name}");
        }
    }
}

#[test]
fn what_is_shown_of_a_webhook_is_nobodys_business() {
    fn leaves(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(found.insert(text.clone())),
            Value::Number(number) => drop(found.insert(number.to_string())),
            Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
            Value::Object(parts) => parts.values().for_each(|part| leaves(part, found)),
            Value::Bool(_) | Value::Null => {}
        }
    }
    for (name, webhook) in kinds() {
        let payload = decoded(&webhook);
        let raw = split(webhook.to_string().as_bytes()).unwrap();
        let updates: Vec<_> = payload.changes().flat_map(Change::updates).collect();
        let shown = format!("{payload:?} {payload:#?} {raw:?} {updates:?}");
        let mut secrets = BTreeSet::new();
        leaves(&webhook, &mut secrets);
        // Codes of errors are Meta's and may be shown.
        secrets.retain(|text| 5 <= text.len() && text.contains(|c: char| c.is_ascii_digit() || c == ' '));
        for secret in secrets.iter().filter(|secret| !["131049", "131026"].contains(&secret.as_str())) {
            assert!(!shown.contains(secret.as_str()), "{name}: {secret}");
        }
    }
}

#[test]
fn statuses_become_facts() {
    let change = change("three statuses");
    assert_eq!((change.field.as_str(), change.waba.as_str()), ("messages", "900800700600"));
    assert_eq!(change.number_id, Some(NumberId::parse("700100200300").unwrap()));
    let [sent, delivered, read] = <[_; 3]>::try_from(change.updates().collect::<Vec<_>>()).unwrap();
    assert_eq!((sent.wamid.expose(), sent.callback.as_deref()), ("wamid.s1", Some("v1.abc.def")));
    assert_eq!([sent.status, delivered.status, read.status], [Status::Sent, Status::Delivered, Status::Read]);
    assert_eq!([sent.at, read.at].map(|at| at.unwrap().timestamp()), [1_790_000_001, 1_790_000_002]);
    let parents: Vec<_> = change.statuses().map(|status| status.parent_id().map(Text::as_str)).collect();
    assert_eq!(parents, [None, Some("IN.ENT.5531xY"), Some("IN.ENT.5531xY")]);
    let billed: Vec<_> = change.statuses().map(|status| status.pricing.as_ref()?.billable).collect();
    assert_eq!(billed, [Some(true), Some(false), None]);

    let failed = self::change("played and failed").updates().last().unwrap();
    let codes: Vec<_> = failed.errors.iter().map(|error| error.code).collect();
    assert_eq!((failed.status, codes), (Status::Failed, vec![131_049, 131_026]));
}

#[test]
fn a_payment_or_a_call_is_no_fact_about_a_message() {
    for name in ["payment status", "call rings", "standby"] {
        assert_eq!(change(name).updates().count(), 0, "{name}");
    }
}

#[test]
fn what_people_say_is_found_wherever_it_stands() {
    let said = |name| {
        let change = change(name);
        let message = change.messages().next().unwrap();
        let words: Vec<_> = message.words().map(str::to_owned).collect();
        (message.text().map(str::to_owned), words.join("|"))
    };
    for (name, text, words) in [
        ("text", "Is the blue one back?", "Is the blue one back?"),
        ("button", "Stop promotions", "Stop promotions|opt-out-all"),
        ("button reply", "No more, thanks", "No more, thanks|stop-1"),
        ("list reply", "4 pm", "4 pm|slot-4"),
        ("image", "My receipt no 77", "My receipt no 77"),
        ("order", "Ring at door 7", "Ring at door 7"),
        ("edit", "Is the red one back?", "Is the red one back?"),
        ("standby", "STOP it 1", "STOP it 1"),
    ] {
        assert_eq!(said(name), (Some(text.to_owned()), words.to_owned()), "{name}");
    }
    assert_eq!(said("sticker"), (None, String::new()));

    let button = change("button");
    let button = button.messages().next().unwrap();
    assert_eq!(button.kind, Some(InboundKind::Button));
    assert_eq!((button.from_number(), button.from_user()), (Some("15550111222"), Some("IN.8842bQ7")));
    assert_eq!(button.at().unwrap().timestamp(), 1_790_000_100);
    assert_eq!(button.wamid().unwrap().expose(), "wamid.in.button");
    assert_eq!(button.answers().unwrap().expose(), "wamid.out.8");
}

#[test]
fn changed_numbers_and_ids_are_told() {
    let change = change("changed number");
    let system = change.messages().next().unwrap().system.as_ref().unwrap();
    assert_eq!(system.new_number().unwrap().as_str(), "15550111333");
    assert_eq!(system.previous_user_id.as_ref().unwrap().as_str(), "IN.8842bQ7");
    let change = self::change("user id update");
    let ids = change.user_ids().next().unwrap().user_id.as_ref().unwrap();
    assert_eq!(ids.current.as_ref().unwrap().as_str(), "IN.9953cR8");
}

#[test]
fn words_that_matter_are_typed() {
    let stop = change("stop marketing");
    let preference = stop.preferences().next().unwrap();
    assert_eq!(preference.value, Some(PreferenceValue::Stop));
    assert_eq!(preference.timestamp.as_ref().unwrap().instant().unwrap().timestamp(), 1_790_000_400);
    let ChangeValue::TemplateStatus(update) = change("template paused").value else { panic!() };
    assert_eq!(update.event, Some(TemplateEvent::Paused));
    let ChangeValue::PhoneQuality(update) = change("throughput upgrade").value else { panic!() };
    assert_eq!(update.event, Some(PhoneQualityEvent::ThroughputUpgrade));
}

#[test]
fn ids_times_and_codes_come_as_texts_or_numbers() {
    let webhook = with_statuses(&json!([
        {"id": 12, "status": "danced", "biz_opaque_callback_data": null},
        {"id": "wamid.b", "status": "failed", "timestamp": 1_789_000_001_i64, "errors": [
            {"code": "131026", "error_subcode": 2, "title": 7}]},
    ]));
    let payload = decoded(&webhook);
    assert_eq!(payload.encode(), webhook);
    assert_eq!(payload.undecoded(), 1, "the word that nobody knows");
    let updates: Vec<_> = payload.changes().flat_map(Change::updates).collect();
    assert_eq!((updates[0].wamid.expose(), updates[0].at), ("12", None));
    assert_eq!(updates[0].status, Status::Other("danced".to_owned()));
    assert_eq!(updates[1].at.unwrap().timestamp(), 1_789_000_001);
    assert_eq!((updates[1].errors[0].code, updates[1].errors[0].subcode), (131_026, 2));
}

#[test]
fn absurd_times_are_none() {
    for time in [
        json!("soon"),
        json!(""),
        json!(-5),
        json!(1.5),
        json!("99999999999999999999"),
        json!(u64::MAX),
        json!(0),
        json!(5_000_000_000_i64),
    ] {
        let webhook = with_statuses(&json!([{"id": "wamid.x", "status": "read", "timestamp": time}]));
        let payload = decoded(&webhook);
        assert_eq!(payload.encode(), webhook);
        let update = payload.changes().flat_map(Change::updates).next().unwrap();
        assert_eq!((update.status, update.at), (Status::Read, None), "{time}");
    }
    let read = change("three statuses");
    let time = read.statuses().next().unwrap().timestamp.clone().unwrap();
    let at = time.instant().unwrap();
    assert_eq!(time.instant_until(at), Some(at));
    assert_eq!(time.instant_until(at - std::time::Duration::from_secs(1)), None);
}

#[test]
fn what_nobody_knows_yet_is_kept_counted_and_named() {
    let webhook = json!({"object": "o", "new_part": 1, "entry": [{"id": 9, "new": {"a": [1]}, "changes": [
        {"field": "account_update", "value": {"event": "DANCED", "dance": {"steps": 3}}},
        {"field": "messages", "extra": null, "value": {
            "statuses": [{"id": "wamid.a", "status": "sent", "foo": 1}, {"foo": 2, "+1 555 0100": 3}],
            "messages": [{"type": "poll", "poll": {}}, {"type": "text", "text": {"body": "b"}}]}},
        {"field": "brand_new", "value": {"metadata": {"phone_number_id": "5"}}},
        {"field": "security", "value": "a text"},
        {"field": 7},
    ]}]});
    let payload = decoded(&webhook);
    assert_eq!(payload.encode(), webhook);
    assert_eq!(
        payload.unknown_fields(),
        [
            "entry.changes.account_update.value.dance",
            "entry.changes.messages.value.statuses.foo",
            "entry.changes.messages.value.statuses.?",
            "entry.changes.messages.value.messages.poll",
            "entry.changes.messages.extra",
            "entry.new",
            "new_part",
        ]
    );
    let changes: Vec<_> = payload.changes().collect();
    let counts: Vec<_> = changes.iter().map(|change| (change.unread, change.unknown)).collect();
    // A status without an id says nothing; a word and a value are unknown; two have no value.
    assert_eq!(counts, [(1, 1), (2, 5), (1, 0), (1, 0), (1, 0)]);
    assert_eq!(payload.undecoded(), 6);
    assert_eq!(changes[1].unknown_fields()[0], "messages.value.statuses.foo");
    assert_eq!(changes[2].number_id, Some(NumberId::parse("5").unwrap()));
    assert!(matches!(&changes[2].value, ChangeValue::Other(value) if value["metadata"].is_object()));
    assert_eq!((changes[4].field.as_str(), &changes[4].value), ("7", &ChangeValue::Absent));
}

#[test]
fn what_is_not_a_webhook_is_said_so() {
    let bodies: [&[u8]; 9] = [
        b"",
        b"nothing",
        b"[]",
        b"{}",
        br#"{"entry": {}}"#,
        br#"{"entry": ["#,
        br#"{"entry": []} x"#,
        b"{\"entry\": [], \"a\": \"\xff\"}",
        br#"{"entry": null}"#,
    ];
    for body in bodies {
        assert!(matches!(Payload::decode(body), Err(WebhookError::Unreadable { .. })), "{body:?}");
        assert!(matches!(split(body), Err(WebhookError::Unreadable { .. })), "{body:?}");
        assert!(matches!(Change::decode(body), Err(WebhookError::Unreadable { .. })), "{body:?}");
    }
}
