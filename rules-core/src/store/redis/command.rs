use std::fmt::{self, Debug, Formatter};

use bytes::Bytes;
use deadpool_redis::redis::{Cmd, Value, cmd};

/// One command with its arguments.
///
/// It is a plain value, so that nothing of the client shows outside this crate.
#[derive(Clone)]
pub struct Command {
    words: Vec<Bytes>,
}

impl Command {
    /// A command on a key.
    pub fn new(name: &'static str, key: &str) -> Self {
        Self { words: vec![Bytes::from_static(name.as_bytes()), Bytes::copy_from_slice(key.as_bytes())] }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<[u8]>) -> Self {
        self.words.push(Bytes::copy_from_slice(argument.as_ref()));
        self
    }

    /// With one more argument that is not copied.
    #[must_use]
    pub fn bytes(mut self, argument: Bytes) -> Self {
        self.words.push(argument);
        self
    }

    /// With one more argument that is a number.
    #[must_use]
    pub fn int(self, argument: impl Into<i128>) -> Self {
        self.arg(argument.into().to_string())
    }

    pub(super) fn words(&self) -> &[Bytes] {
        &self.words
    }

    pub(super) fn packed(&self) -> Cmd {
        let mut words = self.words.iter();
        let mut packed =
            cmd(words.next().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default());
        for word in words {
            packed.arg(word.as_ref());
        }
        packed
    }
}

/// Without the arguments, which may say anything.
impl Debug for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.words.first().map(|name| String::from_utf8_lossy(name));
        f.debug_struct("Command").field("name", &name).field("words", &self.words.len()).finish()
    }
}

/// What the server answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing is there.
    Nil,
    /// A number.
    Int(i64),
    /// Bytes.
    Text(Bytes),
    /// Several answers; of a map, keys and values in turn.
    List(Vec<Self>),
}

impl Reply {
    /// The number; also one that is written as text.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Self::Nil | Self::List(_) => None,
        }
    }

    /// The bytes.
    pub fn bytes(self) -> Option<Bytes> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(number) => Some(number.to_string().into()),
            Self::Nil | Self::List(_) => None,
        }
    }

    /// The bytes as text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok(),
            Self::Nil | Self::Int(_) | Self::List(_) => None,
        }
    }

    /// The answers of a list; none of anything else.
    pub fn list(self) -> Vec<Self> {
        match self {
            Self::List(list) => list,
            Self::Nil | Self::Int(_) | Self::Text(_) => Vec::new(),
        }
    }

    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Int(number) => Self::Int(number),
            Value::Boolean(yes) => Self::Int(yes.into()),
            Value::BulkString(bytes) | Value::BigNumber(bytes) => Self::Text(bytes.into()),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Self::Text(text.into()),
            Value::Okay => Self::Text(Bytes::from_static(b"OK")),
            Value::Double(number) => Self::Text(number.to_string().into()),
            Value::Array(list) | Value::Set(list) => Self::List(list.into_iter().map(Self::of).collect()),
            Value::Map(pairs) => Self::List(
                pairs.into_iter().flat_map(|(key, value)| [Self::of(key), Self::of(value)]).collect(),
            ),
            Value::Attribute { data, .. } => Self::of(*data),
            _ => Self::Nil,
        }
    }
}

/// Without what it says, which may be anything.
impl Debug for Reply {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Int(number) => write!(f, "Int({number})"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::List(list) => write!(f, "List({} answers)", list.len()),
        }
    }
}
