use proptest::prelude::*;
use rules_core::judge::fault::chain;

use super::*;
use crate::columns::{Cells, Columns};

fn offer(body: &str) -> Result<TemplateDefinition, TemplateError> {
    TemplateDefinition::new(Template::marketing("offer", "en"), body)
}

fn columns() -> Columns {
    Columns::new(["phone", "first_name", "discount"]).unwrap()
}

fn filled(expression: &str, name: &str) -> Result<String, FillError> {
    let plan = Body::parse([expression]).unwrap().compile(&columns(), &offer("Hi {{1}}!").unwrap()).unwrap();
    let cells: Cells = ["+919876543210", name, "20"].into_iter().collect();
    plan.fill(&cells).map(|values| values.iter().collect())
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
        Body::parse(["{first_name}"]).unwrap().compile(&columns(), &two).unwrap_err().to_string(),
        "template offer (en) has 2 numbered parameters, the campaign gives 1 numbered parameter"
    );
    let named = offer("Hi {{who}}, {{what}} off.").unwrap();
    let wrong = Body::parse([("who", "{first_name}"), ("why", "x")]).unwrap();
    assert_eq!(
        named.check(&wrong).unwrap_err().to_string(),
        "template offer (en) has the named parameters who, what, the campaign gives the named parameters who, why"
    );
    assert!(named.check(&Body::parse(["a", "b"]).unwrap()).is_err());
    assert_eq!(offer("Hi.").unwrap().check(&Body::parse(Parameters::default()).unwrap()), Ok(()));
    let header = offer("Hi.").unwrap().with_header("For {{1}}").unwrap();
    let error = header.check(&Body::parse(Parameters::default()).unwrap()).unwrap_err();
    assert!(matches!(error, TemplateError::HeaderVariable { .. }));
}

#[test]
fn named_parameters_are_filled_in_the_order_of_the_text() {
    let definition = offer("{{who}}: no, {{b}} and {{a}}.").map(|_| ()).unwrap_err();
    assert!(matches!(definition, TemplateError::Text { .. }));
    let definition = offer("For {{b}} and {{a}}.").unwrap();
    let plan = Body::parse([("a", "{discount}"), ("b", "{first_name}")]).unwrap();
    let plan = plan.compile(&columns(), &definition).unwrap();
    let values = plan.fill(&Cells::from_iter(["+919876543210", "Asha", "20"])).unwrap();
    assert_eq!(values.iter().collect::<Vec<_>>(), ["Asha", "20"]);
    assert_eq!(plan.names().unwrap(), ["b", "a"]);
}

#[test]
fn an_unknown_column_is_named_with_the_nearest() {
    let body = Body::parse(["{frist_name}"]).unwrap();
    let error = body.compile(&columns(), &offer("Hi {{1}}!").unwrap()).unwrap_err();
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
        assert!(matches!(Body::parse([bad]), Err(TemplateError::Expression { .. })), "{bad:?}");
    }
    assert_eq!(Body::parse(["{a} {b|x}"]).unwrap().columns().collect::<Vec<_>>(), ["a", "b"]);
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
    assert_eq!(filled("{first_name}", &"ü".repeat(1021)), Err(FillError::TooLong { chars: 1025 }));
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
        drop(Body::parse([text.as_str()]));
    }
}
