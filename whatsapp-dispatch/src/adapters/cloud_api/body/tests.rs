use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::adapters::cloud_api::testing::{encode, template};
use crate::columns::{Cells, Columns};
use crate::gateway::MarketingApi;
use crate::media::{Media, MediaId, MediaKind, MediaSource};
use crate::phone::PhoneNumber;
use crate::template::{
    ButtonDefinition, ButtonValue, Card, CardDefinition, Components, Header, HeaderKind, Location, OtpKind,
    ProductSection, Skeleton, TemplateDefinition,
};

fn outgoing(content: Content, values: &[String], token: &str) -> Outgoing {
    Outgoing {
        to: PhoneNumber::from_digits(4_915_112_345_678).unwrap(),
        content: Arc::new(content),
        parameters: encode(values),
        token: token.to_owned(),
    }
}

fn simple(skeleton: Skeleton, values: &[String], token: &str) -> Outgoing {
    outgoing(Content::new(template("diwali_offer"), skeleton), values, token)
}

fn parsed(message: &Outgoing) -> Value {
    serde_json::from_slice(&body(message)).unwrap()
}

/// What a person in columns `a` and `b` gets.
fn components(definition: &TemplateDefinition, given: &Components, a: &str, b: &str) -> Value {
    let columns = Columns::new(["a", "b"]).unwrap();
    let plan = given.compile(&columns, definition).unwrap();
    let values = plan.fill(&Cells::from_iter([a, b])).unwrap();
    let values: Vec<String> = values.iter().map(str::to_owned).collect();
    parsed(&simple(plan.skeleton().clone(), &values, "t"))["template"]["components"].take()
}

fn offer() -> TemplateDefinition {
    TemplateDefinition::new(template("diwali_offer"), "Hi {{1}}!").unwrap()
}

#[test]
fn a_template_without_parameters_has_no_components() {
    assert_eq!(
        parsed(&simple(Skeleton::default(), &[], "t")),
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "type": "template",
            "template": {"name": "diwali_offer", "language": {"code": "en_US"}},
            "to": "+4915112345678", "biz_opaque_callback_data": "t",
        })
    );
}

#[test]
fn a_header_has_its_text_its_medium_or_its_place() {
    let hi = json!({"type": "body", "parameters": [{"type": "text", "text": "Asha"}]});
    let body = Components::body(["{a}"]);
    let with = |header| Components { header: Some(header), ..body.clone() };
    let text = offer().with_header("For {{name}}").unwrap();
    assert_eq!(
        components(&text, &with(Header::text("{b} only")), "Asha", "you"),
        json!([{"type": "header", "parameters": [
            {"type": "text", "parameter_name": "name", "text": "you only"}]}, hi])
    );
    let media = |kind| offer().with_header_kind(HeaderKind::Media(kind));
    let link = |text: &str| MediaSource::Link(text.to_owned());
    assert_eq!(
        components(
            &media(MediaKind::Image),
            &with(Header::image(link("https://x.example/{b}.png"))),
            "Asha",
            "7"
        ),
        json!([{"type": "header", "parameters": [
            {"type": "image", "image": {"link": "https://x.example/7.png"}}]}, hi])
    );
    assert_eq!(
        components(
            &media(MediaKind::Video),
            &with(Header::video(MediaSource::Id("99".to_owned()))),
            "Asha",
            ""
        ),
        json!([{"type": "header", "parameters": [{"type": "video", "video": {"id": "99"}}]}, hi])
    );
    let bill = Header::document(link("{b}")).named("bill {a}.pdf");
    assert_eq!(
        components(&media(MediaKind::Document), &with(bill), "Asha", "http://x.example/1"),
        json!([{"type": "header", "parameters": [{"type": "document", "document":
            {"link": "http://x.example/1", "filename": "bill Asha.pdf"}}]}, hi])
    );
    let place = Location {
        latitude: "48.1".to_owned(),
        longitude: "{b}".to_owned(),
        name: Some("Shop".to_owned()),
        address: None,
    };
    assert_eq!(
        components(
            &offer().with_header_kind(HeaderKind::Location),
            &with(Header::Location(place)),
            "Asha",
            "11.5"
        ),
        json!([{"type": "header", "parameters": [{"type": "location", "location":
            {"latitude": "48.1", "longitude": "11.5", "name": "Shop"}}]}, hi])
    );
}

