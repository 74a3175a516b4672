//! Where something that came cannot be read, and why. Never the content.

use serde_json::Value;

use crate::wire::Field;

/// Something that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misread {
    /// Where, such as `orderItems[0].quantityOrdered`.
    pub(super) place: String,
    /// What is wrong there.
    pub(super) reason: String,
}

impl Misread {
    pub(super) fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }

    /// The same below another place.
    pub(super) fn below(self, place: &str) -> Self {
        let separator = if self.place.is_empty() { "" } else { "." };
        Self { place: format!("{place}{separator}{}", self.place), ..self }
    }
}

/// A member that must be there.
pub(super) fn needed<'a, T>(field: &'a Field<T>, place: &str) -> Result<&'a T, Misread> {
    match field {
        Field::Is(value) => Ok(value),
        Field::Missing => Err(Misread::at(place, "is missing")),
        Field::Null => Err(Misread::at(place, "is null")),
        Field::Odd(value) => Err(odd(value, place)),
    }
}

/// A member that may be missing, but not be something else.
pub(super) fn optional<'a, T>(field: &'a Field<T>, place: &str) -> Result<Option<&'a T>, Misread> {
    match field {
        Field::Is(value) => Ok(Some(value)),
        Field::Missing | Field::Null => Ok(None),
        Field::Odd(value) => Err(odd(value, place)),
    }
}

fn odd(value: &Value, place: &str) -> Misread {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number of another kind",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Misread::at(place, format!("is not what it should be, but {kind}"))
}
