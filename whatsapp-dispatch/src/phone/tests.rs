use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

fn reader(region: Option<&str>, missing_plus: MissingPlus) -> NumberReader {
    NumberReader { default_region: region.map(|code| code.parse().unwrap()), missing_plus }
}

fn read_in(region: &str, text: &str) -> Result<String, PhoneError> {
    reader(Some(region), MissingPlus::Refuse).read(text).map(PhoneNumber::to_e164)
}

#[test]
fn people_write_numbers_in_many_ways() {
    let strict = NumberReader::default();
    for text in [
        "+4915123456789",
        "+49 1512 3456789",
        " +49\u{a0}1512\u{202f}3456789 ",
        "+49 (0) 1512-3456789",
        "+49 (1512) 345.67.89",
        "(+49) 1512/3456789",
        "0049 1512 3456789",
        "tel:+49-1512-3456789",
        "TEL:+4915123456789",
        "'+4915123456789",
        "＋４９１５１２３４５６７８９",
        "+٤٩١٥١٢٣٤٥٦٧٨٩",
        "+४९१५१२३४५६७८९",
        "\u{202a}+4915123456789\u{202c}",
        "+4915123456789.0",
        "+49015123456789",
        "+49\u{2011}1512\u{2013}3456789",
    ] {
        assert_eq!(strict.read(text).map(PhoneNumber::to_e164), Ok("+4915123456789".to_owned()), "{text:?}");
    }
}

#[test]
fn a_default_country_reads_national_numbers() {
    for (region, text, number) in [
        ("DE", "0151 23456789", "+4915123456789"),
        ("DE", "15123456789", "+4915123456789"),
        ("DE", "4915123456789", "+4915123456789"),
        ("DE", "(0)151-23456789", "+4915123456789"),
        ("DE", "0033 639980012", "+33639980012"),
        ("DE", "+1 212 555 0142", "+12125550142"),
        ("IN", "98765 43210", "+919876543210"),
        ("IN", "09876543210", "+919876543210"),
        ("IN", "919876543210", "+919876543210"),
        ("IN", "919876543210.0", "+919876543210"),
        ("US", "(212) 555-0142", "+12125550142"),
        ("US", "1 212 555 0142", "+12125550142"),
        ("US", "011 44 7700 900123", "+447700900123"),
        ("CA", "604 555 0142", "+16045550142"),
        ("RU", "8 (912) 345-67-89", "+79123456789"),
        ("KZ", "8 701 234 56 78", "+77012345678"),
        ("IT", "06 6982 1234", "+390669821234"),
        ("IT", "391 234 5678", "+393912345678"),
        ("HU", "06 20 123 4567", "+36201234567"),
        ("MX", "044 55 1234 5678", "+525512345678"),
        ("CI", "07 01 23 45 67", "+2250701234567"),
        ("AT", "436641234567", "+436641234567"),
    ] {
        assert_eq!(read_in(region, text), Ok(number.to_owned()), "{text:?} in {region}");
    }
}

#[test]
fn what_cannot_be_a_number_is_refused_with_its_reason() {
    let strict = NumberReader::default();
    for (text, code) in [
        ("", "recipient.no_number"),
        ("  -  ", "recipient.no_number"),
        ("+", "recipient.no_number"),
        ("919876543210", "recipient.no_country"),
        ("0151 23456789", "recipient.no_country"),
        ("call me", "recipient.invalid"),
        ("+49 151 2345 ext. 5", "recipient.invalid"),
        ("9.19877E+11", "recipient.invalid"),
        ("+91 98765 4321", "recipient.invalid"),
        ("+91 98765 432101", "recipient.invalid"),
        ("+999 12345678", "recipient.invalid"),
        ("+0 12345678", "recipient.invalid"),
        ("+1 123 456 7890", "recipient.invalid"),
        ("+49 1512 3456789 / +49 1512 3456780", "recipient.invalid"),
        ("+49151234567890123456789", "recipient.invalid"),
        ("+49000151", "recipient.invalid"),
    ] {
        assert_eq!(strict.read(text).unwrap_err().code().as_str(), code, "{text:?}");
    }
    assert_eq!(strict.read("9,19E+11"), Err(PhoneError::Rounded));
    assert_eq!(
        read_in("IN", "12345"),
        Err(PhoneError::TooShort { region: Some(Region::known("IN")), least: 10 })
    );
}

