use serde_json::{Map, Value, json};

use crate::sender::Sender;
use crate::simulator::meta::{Kind, Meta, News, Said, Stage, Told, Topic};

/// One webhook with several statuses, one entry per number.
pub(in crate::simulator) fn statuses(meta: &Meta, told: &[Told]) -> String {
    let entry = |(place, sender): (u16, &Sender)| {
        let ours: Vec<&Told> = told.iter().filter(|told| told.number == place).collect();
        if ours.is_empty() {
            return None;
        }
        // Failures come without contacts.
        let reached = ours.iter().filter(|told| !matches!(told.stage, Stage::Failed(_)));
        let contacts: Vec<Value> = reached.map(|told| contact(meta, told.digits)).collect();
        let statuses: Vec<Value> = ours.iter().map(|told| status(meta, told)).collect();
        let mut value = about(sender);
        value.insert("contacts".to_owned(), contacts.into());
        value.insert("statuses".to_owned(), statuses.into());
        Some(json!({"id": sender.waba, "changes": [{"field": "messages", "value": value}]}))
    };
    let entries: Vec<Value> = (0..).zip(&meta.numbers).filter_map(entry).collect();
    json!({"object": "whatsapp_business_account", "entry": entries}).to_string()
}

/// One webhook with one piece of news.
pub(in crate::simulator) fn news(numbers: &[Sender], news: &News) -> String {
    let sender = numbers.get(usize::from(news.number));
    let value: Value = serde_json::from_str(&news.value).unwrap_or_default();
    json!({
        "object": "whatsapp_business_account",
        "entry": [{
            "id": sender.map_or("", |sender| sender.waba.as_str()),
            "changes": [{"field": news.field, "value": value}],
        }],
    })
    .to_string()
}

/// What a person says, as field and value of a webhook.
pub(in crate::simulator) fn inbound(
    meta: &Meta,
    number: u16,
    digits: u64,
    said: &Said,
    id: &str,
    at_seconds: i64,
) -> (&'static str, String) {
    let sender = meta.numbers.get(usize::from(number));
    let mut value = sender.map(about).unwrap_or_default();
    value.insert("contacts".to_owned(), json!([contact(meta, digits)]));
    let mut part = Map::new();
    part.insert("timestamp".to_owned(), json!(at_seconds.to_string()));
    if let Said::Marketing(wanted) = said {
        let word = if *wanted { "resume" } else { "stop" };
        // Times of preferences are numbers in Meta's own examples.
        part.insert("timestamp".to_owned(), json!(at_seconds));
        name(meta, &mut part, "wa_id", "user_id", digits);
        part.insert("category".to_owned(), json!("marketing_messages"));
        part.insert("value".to_owned(), json!(word));
        part.insert("detail".to_owned(), json!(format!("User requested to {word} marketing messages")));
        value.insert("user_preferences".to_owned(), json!([part]));
        return ("user_preferences", Value::from(value).to_string());
    }
    name(meta, &mut part, "from", "from_user_id", digits);
    part.insert("id".to_owned(), json!(id));
    let (kind, content) = match said {
        Said::Text(text) => ("text", json!({"body": text})),
        Said::Button(text, _) => ("button", json!({"payload": text, "text": text})),
        Said::NewNumber(new) => (
            "system",
            json!({"type": "user_changed_number", "wa_id": new.to_string(), "user_id": meta.user_id(*new),
                "body": "User changed number"}),
        ),
        Said::Marketing(_) => ("", Value::Null),
    };
    part.insert("type".to_owned(), json!(kind));
    part.insert(kind.to_owned(), content);
    if let (Said::Button(_, answered), Some(sender)) = (said, sender) {
        part.insert("context".to_owned(), json!({"from": display(sender), "id": answered}));
    }
    value.insert("messages".to_owned(), json!([part]));
    ("messages", Value::from(value).to_string())
}

