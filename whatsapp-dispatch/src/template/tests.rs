use proptest::prelude::*;
use rules_core::judge::fault::chain;

use super::*;
use crate::columns::{Cells, Columns};
use crate::media::{MediaKind, MediaSource};

fn offer(body: &str) -> Result<TemplateDefinition, TemplateError> {
    TemplateDefinition::new(Template::marketing("offer", "en"), body)
}

fn columns() -> Columns {
    Columns::new(["phone", "first_name", "discount"]).unwrap()
}

fn filled(expression: &str, name: &str) -> Result<String, FillError> {
    let plan = Components::body([expression]).compile(&columns(), &offer("Hi {{1}}!").unwrap());
    let cells: Cells = ["+919876543210", name, "20"].into_iter().collect();
    plan.unwrap().fill(&cells).map(|values| values.iter().collect())
}

/// Why a campaign's components do not fit a template.
fn refused(given: &Components, wanted: &TemplateDefinition) -> String {
    chain(&given.compile(&columns(), wanted).unwrap_err()).to_string()
}

#[test]
fn names_and_languages_are_those_of_whatsapp() {
    for language in ["en", "fil", "pt_BR", "zh_CN", "zh_Hant"] {
        assert_eq!(Template::utility("order_2", language).check(), Ok(()), "{language}");
    }
    for language in ["", "EN", "en-US", "english", "en_"] {
        assert!(Template::utility("order_2", language).check().is_err(), "{language}");
    }
    for name in ["", "Offer", "an offer", &"x".repeat(513)] {
        assert!(Template::authentication(name, "en").check().is_err(), "{name}");
    }
}

#[test]
fn variables_are_found_in_the_text() {
    assert_eq!(offer("Plain.").unwrap().variables(), &Variables::Positional(0));
    assert_eq!(offer("A {{2}} b {{1}} c {{2}}.").unwrap().variables(), &Variables::Positional(2));
    let named = offer("A {{b}} c {{ a }} d.").unwrap();
    assert_eq!(named.variables(), &Variables::Named(vec!["b".to_owned(), "a".to_owned()]));
    assert_eq!(offer("A {{2}} b {{1}}.").unwrap().render(&["x", "y"]), "A y b x.");
}

#[test]
fn a_text_that_whatsapp_refuses_is_refused_here() {
    for (body, why) in [
        ("", "it is empty"),
        ("{{1}} hi", "begins or ends with a variable"),
        ("hi {{1}} ", "begins or ends with a variable"),
        ("hi {{1}} and {{3}}.", "{{2}} is missing"),
        ("hi {{0}}.", "{{1}} is missing"),
        ("hi {{1}} and {{name}}.", "mixes"),
        ("hi {{Name}}.", "\"Name\" cannot name a variable"),
        ("hi {{}}.", "is missing"),
        ("hi {{1.", "never closed"),
        (&"x".repeat(1025), "1025 characters"),
    ] {
        let error = offer(body).unwrap_err().to_string();
        assert!(error.starts_with("the body of template offer (en): ") && error.contains(why), "{error}");
    }
    let definition = offer("Hi.").unwrap();
    assert!(definition.clone().with_header("{{1}} and {{2}}").is_err());
    assert!(definition.clone().with_footer("for {{1}}").is_err());
    assert!(definition.clone().with_footer(&"x".repeat(61)).is_err());
    assert_eq!(definition.with_footer("Bye").unwrap().footer(), Some("Bye"));
}

#[test]
fn a_campaign_gives_what_the_template_has() {
    let two = offer("Hi {{1}}, {{2}} off.").unwrap();
    assert_eq!(
        refused(&Components::body(["{first_name}"]), &two),
        "template offer (en) has 2 numbered parameters, the campaign gives 1 numbered parameter"
    );
    let named = offer("Hi {{who}}, {{what}} off.").unwrap();
    assert_eq!(
        refused(&Components::body([("who", "{first_name}"), ("why", "x")]), &named),
        "template offer (en) has the named parameters who, what, the campaign gives the named parameters who, why"
    );
    refused(&Components::body(["a", "b"]), &named);
    assert!(Components::default().compile(&columns(), &offer("Hi.").unwrap()).is_ok());
}

#[test]
fn named_parameters_are_filled_in_the_order_of_the_text() {
    let definition = offer("{{who}}: no, {{b}} and {{a}}.").map(|_| ()).unwrap_err();
    assert!(matches!(definition, TemplateError::Text { .. }));
    let definition = offer("For {{b}} and {{a}}.").unwrap();
    let body = Components::body([("a", "{discount}"), ("b", "{first_name}")]);
    let plan = body.compile(&columns(), &definition).unwrap();
    let values = plan.fill(&Cells::from_iter(["+919876543210", "Asha", "20"])).unwrap();
    assert_eq!(values.iter().collect::<Vec<_>>(), ["Asha", "20"]);
    assert_eq!(plan.skeleton(), &Skeleton::named(["b", "a"]));
}

