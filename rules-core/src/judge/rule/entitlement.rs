//! The rule kind `entitlement`: the tenant's plan must include a feature.

use serde::Deserialize;

use crate::judge::ballot::Ballot;
use crate::judge::fact::{Batch, FactId};
use crate::judge::registry::SUBSCRIPTION_MISSING;
use crate::judge::rule::subscription::described;
use crate::judge::rule::{Context, Rule, RuleError};

/// Denies everything of a tenant whose subscription does not entitle it to a feature now.
///
/// Configured as `kind = "entitlement"` with `feature = "campaigns"`. Asked once per batch, so
/// allowed rows cost nothing. A set that holds it twice gives each an `id`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitlementRule {
    feature: String,
}

impl EntitlementRule {
    /// The rule that asks for `feature`.
    pub fn new(feature: impl Into<String>) -> Self {
        Self { feature: feature.into() }
    }
}

impl Rule for EntitlementRule {
    fn id(&self) -> &'static str {
        "entitlement"
    }

    fn needs(&self) -> &[FactId] {
        &[]
    }

    fn judge(&self, context: &Context<'_>, _: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        let subscription = context.scope.record().subscription.as_ref();
        ballot.note_all(|| described(subscription).against(format_args!("must include {}", self.feature)));
        let entitled = subscription
            .ok_or(SUBSCRIPTION_MISSING)
            .and_then(|subscription| subscription.entitled_to(&self.feature, context.now));
        if let Err(code) = entitled {
            ballot.deny_all(&code);
        }
        Ok(())
    }
}
