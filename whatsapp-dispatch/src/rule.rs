//! The rules about people: consent, opt-out, countries, quiet hours. Each is a kind that a rule
//! file can name; [`kinds`] has them all, those of rules-core included.

use chrono_tz::Tz;
use rules_core::judge::rule_set::{RuleKinds, RuleSet, RuleSetError};

use crate::campaign::{ConsentPolicy, Definition};
use crate::delivery::Recipient;
use crate::people::Standing;
use crate::region::Region;

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

/// The facts about one person that the rules here look at.
pub(crate) struct PersonFacts {
    pub(crate) consent: Consent,
    pub(crate) country: Country,
    pub(crate) zones: Zones,
}

impl PersonFacts {
    /// What the record, the person's standing and the campaign say together.
    pub(crate) fn of(to: &Recipient, standing: Standing, definition: &Definition) -> Self {
        let assumed = definition.consent == ConsentPolicy::Assumed;
        Self {
            consent: Consent {
                given: assumed || to.consent || standing.opted_out == Some(false),
                opted_out: standing.opted_out == Some(true),
            },
            country: Country(to.number.region()),
            zones: Zones { own: to.zone, possible: to.number.zones() },
        }
    }
}

/// The regions of a list, as a rule's configuration names them.
pub(crate) type Regions = Vec<Region>;

/// A person's own zone.
pub(crate) type Own = Option<Tz>;