#[test]
fn an_unknown_column_is_named_with_the_nearest() {
    let error =
        Components::body(["{frist_name}"]).compile(&columns(), &offer("Hi {{1}}!").unwrap()).unwrap_err();
    assert_eq!(
        chain(&error).to_string(),
        "parameter 1 cannot be filled: there is no column \"frist_name\": the columns are phone, first_name, \
         discount; did you mean \"first_name\"?"
    );
}

#[test]
fn expressions_mix_text_columns_and_defaults() {
    assert_eq!(filled("{first_name}", "Asha"), Ok("Asha".to_owned()));
    assert_eq!(filled("dear {first_name|friend}", " "), Ok("dear friend".to_owned()));
    assert_eq!(filled("{{{first_name}}} {discount} %", "Asha"), Ok("{Asha} 20 %".to_owned()));
    assert_eq!(filled("{first_name|}{discount}", ""), Ok("20".to_owned()));
    for bad in ["", "{", "}", "{}", "{|x}", "{a", "a}", "{a{b}"] {
        let read = Components::body([bad]).compile(&columns(), &offer("Hi {{1}}!").unwrap());
        assert!(matches!(read, Err(TemplateError::Expression { .. })), "{bad:?}");
    }
}

#[test]
fn a_value_is_never_empty_and_stands_on_one_line() {
    let error = filled("Hi {first_name}", "").unwrap_err();
    assert_eq!(error.code().as_str(), "template.parameter_empty");
    assert_eq!(
        error.to_string(),
        "parameter 1 is empty because column \"first_name\" is: fill the cell, or give the column a default as in {first_name|friend}"
    );
    assert_eq!(filled("{first_name|}", " \n").unwrap_err().code(), FillError::EMPTY);
    assert_eq!(filled("{first_name}", "Asha\r\nRao"), Ok("Asha Rao".to_owned()));
    assert_eq!(filled("{first_name}", "\tA     B  C\tD\u{a0}E"), Ok("A B  C D\u{a0}E".to_owned()));
}

#[test]
fn a_message_fits_into_whatsapp() {
    assert!(filled("{first_name}", &"ü".repeat(1020)).is_ok());
    assert_eq!(
        filled("{first_name}", &"ü".repeat(1021)),
        Err(FillError::TooLong { place: "body".to_owned(), chars: 1025, most: 1024 })
    );
    assert_eq!(filled("{first_name}", &"x".repeat(99_999)).unwrap_err().code().as_str(), "template.too_long");
}

