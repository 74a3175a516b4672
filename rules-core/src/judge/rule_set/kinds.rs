use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::judge::rule::Rule;
use crate::judge::rule::entitlement::EntitlementRule;
use crate::judge::rule::subscription::SubscriptionRule;

/// What a builder of rules has to say about options that it refuses.
pub type RuleFault = Box<dyn Error + Send + Sync>;

pub(super) type Builder = dyn Fn(Value) -> Result<Arc<dyn Rule>, RuleFault> + Send + Sync;

/// The kinds of rules that a configuration may name.
///
/// A rule that derives `Deserialize` (with `deny_unknown_fields`, so that a misspelt key is
/// reported) needs one line: `RuleKinds::core().with::<MinimumOrder>("minimum_order")`.
#[derive(Clone)]
pub struct RuleKinds {
    kinds: BTreeMap<String, Arc<Builder>>,
}

impl RuleKinds {
    /// The kinds of this crate: `subscription` and `entitlement`.
    pub fn core() -> Self {
        Self { kinds: BTreeMap::new() }
            .with::<SubscriptionRule>("subscription")
            .with::<EntitlementRule>("entitlement")
    }

    /// The same kinds and one whose options are the rule's fields. Of two kinds with one name the
    /// later counts.
    #[must_use]
    pub fn with<R: Rule + DeserializeOwned>(self, kind: &str) -> Self {
        self.with_builder(kind, |options| Ok(Arc::new(serde_json::from_value::<R>(options)?)))
    }

    /// The same kinds and one that `build` makes from its options, an object without `kind`, `id`
    /// and `on_missing`. Of two kinds with one name the later counts.
    #[must_use]
    pub fn with_builder(
        mut self,
        kind: &str,
        build: impl Fn(Value) -> Result<Arc<dyn Rule>, RuleFault> + Send + Sync + 'static,
    ) -> Self {
        self.kinds.insert(kind.to_owned(), Arc::new(build));
        self
    }

    /// The names of all kinds, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub(super) fn builder(&self, kind: &str) -> Option<&Builder> {
        self.kinds.get(kind).map(AsRef::as_ref)
    }
}

impl Default for RuleKinds {
    fn default() -> Self {
        Self::core()
    }
}

impl Debug for RuleKinds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
