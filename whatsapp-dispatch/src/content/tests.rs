use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::phone::PhoneNumber;

/// Reads a request, compares its JSON with what was read, and says that nothing was left over.
fn round_trip(kind: &str, object: &Value) -> Message {
    let body = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+4915112345678",
        "type": kind, kind: object,
    });
    let request: Request =
        serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{kind} {object}: {error}"));
    assert_eq!(json!(request), body);
    assert_eq!(undecoded(&request), 0);
    let message = Message::from_fragment(&request.message.fragment()).unwrap();
    assert_eq!(message, request.message);
    message
}

#[test]
fn plain_kinds_survive_and_are_taken() {
    let media = [json!({"id": "104"}), json!({"link": "https://example.com/a", "provider": {"name": "cdn"}})];
    let kinds = [
        ("text", vec![json!({"body": "Hi"}), json!({"body": "https://example.com", "preview_url": true})]),
        ("image", media.to_vec()),
        ("video", vec![json!({"id": "104", "caption": "A film"})]),
        ("audio", vec![json!({"id": "104"}), json!({"id": "104", "voice": true})]),
        ("document", vec![json!({"id": "104", "caption": "Your bill", "filename": "bill.pdf"})]),
        ("sticker", media.to_vec()),
        (
            "location",
            vec![
                json!({"latitude": 52.5, "longitude": 13, "name": "Office", "address": "Somewhere 1"}),
                json!({"latitude": "52.5", "longitude": "-13.25"}),
            ],
        ),
        ("reaction", vec![json!({"message_id": "wamid.x", "emoji": "👍"}), json!({"message_id": "wamid.x"})]),
        ("pin", vec![json!({"type": "pin", "message_id": "wamid.x", "expiration_days": 7})]),
        (
            "contacts",
            vec![json!([{
                "name": {"formatted_name": "Dr Asha K. Rao Jr", "first_name": "Asha", "last_name": "Rao",
                    "middle_name": "K.", "prefix": "Dr", "suffix": "Jr"},
                "addresses": [{"street": "Somewhere 1", "city": "Pune", "state": "MH", "zip": "411001",
                    "country": "India", "country_code": "in", "type": "HOME"}],
                "birthday": "1990-01-31", "emails": [{"email": "asha@example.com", "type": "WORK"}],
                "org": {"company": "Rao", "department": "Sales", "title": "Head"},
                "phones": [{"phone": "+91 98765 43210", "type": "CELL", "wa_id": "919876543210"}],
                "urls": [{"url": "https://example.com", "type": "WORK"}],
            }])],
        ),
    ];
    for (kind, objects) in kinds {
        for object in objects {
            let message = round_trip(kind, &object);
            assert_eq!(message.kind(), kind);
            assert_eq!(message.check(), Ok(()), "{object}");
        }
    }
}

fn amount(value: i64) -> Value {
    json!({"value": value, "offset": 100})
}

fn order() -> Value {
    json!({
        "reference_id": "r1", "type": "physical-goods", "currency": "INR", "total_amount": amount(1100),
        "payment_settings": [{"type": "pix_dynamic_code", "pix_dynamic_code": {"code": "0002"}}],
        "beneficiaries": [{"name": "Asha Rao", "address_line1": "Somewhere 1", "country": "India",
            "postal_code": "411001"}],
        "order": {
            "status": "pending", "items": [{"retailer_id": "p1", "name": "Bread", "amount": amount(600),
                "quantity": 2, "sale_amount": amount(500), "country_of_origin": "India"}],
            "subtotal": amount(1000), "tax": amount(100), "shipping": {"value": 0, "offset": 100, "description": "free"},
            "discount": {"value": 0, "offset": 100, "discount_program_name": "none"},
            "expiration": {"timestamp": "1790000000", "description": "too late"},
        },
    })
}