#[test]
fn parameters_are_read_from_configuration() {
    let list: Parameters = serde_json::from_str(r#"["{a}"]"#).unwrap();
    let table: Parameters = serde_json::from_str(r#"{"name":"{a}"}"#).unwrap();
    assert_eq!((list, table), (["{a}"].into(), [("name", "{a}")].into()));
}

proptest! {
    #[test]
    fn stored_parameters_come_back(values in prop::collection::vec(".{0,20}", 0..6)) {
        let filled: FilledParameters = values.iter().collect();
        let back = FilledParameters::from_bytes(filled.clone().into_bytes()).unwrap();
        prop_assert_eq!(back.iter().collect::<Vec<_>>(), values);
        prop_assert_eq!(back, filled);
    }

    #[test]
    fn damaged_parameters_are_noticed_or_read(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(read) = FilledParameters::from_bytes(bytes.clone().into()) {
            prop_assert_eq!(read.iter().map(|text| text.len() + 2).sum::<usize>(), bytes.len());
        }
    }

    #[test]
    fn whatever_a_cell_holds_the_value_is_one_that_whatsapp_takes(name in "[ \t\n\u{a0}a{}|é]{0,30}") {
        if let Ok(value) = filled("{first_name}", &name) {
            prop_assert!(!value.is_empty() && !value.contains(['\n', '\t']) && !value.contains("    "));
        }
    }

    #[test]
    fn any_text_is_a_template_or_refused(text in "[a{}1 |]{0,20}") {
        drop(offer(&text));
        drop(Components::body([text.as_str()]).compile(&columns(), &offer("Hi {{1}}!").unwrap()));
    }
}

#[test]
fn a_campaign_that_gives_something_else_is_told_both() {
    let components = Components::default;
    let picture = offer("Hi.").unwrap().with_header_kind(HeaderKind::Media(MediaKind::Image));
    assert_eq!(
        refused(&components(), &picture),
        "template offer (en) has a header with an image, the campaign gives nothing for the header"
    );
    let video = Header::video(MediaSource::Id("1".to_owned()));
    assert_eq!(
        refused(&Components { header: Some(video.clone()), ..components() }, &picture),
        "template offer (en) has a header with an image, the campaign gives a video for the header"
    );
    assert_eq!(
        refused(&Components { header: Some(video), ..components() }, &offer("Hi.").unwrap()),
        "template offer (en) has no header to fill, the campaign gives a video for the header"
    );
    let link = offer("Hi.").unwrap().with_buttons([ButtonDefinition::url("Go", "https://x.example/{{1}}")]);
    let link = link.unwrap();
    let with = |index, value| Components { buttons: [(index, value)].into(), ..Components::default() };
    assert_eq!(
        refused(&components(), &link),
        "template offer (en) has a link with a variable at button 0, the campaign gives nothing for it"
    );
    assert_eq!(
        refused(&with(0, ButtonValue::copy_code("SAVE")), &link),
        "template offer (en) has a link with a variable at button 0, the campaign gives a coupon"
    );
    assert_eq!(
        refused(&with(1, ButtonValue::url("a")), &link),
        "template offer (en) has 1 buttons, counted from 0, the campaign gives the end of a link for button 1"
    );
    let fixed = offer("Hi.").unwrap().with_buttons([ButtonDefinition::url("Go", "https://x.example")]);
    assert!(refused(&with(0, ButtonValue::url("a")), &fixed.unwrap()).contains("a link without a variable"));
    let login = TemplateDefinition::authentication(Template::authentication("login", "en"), OtpKind::OneTap);
    assert!(refused(&components(), &login.unwrap()).contains("wants a one-time code"));
    let code = Components { code: Some("1".to_owned()), ..components() };
    assert!(refused(&code, &link).contains("wants no one-time code"));
    let ends = Components { limited_time_offer: Some("1".into()), ..components() };
    assert!(refused(&ends, &link).contains("has no offer that ends"));
    assert!(
        refused(&components(), &offer("Hi.").unwrap().with_limited_time_offer(true))
            .contains("offer that ends")
    );
    let card = || CardDefinition::new(MediaKind::Image, "Hi.");
    let carousel = offer("Hi.").unwrap().with_cards([card(), card()]).unwrap();
    assert!(refused(&components(), &carousel).ends_with("has 2 cards, the campaign gives 0 cards"));
    let own = |kind: fn(MediaSource) -> Header| Card::new(kind(MediaSource::Id("1".to_owned())));
    let cards = vec![own(Header::image), own(Header::video)];
    let given = Components { cards, ..components() };
    assert!(refused(&given, &carousel).contains("a header with an image of card 2"));
}

#[test]
fn what_is_the_same_for_everybody_is_checked_at_once_and_kept_once() {
    let two = offer("Hi {{1}}, {{2}}.").unwrap();
    let plan = Components::body(["{first_name}", "bye"]).compile(&columns(), &two).unwrap();
    let values = plan.fill(&Cells::from_iter(["", "Asha", ""])).unwrap();
    assert_eq!(values.iter().collect::<Vec<_>>(), ["Asha"]);
    assert_eq!(
        refused(&Components::body(["a", " "]), &two),
        "the campaign's own text cannot be sent: parameter 2 is empty: fill the cell, or give the column a default as in {first_name|friend}"
    );
    assert!(refused(&Components::body(["a", &"x".repeat(1020)]), &two).contains("WhatsApp allows 1024"));
}

#[test]
fn each_part_of_a_message_has_its_own_limit() {
    let definition = offer("Hi {{1}}.").unwrap().with_header("For {{1}}").unwrap();
    let definition = definition
        .with_buttons([ButtonDefinition::url("Go", "https://x.example/{{1}}"), ButtonDefinition::CopyCode])
        .unwrap();
    let columns = Columns::new(["body", "header", "end", "coupon"]).unwrap();
    let given = Components {
        header: Some(Header::text("{header}")),
        buttons: [(0, ButtonValue::url("{end}")), (1, ButtonValue::copy_code("{coupon}"))].into(),
        ..Components::body(["{body}"])
    };
    let plan = given.compile(&columns, &definition).unwrap();
    let fill = |cells: [&str; 4]| plan.fill(&Cells::from_iter(cells)).map(|values| values.iter().count());
    let too_long =
        |place: &str, chars, most| Err(FillError::TooLong { place: place.to_owned(), chars, most });
    let x = |count| "x".repeat(count);
    assert_eq!(fill([&x(1020), &x(56), &x(1982), &x(15)]), Ok(4));
    assert_eq!(fill([&x(1021), "x", "x", "x"]), too_long("body", 1025, 1024));
    assert_eq!(fill(["x", &x(57), "x", "x"]), too_long("header", 61, 60));
    assert_eq!(fill(["x", "x", &x(1983), "x"]), too_long("link of button 0", 2001, 2000));
    assert_eq!(fill(["x", "x", "x", &x(16)]), too_long("button 1", 16, 15));
    let error = fill(["x", "x", "a b", "x"]).unwrap_err();
    assert_eq!(error.code().as_str(), "template.parameter_invalid");
    assert_eq!(error.to_string(), "button 0 is not a part of an address without spaces: correct the cell");
}

#[test]
fn links_places_and_instants_are_read_before_they_are_sent() {
    let columns = Columns::new(["a"]).unwrap();
    let fill = |definition: &TemplateDefinition, given: Components, cell: &str| {
        let plan = given.compile(&columns, definition).unwrap();
        plan.fill(&Cells::from_iter([cell])).map(|values| values.iter().collect::<String>())
    };
    let picture = offer("Hi.").unwrap().with_header_kind(HeaderKind::Media(MediaKind::Image));
    let link = |cell| {
        let header = Header::image(MediaSource::Link("{a}".to_owned()));
        fill(&picture, Components { header: Some(header), ..Components::default() }, cell)
    };
    assert_eq!(link("https://x.example/a.png").unwrap(), "https://x.example/a.png");
    for cell in ["a.png", "ftp://x.example/a", "https://", "https://x.example/a b"] {
        assert!(matches!(link(cell), Err(FillError::Invalid { .. })), "{cell}");
    }
    let map = offer("Hi.").unwrap().with_header_kind(HeaderKind::Location);
    let place = |cell| {
        let header = Header::location("{a}", "11.5");
        fill(&map, Components { header: Some(header), ..Components::default() }, cell)
    };
    assert_eq!(place("-48.1").unwrap(), "-48.1");
    for cell in ["91", "north", "NaN", "inf"] {
        assert!(matches!(place(cell), Err(FillError::Invalid { .. })), "{cell}");
    }
    let soon = offer("Hi.").unwrap().with_limited_time_offer(true);
    let ends = |cell| {
        fill(&soon, Components { limited_time_offer: Some("{a}".into()), ..Components::default() }, cell)
    };
    assert_eq!(ends("1970-01-01T00:00:02Z").unwrap(), "2000");
    for cell in ["tomorrow", "-1", "2026-11-08"] {
        assert!(matches!(ends(cell), Err(FillError::Invalid { .. })), "{cell}");
    }
}

#[test]
fn a_definition_keeps_to_the_limits_of_whatsapp() {
    let with = |buttons: Vec<ButtonDefinition>| offer("Hi.").unwrap().with_buttons(buttons);
    let url = |url: &str| ButtonDefinition::url("Go", url);
    assert!(with(vec![url("https://x.example/{{1}}"), url("https://x.example")]).is_ok());
    for (buttons, why) in [
        (vec![ButtonDefinition::quick_reply("x".repeat(26))], "a button's label: it has 26 characters"),
        (vec![ButtonDefinition::phone("Call", "1".repeat(21))], "a button's phone number"),
        (vec![url("https://{{1}}.example")], "at its end"),
        (vec![url("https://x.example/{{1}}{{2}}")], "more than one variable"),
        (vec![url("https://a"), url("https://b"), url("https://c")], "there are 3 links"),
        (vec![ButtonDefinition::CopyCode; 2], "there are 2 coupons"),
        ((0..11).map(|_| ButtonDefinition::quick_reply("x")).collect(), "there are 11 buttons"),
    ] {
        let error = with(buttons).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let card = |body: &str| CardDefinition::new(MediaKind::Image, body);
    assert!(offer("Hi.").unwrap().with_cards([card("a"), card(&"x".repeat(161))]).is_err());
    assert!(offer("Hi.").unwrap().with_cards((0..11).map(|_| card("a"))).is_err());
}

#[test]
fn what_a_campaign_gives_is_stored_and_comes_back() {
    let given = Components {
        header: Some(Header::document(MediaSource::Link("{a}".to_owned())).named("b.pdf")),
        limited_time_offer: Some("{a}".into()),
        buttons: [(3, ButtonValue::flow("t").with_data("a", "b"))].into(),
        cards: vec![Card::new(Header::location("1", "2")).body([("name", "{a}")])],
        code: Some("{a}".to_owned()),
        ..Components::body(["{a}"])
    };
    let stored = serde_json::to_string(&given).unwrap();
    assert_eq!(serde_json::from_str::<Components>(&stored).unwrap(), given);
    let plain = serde_json::to_string(&Components::body(["x"])).unwrap();
    assert_eq!(plain, r#"{"body":["x"]}"#);
}
