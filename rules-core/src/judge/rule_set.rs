//! Rule sets: rules that are asked together, with one revision that names exactly these rules.

use std::fmt::{self, Debug, Display, Formatter};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::judge::ballot::Ballot;
use crate::judge::explanation::Note;
use crate::judge::fact::{Batch, FactId};
use crate::judge::registry::{FACTS_UNAVAILABLE, RULE_ERROR};
use crate::judge::rule::{Context, Rule, RuleError, RuleId};
use crate::judge::verdict::Verdicts;

mod config;
mod error;
mod kinds;

#[cfg(feature = "toml")]
pub(crate) use config::toml_to_json;
pub(crate) use config::{entries, sections};
pub use error::{RulePlace, RuleSetError};
pub use kinds::{RuleFault, RuleKinds};

/// How long rows wait when a fact could not be loaded.
pub const FACTS_RETRY: TimeDelta = TimeDelta::seconds(30);

/// Rules that are asked together. Immutable; cloning shares the rules.
///
/// They are asked in the order of their names, but the order never shows in a verdict.
///
/// ```
/// use rules_core::judge::rule_set::{RuleKinds, RuleSet};
/// let rules = serde_json::json!({ "rule": [
///     { "kind": "subscription" },
///     { "kind": "entitlement", "id": "may_send", "feature": "campaigns" },
/// ]});
/// let rules = RuleSet::from_json(&rules, &RuleKinds::core())?;
/// assert_eq!(rules.ids().map(|id| id.as_str()).collect::<Vec<_>>(), ["may_send", "subscription"]);
/// # Ok::<(), rules_core::judge::rule_set::RuleSetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    seats: Vec<Seat>,
    needs: Vec<FactId>,
    revision: Revision,
}

#[derive(Clone, Debug)]
struct Seat {
    id: RuleId,
    entry: RuleEntry,
}

impl RuleSet {
    /// Begins a set of rules made in code.
    pub fn builder() -> RuleSetBuilder {
        RuleSetBuilder::default()
    }

    /// Which rules these are, exactly.
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The facts that the rules need, each once.
    pub fn needs(&self) -> &[FactId] {
        &self.needs
    }

    /// The names of the rules, in order.
    pub fn ids(&self) -> impl Iterator<Item = &RuleId> {
        self.seats.iter().map(|seat| &seat.id)
    }

    /// Judges the rows of one tenant. What `verdicts` holds already about these rows counts on:
    /// the stronger verdict wins.
    ///
    /// A rule that cannot judge denies every row as `rule.error`; a fact whose source did not
    /// answer defers them for [`FACTS_RETRY`].
    pub fn judge(&self, context: &Context<'_>, batch: &Batch<'_>, verdicts: &mut Verdicts) {
        verdicts.open(batch.range());
        for Seat { id, entry } in &self.seats {
            let mut ballot = Ballot::new(verdicts, id, self.revision, batch.range(), context.mode);
            let missing = entry.rule.needs().iter().find(|fact| !batch.facts().has(**fact));
            let asked = match missing {
                Some(fact) => Err(RuleError::MissingFact { fact: *fact }),
                None => entry.rule.judge(context, batch, &mut ballot),
            };
            if let Err(error) = asked {
                entry.give_up(&error, context, batch, &mut ballot);
            }
        }
    }

    /// The rules of both sets, such as the platform's and a tenant's.
    ///
    /// # Errors
    /// [`RuleSetError::DuplicateId`] when a rule of each has the same name.
    pub fn and(&self, other: &Self) -> Result<Self, RuleSetError> {
        let seats = self.seats.iter().chain(&other.seats);
        let builder = seats.fold(Self::builder(), |builder, seat| {
            let entry = RuleEntry { id: Some(seat.id.as_str().to_owned()), ..seat.entry.clone() };
            builder.with(entry)
        });
        builder.build()
    }
}

/// Builds a [`RuleSet`] from rules made in code.
#[derive(Debug, Default)]
pub struct RuleSetBuilder {
    entries: Vec<RuleEntry>,
}

impl RuleSetBuilder {
    /// Adds a rule, or a [`RuleEntry`] that says more about it.
    #[must_use]
    pub fn with(mut self, rule: impl Into<RuleEntry>) -> Self {
        self.entries.push(rule.into());
        self
    }