#[test]
fn interactive_kinds_survive_and_are_taken() {
    let cards = |action: Value| {
        let card = |index: u8| {
            json!({"card_index": index, "header": {"type": "image", "image": {"id": "104"}},
                "body": {"text": "Card"}, "action": action})
        };
        json!({"cards": [card(0), card(1)]})
    };
    let link = json!({"name": "cta_url", "parameters": {"display_text": "Go", "url": "https://example.com"}});
    let actions = [
        ("button", json!({"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]})),
        (
            "list",
            json!({"button": "Choose", "sections": [
            {"title": "A", "rows": [{"id": "1", "title": "One", "description": "the first"}]},
            {"title": "B", "rows": [{"id": "2", "title": "Two"}]}]}),
        ),
        ("product", json!({"catalog_id": "1", "product_retailer_id": "p1"})),
        (
            "product_list",
            json!({"catalog_id": "1", "sections": [
            {"title": "A", "product_items": [{"product_retailer_id": "p1"}]}]}),
        ),
        (
            "catalog_message",
            json!({"name": "catalog_message",
            "parameters": {"thumbnail_product_retailer_id": "p1"}}),
        ),
        ("catalog_message", json!({"name": "catalog_message"})),
        (
            "flow",
            json!({"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "9",
            "flow_cta": "Book", "flow_token": "t", "mode": "draft", "flow_action": "navigate",
            "flow_action_payload": {"screen": "FIRST", "data": {"any": ["thing", 1]}}}}),
        ),
        ("cta_url", link.clone()),
        ("location_request_message", json!({"name": "send_location"})),
        (
            "address_message",
            json!({"name": "address_message", "parameters": {"country": "IN",
            "values": {"name": "Asha"}, "validation_errors": {"in_pin_code": "unknown"},
            "saved_addresses": [{"id": "1", "value": {"city": "Pune", "floor_number": 3}}]}}),
        ),
        ("order_details", json!({"name": "review_and_pay", "parameters": order()})),
        (
            "order_status",
            json!({"name": "review_order", "parameters": {"reference_id": "r1",
            "order": {"status": "shipped", "description": "on its way"},
            "payment": {"status": "captured", "timestamp": 1_790_000_000}}}),
        ),
        ("carousel", cards(link)),
        (
            "carousel",
            cards(json!({"buttons": [
            {"type": "quick_reply", "quick_reply": {"id": "y", "title": "Yes"}}]})),
        ),
        ("carousel", cards(json!({"catalog_id": "1", "product_retailer_id": "p1"}))),
        ("call_permission_request", json!({"name": "call_permission_request"})),
        (
            "voice_call",
            json!({"name": "voice_call", "parameters": {"display_text": "Call", "ttl_minutes": 100,
            "payload": "p"}}),
        ),
        ("request_contact_info", json!({"name": "request_contact_info"})),
    ];
    for (kind, action) in actions {
        let object = json!({
            "type": kind, "header": {"type": "text", "text": "Above"}, "body": {"text": "Text"},
            "footer": {"text": "Below"}, "action": action,
        });
        assert_eq!(round_trip("interactive", &object).check(), Ok(()), "{object}");
    }
    for header in ["image", "video", "gif", "document"] {
        let object = json!({"type": "button", "header": {"type": header, header: {"id": "104"}},
            "body": {"text": "Text"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]}});
        assert_eq!(round_trip("interactive", &object).check(), Ok(()));
    }
}

#[test]
fn templates_survive_with_every_component() {
    let button = |sub_type: &str, parameter: Value| json!({"type": "button", "sub_type": sub_type, "index": "0", "parameters": [parameter]});
    let header = |parameter: Value| json!({"type": "header", "parameters": [parameter]});
    let product = json!({"catalog_id": "1", "product_retailer_id": "p1"});
    let components = [
        header(json!({"type": "text", "text": "Sale", "parameter_name": "what"})),
        header(json!({"type": "image", "image": {"id": "104"}})),
        header(json!({"type": "video", "video": {"link": "https://example.com/v.mp4"}})),
        header(json!({"type": "gif", "gif": {"id": "104"}})),
        header(json!({"type": "document", "document": {"id": "104", "filename": "bill.pdf"}})),
        header(json!({"type": "location",
            "location": {"latitude": "18.5", "longitude": "73.8", "name": "Shop", "address": "Somewhere 1"}})),
        header(json!({"type": "product", "product": product})),
        json!({"type": "body", "parameters": [
            {"type": "text", "text": true},
            {"type": "currency", "currency": {"fallback_value": "$1", "code": "USD", "amount_1000": 1000}},
            {"type": "date_time", "date_time": {"fallback_value": "today", "day_of_week": 5, "year": 2026,
                "month": 11, "day_of_month": 20, "hour": 9, "minute": 5, "calendar": "GREGORIAN"}}]}),
        button("quick_reply", json!({"type": "payload", "payload": "p"})),
        button("url", json!({"type": "text", "text": "ending"})),
        button("copy_code", json!({"type": "coupon_code", "coupon_code": "SALE20"})),
        button("catalog", json!({"type": "action", "action": {"thumbnail_product_retailer_id": "p1"}})),
        button(
            "mpm",
            json!({"type": "action", "action": {"thumbnail_product_retailer_id": "p1",
            "sections": [{"title": "A", "product_items": [{"product_retailer_id": "p1"}]}]}}),
        ),
        button(
            "flow",
            json!({"type": "action", "action": {"flow_token": "t", "flow_action_data": {"a": 1}}}),
        ),
        button(
            "order_details",
            json!({"type": "action", "action": {"order_details": {
            "reference_id": "r1", "type": "digital-goods", "currency": "INR", "total_amount": amount(100)}}}),
        ),
        button("otp", json!({"type": "payload", "payload": 123_456})),
        button("voice_call", json!({"type": "ttl_minutes", "ttl_minutes": 60})),
        json!({"type": "button", "sub_type": "spm", "index": 0}),
        json!({"type": "limited_time_offer", "parameters": [
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_790_000_000_000_i64}}]}),
        json!({"type": "order_status", "parameters": [
            {"type": "order_status", "order_status": {"reference_id": "r1", "order": {"status": "shipped"}}}]}),
        json!({"type": "tap_target_configuration", "parameters": [{"type": "tap_target_configuration",
            "tap_target_configuration": [{"url": "https://example.com", "title": "Shop"}]}]}),
        json!({"type": "carousel", "cards": [
            {"card_index": 0, "components": [header(json!({"type": "image", "image": {"id": "1"}}))]},
            {"card_index": 1, "components": [header(json!({"type": "image", "image": {"id": "2"}}))]}]}),
    ];
    for component in components {
        let object = json!({"name": "offer", "language": {"code": "en_US", "policy": "deterministic"},
            "components": [component]});
        assert_eq!(round_trip("template", &object).check(), Ok(()), "{object}");
    }
    round_trip("template", &json!({"name": "hello", "language": {"code": "en"}, "components": []}));
    round_trip("template", &json!({"namespace": "n", "name": "hello", "language": {"code": "en"}}));
}

