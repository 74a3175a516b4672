//! How objects and words are written down, once for all of them.

use super::{ErrorEntry, Field, Kept, Rest};

/// Objects of which every member may be missing, null or odd, and which keep what they do not know.
/// `PascalCase`, `camelCase` or `snake_case` says how the members are written.
macro_rules! objects {
    ($case:literal $(
        $(#[$about:meta])*
        pub struct $name:ident { $($(#[$doc:meta])* $member:ident $(= $wire:literal)?: $kind:ty,)* }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = $case)]
        pub struct $name {
            $(
                $(#[$doc])*
                $(#[serde(rename = $wire)])?
                #[serde(default, skip_serializing_if = "crate::wire::Field::is_missing")]
                pub $member: crate::wire::Field<$kind>,
            )*
            /// Members that this version does not know, as they came.
            #[serde(flatten)]
            pub rest: crate::wire::Rest,
        }

        impl crate::wire::Kept for $name {
            fn kept(&self, at: &str, paths: &mut Vec<String>) {
                $({
                    let name = crate::wire::object::written($case, stringify!($member), [$($wire)?].first());
                    self.$member.kept(&crate::wire::field::below(at, &name), paths);
                })*
                self.rest.kept(at, paths);
            }
        }
    )+};
}

/// Questions to Amazon: an object of parameters, and what is answered.
macro_rules! calls {
    ($(
        $(#[$about:meta])*
        $method:ident $path:literal as $operation:literal gives $answer:ty;
        pub struct $name:ident { $($(#[$doc:meta])* $member:ident $(= $wire:literal)?: $kind:ty,)* }
    )+) => {$(
        objects! { "camelCase"
            $(#[$about])*
            pub struct $name { $($(#[$doc])* $member $(= $wire)?: $kind,)* }
        }

        impl crate::wire::Call for $name {
            type Answer = $answer;

            const NAME: &'static str = $operation;
            const METHOD: crate::wire::Method = crate::wire::Method::$method;
            const PATH: &'static str = $path;
        }
    )+};
}

/// An enum of the words that Amazon writes in one place. A word that is not listed survives as
/// `Other`.
macro_rules! words {
    ($($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $word:ident = $text:literal,)+ })+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$doc])* $word,)+
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word as Amazon writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($text => Self::$word,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl crate::wire::Kept for $name {
            fn kept(&self, at: &str, paths: &mut Vec<String>) {
                if let Self::Other(_) = self {
                    paths.push(at.to_owned());
                }
            }
        }
    )+};
}

/// The name of a member on the wire.
pub(super) fn written(case: &str, member: &str, given: Option<&&'static str>) -> String {
    if case == "snake_case" || given.is_some() {
        return given.map_or(member, |given| *given).to_owned();
    }
    let mut upper = case == "PascalCase";
    let mut name = String::with_capacity(member.len());
    for letter in member.chars() {
        if letter == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            name.push(letter.to_ascii_uppercase());
        } else {
            name.push(letter);
        }
    }
    name
}

/// What is wrapped as `payload`, in the older interfaces.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(bound(deserialize = "T: serde::de::DeserializeOwned"))]
pub struct Wrapped<T> {
    /// What was asked for.
    #[serde(default = "missing", skip_serializing_if = "Field::is_missing")]
    pub payload: Field<T>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Field::is_missing")]
    pub errors: Field<Vec<ErrorEntry>>,
    /// Members that this version does not know, as they came.
    #[serde(flatten)]
    pub rest: Rest,
}

const fn missing<T>() -> Field<T> {
    Field::Missing
}

impl<T> Default for Wrapped<T> {
    fn default() -> Self {
        Self { payload: Field::Missing, errors: Field::Missing, rest: Rest::default() }
    }
}

impl<T: Kept> Kept for Wrapped<T> {
    fn kept(&self, at: &str, paths: &mut Vec<String>) {
        self.payload.kept(&super::field::below(at, "payload"), paths);
        self.errors.kept(&super::field::below(at, "errors"), paths);
        self.rest.kept(at, paths);
    }
}
