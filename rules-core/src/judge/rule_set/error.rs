use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::judge::fault::{Classify, Fault};
use crate::judge::rule::RuleId;
use crate::judge::tenant::TenantId;

/// Where in a configuration a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulePlace {
    tenant: Option<TenantId>,
    number: usize,
    name: String,
}

impl RulePlace {
    pub(crate) fn new(tenant: Option<&TenantId>, number: usize, name: &str) -> Self {
        Self { tenant: tenant.cloned(), number, name: name.to_owned() }
    }
}

impl Display for RulePlace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.number)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        self.tenant.as_ref().map_or(Ok(()), |tenant| write!(f, " of tenant {tenant}"))
    }
}

/// Why rules could not be put together. Nothing of the configuration is used then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleSetError {
    /// Nobody registered this kind of rule.
    #[error("{place}: there is no kind {kind:?}; use one of {known}")]
    UnknownKind {
        /// Which rule.
        place: RulePlace,
        /// What was asked for.
        kind: String,
        /// What there is.
        known: String,
    },
    /// The rule's own keys do not fit its kind.
    #[error("{place}: {} not fit its kind; correct what the cause names", about(key.as_ref()))]
    Options {
        /// Which rule.
        place: RulePlace,
        /// Which key, when it is one key's value or name that is refused.
        key: Option<String>,
        /// What was found and what was expected.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The keys that every rule has are not right.
    #[error("{place}: {reason}")]
    Malformed {
        /// Which rule.
        place: RulePlace,
        /// What is wrong and what to do about it.
        reason: String,
    },
    /// Two rules have one name.
    #[error("{place}: another rule is named {id} already; give this one its own `id`")]
    DuplicateId {
        /// The second of the two.
        place: RulePlace,
        /// The name.
        id: RuleId,
    },
    /// The configuration around the rules is not right.
    #[error("{section}: {reason}")]
    Section {
        /// Which part.
        section: String,
        /// What is wrong and what to do about it.
        reason: String,
    },
    /// The text is not TOML.
    #[error("reading rules: the text is not TOML; correct the line that the cause names")]
    Syntax {
        /// Which line, and what was expected.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Classify for RuleSetError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

fn about(key: Option<&String>) -> String {
    key.map_or_else(|| "its options do".to_owned(), |key| format!("key `{key}` does"))
}
