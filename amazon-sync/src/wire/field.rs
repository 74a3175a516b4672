//! A member of an object that may be anything.

use std::fmt::{self, Debug, Formatter};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// A member of an object. Whatever came is written again as it came.
#[derive(Clone, Default, PartialEq)]
pub enum Field<T> {
    /// It is not there.
    #[default]
    Missing,
    /// It is null.
    Null,
    /// It is what it should be.
    Is(T),
    /// It is something else.
    Odd(Value),
}

impl<T> Field<T> {
    /// The member, if it is there and what it should be.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Missing | Self::Null | Self::Odd(_) => None,
        }
    }

    /// The member, if it is there and what it should be.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Missing | Self::Null | Self::Odd(_) => None,
        }
    }

    /// True when it is not there, or null.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    pub(crate) const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Is(value)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Self::Is)
    }
}

impl From<&str> for Field<String> {
    fn from(text: &str) -> Self {
        Self::Is(text.to_owned())
    }
}

impl<T: Debug> Debug for Field<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Null => f.write_str("null"),
            Self::Is(value) => value.fmt(f),
            Self::Odd(_) => f.write_str("odd"),
        }
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing | Self::Null => serializer.serialize_unit(),
            Self::Is(value) => value.serialize(serializer),
            Self::Odd(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match T::deserialize(&value) {
            _ if value.is_null() => Self::Null,
            Ok(read) => Self::Is(read),
            Err(_) => Self::Odd(value),
        })
    }
}

/// Members that this version does not know, as they came. `Debug` shows their names alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rest(pub Map<String, Value>);

impl Debug for Rest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Something that is kept and never looked at.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unread(pub Value);

impl Debug for Unread {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Unread")
    }
}

/// The answer of an operation that answers nothing: no body, null, or an object that says no more
/// than the status.
pub type Nothing = Unread;

/// The paths of everything in a value that was kept without being understood: members that nobody
/// knows, members that are odd, words that are in no list.
pub fn kept(value: &impl Kept) -> Vec<String> {
    let mut paths = Vec::new();
    value.kept("", &mut paths);
    paths
}

/// Tells what was kept without being understood.
pub trait Kept {
    /// Adds the paths below `at`.
    fn kept(&self, _at: &str, _paths: &mut Vec<String>) {}
}

impl Kept for String {}
impl Kept for bool {}
impl Kept for i64 {}
impl Kept for Number {}
impl Kept for Value {}
impl Kept for Map<String, Value> {}
impl Kept for Unread {}

impl<T: Kept> Kept for Field<T> {
    fn kept(&self, at: &str, paths: &mut Vec<String>) {
        match self {
            Self::Missing | Self::Null => {}
            Self::Is(value) => value.kept(at, paths),
            Self::Odd(_) => paths.push(at.to_owned()),
        }
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn kept(&self, at: &str, paths: &mut Vec<String>) {
        for (index, item) in self.iter().enumerate() {
            item.kept(&format!("{at}[{index}]"), paths);
        }
    }
}

impl Kept for Rest {
    fn kept(&self, at: &str, paths: &mut Vec<String>) {
        paths.extend(self.0.keys().map(|name| below(at, name)));
    }
}

pub(super) fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}
