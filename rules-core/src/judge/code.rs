//! Reason codes: short, stable, dotted names such as `consent.opted_out`.
//!
//! A code is what programs compare and what reports count; the sentence for people is rendered
//! from it when somebody asks.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::judge::fault::{Classify, Fault};

/// A stable reason such as `quota.daily_exceeded`.
///
/// Lower case letters, digits, `_` and dots, at most 64 bytes. Cloning a code that was written
/// down in source costs nothing and allocates nothing.
///
/// ```
/// use rules_core::judge::code::Code;
/// const OPTED_OUT: Code = Code::known("consent.opted_out");
/// assert_eq!(OPTED_OUT, Code::parse("consent.opted_out").unwrap());
/// assert!(Code::parse("Not A Code").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(Cow<'static, str>);

impl Code {
    /// A code from source. The text must follow the rules of [`Code::parse`]; a constant that
    /// does not is refused by the compiler.
    ///
    /// # Panics
    /// When the text is not a code, which a `const` turns into a compile error.
    pub const fn known(text: &'static str) -> Self {
        assert!(
            is_code(text.as_bytes()),
            "a code is lower case letters, digits, '_' and single dots, at most 64 bytes"
        );
        Self(Cow::Borrowed(text))
    }

    /// Reads a code from text.
    ///
    /// # Errors
    /// [`CodeError`] when the text is empty, longer than 64 bytes or holds other characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, CodeError> {
        let text = text.into();
        if is_code(text.as_bytes()) { Ok(Self(Cow::Owned(text))) } else { Err(CodeError { text }) }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first dot: the area that gave the reason.
    pub fn area(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

const fn is_code(bytes: &[u8]) -> bool {
    if bytes.is_empty() || bytes.len() > 64 {
        return false;
    }
    let mut rest = bytes;
    let mut dot_may_follow = false;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => dot_may_follow = true,
            b'.' if dot_may_follow => dot_may_follow = false,
            _ => return false,
        }
        rest = tail;
    }
    dot_may_follow
}

impl Display for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Debug for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}

impl TryFrom<String> for Code {
    type Error = CodeError;
    fn try_from(text: String) -> Result<Self, CodeError> {
        Self::parse(text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0.into_owned()
    }
}

/// A text that is not a reason code.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{text:?} is not a reason code: use lower case letters, digits, '_' and single dots, at most 64 bytes"
)]
pub struct CodeError {
    /// What was given.
    pub text: String,
}

impl Classify for CodeError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_lower_case_dotted_words() {
        for good in ["a", "rule.error", "whatsapp.131026", "subscription.past_due_grace_over"] {
            assert_eq!(Code::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "a.", ".a", "a..b", "A", "a b", "ä"] {
            assert!(Code::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_area_is_the_first_word() {
        assert_eq!(Code::known("consent.opted_out").area(), "consent");
    }
}