/// What Meta decided, as field and value of a webhook.
pub(in crate::simulator) fn topic(topic: &Topic<'_>, name: &str, language: &str) -> (&'static str, String) {
    let template = |rest: Value| {
        let mut value = json!({
            "message_template_id": 1_000_000_000_000_001_i64,
            "message_template_name": name,
            "message_template_language": language,
        });
        if let (Some(value), Value::Object(rest)) = (value.as_object_mut(), rest) {
            value.extend(rest);
        }
        value
    };
    let (field, value) = match topic {
        Topic::TemplateStatus(event) => {
            ("message_template_status_update", template(json!({"event": event, "reason": "NONE"})))
        }
        Topic::TemplateQuality(score) => (
            "message_template_quality_update",
            template(json!({"previous_quality_score": "UNKNOWN", "new_quality_score": score})),
        ),
        Topic::Throughput => (
            "phone_number_quality_update",
            json!({"display_phone_number": DISPLAYED, "event": "THROUGHPUT_UPGRADE"}),
        ),
        Topic::NumberQuality(event) => {
            ("phone_number_quality_update", json!({"display_phone_number": DISPLAYED, "event": event}))
        }
        Topic::Account(event) => ("account_update", json!({"phone_number": DISPLAYED, "event": event})),
        Topic::Capability(people) => (
            "business_capability_update",
            json!({"max_daily_conversations_per_business": people, "max_phone_numbers_per_waba": 25}),
        ),
    };
    (field, value.to_string())
}

const DISPLAYED: &str = "15550100";

/// The number as people see it: the ids of the simulator's numbers differ in their last digits.
fn display(sender: &Sender) -> String {
    let id = sender.number_id.as_str();
    format!("1555{}", id.get(id.len().saturating_sub(7)..).unwrap_or(id))
}

fn about(sender: &Sender) -> Map<String, Value> {
    let metadata = json!({"display_phone_number": display(sender), "phone_number_id": sender.number_id});
    Map::from_iter([("messaging_product".to_owned(), json!("whatsapp")), ("metadata".to_owned(), metadata)])
}

/// Writes down who somebody is: always the user id, and the number unless they hide it.
fn name(meta: &Meta, to: &mut Map<String, Value>, number: &str, user_id: &str, digits: u64) {
    if !meta.hides_number(digits) {
        to.insert(number.to_owned(), json!(digits.to_string()));
    }
    to.insert(user_id.to_owned(), json!(meta.user_id(digits)));
}

fn contact(meta: &Meta, digits: u64) -> Value {
    let mut contact = Map::new();
    contact.insert("profile".to_owned(), json!({"name": "Somebody"}));
    name(meta, &mut contact, "wa_id", "user_id", digits);
    contact.into()
}

fn status(meta: &Meta, told: &Told) -> Value {
    let word = match told.stage {
        Stage::Sent => "sent",
        Stage::Delivered => "delivered",
        Stage::Read => "read",
        Stage::Failed(_) => "failed",
    };
    let mut status = Map::new();
    status.insert("id".to_owned(), json!(told.wamid));
    status.insert("status".to_owned(), json!(word));
    status.insert("timestamp".to_owned(), json!(told.at_seconds.to_string()));
    name(meta, &mut status, "recipient_id", "recipient_user_id", told.digits);
    if !told.token.is_empty() {
        status.insert("biz_opaque_callback_data".to_owned(), json!(told.token));
    }
    match told.stage {
        // The price comes with the first status alone; conversations are told of rarely.
        Stage::Sent => {
            let (category, by_ad) = (category(told.kind), told.digits.is_multiple_of(50));
            let kind = if by_ad { "free_entry_point" } else { "regular" };
            let pricing =
                json!({"billable": !by_ad, "pricing_model": "PMP", "type": kind, "category": category});
            status.insert("pricing".to_owned(), pricing);
            if by_ad {
                let expires = (told.at_seconds + 72 * 3_600).to_string();
                let conversation = json!({"id": format!("{:032x}", told.digits),
                    "expiration_timestamp": expires, "origin": {"type": "referral_conversion"}});
                status.insert("conversation".to_owned(), conversation);
            }
        }
        Stage::Failed(code) => {
            let error = json!({"code": code, "title": "Message undeliverable", "message": "Message undeliverable",
                "error_data": {"details": "simulated"}});
            status.insert("errors".to_owned(), json!([error]));
        }
        Stage::Delivered | Stage::Read => {}
    }
    status.into()
}

const fn category(kind: Kind) -> &'static str {
    match kind {
        Kind::Marketing => "marketing",
        Kind::Utility => "utility",
        Kind::Authentication => "authentication",
        Kind::Service => "service",
    }
}