#[test]
fn every_kind_of_button_has_its_own_words() {
    let label = || "Go".to_owned();
    let definition = TemplateDefinition::new(template("diwali_offer"), "Hi!")
        .unwrap()
        .with_buttons([
            ButtonDefinition::quick_reply("Yes"),
            ButtonDefinition::url("Shop", "https://x.example/{{1}}"),
            ButtonDefinition::phone("Call", "+4989123"),
            ButtonDefinition::CopyCode,
            ButtonDefinition::flow("Book"),
            ButtonDefinition::flow("Ask"),
            ButtonDefinition::Catalog { label: label() },
            ButtonDefinition::Products { label: label() },
            ButtonDefinition::url("Home", "https://x.example"),
            ButtonDefinition::VoiceCall { label: label() },
        ])
        .unwrap();
    let section =
        ProductSection { title: "Best".to_owned(), products: vec!["s1".to_owned(), "{b}".to_owned()] };
    let buttons = BTreeMap::from([
        (0, ButtonValue::quick_reply("yes {a}")),
        (1, ButtonValue::url("{b}?x=1")),
        (3, ButtonValue::copy_code("SAVE{b}")),
        (4, ButtonValue::flow("{a}").with_data("day", "{b}").with_data("month", "5")),
        (6, ButtonValue::Catalog { thumbnail: "s1".to_owned() }),
        (7, ButtonValue::Products { thumbnail: "s1".to_owned(), sections: vec![section] }),
    ]);
    let given = Components { buttons, ..Components::default() };
    let button = |index: &str, kind: &str, parameter: Value| json!({"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]});
    let action = |action: Value| json!({"type": "action", "action": action});
    assert_eq!(
        components(&definition, &given, "A", "20"),
        json!([
            button("0", "quick_reply", json!({"type": "payload", "payload": "yes A"})),
            button("1", "url", json!({"type": "text", "text": "20?x=1"})),
            button("3", "copy_code", json!({"type": "coupon_code", "coupon_code": "SAVE20"})),
            button(
                "4",
                "flow",
                action(json!({"flow_token": "A", "flow_action_data": {"day": "20", "month": "5"}}))
            ),
            button("5", "flow", action(json!({"flow_token": "unused"}))),
            button("6", "catalog", action(json!({"thumbnail_product_retailer_id": "s1"}))),
            button(
                "7",
                "mpm",
                action(json!({"thumbnail_product_retailer_id": "s1", "sections": [
                {"title": "Best", "product_items": [{"product_retailer_id": "s1"}, {"product_retailer_id": "20"}]}]}))
            ),
        ])
    );
}

#[test]
fn a_code_goes_into_the_body_and_the_button() {
    for otp in [OtpKind::CopyCode, OtpKind::OneTap, OtpKind::ZeroTap] {
        let login = crate::template::Template::authentication("login", "en");
        let definition = TemplateDefinition::authentication(login, otp).unwrap();
        let given = Components { code: Some("{a}".to_owned()), ..Components::default() };
        assert_eq!(
            components(&definition, &given, "123456", ""),
            json!([
                {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
                {"type": "button", "sub_type": "url", "index": "0",
                    "parameters": [{"type": "text", "text": "123456"}]},
            ])
        );
    }
}

#[test]
fn an_offer_ends_at_an_instant() {
    let definition = offer().with_limited_time_offer(true);
    let given =
        |ends: &str| Components { limited_time_offer: Some(ends.into()), ..Components::body(["{a}"]) };
    for (ends, column) in
        [("{b}", "2026-11-08T18:00:00+05:30"), ("1794141000000", ""), ("{b}", "1794141000000")]
    {
        let sent = components(&definition, &given(ends), "Asha", column);
        assert_eq!(
            sent[1],
            json!({"type": "limited_time_offer", "parameters": [{"type": "limited_time_offer",
                "limited_time_offer": {"expiration_time_ms": 1_794_141_000_000_u64}}]})
        );
    }
}

#[test]
fn each_card_of_a_carousel_has_its_parts() {
    let card = || {
        CardDefinition::new(MediaKind::Image, "Only {{1}} left.")
            .with_buttons([ButtonDefinition::url("Buy", "https://x.example/{{1}}")])
    };
    let definition = offer().with_cards([card(), card()]).unwrap();
    let image = |id: &str| Header::image(MediaSource::Id(id.to_owned()));
    let cards = vec![
        Card::new(image("1")).body(["{b}"]).button(0, ButtonValue::url("{a}")),
        Card::new(image("{b}")).body(["two"]).button(0, ButtonValue::url("x")),
    ];
    let given = Components { cards, ..Components::body(["{a}"]) };
    let expected = |index: u8, id: &str, text: &str, end: &str| {
        json!({"card_index": index, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"id": id}}]},
            {"type": "body", "parameters": [{"type": "text", "text": text}]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": end}]},
        ]})
    };
    assert_eq!(
        components(&definition, &given, "Asha", "7"),
        json!([
            {"type": "body", "parameters": [{"type": "text", "text": "Asha"}]},
            {"type": "carousel", "cards": [expected(0, "1", "7", "Asha"), expected(1, "7", "two", "x")]},
        ])
    );
}

