use std::fmt::{self, Display, Formatter};

use crate::template::Parameters;

/// The variables of a template's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variables {
    /// `{{1}}` up to this number; 0 when there are none.
    Positional(usize),
    /// Names, in the order in which they first occur.
    Named(Vec<String>),
}

impl Default for Variables {
    fn default() -> Self {
        Self::Positional(0)
    }
}

impl Variables {
    pub(in crate::template) fn of(names: &[&str]) -> Result<Self, String> {
        let numbers = names.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count();
        if numbers == names.len() {
            for number in 1..=names.len() {
                if !names.iter().any(|name| name.parse() == Ok(number)) {
                    return Err(format!(
                        "the variables must be numbered from 1 without gaps; {{{{{number}}}}} is missing"
                    ));
                }
            }
            return Ok(Self::Positional(names.len()));
        }
        if numbers > 0 {
            return Err("it mixes numbered and named variables; use one kind".to_owned());
        }
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        match names.iter().find(|name| !is_name(name)) {
            Some(name) => Err(format!("{name:?} cannot name a variable; use the characters a-z 0-9 _")),
            None => Ok(Self::Named(names.iter().map(|name| (*name).to_owned()).collect())),
        }
    }

    /// What a campaign gives.
    pub(in crate::template) fn given(parameters: &Parameters) -> Self {
        match parameters {
            Parameters::Positional(sources) => Self::Positional(sources.len()),
            Parameters::Named(sources) => Self::Named(sources.keys().cloned().collect()),
        }
    }

    /// Whether they are the ones that are wanted, in any order.
    pub(in crate::template) fn fit(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Named(given), Self::Named(wanted)) => {
                given.len() == wanted.len() && wanted.iter().all(|name| given.contains(name))
            }
            (given, wanted) => given == wanted || (given.is_empty() && wanted.is_empty()),
        }
    }

    /// How many variables there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Positional(count) => *count,
            Self::Named(names) => names.len(),
        }
    }

    /// True when there is no variable.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `no parameters`, `2 numbered parameters`, or the names.
impl Display for Variables {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positional(0) => f.write_str("no parameters"),
            Self::Positional(1) => f.write_str("1 numbered parameter"),
            Self::Positional(count) => write!(f, "{count} numbered parameters"),
            Self::Named(names) => write!(f, "the named parameters {}", names.join(", ")),
        }
    }
}
