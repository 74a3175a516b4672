//! The one question that every error answers: what may the caller do next?

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// The caller's next move after an error.
///
/// The adapter that met the failure decides which one it is, because only it knows whether a
/// failure means "not done" or "unknown". How long to wait is the business of
/// a retry policy, and exactly one layer retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Not carried out; the same call may succeed later.
    Transient,
    /// Not carried out; the far side asked to slow down and perhaps said for how long.
    Throttled {
        /// How long the far side wants to be left alone, if it said so.
        retry_after: Option<Duration>,
    },
    /// Not carried out; the same call can never succeed.
    Rejected,
    /// It is unknown whether it was carried out, such as after a time-out with the request sent.
    InDoubt,
    /// Was transient until the retries were used up: nobody above may retry.
    Exhausted,
}

impl Fault {
    /// True when it is certain that nothing was carried out.
    pub const fn is_definite(self) -> bool {
        !matches!(self, Self::InDoubt)
    }
}

/// Implemented by every public error of these crates.
pub trait Classify {
    /// What the caller may do next.
    fn fault(&self) -> Fault;
}

/// Shows an error followed by all its sources, as `outer: middle: inner`.
///
/// Messages of these crates never contain their source, so each part appears once.
///
/// ```
/// use rules_core::judge::fault::chain;
/// let error = std::io::Error::other("disk gone");
/// assert_eq!(chain(&error).to_string(), "disk gone");
/// ```
pub fn chain<'a>(error: &'a (dyn Error + 'a)) -> impl Display + 'a {
    Chain(error)
}

struct Chain<'a>(&'a (dyn Error + 'a));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("opening the log")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = Outer(std::io::Error::other("no space"));
        assert_eq!(chain(&error).to_string(), "opening the log: no space");
    }

    #[test]
    fn only_doubt_is_indefinite() {
        assert!(Fault::Transient.is_definite());
        assert!(Fault::Rejected.is_definite());
        assert!(!Fault::InDoubt.is_definite());
    }
}
