//! The rules about people: consent, opt-out, reach, marketing, windows, countries, quiet hours.
//! Each is a kind that a rule file can name; [`kinds`] has them all, those of rules-core included.

use rules_core::judge::fact::FactId;
use rules_core::judge::rule_set::{RuleKinds, RuleSet, RuleSetError};

mod consent;
mod country;
mod marketing;
mod person;
mod quiet_hours;
mod reach;
mod window;

pub(crate) use consent::OPTED_OUT;
pub use consent::{Consent, ConsentGiven, OptOut, Suppressed, Suppression};
pub use country::{Country, CountryBlock};
pub use marketing::{
    FrequencyCap, MarketingDeferral, MarketingSent, MarketingWait, MessageCategory, UsMarketing,
};
pub use person::CampaignFacts;
pub(crate) use person::{PersonFacts, Recognised};
pub use quiet_hours::{QuietHours, Zones};
pub use reach::{InvalidScore, Reach};
pub use window::{OpenWindow, ServiceWindow};

/// Every kind of rule that a rule file may name.
pub fn kinds() -> RuleKinds {
    RuleKinds::core()
        .with::<ConsentGiven>("consent")
        .with::<OptOut>("opt_out")
        .with::<Suppression>("suppressed")
        .with::<InvalidScore>("invalid_score")
        .with::<MarketingDeferral>("marketing_deferral")
        .with::<UsMarketing>("us_marketing")
        .with::<FrequencyCap>("frequency_cap")
        .with::<OpenWindow>("service_window")
        .with::<CountryBlock>("country_block")
        .with::<QuietHours>("quiet_hours")
}

/// What is judged when a host names no rules: consent, opt-out, suppression, reach, where and when
/// marketing is not delivered, and the window that free-form messages need.
///
/// # Errors
/// Never in practice; the set is built like any other.
pub fn defaults() -> Result<RuleSet, RuleSetError> {
    RuleSet::builder()
        .with(ConsentGiven::default())
        .with(OptOut::default())
        .with(Suppression::default())
        .with(InvalidScore::default())
        .with(MarketingDeferral::default())
        .with(UsMarketing::default())
        .with(OpenWindow::default())
        .build()
}

/// True when a rule of the set must know when marketing was sent, so that somebody must count.
pub(crate) fn counts_marketing(rules: &RuleSet) -> bool {
    rules.needs().contains(&FactId::of::<MarketingSent>())
}

#[cfg(test)]
mod tests;
