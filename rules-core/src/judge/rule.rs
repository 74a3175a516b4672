//! Rules: pure functions from facts to verdicts, over whole batches.
//!
//! A rule reads no clock and no store, and writes no text. All it knows stands in the columns of
//! the [`Batch`] and in the [`Context`], so a preview, a test and the second of sending run the
//! same code.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Formatter};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::judge::ballot::Ballot;
use crate::judge::fact::{Batch, FactId};
use crate::judge::fault::{Classify, Fault};
use crate::judge::tenant::TenantScope;

pub mod entitlement;
pub mod subscription;

/// A business rule.
///
/// ```
/// use rules_core::judge::ballot::Ballot;
/// use rules_core::judge::code::Code;
/// use rules_core::judge::explanation::Note;
/// use rules_core::judge::fact::{Batch, FactId, Facts};
/// use rules_core::judge::rule::{Context, Mode, Rule, RuleError};
/// use rules_core::judge::rule_set::{RuleKinds, RuleSet};
/// use rules_core::judge::verdict::{Verdict, Verdicts};
///
/// /// A fact: what the person's last order was worth, in cents.
/// struct LastOrder(u64);
///
/// const ORDER_TOO_SMALL: Code = Code::known("acme.order_too_small");
///
/// /// Writes only to people who bought for a certain amount. Its fields are its configuration.
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct MinimumOrder {
///     at_least: u64,
/// }
///
/// impl Rule for MinimumOrder {
///     fn id(&self) -> &str {
///         "acme.minimum_order"
///     }
///
///     fn needs(&self) -> &[FactId] {
///         const { &[FactId::of::<LastOrder>()] }
///     }
///
///     fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
///         for (row, order) in batch.column::<LastOrder>()?.iter().enumerate() {
///             ballot.note(row, || Note::new("last order", order.0).against(self.at_least));
///             if order.0 < self.at_least {
///                 ballot.deny(row, ORDER_TOO_SMALL);
///             }
///         }
///         Ok(())
///     }
/// }
///
/// // A host registers the rule as a kind, so that a configuration can name it ...
/// let kinds = RuleKinds::core().with::<MinimumOrder>("minimum_order");
/// let options = serde_json::json!({ "rule": [{ "kind": "minimum_order", "at_least": 500 }] });
/// let rules = RuleSet::from_json(&options, &kinds)?;
///
/// // ... and a test needs neither store nor clock.
/// let mut facts = Facts::new(2);
/// facts.insert(vec![LastOrder(1_999), LastOrder(20)])?;
/// # let scope = {
/// #     use rules_core::judge::tenant::{TenantId, TenantRecord};
/// #     use rules_core::work::tenants::{FixedTenants, Tenants};
/// #     let id = TenantId::parse("acme")?;
/// #     let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]));
/// #     tokio::runtime::Builder::new_current_thread().build()?.block_on(tenants.enter(&id))?
/// # };
/// let context = Context { scope: &scope, now: "2026-01-05T09:00:00Z".parse()?, mode: Mode::Explain };
/// let mut verdicts = Verdicts::new();
/// rules.judge(&context, &facts.all(), &mut verdicts);
///
/// assert_eq!(verdicts.get(0), Some(&Verdict::Allow));
/// assert_eq!(verdicts.get(1), Some(&Verdict::Deny(ORDER_TOO_SMALL)));
/// assert!(verdicts.explain(1).to_string().contains("last order is 20 (rule: 500)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Rule: Debug + Send + Sync + 'static {
    /// The rule's name, unique in its set: 1 to 64 of the characters `a-z 0-9 _ . -`. A
    /// configuration may give it another.
    fn id(&self) -> &str;

    /// The facts without which the rule cannot judge. When one is missing the rule is not asked.
    fn needs(&self) -> &[FactId];

    /// Votes on the rows of `batch`, which are counted from 0; a row without a vote is allowed.
    ///
    /// The same context and facts must always lead to the same votes, and a vote on a row depends
    /// on that row alone, unless the rule is about the tenant as a whole.
    ///
    /// # Errors
    /// [`RuleError`] when the rule cannot judge: then every row of the batch is denied as
    /// `rule.error`, or what the rule's `on_missing` says about a missing fact. For a single row
    /// there is [`Ballot::fail`].
    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError>;
}
const _: fn(&dyn Rule) = |_| {};

/// What a rule may know besides facts.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant whose rows are judged.
    pub scope: &'a TenantScope,
    /// The instant at which they are judged.
    pub now: DateTime<Utc>,
    /// What the verdicts are for.
    pub mode: Mode,
}

/// What verdicts are for. The verdicts themselves are the same in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Somebody wants to know what would happen.
    Preview,
    /// The verdicts are acted upon.
    Enforce,
    /// Somebody asks why; rules also write down what they read. Allocates for every row.
    Explain,
}

/// The name of a rule in its set: 1 to 64 of the characters `a-z 0-9 _ . -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// Reads a rule's name.
    ///
    /// # Errors
    /// [`RuleIdError`] when the text is empty, longer than 64 bytes or holds other characters.
    pub fn parse(text: &str) -> Result<Self, RuleIdError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
        if fits { Ok(Self(text.into())) } else { Err(RuleIdError { text: text.to_owned() }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for RuleId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Debug for RuleId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "RuleId({})", self.0)
    }
}

/// A text that cannot be a rule's name.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not a rule's name: use 1 to 64 of the characters a-z 0-9 _ . -")]
pub struct RuleIdError {
    /// What was given.
    pub text: String,
}

impl Classify for RuleIdError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// Why a rule could not judge.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleError {
    /// A fact that the rule reads was not loaded.
    #[error("fact {fact} was not loaded; name it in the rule's needs and add a source that provides it")]
    MissingFact {
        /// Which fact.
        fact: FactId,
    },
    /// The rule met something that it has no answer for.
    #[error("{reason}")]
    Failed {
        /// What it met; no personal data.
        reason: Cow<'static, str>,
    },
}

impl Classify for RuleError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
