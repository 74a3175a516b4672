use serde_json::json;

use super::*;

fn lines(path: &str, payload: &Value) -> Vec<Line> {
    try_file(Path::new(path), path, payload.to_string().as_bytes())
}

fn one(path: &str, payload: &Value) -> Line {
    let mut lines = lines(path, payload);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[test]
fn kinds_are_told_apart_by_content_and_by_folder_where_that_leaves_it_open() {
    let template = json!({"name": "offer", "language": "en", "category": "MARKETING", "components": []});
    let mut found = template.clone();
    found["id"] = json!("1");
    let payloads = [
        ("a.json", json!({"object": "whatsapp_business_account", "entry": []}), Kind::Webhook),
        (
            "a.json",
            json!({"messaging_product": "whatsapp", "to": "+49 151 12345678", "type": "text", "text": {"body": "x"}}),
            Kind::Request,
        ),
        (
            "a.json",
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}),
            Kind::ReadReceipt,
        ),
        ("a.json", json!({"messaging_product": "whatsapp", "messages": [{"id": "wamid.x"}]}), Kind::Sent),
        ("a.json", json!({"error": {"code": 4, "message": "x"}}), Kind::Error),
        ("a.json", template, Kind::NewTemplate),
        ("a.json", found.clone(), Kind::Template),
        ("a.json", json!({"data": [found]}), Kind::Templates),
        ("a.json", json!({"id": "1", "status": "PENDING", "category": "UTILITY"}), Kind::TemplateCreated),
        ("a.json", json!({"id": "1", "display_phone_number": "+49 151 12345678"}), Kind::PhoneNumber),
        ("phone_number/a.json", json!({"id": "1", "quality_rating": "GREEN"}), Kind::PhoneNumber),
        ("a.json", json!({"data": [{"id": "1", "verified_name": "Shop"}]}), Kind::PhoneNumbers),
        ("a.json", json!({"data": [{"whatsapp_business_api_data": {"id": "1"}}]}), Kind::SubscribedApps),
        ("subscribed_apps/a.json", json!({"data": []}), Kind::SubscribedApps),
        ("phone_numbers/a.json", json!({"data": []}), Kind::PhoneNumbers),
        ("a.json", json!({"data": [{"id": "1", "message_id": "wamid.x"}]}), Kind::MessageHistory),
        ("a.json", json!({"data": [{"cursor": "c", "node": {"id": "1"}}]}), Kind::HistoryEvents),
        ("a.json", json!({"success": true}), Kind::Success),
    ];
    for (path, payload, kind) in payloads {
        let line = one(path, &payload);
        assert_eq!((line.kind, &line.outcome), (Some(kind.name()), &Outcome::Same), "{payload}");
    }
}

#[test]
fn what_is_lost_unknown_or_broken_is_told_with_its_path() {
    let request = json!({"messaging_product": "whatsapp", "to": "<TO>", "type": "text",
        "text": {"body": "x", "sparkle": true}});
    let line = one("a.json", &request);
    assert_eq!(line.outcome, Outcome::Differs(vec!["$.text.sparkle (lost)".to_owned()]));
    assert!(line.to_string().starts_with("message request"));
    let undecoded = [
        json!({"messaging_product": "whatsapp", "to": "1", "type": "hologram", "hologram": {}}),
        json!({"messaging_product": "whatsapp", "to": "1", "type": "text"}),
        json!({"id": "1", "verified_name": "Shop", "quality_rating": "PURPLE"}),
        json!({"nothing": "that we know"}),
        json!([]),
    ];
    for payload in undecoded {
        let outcome = one("a.json", &payload).outcome;
        assert!(matches!(outcome, Outcome::Undecoded(_)) && outcome.is_undecoded(), "{payload}: {outcome}");
    }
    let broken = try_file(Path::new("a.json"), "a.json", b"{\"a\":");
    assert!(broken[0].outcome.is_undecoded());
}