    /// The set.
    ///
    /// # Errors
    /// [`RuleSetError`] when two rules have one name, or a name is none.
    pub fn build(self) -> Result<RuleSet, RuleSetError> {
        let mut seats: Vec<Seat> = Vec::with_capacity(self.entries.len());
        for (index, entry) in self.entries.into_iter().enumerate() {
            let name = entry.id.as_deref().unwrap_or_else(|| entry.rule.id());
            let place = || entry.place.clone().unwrap_or_else(|| RulePlace::new(None, index + 1, name));
            let id = RuleId::parse(name)
                .map_err(|error| RuleSetError::Malformed { place: place(), reason: error.to_string() })?;
            if seats.iter().any(|seat| seat.id == id) {
                return Err(RuleSetError::DuplicateId { place: place(), id });
            }
            seats.push(Seat { id, entry });
        }
        seats.sort_by(|one, other| one.id.cmp(&other.id));

        let mut needs: Vec<FactId> = seats.iter().flat_map(|seat| seat.entry.rule.needs()).copied().collect();
        needs.sort_unstable();
        needs.dedup();
        let revision = Revision::of(&seats);
        Ok(RuleSet { seats, needs, revision })
    }
}

/// A rule with what its set says about it.
///
/// ```
/// use rules_core::judge::rule::entitlement::EntitlementRule;
/// use rules_core::judge::rule_set::{RuleEntry, RuleSet};
/// let rules = RuleSet::builder()
///     .with(EntitlementRule::new("campaigns"))
///     .with(RuleEntry::new(EntitlementRule::new("whatsapp")).named("may_use_whatsapp"))
///     .build()?;
/// # Ok::<(), rules_core::judge::rule_set::RuleSetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RuleEntry {
    rule: Arc<dyn Rule>,
    id: Option<String>,
    on_missing: OnMissing,
    /// The configuration as it was read; a rule made in code is described by its `Debug`.
    written: Option<String>,
    place: Option<RulePlace>,
}

impl RuleEntry {
    /// The rule under its own name.
    pub fn new(rule: impl Rule) -> Self {
        Self::shared(Arc::new(rule))
    }

    /// The rule under its own name.
    pub fn shared(rule: Arc<dyn Rule>) -> Self {
        Self { rule, id: None, on_missing: OnMissing::default(), written: None, place: None }
    }

    /// The same rule under another name.
    #[must_use]
    pub fn named(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The same rule with another answer when a fact is missing.
    #[must_use]
    pub fn on_missing(self, on_missing: OnMissing) -> Self {
        Self { on_missing, ..self }
    }

    /// Votes for a rule that could not judge.
    #[cold]
    fn give_up(&self, error: &RuleError, context: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) {
        ballot.note_all(|| Note::new("error", error));
        let later = context.now.checked_add_signed(FACTS_RETRY).unwrap_or(DateTime::<Utc>::MAX_UTC);
        match (error, self.on_missing) {
            (RuleError::MissingFact { fact }, _) if batch.facts().is_unavailable(*fact) => {
                ballot.defer_all(later, &FACTS_UNAVAILABLE);
            }
            (RuleError::MissingFact { .. }, OnMissing::Allow) => {}
            (RuleError::MissingFact { .. }, OnMissing::Defer) => ballot.defer_all(later, &FACTS_UNAVAILABLE),
            (RuleError::MissingFact { .. }, OnMissing::Deny) | (RuleError::Failed { .. }, _) => {
                ballot.deny_all(&RULE_ERROR);
            }
        }
    }
}

impl<R: Rule> From<R> for RuleEntry {
    fn from(rule: R) -> Self {
        Self::new(rule)
    }
}

/// What happens to rows when a fact that their rule reads was not loaded at all. A fact whose
/// source failed is another matter: its rows are always deferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// They are denied as `rule.error`: what cannot be checked does not go.
    #[default]
    Deny,
    /// They are deferred for [`FACTS_RETRY`].
    Defer,
    /// The rule does not count.
    Allow,
}

/// Names the exact configuration of a rule set: sets with the same rules, names and options have
/// the same revision in every process.
///
/// Of a rule made in code its `Debug` output is taken, so keep ordered collections in it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    fn of(seats: &[Seat]) -> Self {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        };
        for Seat { id, entry } in seats {
            part(id.as_str());
            part(&format!("{:?}", entry.on_missing));
            match &entry.written {
                Some(written) => part(written),
                None => part(&format!("{:?}", entry.rule)),
            }
        }
        let digest = hash.finalize();
        Self(digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}

impl Display for Revision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Debug for Revision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({self})")
    }
}
