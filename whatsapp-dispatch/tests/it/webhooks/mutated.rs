use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use whatsapp_dispatch::webhook::{Change, Payload, Status, split};

use super::{decoded, kinds, with_statuses};

/// Any JSON, with the names of parts that webhooks have.
fn any_json() -> impl Strategy<Value = Value> {
    let names = [
        "id",
        "status",
        "statuses",
        "messages",
        "type",
        "timestamp",
        "errors",
        "code",
        "metadata",
        "entry",
        "changes",
        "field",
        "value",
        "phone_number_id",
        "text",
        "body",
        "new",
        "",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        "[0-9]{1,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let object = vec((select(names.to_vec()), inner.clone()), 0..5);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|parts| parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect()),
        ]
    })
}

/// Something that happens to one part of a webhook.
#[derive(Clone, Debug)]
enum Harm {
    Replace(Value),
    Drop,
    Reverse,
    Repeat,
    Restyle,
}

fn any_harm() -> impl Strategy<Value = (Index, Harm)> {
    let harm = prop_oneof![
        any_json().prop_map(Harm::Replace),
        Just(Harm::Drop),
        Just(Harm::Reverse),
        Just(Harm::Repeat),
        Just(Harm::Restyle),
    ];
    (any::<Index>(), harm)
}

const KEPT: &str = "wamid.kept";

/// Every part that may be harmed: not those that lead to the kept status or name its change.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let leads = value.to_string().contains(KEPT);
    let named = at.ends_with("/field");
    if !leads && !named && at.len() > "/entry".len() {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(parts) if value.get("id") != Some(&json!(KEPT)) => {
            for (name, part) in parts {
                places(part, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn harm(webhook: &mut Value, place: Index, harm: &Harm) {
    let mut found = Vec::new();
    places(webhook, "", &mut found);
    if found.is_empty() {
        return;
    }
    let place = place.get(&found);
    let (around, name) = place.rsplit_once('/').unwrap();
    match harm {
        Harm::Drop | Harm::Repeat => match webhook.pointer_mut(around) {
            Some(Value::Object(parts)) => {
                parts.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(items)) if matches!(harm, Harm::Drop) => {
                drop(items.remove(name.parse().unwrap()));
            }
            Some(Value::Array(items)) => items.push(items[name.parse::<usize>().unwrap()].clone()),
            _ => {}
        },
        Harm::Reverse => {
            if let Some(Value::Array(items)) = webhook.pointer_mut(around) {
                items.reverse();
            }
        }
        Harm::Replace(part) => *webhook.pointer_mut(place).unwrap() = part.clone(),
        Harm::Restyle => {
            let part = webhook.pointer_mut(place).unwrap();
            *part = match &*part {
                Value::String(text) => text.parse::<i64>().map_or_else(|_| json!(7), Value::from),
                Value::Number(number) => number.to_string().into(),
                other => other.to_string().into(),
            };
        }
    }
}

/// The same JSON as a reader sees it: fractions may differ in the last digit from what was
/// written.
fn as_read(value: &Value) -> Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        drop((Payload::decode(&bytes), split(&bytes), Change::decode(&bytes)));
    }

    #[test]
    fn torn_bytes_are_refused_or_written_as_they_were_read(
        name in any::<Index>(),
        edits in vec((any::<Index>(), any::<Index>(), 0_usize..3), 1..4),
    ) {
        let kinds: Vec<_> = kinds().into_iter().map(|(_, webhook)| webhook.to_string()).collect();
        let mut bytes = name.get(&kinds).clone().into_bytes();
        for (at, from, length) in &edits {
            let (at, from) = (at.index(bytes.len()), from.index(bytes.len()));
            let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
            bytes.splice(at..(at + 1).min(bytes.len()), piece);
        }
        let Ok(payload) = Payload::decode(&bytes) else {
            prop_assert!(split(&bytes).is_err());
            return Ok(());
        };
        let again = decoded(&payload.encode());
        prop_assert_eq!(again.encode(), as_read(&payload.encode()));
        let raw = split(&bytes).unwrap();
        let alone: Vec<_> = raw.iter().map(|raw| Change::decode(&raw.bytes).unwrap().encode()).collect();
        prop_assert_eq!(alone, payload.changes().map(Change::encode).collect::<Vec<_>>());
    }

    #[test]
    fn any_value_of_any_field_goes_back_to_itself(name in any::<Index>(), value in any_json(), extra in any_json()) {
        let kinds: Vec<_> = kinds().into_iter().map(|(_, webhook)| webhook).collect();
        let mut webhook = name.get(&kinds).clone();
        webhook["entry"][0]["changes"][0]["value"] = value;
        webhook["entry"][0]["extra"] = extra;
        prop_assert_eq!(decoded(&webhook).encode(), as_read(&webhook));
    }

    #[test]
    fn harm_to_some_parts_never_costs_the_others(
        name in any::<Index>(),
        harms in vec(any_harm(), 1..6),
        first in any::<bool>(),
    ) {
        let kinds: Vec<_> = kinds().into_iter().map(|(_, webhook)| webhook).collect();
        let mut webhook = name.get(&kinds).clone();
        let kept = json!({"id": KEPT, "status": "delivered", "timestamp": "1789000000", "errors": []});
        let near = with_statuses(&json!([{"id": "wamid.near", "status": "sent"}, kept, 7]));
        let entries = webhook["entry"].as_array_mut().unwrap();
        entries.insert(if first { 0 } else { entries.len() }, near["entry"][0].clone());
        for (place, part) in &harms {
            harm(&mut webhook, *place, part);
        }
        let payload = decoded(&webhook);
        prop_assert_eq!(payload.encode(), as_read(&webhook));
        let whole: Vec<_> = payload.into_changes().collect();
        let raw = split(webhook.to_string().as_bytes()).unwrap();
        let alone: Vec<_> = raw.iter().map(|raw| Change::decode(&raw.bytes).unwrap()).collect();
        for changes in [&whole, &alone] {
            let mut updates = changes.iter().flat_map(Change::updates);
            let update = updates.find(|update| update.wamid.expose() == KEPT);
            let said = update.map(|update| (update.status, update.at.map(|at| at.timestamp())));
            prop_assert_eq!(said, Some((Status::Delivered, Some(1_789_000_000))));
        }
    }

    #[test]
    fn the_order_of_statuses_is_theirs_alone(order in Just((0..6).collect::<Vec<_>>()).prop_shuffle()) {
        let statuses: Value = order.iter().map(|id| json!({"id": format!("wamid.{id}"), "status": "read"})).collect();
        let payload = decoded(&with_statuses(&statuses));
        let ids = payload.changes().flat_map(Change::updates).map(|update| update.wamid.expose().to_owned());
        let expected: Vec<_> = order.iter().map(|id| format!("wamid.{id}")).collect();
        prop_assert_eq!(ids.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_callback_comes_back_as_it_went(callback in ".{1,60}", id in "\\PC{1,30}") {
        let payload = decoded(&with_statuses(&json!([
            {"id": &id, "status": "sent", "timestamp": 1, "biz_opaque_callback_data": &callback}])));
        let update = payload.changes().flat_map(Change::updates).next().unwrap();
        prop_assert_eq!(update.callback.as_ref(), Some(&callback));
        prop_assert_eq!(update.wamid.expose(), &id);
    }
}