#[test]
fn the_strict_form_has_no_frills() {
    for bad in ["", "4915123456789", "+49 15123456789", "+049151234567", "+4915123456789x", "+49٣"] {
        assert!(PhoneNumber::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_missing_plus_is_assumed_only_on_request() {
    let lenient = reader(None, MissingPlus::Assume);
    assert_eq!(lenient.read("55 11 98765-4321").unwrap(), parsed("+5511987654321"));
    assert_eq!(lenient.read("0151 23456789"), Err(PhoneError::NoCountry));
    let with_home = reader(Some("US"), MissingPlus::Assume);
    assert_eq!(with_home.read("212 555 0142").unwrap(), parsed("+12125550142"));
    assert_eq!(with_home.read("4915123456789").unwrap(), parsed("+4915123456789"));
}

#[test]
fn countries_that_share_a_code_are_told_apart() {
    for (number, region) in [
        ("+12125550142", "US"),
        ("+14165550142", "CA"),
        ("+18765550142", "JM"),
        ("+17875550142", "PR"),
        ("+79123456789", "RU"),
        ("+77012345678", "KZ"),
        ("+447700900123", "GB"),
        ("+447781123456", "GG"),
        ("+390669812345", "VA"),
        ("+390612345678", "IT"),
        ("+262639123456", "YT"),
        ("+59995123456", "CW"),
    ] {
        assert_eq!(parsed(number).region(), Some(Region::known(region)), "{region}");
    }
    assert_eq!(parsed("+870773111632").region(), None);
    assert!(parsed("+870773111632").zones().is_empty());
}

#[test]
fn area_codes_tell_the_zone() {
    for (number, zones) in [
        ("+12125550142", vec![Tz::America__New_York]),
        ("+18085550142", vec![Tz::Pacific__Honolulu]),
        ("+16045550142", vec![Tz::America__Vancouver]),
        ("+5592987654321", vec![Tz::America__Manaus]),
        ("+919876543210", vec![Tz::Asia__Kolkata]),
    ] {
        assert_eq!(parsed(number).zones(), zones);
    }
    assert_eq!(parsed("+18885550142").zones(), Region::known("US").zones());
    assert_eq!(parsed("+18765550142").zones(), [Tz::America__Jamaica]);
}

#[test]
fn two_spellings_of_one_line_are_one_person() {
    for (spelled, canonical) in [
        ("+551187654321", "+5511987654321"),
        ("+5511987654321", "+5511987654321"),
        ("+551132654321", "+551132654321"),
        ("+552087654321", "+552087654321"),
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        ("+4915123456789", "+4915123456789"),
    ] {
        assert_eq!(parsed(spelled).canonical(), parsed(canonical));
    }
}

#[test]
fn shown_numbers_are_masked() {
    let number = parsed("+919876543210");
    assert_eq!(format!("{number:?}"), "PhoneNumber(+91 •••••••210)");
    assert_eq!(parsed("+29041234").to_string(), "+290 ••••4");
    assert_eq!(PhoneNumber::from_digits(123), None);
    assert!(!format!("{:?}", PhoneNumber::from_digits(9_990_001_234).unwrap()).contains("123"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,24}", home in 0_usize..3, assume in any::<bool>()) {
        let region = [None, Some("DE"), Some("US")][home];
        let missing_plus = if assume { MissingPlus::Assume } else { MissingPlus::Refuse };
        let _ = reader(region, missing_plus).read(&text);
        if let Ok(number) = PhoneNumber::parse(&text) {
            prop_assert_eq!(number.to_e164(), text);
        }
    }

    #[test]
    fn reading_what_was_read_changes_nothing(text in r"(\+|00|0|)[ (]?[0-9]{1,4}[-) ]?[0-9]{3,11}", home in 0_usize..4) {
        let reader = reader([None, Some("DE"), Some("US"), Some("IT")][home], MissingPlus::Assume);
        if let Ok(number) = reader.read(&text) {
            prop_assert_eq!(reader.read(&number.to_e164()), Ok(number));
            prop_assert_eq!(PhoneNumber::parse(&number.to_e164()), Ok(number));
            prop_assert!((8..=16).contains(&number.to_e164().len()));
            prop_assert_eq!(PhoneNumber::from_digits(number.digits()), Some(number));
            prop_assert_eq!(number.canonical().canonical(), number.canonical());
            prop_assert!(PhoneNumber::parse(&number.canonical().to_e164()).is_ok());
        }
    }

    #[test]
    fn no_digits_decide_where_separators_stand(national in "[6-9][0-9]{9}", at in 1_usize..9, mark in "[ ./\u{a0}\u{2013}-]") {
        let text = format!("+91{}{mark}{}", &national[..at], &national[at..]);
        prop_assert_eq!(NumberReader::default().read(&text).unwrap(), parsed(&format!("+91{national}")));
    }
}