#[test]
fn only_the_listed_differences_are_tolerated() {
    let number = json!({"id": "1", "verified_name": "Shop", "username": null});
    assert_eq!(one("a.json", &number).outcome, Outcome::Same);
    let lower = json!({"name": "a", "language": "en", "category": "marketing",
        "components": [{"type": "body", "text": "x"}]});
    assert_eq!(one("a.json", &lower).outcome, Outcome::Same);
    let kept: Vec<bool> = TOLERATED.iter().map(|tolerated| tolerated.reason.is_empty()).collect();
    assert_eq!(kept, [false; 3], "every tolerance has its reason");
    let differ = [
        (json!({"to": "+49 1"}), json!({"to": "+49 2"}), "$.to"),
        (json!({"type": "body"}), json!({"type": "header"}), "$.type"),
        (json!({"text": "a"}), json!({"text": "A"}), "$.text"),
        (json!({"text": 0}), json!({}), "$.text (lost)"),
        (json!({}), json!({"text": 0}), "$.text (added)"),
        (json!({"a": [1]}), json!({"a": [1, 2]}), "$.a"),
        (json!({"a": [{"b": 1}]}), json!({"a": [{"b": "1"}]}), "$.a[0].b"),
    ];
    for (given, written, path) in differ {
        assert_eq!(compare::differences(&given, &written), [path]);
    }
    assert_eq!(compare::differences(&json!({"to": "49-1"}), &json!({"to": "+491"})), [""; 0]);
}

#[test]
fn placeholders_of_requests_are_filled_and_variables_of_templates_stay() {
    let filled = placeholders::filled(&json!({
        "to": "PHONE_NUMBER", "a": "{{Flow-ID}}", "b": ["<HEADER_TYPE>", "<http(s)://audio-url>"],
        "c": "{{1}}", "d": "{{first_name}}", "e": "Hi {{1}}", "f": "<BODY_TEXT>", "g": "1 < 2",
    }));
    assert_eq!(
        filled,
        json!({
            "to": NUMBER, "a": "1234567890", "b": ["text", "https://example.com/file"],
            "c": "{{1}}", "d": "{{first_name}}", "e": "Hi {{1}}", "f": "text", "g": "1 < 2",
        })
    );
    let group = json!({"recipient_type": "group", "to": "Y2FwaQ"});
    assert_eq!(placeholders::filled(&group), group);
}

#[test]
fn a_file_may_hold_several_payloads() {
    let sent = json!({"messaging_product": "whatsapp", "messages": [{"id": "wamid.x"}]});
    let several = lines("a.json", &json!({"first": sent, "second": {"odd": 1}}));
    let outcomes: Vec<bool> = several.iter().map(|line| line.outcome.is_undecoded()).collect();
    assert_eq!(outcomes, [false, true]);
    assert_eq!(several[0].place, "a.json first");
    assert_eq!(tally(&several).get("send answer"), Some(&1));
}

#[test]
fn files_of_other_vendors_are_counted_only() {
    let refused = json!({"error": {}});
    assert_eq!(one("payments/stripe/a.json", &refused).outcome, Outcome::OtherVendor);
    assert_eq!(one("payments/whatsapp/a.json", &refused).outcome, Outcome::Same);
}

#[test]
fn a_folder_is_tried_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    std::fs::write(folder.path().join("inner/a.json"), r#"{"success": true}"#).unwrap();
    std::fs::write(folder.path().join("b.json"), r#"{"error": {"code": 4}}"#).unwrap();
    std::fs::write(folder.path().join("LICENSE"), "no JSON").unwrap();
    let lines = try_folder(folder.path()).unwrap();
    let places: Vec<&str> = lines.iter().map(|line| line.place.as_str()).collect();
    assert_eq!(places, ["b.json", "inner/a.json"]);
    assert!(lines.iter().all(|line| line.outcome == Outcome::Same));
    assert!(try_folder(&folder.path().join("missing")).is_err());
}
