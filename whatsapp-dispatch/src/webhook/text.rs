use std::fmt;
use std::slice;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess};
use serde_json::{Number, Value};

use super::survey::Survey;
use super::wire::{Read, Reader, Wire};

/// A text or a number, as text: Meta writes ids, times and codes now this way, now that. It
/// remembers which, so that it is written back as it came.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text {
    text: Box<str>,
    number: bool,
}

impl Text {
    /// The text, or the number's digits.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if it came as a number.
    pub const fn is_number(&self) -> bool {
        self.number
    }

    /// The number that it says, whichever way it was written.
    pub fn parse<N: FromStr>(&self) -> Option<N> {
        self.text.trim().parse().ok()
    }

    /// Exactly the number that was read: `serde_json` may miss the last digit of a fraction.
    fn as_number(&self) -> Option<Number> {
        if let Ok(whole) = self.text.parse::<u64>() {
            return Some(whole.into());
        }
        if let Ok(whole) = self.text.parse::<i64>() {
            return Some(whole.into());
        }
        Number::from_f64(self.text.parse().ok()?)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.into(), number: false }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hidden")
    }
}

impl Wire for Text {
    fn text(text: &str) -> Read<Self> {
        Ok(Self::from(text))
    }

    fn number(number: Number) -> Read<Self> {
        Ok(Self { text: number.to_string().into(), number: true })
    }

    fn encode(&self) -> Value {
        let number = self.number.then(|| self.as_number()).flatten();
        number.map_or_else(|| self.as_str().into(), Value::Number)
    }

    fn survey(&self, _: &mut Survey) {}
}

/// An instant in seconds since 1970, as a text or a number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Timestamp(Text);

impl Timestamp {
    /// The instant, to the second; `None` for what is none, or lies before 2009 (there was no
    /// WhatsApp) or after 2099.
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        const YEARS: std::ops::Range<i64> = 1_230_768_000..4_102_444_800;
        let seconds = self.0.parse().filter(|seconds| YEARS.contains(seconds))?;
        DateTime::from_timestamp(seconds, 0)
    }

    /// The same, without those that lie after `latest`: nothing has happened in the future.
    pub fn instant_until(&self, latest: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.instant().filter(|instant| *instant <= latest)
    }

    /// As it came.
    pub const fn as_text(&self) -> &Text {
        &self.0
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instant() {
            Some(instant) => write!(f, "{instant:?}"),
            None => f.write_str("unreadable"),
        }
    }
}

impl Wire for Timestamp {
    fn text(text: &str) -> Read<Self> {
        Text::text(text).map(Self)
    }

    fn number(number: Number) -> Read<Self> {
        Text::number(number).map(Self)
    }

    fn encode(&self) -> Value {
        self.0.encode()
    }

    fn survey(&self, _: &mut Survey) {}
}

impl Wire for bool {
    fn boolean(boolean: bool) -> Read<Self> {
        Ok(boolean)
    }

    fn encode(&self) -> Value {
        Value::Bool(*self)
    }

    fn survey(&self, _: &mut Survey) {}
}

/// JSON of a shape that is the business's own or changes from case to case.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Json(Value);

impl Json {
    /// The JSON.
    pub const fn as_value(&self) -> &Value {
        &self.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hidden")
    }
}

impl Wire for Json {
    fn text(text: &str) -> Read<Self> {
        Ok(Self(text.into()))
    }

    fn number(number: Number) -> Read<Self> {
        Ok(Self(number.into()))
    }

    fn boolean(boolean: bool) -> Read<Self> {
        Ok(Self(boolean.into()))
    }

    fn map<'de, A: MapAccess<'de>>(map: A) -> Result<Read<Self>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(|value| Ok(Self(value)))
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Read<Self>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(|value| Ok(Self(value)))
    }

    fn encode(&self) -> Value {
        self.0.clone()
    }

    fn survey(&self, _: &mut Survey) {}
}

/// A list in Meta's order. Elements of an unexpected kind are kept as they came; iterating skips
/// them.
#[derive(Clone, PartialEq)]
pub struct List<T>(Vec<Read<T>>);

impl<T> List<T> {
    /// The elements that could be read.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self.0.iter())
    }

    /// How many could not.
    pub fn unread(&self) -> usize {
        self.0.iter().filter(|item| item.is_err()).count()
    }

    /// The same elements, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().filter_map(|item| item.as_mut().ok())
    }

    /// The elements that could be read, taken out.
    pub(super) fn into_read(self) -> impl Iterator<Item = T> {
        self.0.into_iter().filter_map(Result::ok)
    }
}

/// The elements of a [`List`] that could be read.
#[derive(Debug)]
pub struct Iter<'a, T>(slice::Iter<'a, Read<T>>);

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.0.find_map(|item| item.as_ref().ok())
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Ok).collect())
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_list();
        shown.entries(self.iter());
        let unread = self.unread();
        if 0 < unread {
            shown.entry(&format_args!("{unread} unread"));
        }
        shown.finish()
    }
}

impl<T: Wire> Wire for List<T> {
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Read<Self>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Reader::<T>::new())? {
            items.push(item);
        }
        Ok(Ok(Self(items)))
    }

    fn encode(&self) -> Value {
        let encoded = |item: &Read<T>| match item {
            Ok(item) => item.encode(),
            Err(value) => value.clone(),
        };
        self.0.iter().map(encoded).collect()
    }

    fn survey(&self, survey: &mut Survey) {
        for item in &self.0 {
            match item {
                Ok(item) => item.survey(survey),
                Err(_) => survey.undecoded(),
            }
        }
    }
}
