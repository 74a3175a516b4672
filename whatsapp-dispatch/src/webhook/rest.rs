use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::{Map, Value};

use super::survey::Survey;
use super::wire::{Reader, Wire};

/// Parts of an object that have no typed place: unknown ones, `null`s, and those of an unexpected
/// kind.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Rest {
    parts: Vec<Part>,
    cut: usize,
}

#[derive(Clone, PartialEq)]
struct Part {
    name: Cow<'static, str>,
    value: Value,
    why: Why,
}

/// Why a part has no typed place.
#[derive(Clone, Copy, PartialEq)]
enum Why {
    Unknown,
    Unread,
    /// It says nothing that the typed parts don't: a `null`, or how a part was written.
    Kept,
}

impl Rest {
    /// Keeps a part that says nothing more than the typed ones.
    pub(super) fn keep(&mut self, name: &'static str, value: Value) {
        self.put(Part { name: Cow::Borrowed(name), value, why: Why::Kept });
    }

    /// Keeps a part that nobody knows yet.
    pub(super) fn unknown<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let value = map.next_value()?;
        self.put(Part { name: Cow::Owned(name.to_owned()), value, why: Why::Unknown });
        Ok(())
    }

    /// Reads the part `name` into its place. A repeated part replaces the earlier one.
    pub(super) fn read<'de, A: MapAccess<'de>, T: Wire>(
        &mut self,
        name: &'static str,
        map: &mut A,
        place: &mut Option<T>,
    ) -> Result<(), A::Error> {
        let read = map.next_value_seed(Reader::<T>::new())?;
        if !self.parts.is_empty() {
            self.parts.retain(|part| part.name != name);
        }
        match read {
            Ok(value) => *place = Some(value),
            Err(value) => {
                *place = None;
                let why = if value.is_null() { Why::Kept } else { Why::Unread };
                self.put(Part { name: Cow::Borrowed(name), value, why });
            }
        }
        Ok(())
    }

    fn put(&mut self, part: Part) {
        self.parts.retain(|earlier| earlier.name != part.name);
        self.parts.push(part);
    }

    pub(super) fn encode(&self, object: &mut Map<String, Value>) {
        object.extend(self.parts.iter().map(|part| (part.name.as_ref().to_owned(), part.value.clone())));
    }

    pub(super) fn survey(&self, survey: &mut Survey) {
        for part in &self.parts {
            match part.why {
                Why::Unknown => survey.unknown(&part.name),
                Why::Unread => survey.undecoded(),
                Why::Kept => {}
            }
        }
        for _ in 0..self.cut {
            survey.undecoded();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Counts parts that had to be cut, because nothing could hold them.
    pub(super) fn cut(&mut self, parts: usize) {
        self.cut += parts;
    }
}