#[test]
fn what_hosts_build_is_what_meta_reads() {
    let built = TemplateMessage::new("offer", "en")
        .header(Parameter::image(Media::id("104")))
        .body([Parameter::text("Asha"), Parameter::text("20 %").named("discount")])
        .url_button(0, "x")
        .quick_reply_button(1, "stop")
        .copy_code_button(2, "SALE20")
        .offer_until(5)
        .carousel([[Component::with(ComponentKind::Body, [Parameter::text("one")])]]);
    let button = |sub_type: &str, index: &str, parameter: Value| json!({"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]});
    assert_eq!(
        json!(built)["components"],
        json!([
            {"type": "header", "parameters": [{"type": "image", "image": {"id": "104"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Asha"},
                {"type": "text", "text": "20 %", "parameter_name": "discount"}]},
            button("url", "0", json!({"type": "text", "text": "x"})),
            button("quick_reply", "1", json!({"type": "payload", "payload": "stop"})),
            button("copy_code", "2", json!({"type": "coupon_code", "coupon_code": "SALE20"})),
            {"type": "limited_time_offer", "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 5}}]},
            {"type": "carousel", "cards": [{"card_index": 0, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "one"}]}]}]},
        ])
    );
    let cards = [0, 1].map(|index| {
        let picture = Header::image(Media::link("https://example.com/a.jpg"));
        Card::link(index, picture, "Go", "https://example.com").body("Card")
    });
    let section = || ListSection::new("A", [ListRow::new("1", "One").description("first")]);
    let messages = [
        Message::text("Hi"),
        Message::image(Media::id("1").caption("c")),
        Message::document(Media::id("1").filename("a.pdf").provider("cdn")),
        Message::location(52.5, 13.4),
        Message::contacts([Contact::named("Asha", "Rao").phone("+91 98765 43210")]),
        Message::reaction("wamid.x", ""),
        Interactive::list("Which?", "Choose", [section()]).footer("f").into(),
        Interactive::link("Look", "Shop", "https://example.com").into(),
        Interactive::flow("Book", Flow::id("9", "Book").starting_at("FIRST", None).token("t")).into(),
        Interactive::product("1", "p1").into(),
        Interactive::products("Ours", "Look", "1", [ProductSection::new("A", ["p1", "p2"])]).into(),
        Interactive::catalog("All").into(),
        Interactive::location_request("Where?").into(),
        Interactive::address_request(
            "Where to?",
            AddressRequest { country: "IN".to_owned(), ..AddressRequest::default() },
        )
        .into(),
        Interactive::call_permission("May we call?").into(),
        Interactive::call("Call us", CallButton::default()).into(),
        Interactive::order_status("News", OrderStatus::new("r1", "shipped")).into(),
        Interactive::order_details(
            "Your bill",
            OrderDetails { total_amount: Amount::hundredths(1500), ..OrderDetails::default() },
        )
        .into(),
        Interactive::carousel("Cards", cards).into(),
    ];
    for message in messages {
        assert_eq!(message.check(), Ok(()), "{message:?}");
        assert_eq!(Message::from_fragment(&message.fragment()).unwrap(), message);
    }
}

#[test]
fn the_envelope_survives_in_full() {
    let number = PhoneNumber::parse("+4915112345678").unwrap();
    let body = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+4915112345678",
        "recipient": "DE.1", "context": {"message_id": "wamid.x"}, "biz_opaque_callback_data": "t",
        "category": "utility", "ttl_seconds": 600, "product_policy": "STRICT", "message_activity_sharing": false,
        "type": "text", "text": {"body": "Hi"},
    });
    assert_eq!(json!(serde_json::from_value::<Request>(body.clone()).unwrap()), body);

    let answer = Request::to(number, Message::text("Hi")).answering("wamid.x").token("t");
    assert_eq!(json!(answer)["context"], json!({"message_id": "wamid.x"}));
    assert_eq!(json!(Request::to_user("DE.1", Message::text("Hi")))["recipient"], "DE.1");
    let group = json!(Request::to_group("Y2FwaQ", Message::text("Hi")));
    assert_eq!((&group["recipient_type"], &group["to"]), (&json!("group"), &json!("Y2FwaQ")));
    assert_eq!(json!(serde_json::from_value::<Request>(group.clone()).unwrap()), group);
    for spelled in ["4915112345678", "+49 (151) 1234-5678", "49.151.12345678"] {
        let request = json!({"messaging_product": "whatsapp", "to": spelled, "text": {"body": "Hi"}});
        let read: Request = serde_json::from_value(request).unwrap();
        assert_eq!(read.envelope.to, Some(To::Number(number)));
        assert_eq!(
            json!(read),
            json!({"messaging_product": "whatsapp", "to": "+4915112345678", "text": {"body": "Hi"}})
        );
    }
    let read = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x",
        "typing_indicator": {"type": "text"}});
    assert_eq!(json!(ReadReceipt::new("wamid.x").typing()), read);
    assert_eq!(json!(serde_json::from_value::<ReadReceipt>(read.clone()).unwrap()), read);
}

