//! The rules about people: consent, opt-out, countries, quiet hours. Each is a kind that a rule
//! file can name; [`kinds`] has them all, those of rules-core included.

use std::sync::Arc;

use async_trait::async_trait;
use rules_core::judge::fact::{FactId, Facts};
use rules_core::judge::rule_set::{RuleKinds, RuleSet, RuleSetError};
use rules_core::work::StoreError;
use rules_core::work::fact_source::{FactSource, Subjects};

use crate::delivery::Recipient;
use crate::people::{People, PersonKey};

mod consent;
mod country;
mod quiet_hours;

pub use consent::{Consent, ConsentGiven, OptOut};
pub use country::{Country, CountryBlock};
pub use quiet_hours::{QuietHours, Zones};

/// Every kind of rule that a rule file may name.
pub fn kinds() -> RuleKinds {
    RuleKinds::core()
        .with::<ConsentGiven>("consent")
        .with::<OptOut>("opt_out")
        .with::<CountryBlock>("country_block")
        .with::<QuietHours>("quiet_hours")
}

/// What is judged when a host names no rules: consent and opt-out.
///
/// # Errors
/// Never in practice; the set is built like any other.
pub fn defaults() -> Result<RuleSet, RuleSetError> {
    RuleSet::builder().with(ConsentGiven::default()).with(OptOut::default()).build()
}

/// The facts about people that the rules here look at, from the record, the campaign and what the
/// person said: one trip to the store for a batch.
#[derive(Debug)]
pub(crate) struct PersonFacts {
    people: Arc<dyn People>,
}

impl PersonFacts {
    pub(crate) fn new(people: Arc<dyn People>) -> Self {
        Self { people }
    }
}

/// A subject's campaign, as far as it matters to facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssumedConsent(pub bool);

#[async_trait]
impl FactSource for PersonFacts {
    fn provides(&self) -> &[FactId] {
        const { &[FactId::of::<Consent>(), FactId::of::<Country>(), FactId::of::<Zones>()] }
    }

    async fn load(&self, subjects: &Subjects, facts: &mut Facts) -> Result<(), StoreError> {
        let recipients = subjects.column::<Recipient>().unwrap_or_default();
        let assumed = subjects.column::<AssumedConsent>().unwrap_or_default();
        let people: Vec<PersonKey> = subjects
            .scopes()
            .iter()
            .zip(recipients)
            .map(|(scope, to)| PersonKey::new(scope, to.person))
            .collect();
        let standing = self.people.standing(&people).await?;
        let consent =
            recipients.iter().zip(assumed).zip(&standing).map(|((to, assumed), standing)| Consent {
                given: assumed.0 || to.consent || standing.opted_out == Some(false),
                opted_out: standing.opted_out == Some(true),
            });
        facts.fill(consent)?;
        facts.fill(recipients.iter().map(|to| Country(to.number.region())))?;
        facts.fill(recipients.iter().map(|to| Zones { own: to.zone, possible: to.number.zones() }))?;
        Ok(())
    }
}
