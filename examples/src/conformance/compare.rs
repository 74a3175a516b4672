use serde_json::Value;

/// A difference that is meant.
#[derive(Debug)]
pub struct Tolerated {
    /// The members, wherever they stand; none for all.
    pub members: &'static [&'static str],
    /// What may differ.
    pub difference: Difference,
    /// Why.
    pub reason: &'static str,
}

/// What may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// How a number is written around its digits.
    Spelling,
    /// Capitals.
    Case,
    /// Null instead of nothing.
    Null,
}

/// Every difference that is meant, with its reason.
pub const TOLERATED: [Tolerated; 3] = [
    Tolerated {
        members: &["to"],
        difference: Difference::Spelling,
        reason: "numbers are sent as + and digits, or Meta puts the business's own country before them",
    },
    Tolerated {
        members: &[],
        difference: Difference::Null,
        reason: "null says what a missing member says: Graph writes it for a field that has no value",
    },
    Tolerated {
        members: &["type", "sub_type", "format", "otp_type", "category", "parameter_format"],
        difference: Difference::Case,
        reason: "Meta takes these words in any case and mixes it in its own examples",
    },
];

/// The paths at which two values differ at all.
pub(super) fn exact(given: &Value, written: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    compare("$", "", given, Some(written), &[], &mut paths);
    paths
}

/// The paths at which two values differ, apart from what is tolerated.
pub(super) fn differences(given: &Value, written: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    compare("$", "", given, Some(written), &TOLERATED, &mut paths);
    paths
}

fn compare(
    path: &str,
    member: &str,
    given: &Value,
    written: Option<&Value>,
    tolerated: &[Tolerated],
    paths: &mut Vec<String>,
) {
    match (given, written) {
        (Value::Object(given), Some(Value::Object(written))) => {
            for (name, value) in given {
                compare(&format!("{path}.{name}"), name, value, written.get(name), tolerated, paths);
            }
            for name in written.keys().filter(|name| !given.contains_key(*name)) {
                paths.push(format!("{path}.{name} (added)"));
            }
        }
        (Value::Array(given), Some(Value::Array(written))) if given.len() == written.len() => {
            for (index, (given, written)) in given.iter().zip(written).enumerate() {
                compare(&format!("{path}[{index}]"), member, given, Some(written), tolerated, paths);
            }
        }
        (given, Some(written))
            if given == written || is_tolerated(tolerated, member, given, Some(written)) => {}
        (given, None) if is_tolerated(tolerated, member, given, None) => {}
        (_, None) => paths.push(format!("{path} (lost)")),
        _ => paths.push(path.to_owned()),
    }
}

fn is_tolerated(tolerated: &[Tolerated], member: &str, given: &Value, written: Option<&Value>) -> bool {
    let applies =
        |tolerated: &&Tolerated| tolerated.members.is_empty() || tolerated.members.contains(&member);
    tolerated.iter().filter(applies).any(|tolerated| match (tolerated.difference, given, written) {
        (Difference::Null, Value::Null, None) => true,
        (Difference::Case, Value::String(given), Some(Value::String(written))) => {
            given.eq_ignore_ascii_case(written)
        }
        (Difference::Spelling, Value::String(given), Some(Value::String(written))) => {
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            digits(given) == digits(written) && !digits(given).is_empty()
        }
        _ => false,
    })
}
