//! How Meta writes values, once for everything that we send and read: words of which there may be
//! more tomorrow, numbers that come as texts, and what never shows in a log.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Number, Value};

mod count;

pub use count::undecoded;

/// An enum of the words that Meta writes in one place. A word that is not listed survives as
/// `Other`; listed ones are read whatever their case, because Meta's own examples mix it.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $word,)+
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word as Meta writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                $(if word.eq_ignore_ascii_case($text) {
                    return Self::$word;
                })+
                Self::Other(word)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Other(word) => crate::json::unknown_word(word, serializer),
                    known => serializer.serialize_str(known.as_str()),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    };
}
pub(crate) use words;

/// `Debug` by name alone, for what holds texts, numbers or ids of people.
macro_rules! hidden {
    ($($name:ident)+) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })+
    };
}
pub(crate) use hidden;

/// The name under which the counter of [`undecoded`] finds what nobody models.
const UNKNOWN: &str = "$unknown";

/// A number, text or yes-or-no that keeps the form in which it was written: Meta writes `0` here
/// and `"0"` there, and takes either.
///
/// ```
/// use whatsapp_dispatch::content::Literal;
/// assert_eq!(Literal::from("1500").as_i64(), Some(1500));
/// assert_eq!(serde_json::to_string(&Literal::from(1500))?, "1500");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// `true` or `false`.
    Truth(bool),
    /// A number.
    Number(Number),
    /// A text, which may say a number.
    Text(String),
}

impl Literal {
    /// The whole number that it says, as a number or as a text.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Truth(_) => None,
        }
    }

    /// The number that it says, as a number or as a text.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Truth(_) => None,
        }
    }

    /// How many characters a person sees of it.
    pub(crate) fn chars(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Truth(_) | Self::Number(_) => 1,
        }
    }
}

impl Default for Literal {
    fn default() -> Self {
        Self::Number(0.into())
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Literal {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

/// A number that JSON cannot say (infinite, or none at all) becomes its text.
impl From<f64> for Literal {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or_else(|| Self::Text(number.to_string()), Self::Number)
    }
}

hidden! { Literal }

/// Serializes a word that is in no list, such that [`undecoded`] finds it. In JSON it is a text.
pub(crate) fn unknown_word<S: Serializer>(word: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(UNKNOWN, word)
}

/// Serializes an object that nobody models, such that [`undecoded`] finds it.
pub(crate) fn unknown_object<S: Serializer>(object: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(UNKNOWN, object)
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro makes public words")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    words! {
        /// Colours.
        pub enum Colour {
            /// Green.
            Green = "GREEN",
        }
    }

    #[test]
    fn known_words_are_read_in_any_case_and_unknown_ones_survive() {
        let read = |text: &str| serde_json::from_value::<Colour>(json!(text)).unwrap();
        assert_eq!(read("GREEN"), Colour::Green);
        assert_eq!(read("green"), Colour::Green);
        assert_eq!(read("mauve"), Colour::Other("mauve".to_owned()));
        assert_eq!(json!([read("green"), read("mauve")]), json!(["GREEN", "mauve"]));
    }

    #[test]
    fn what_is_in_no_list_is_counted_wherever_it_stands() {
        #[derive(Serialize)]
        struct Nested {
            colours: Vec<Colour>,
            one: Option<Colour>,
            #[serde(flatten)]
            rest: Rest,
        }
        #[derive(Serialize)]
        struct Rest {
            last: Colour,
        }
        let other = || Colour::Other("x".to_owned());
        let value = Nested {
            colours: vec![other(), Colour::Green, other()],
            one: Some(other()),
            rest: Rest { last: other() },
        };
        assert_eq!(undecoded(&value), 4);
        assert_eq!(undecoded(&json!({"any": ["thing", 1, null, true, 1.5]})), 0);
    }

    #[test]
    fn a_literal_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", Literal::from("secret")), "Literal { .. }");
    }

    proptest! {
        #[test]
        fn a_literal_keeps_its_form(text in any::<String>(), whole in any::<i64>(), real in any::<f64>(), truth in any::<bool>()) {
            for value in [json!(text), json!(whole), json!(real), json!(truth)] {
                if value.is_null() {
                    continue;
                }
                let literal: Literal = serde_json::from_value(value.clone()).unwrap();
                prop_assert_eq!(json!(literal), value);
            }
            prop_assert_eq!(Literal::from(whole).as_i64(), Some(whole));
            prop_assert_eq!(Literal::from(whole.to_string()).as_i64(), Some(whole));
        }
    }
}
