use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};

use super::expression::Expression;
use super::{FilledParameters, Skeleton};
use crate::columns::{Cells, Columns};

/// A template tied to the columns of one source: fills the slots of one record at a time.
#[derive(Clone, Debug)]
pub struct MessagePlan {
    pub(super) skeleton: Skeleton,
    pub(super) slots: Vec<Slot>,
    /// Slots of one room stand together.
    pub(super) rooms: Vec<Room>,
    pub(super) columns: Columns,
}

/// What fills one slot.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) place: String,
    pub(super) expression: Expression<usize>,
    pub(super) check: Check,
    pub(super) room: usize,
    /// How often the value stands in its room.
    pub(super) uses: usize,
}

/// Where values stand together with fixed text, and how much of it WhatsApp allows.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) fixed_chars: usize,
    pub(super) most_chars: usize,
}

impl Room {
    pub(super) fn check(&self, chars: usize) -> Result<(), FillError> {
        if chars <= self.most_chars {
            return Ok(());
        }
        Err(FillError::TooLong { place: self.name.clone(), chars, most: self.most_chars })
    }
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Text,
    /// A part of an address: no spaces.
    Url,
    /// A whole address.
    Link,
    /// Degrees, at most so many in either direction.
    Degrees(u8),
    /// Becomes milliseconds since 1970.
    Instant,
}

impl Check {
    /// The value as WhatsApp takes it; `None` when it takes none like it.
    fn read(self, value: String) -> Option<String> {
        let has_space = || value.contains(char::is_whitespace);
        match self {
            Self::Text => Some(value),
            Self::Url => (!has_space()).then_some(value),
            Self::Link => {
                let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
                (rest.is_some_and(|rest| !rest.is_empty()) && !has_space()).then_some(value)
            }
            Self::Degrees(most) => {
                let degrees: f64 = value.parse().ok()?;
                (degrees.abs() <= f64::from(most)).then_some(value)
            }
            Self::Instant => {
                let instant = |at: chrono::DateTime<_>| u64::try_from(at.timestamp_millis()).ok();
                let read = || chrono::DateTime::parse_from_rfc3339(&value).ok().and_then(instant);
                let milliseconds = value.parse::<u64>().ok().or_else(read)?;
                Some(milliseconds.to_string())
            }
        }
    }

    const fn wants(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Url => "a part of an address without spaces",
            Self::Link => "an address such as https://example.com/a.png",
            Self::Degrees(_) => "degrees such as 48.137",
            Self::Instant => "an instant such as 2026-11-08T18:00:00Z",
        }
    }

    /// The value, made fit for WhatsApp; `place` is where it goes.
    pub(super) fn value(self, text: String, place: &str) -> Result<String, FillError> {
        let line = on_one_line(text);
        if line.is_empty() {
            return Err(FillError::Empty { place: place.to_owned(), column: None });
        }
        self.read(line).ok_or_else(|| FillError::Invalid { place: place.to_owned(), wants: self.wants() })
    }
}

impl MessagePlan {
    /// What is the same for every message.
    pub const fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    /// The values for one record, in the order of the skeleton's slots.
    ///
    /// Line breaks, tabs and long runs of spaces become single spaces, because WhatsApp refuses
    /// them in parameters.
    ///
    /// # Errors
    /// [`FillError`] when a value is empty, is not what its place wants, or a part of the message
    /// would be too long.
    pub fn fill(&self, cells: &Cells) -> Result<FilledParameters, FillError> {
        let mut values = Vec::with_capacity(self.slots.len());
        let mut chars = 0;
        let mut slots = self.slots.iter().peekable();
        while let Some(slot) = slots.next() {
            let mut value = String::new();
            slot.expression.write(cells, &mut value).map_err(|column| FillError::Empty {
                place: slot.place.clone(),
                column: self.columns.names().get(column).cloned(),
            })?;
            let value = slot.check.value(value, &slot.place)?;
            chars += slot.uses * value.chars().count();
            values.push(value);
            if slots.peek().is_none_or(|next| next.room != slot.room) {
                if let Some(room) = self.rooms.get(slot.room) {
                    room.check(room.fixed_chars + chars)?;
                }
                chars = 0;
            }
        }
        Ok(values.into_iter().collect())
    }
}

/// White space of a parameter as WhatsApp accepts it: no line break, no tab, no four spaces in a
/// row (error 132018), none at the ends.
fn on_one_line(value: String) -> String {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let trimmed = value.trim_matches(is_gap);
    if trimmed.len() == value.len() && !value.contains(|c: char| c.is_control()) && !value.contains("    ") {
        return value;
    }
    let mut line = String::with_capacity(trimmed.len());
    let mut gap = String::new();
    for c in trimmed.chars() {
        if is_gap(c) {
            gap.push(c);
            continue;
        }
        if gap.contains(char::is_control) || gap.chars().count() > 3 {
            line.push(' ');
        } else {
            line.push_str(&gap);
        }
        gap.clear();
        line.push(c);
    }
    line
}

/// Why one record gives no message.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillError {
    /// A value would be empty, which WhatsApp refuses.
    #[error(
        "{place} is empty{}: fill the cell, or give the column a default as in {{{}|friend}}",
        column.as_ref().map(|name| format!(" because column {name:?} is")).unwrap_or_default(),
        column.as_deref().unwrap_or("first_name")
    )]
    Empty {
        /// Which place, such as `parameter 1`.
        place: String,
        /// The column that is empty, where it is one.
        column: Option<String>,
    },
    /// A part of the message has more characters than WhatsApp allows.
    #[error(
        "the filled {place} has {chars} characters, WhatsApp allows {most}: shorten the cells that fill it"
    )]
    TooLong {
        /// Which part, such as `body`.
        place: String,
        /// How many characters it would have.
        chars: usize,
        /// The most that it may have.
        most: usize,
    },
    /// A value is not what its place wants.
    #[error("{place} is not {wants}: correct the cell")]
    Invalid {
        /// Which place, such as `the header`.
        place: String,
        /// What it should be.
        wants: &'static str,
    },
}

impl FillError {
    /// A value would be empty.
    pub const EMPTY: Code = Code::known("template.parameter_empty");
    /// A part of the message would be too long.
    pub const TOO_LONG: Code = Code::known("template.too_long");
    /// A value is not what its place wants.
    pub const INVALID: Code = Code::known("template.parameter_invalid");

    /// The reason code that reports count.
    pub const fn code(&self) -> Code {
        match self {
            Self::Empty { .. } => Self::EMPTY,
            Self::TooLong { .. } => Self::TOO_LONG,
            Self::Invalid { .. } => Self::INVALID,
        }
    }
}

impl Classify for FillError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
