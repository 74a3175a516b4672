//! The rule kind `subscription`: the tenant's subscription must be good.

use serde::Deserialize;

use crate::judge::ballot::Ballot;
use crate::judge::explanation::Note;
use crate::judge::fact::{Batch, FactId};
use crate::judge::registry::SUBSCRIPTION_MISSING;
use crate::judge::rule::{Context, Rule, RuleError};
use crate::judge::subscription::Subscription;

/// Denies everything of a tenant that has no subscription or one that does not entitle now.
///
/// Configured as `kind = "subscription"`. Asked once per batch, so allowed rows cost nothing.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRule {}

impl Rule for SubscriptionRule {
    fn id(&self) -> &'static str {
        "subscription"
    }

    fn needs(&self) -> &[FactId] {
        &[]
    }

    fn judge(&self, context: &Context<'_>, _: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        let subscription = context.scope.record().subscription.as_ref();
        ballot.note_all(|| described(subscription));
        let entitled = subscription.ok_or(SUBSCRIPTION_MISSING).and_then(|it| it.entitled(context.now));
        if let Err(code) = entitled {
            ballot.deny_all(&code);
        }
        Ok(())
    }
}

pub(super) fn described(subscription: Option<&Subscription>) -> Note {
    let found =
        subscription.map_or_else(|| "none".to_owned(), |it| format!("plan {}, {}", it.plan, it.status));
    Note::new("subscription", found)
}