#[test]
fn what_was_uploaded_is_sent_by_its_id() {
    let media = Media::named("a.png", "picture").unwrap();
    let definition = offer().with_header_kind(HeaderKind::Media(MediaKind::Image));
    let header = Header::image(MediaSource::Bytes(media.clone()));
    let given = Components { header: Some(header), ..Components::body(["x"]) };
    let columns = Columns::new(["a"]).unwrap();
    let plan = given.compile(&columns, &definition).unwrap();
    let ids = BTreeMap::from([(media.digest(), MediaId::new("4711"))]);
    let sent = parsed(&simple(plan.skeleton().clone().with_media(&ids), &[], "t"));
    assert_eq!(sent["template"]["components"][0]["parameters"][0]["image"], json!({"id": "4711"}));
}

#[test]
fn only_the_marketing_api_is_told_its_extras() {
    let marketing = MarketingApi { policy: ProductPolicy::CloudApiFallback, share_activity: Some(false) };
    let content = Content::new(template("diwali_offer"), Skeleton::default()).with_marketing(marketing);
    let message = outgoing(content, &[], "t");
    let body = parsed(&message);
    assert_eq!(
        (&body["product_policy"], &body["message_activity_sharing"]),
        (&json!("CLOUD_API_FALLBACK"), &json!(false))
    );
    assert!(message.content.reroute(Route::Messages));
    assert_eq!(parsed(&message)["product_policy"], Value::Null);
}

#[test]
fn damaged_parameters_are_left_out() {
    for encoded in [&b"\0"[..], b"\0\x05abc", b"\0\x01\xff", b"\0\x01a\0"] {
        assert_eq!(parameters(&Bytes::from_static(encoded)).iter().count(), 0);
    }
}

#[test]
fn content_that_another_adapter_prepared_is_sent_as_well() {
    let message = simple(Skeleton::numbered(1), &["x".to_owned()], "t");
    assert_eq!(message.content.prepared(|_| 7_u8), Some(&7));
    assert_eq!(parsed(&message)["template"]["components"][0]["parameters"][0]["text"], "x");
}

/// Every text in a JSON value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn whatever_a_person_is_called_the_body_is_json_and_says_so(
        values in prop::collection::vec(any::<String>(), 0..5),
        token in any::<String>(),
        named in any::<bool>(),
    ) {
        let count = u16::try_from(values.len()).unwrap();
        let name = |number| format!("na\"me_{number}");
        let skeleton = if named { Skeleton::named((0..count).map(name)) } else { Skeleton::numbered(count) };
        let message = simple(skeleton, &values, &token);
        let body = parsed(&message);
        prop_assert_eq!(&body["biz_opaque_callback_data"], &json!(token));
        let sent = body["template"]["components"][0]["parameters"].as_array().cloned().unwrap_or_default();
        prop_assert_eq!(sent.len(), values.len());
        for (number, (parameter, value)) in (0..).zip(sent.iter().zip(&values)) {
            let mut expected = json!({"type": "text", "text": value});
            if named {
                expected["parameter_name"] = json!(name(number));
            }
            prop_assert_eq!(parameter, &expected);
        }
    }

    #[test]
    fn whatever_stands_in_the_slots_the_body_is_json_and_holds_it(
        values in prop::collection::vec(any::<String>(), 0..12),
        n_slots in 0_u16..12,
        backwards in any::<bool>(),
    ) {
        use crate::template::{Argument, Component, MediaBy, Value as Piece};
        let slot = |number: u16| Piece::Slot(if backwards { 11 - number } else { number });
        let value = |number: u16| match number % 7 {
            0 => Argument::Url(slot(number)),
            1 => Argument::QuickReply(slot(number)),
            2 => Argument::CopyCode(slot(number)),
            3 => Argument::Flow { token: slot(number), data: vec![("a\"b".to_owned(), slot(number))] },
            4 => Argument::Catalog(slot(number)),
            5 => Argument::Products { thumbnail: slot(number), sections: vec![(slot(number), vec![slot(number)])] },
            _ => Argument::Media { kind: MediaKind::Image, by: MediaBy::Link(slot(number)), name: None },
        };
        let button = |number| Component::Button { index: 0, value: value(number) };
        let buttons: Vec<Component> = (0..n_slots).map(button).collect();
        let mut components = vec![Component::LimitedTimeOffer(Piece::Slot(0))];
        components.push(Component::Carousel(vec![buttons.clone(), buttons]));
        let body = parsed(&simple(Skeleton { components }, &values, "t"));
        let mut found = Vec::new();
        texts(&body["template"]["components"], &mut found);
        for number in 0..n_slots {
            let place = usize::from(if backwards { 11 - number } else { number });
            let expected = values.get(place).map(String::as_str).unwrap_or_default();
            prop_assert!(found.contains(&expected), "{} of {:?}", place, found);
        }
    }
}
