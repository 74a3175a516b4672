use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId};
use rules_core::judge::rule::{Context, Rule, RuleError};
use serde::Deserialize;

use crate::region::Region;

/// A fact: the country of a person's number, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(pub Option<Region>);

/// The person's country is blocked.
pub(super) const BLOCKED: Code = Code::known("country.blocked");

/// Never writes to numbers of certain countries.
///
/// ```toml
/// [[rule]]
/// kind = "country_block"
/// countries = ["CU", "IR", "KP", "SY"]   # where the Business Platform does not deliver
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountryBlock {
    /// ISO 3166-1 codes of two letters.
    countries: Vec<Region>,
}

impl CountryBlock {
    /// Blocks these countries.
    pub fn new(countries: impl IntoIterator<Item = Region>) -> Self {
        Self { countries: countries.into_iter().collect() }
    }
}

impl Rule for CountryBlock {
    fn id(&self) -> &'static str {
        "country_block"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Country>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        for (row, country) in batch.column::<Country>()?.iter().enumerate() {
            ballot.note(row, || {
                let blocked: Vec<&str> = self.countries.iter().map(Region::as_str).collect();
                let found = country.0.as_ref().map_or("not known", Region::as_str);
                Note::new("country", found).against(format_args!("not {}", blocked.join(", ")))
            });
            if country.0.is_some_and(|region| self.countries.contains(&region)) {
                ballot.deny(row, BLOCKED);
            }
        }
        Ok(())
    }
}