#[test]
fn unknown_kinds_are_kept_and_counted_and_broken_ones_are_refused() {
    let hologram = json!({"type": "hologram", "hologram": {"depth": 3}});
    let message: Message = serde_json::from_value(hologram.clone()).unwrap();
    assert_eq!((json!(message), undecoded(&message)), (hologram, 1));
    let product = json!({"messaging_product": "whatsapp", "type": "text", "text": {"body": "x"},
        "product_policy": "NEW"});
    assert_eq!(undecoded(&serde_json::from_value::<Request>(product).unwrap()), 1);
    for broken in [
        json!({"type": "text"}),
        json!({"type": 7, "text": {"body": "x"}}),
        json!({"hologram": {}}),
        json!({"type": "text", "text": {}}),
        json!({"type": "interactive", "interactive": {"type": "button", "body": {"text": "x"}, "action": {}}}),
    ] {
        assert!(serde_json::from_value::<Message>(broken.clone()).is_err(), "{broken}");
    }
    for broken in [&b""[..], b"\"type\":\"text\"", b"}"] {
        assert!(Message::from_fragment(broken).is_err());
    }
}

#[test]
fn nothing_that_is_said_shows_in_debug() {
    let number = PhoneNumber::parse("+4915112345678").unwrap();
    let contact = Contact::named("Asha", "Rao");
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        Message::text("secret"),
        Request::to(number, Message::text("secret")),
        contact,
        Media::id("secret").caption("secret"),
        Interactive::link("secret", "secret", "https://secret"),
    );
    for secret in ["secret", "Asha", "4915112345678"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.starts_with("Message(text)"));
}

proptest! {
    #[test]
    fn any_text_survives(words in prop::collection::vec(any::<String>(), 6), microdegrees in -90_000_000..90_000_000_i32) {
        let [a, b, c, d, e, f] = <[String; 6]>::try_from(words).unwrap();
        let messages = [
            Message::text(a.clone()),
            Message::document(Media::id(a.clone()).caption(b.clone()).filename(c.clone())),
            Message::location(f64::from(microdegrees) / 1e6, 0.1),
            Message::contacts([Contact::named(a.clone(), b.clone()).phone(c.clone())]),
            Message::buttons(a.clone(), [Button::reply(b.clone(), c.clone())]),
            Interactive::link(a.clone(), b.clone(), c.clone()).header(Header::text(d.clone())).footer(e.clone()).into(),
            TemplateMessage::new(a, b).body([Parameter::text(c), Parameter::text(d).named(e)]).url_button(0, f).into(),
        ];
        let number = PhoneNumber::parse("+4915112345678").unwrap();
        for message in messages {
            prop_assert_eq!(&Message::from_fragment(&message.fragment()).unwrap(), &message);
            let request = Request::to(number, message).token("t");
            let read: Request = serde_json::from_slice(&serde_json::to_vec(&request).unwrap()).unwrap();
            prop_assert_eq!(read, request);
        }
    }
}
