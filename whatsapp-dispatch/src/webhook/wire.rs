//! How Meta's JSON becomes typed values and comes back the same.
//!
//! Every shape is total: a part of an unexpected kind is kept as it came instead of failing, so
//! that it never costs the others. `object!` declares an object, `words!` an open list of words.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::survey::Survey;

/// What was read, or the JSON that is not of this shape.
pub(super) type Read<T> = Result<T, Value>;

/// A shape of Meta's JSON. What a shape does not take is handed back as it came.
pub(super) trait Wire: Sized {
    fn text(text: &str) -> Read<Self> {
        Err(Value::from(text))
    }

    fn number(number: Number) -> Read<Self> {
        Err(Value::Number(number))
    }

    fn boolean(boolean: bool) -> Read<Self> {
        Err(Value::Bool(boolean))
    }

    fn map<'de, A: MapAccess<'de>>(map: A) -> Result<Read<Self>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Err)
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Read<Self>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(Err)
    }

    /// The JSON that this was read from.
    fn encode(&self) -> Value;

    /// Tells of what nobody knows yet and of what could not be read.
    fn survey(&self, survey: &mut Survey);
}

impl<T: Wire> Wire for Box<T> {
    fn text(text: &str) -> Read<Self> {
        T::text(text).map(Self::new)
    }

    fn number(number: Number) -> Read<Self> {
        T::number(number).map(Self::new)
    }

    fn boolean(boolean: bool) -> Read<Self> {
        T::boolean(boolean).map(Self::new)
    }

    fn map<'de, A: MapAccess<'de>>(map: A) -> Result<Read<Self>, A::Error> {
        Ok(T::map(map)?.map(Self::new))
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Read<Self>, A::Error> {
        Ok(T::list(list)?.map(Self::new))
    }

    fn encode(&self) -> Value {
        T::encode(self)
    }

    fn survey(&self, survey: &mut Survey) {
        T::survey(self, survey);
    }
}

/// Reads one value of the shape `T`.
pub(super) struct Reader<T>(PhantomData<T>);

impl<T> Reader<T> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Wire> DeserializeSeed<'de> for Reader<T> {
    type Value = Read<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Wire> Visitor<'de> for Reader<T> {
    type Value = Read<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Read<T>, E> {
        Ok(T::text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Read<T>, E> {
        Ok(T::number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Read<T>, E> {
        Ok(T::number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Read<T>, E> {
        Number::from_f64(number).map(T::number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Read<T>, E> {
        Ok(T::boolean(boolean))
    }

    fn visit_unit<E>(self) -> Result<Read<T>, E> {
        Ok(Err(Value::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Read<T>, A::Error> {
        T::map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Read<T>, A::Error> {
        T::list(list)
    }
}

/// The name of a part, borrowed where the JSON has no escapes in it.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(name))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(name.to_owned()))
            }
        }
        deserializer.deserialize_str(Name).map(Self)
    }
}

/// Declares objects: each part becomes an `Option` of the type after the colon, under its own
/// name or the one that is written after `=`.
macro_rules! object {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $(
        $(#[$part_doc:meta])* $part:ident $(= $wire:literal)? : $kind:ty,
    )* }) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq)]
        $vis struct $name {
            $(
                #[doc = concat!("`", $crate::webhook::wire::name!($part $($wire)?), "`.")]
                $(#[$part_doc])*
                pub $part: Option<$kind>,
            )*
            rest: $crate::webhook::rest::Rest,
        }

        impl $crate::webhook::wire::Wire for $name {
            fn map<'de, A: serde::de::MapAccess<'de>>(
                mut map: A,
            ) -> Result<$crate::webhook::wire::Read<Self>, A::Error> {
                let mut this = Self::default();
                while let Some(key) = map.next_key::<$crate::webhook::wire::Key<'de>>()? {
                    match key.0.as_ref() {
                        $($crate::webhook::wire::name!($part $($wire)?) => this.rest.read(
                            $crate::webhook::wire::name!($part $($wire)?), &mut map, &mut this.$part)?,)*
                        unknown => this.rest.unknown(unknown, &mut map)?,
                    }
                }
                Ok(Ok(this))
            }

            fn encode(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $(if let Some(part) = &self.$part {
                    let name = $crate::webhook::wire::name!($part $($wire)?);
                    object.insert(name.to_owned(), $crate::webhook::wire::Wire::encode(part));
                })*
                self.rest.encode(&mut object);
                object.into()
            }

            fn survey(&self, survey: &mut $crate::webhook::survey::Survey) {
                $(if let Some(part) = &self.$part {
                    survey.enter($crate::webhook::wire::name!($part $($wire)?));
                    $crate::webhook::wire::Wire::survey(part, survey);
                    survey.leave();
                })*
                self.rest.survey(survey);
            }
        }

        /// Names of the parts that are there; texts and numbers are hidden.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $(if let Some(part) = &self.$part {
                    shown.field(stringify!($part), part);
                })*
                if 0 < self.rest.len() {
                    shown.field("rest", &self.rest.len());
                }
                shown.finish()
            }
        }
    };
}

macro_rules! name {
    ($part:ident) => {
        stringify!($part)
    };
    ($part:ident $wire:literal) => {
        $wire
    };
}

/// Declares an open list of words: one that did not exist when this was written survives.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident { $(
        $(#[$word_doc:meta])* $word:ident = $wire:literal,
    )* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                $(#[$word_doc])*
                $word,
            )*
            /// A word that did not exist when this was written.
            Other(String),
        }

        impl $name {
            /// The word as Meta writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $wire,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($wire => Self::$word,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl $crate::webhook::wire::Wire for $name {
            fn text(text: &str) -> $crate::webhook::wire::Read<Self> {
                Ok(Self::from(text))
            }

            fn encode(&self) -> serde_json::Value {
                self.as_str().into()
            }

            fn survey(&self, survey: &mut $crate::webhook::survey::Survey) {
                if let Self::Other(_) = self {
                    survey.undecoded();
                }
            }
        }

        /// An unknown word is hidden: it may be anything.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$word => stringify!($word),)*
                    Self::Other(_) => "Other(hidden)",
                })
            }
        }
    };
}

pub(super) use {name, object, words};
