use serde_json::{Value, json};

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "called with json!")]
fn read(category: &str, components: Value) -> Result<TemplateDefinition, TemplateError> {
    let listed = json!({"name": "offer", "language": "en", "status": "APPROVED", "category": category,
        "id": "1", "parameter_format": "POSITIONAL", "components": components});
    serde_json::from_value::<WireTemplate>(listed).unwrap().into_definition()
}

fn offer(body: &str) -> TemplateDefinition {
    TemplateDefinition::new(Template::marketing("offer", "en"), body).unwrap()
}

#[test]
fn headers_are_read_in_all_their_formats() {
    let with = |header: Value| read("MARKETING", json!([header, {"type": "BODY", "text": "Hi."}])).unwrap();
    let example = json!({"header_handle": ["4::x"]});
    for (format, kind) in [
        ("IMAGE", HeaderKind::Media(MediaKind::Image)),
        ("VIDEO", HeaderKind::Media(MediaKind::Video)),
        ("DOCUMENT", HeaderKind::Media(MediaKind::Document)),
        ("LOCATION", HeaderKind::Location),
        ("HOLOGRAM", HeaderKind::Other("HOLOGRAM".to_owned())),
    ] {
        let header = json!({"type": "HEADER", "format": format, "example": example});
        assert_eq!(with(header), offer("Hi.").with_header_kind(kind));
    }
    let text = json!({"type": "HEADER", "format": "TEXT", "text": "For {{1}}"});
    assert_eq!(with(text), offer("Hi.").with_header("For {{1}}").unwrap());
}

#[test]
fn buttons_are_read_in_order_and_new_kinds_survive() {
    let listed = json!([
        {"type": "BODY", "text": "Hi {{1}}."}, {"type": "FOOTER", "text": "Bye"},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop"},
            {"type": "URL", "text": "Shop", "url": "https://x.example/{{1}}", "example": ["https://x.example/a"]},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550051310"},
            {"type": "COPY_CODE", "text": "Copy offer code", "example": "250FF"},
            {"type": "FLOW", "text": "Book", "flow_id": 7, "flow_action": "NAVIGATE"},
            {"type": "CATALOG", "text": "View"}, {"type": "MPM", "text": "Items"},
            {"type": "VOICE_CALL", "text": "Talk"}, {"type": "TELEPORT", "text": "Go"}]}
    ]);
    let label = |text: &str| text.to_owned();
    let buttons = [
        ButtonDefinition::quick_reply("Stop"),
        ButtonDefinition::url("Shop", "https://x.example/{{1}}"),
        ButtonDefinition::phone("Call", "+15550051310"),
        ButtonDefinition::CopyCode,
        ButtonDefinition::flow("Book"),
        ButtonDefinition::Catalog { label: label("View") },
        ButtonDefinition::Products { label: label("Items") },
        ButtonDefinition::VoiceCall { label: label("Talk") },
        ButtonDefinition::Other("TELEPORT".to_owned()),
    ];
    let expected = offer("Hi {{1}}.").with_footer("Bye").unwrap().with_buttons(buttons).unwrap();
    assert_eq!(read("MARKETING", listed).unwrap(), expected);
}

#[test]
fn codes_need_no_text_of_their_own() {
    for (otp_type, kind) in
        [("COPY_CODE", OtpKind::CopyCode), ("ONE_TAP", OtpKind::OneTap), ("ZERO_TAP", OtpKind::ZeroTap)]
    {
        let listed = json!([
            {"type": "BODY", "text": "*{{1}}* is your code.", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 10},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": otp_type, "text": "Copy code"}]}
        ]);
        let login = Template::authentication("offer", "en");
        assert_eq!(
            read("AUTHENTICATION", listed).unwrap(),
            TemplateDefinition::authentication(login, kind).unwrap()
        );
    }
    let old = json!([{"type": "BODY", "text": "{{1}} is your code."}, {"type": "BUTTONS", "buttons": [
        {"type": "URL", "text": "Copy code", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}]}]);
    let login = Template::authentication("offer", "en");
    let expected = TemplateDefinition::authentication(login, OtpKind::CopyCode).unwrap();
    assert_eq!(read("AUTHENTICATION", old).unwrap(), expected);
}

#[test]
fn carousels_and_offers_are_read() {
    let card = json!({"components": [{"type": "HEADER", "format": "VIDEO"}, {"type": "BODY", "text": "Only {{1}}."},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]}]});
    let listed = json!([{"type": "BODY", "text": "Hi."}, {"type": "CAROUSEL", "cards": [card, card]}]);
    let card = || {
        CardDefinition::new(MediaKind::Video, "Only {{1}}.")
            .with_buttons([ButtonDefinition::quick_reply("More")])
    };
    assert_eq!(read("MARKETING", listed).unwrap(), offer("Hi.").with_cards([card(), card()]).unwrap());
    let listed = json!([{"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Soon!", "has_expiration": true}},
        {"type": "BODY", "text": "Hi."}]);
    assert_eq!(read("MARKETING", listed).unwrap(), offer("Hi.").with_limited_time_offer(true));
}

#[test]
fn what_breaks_a_limit_is_told() {
    let body = json!({"type": "BODY", "text": "Hi."});
    let button = json!({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "1"});
    let error = read("UTILITY", json!([body, {"type": "BUTTONS", "buttons": [button, button]}])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the buttons of template offer (en): there are 2 phone numbers; WhatsApp allows 1"
    );
    let listed = json!([body, {"type": "CAROUSEL", "cards": [{"components": []}]}]);
    assert!(
        read("MARKETING", listed)
            .unwrap_err()
            .to_string()
            .ends_with("it has 1 cards; WhatsApp allows 2 to 10")
    );
}

#[test]
fn quality_is_read_where_it_is_told() {
    for (word, quality) in [("GREEN", Some(Quality::Green)), ("RED", Some(Quality::Red)), ("UNKNOWN", None)] {
        let listed = json!({"name": "offer", "language": "en", "quality_score": {"score": word, "date": 1},
            "components": [{"type": "body", "text": "Hi."}]});
        let template = serde_json::from_value::<WireTemplate>(listed).unwrap();
        assert_eq!(template.into_definition().unwrap().quality(), quality);
    }
}
