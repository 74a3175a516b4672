use std::sync::Arc;

use async_trait::async_trait;
use rules_core::judge::fact::{FactId, Facts};
use rules_core::work::StoreError;
use rules_core::work::fact_source::{FactSource, Subjects};

use super::consent::{Consent, Suppressed};
use super::country::Country;
use super::marketing::{MarketingSent, MarketingWait, MessageCategory};
use super::quiet_hours::Zones;
use super::reach::Reach;
use super::window::ServiceWindow;
use crate::campaign::{ConsentPolicy, Definition};
use crate::delivery::Recipient;
use crate::message::PersonId;
use crate::people::{People, PersonKey, SentMark, Standing};
use crate::sender::NumberId;
use crate::template::Category;

/// A subject's campaign, as far as it matters to facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFacts {
    /// True when the campaign's author vouches for the consent of everybody.
    pub assumed_consent: bool,
    /// The kind of its template; `None` for a free-form message, which needs an open window.
    pub category: Option<Category>,
    /// The number that it is sent from.
    pub sender: NumberId,
}

impl CampaignFacts {
    /// What matters of a campaign.
    pub(crate) fn of(definition: &Definition) -> Self {
        Self {
            assumed_consent: definition.consent == ConsentPolicy::Assumed,
            category: (!definition.free_form).then_some(definition.template.category),
            sender: definition.sender.number_id.clone(),
        }
    }

    fn is_marketing(&self) -> bool {
        self.category == Some(Category::Marketing)
    }

    fn consent(&self, to: &Recipient, standing: &Standing) -> Consent {
        let marketing = standing.marketing_opted_out.filter(|_| self.is_marketing());
        let said = |no| standing.opted_out == Some(no) || marketing == Some(no);
        Consent { given: self.assumed_consent || to.consent || said(false), opted_out: said(true) }
    }
}

/// Who the person is by now. No rule looks at it: whoever judges a batch finds here what else was read
/// for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    /// Other ids under which the person is known.
    pub(crate) also: Vec<PersonId>,
    /// Stands for the marketing messages that the rules were told of.
    pub(crate) sent: SentMark,
}

impl Recognised {
    pub(crate) fn of(standing: &Standing) -> Self {
        Self { also: standing.also.clone(), sent: standing.sent_mark() }
    }
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

#[async_trait]
impl FactSource for PersonFacts {
    fn provides(&self) -> &[FactId] {
        const {
            &[
                FactId::of::<Consent>(),
                FactId::of::<Country>(),
                FactId::of::<MarketingSent>(),
                FactId::of::<MarketingWait>(),
                FactId::of::<MessageCategory>(),
                FactId::of::<Reach>(),
                FactId::of::<ServiceWindow>(),
                FactId::of::<Suppressed>(),
                FactId::of::<Zones>(),
            ]
        }
    }

    async fn load(&self, subjects: &Subjects, facts: &mut Facts) -> Result<(), StoreError> {
        let recipients = subjects.column::<Recipient>().unwrap_or_default();
        let campaigns = subjects.column::<CampaignFacts>().unwrap_or_default();
        let people: Vec<PersonKey> = subjects
            .scopes()
            .iter()
            .zip(recipients)
            .map(|(scope, to)| PersonKey::new(scope, to.person))
            .collect();
        let standing = self.people.standing(&people).await?;
        let consent = recipients.iter().zip(campaigns).zip(&standing);
        facts.fill(consent.map(|((to, campaign), standing)| campaign.consent(to, standing)))?;
        facts.fill(recipients.iter().map(|to| Country(to.number.region())))?;
        facts.fill(recipients.iter().map(|to| Zones { own: to.zone, possible: to.number.zones() }))?;
        facts.fill(campaigns.iter().map(|campaign| MessageCategory(campaign.category)))?;
        facts.fill(standing.iter().map(|standing| Reach { invalid_until: standing.invalid_until }))?;
        facts.fill(standing.iter().map(|standing| Suppressed(standing.suppressed)))?;
        facts.fill(standing.iter().zip(campaigns).map(|(standing, campaign)| ServiceWindow {
            needed: campaign.category.is_none(),
            until: standing.window_until(&campaign.sender),
        }))?;
        let not_before = |(standing, campaign): (&Standing, &CampaignFacts)| MarketingWait {
            not_before: standing.marketing_not_before.filter(|_| campaign.is_marketing()),
        };
        facts.fill(standing.iter().zip(campaigns).map(not_before))?;
        facts.insert(standing.iter().map(Recognised::of).collect())?;
        facts.fill(standing.into_iter().map(|standing| MarketingSent(standing.marketing_sent)))?;
        Ok(())
    }
}
