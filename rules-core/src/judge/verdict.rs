//! Verdicts: what was decided about each row, by which rule, and why.

use std::cmp::Reverse;
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::judge::code::Code;
use crate::judge::explanation::{Explanation, Finding};
use crate::judge::rule::RuleId;
use crate::judge::rule_set::Revision;

/// What may happen to one piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may happen now.
    Allow,
    /// It may never happen.
    Deny(Code),
    /// It may not happen before an instant; then it is judged again.
    Defer {
        /// The earliest instant to judge again.
        until: DateTime<Utc>,
        /// Why it waits.
        code: Code,
    },
}

impl Verdict {
    /// True for [`Verdict::Allow`].
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow)
    }

    /// Why it may not happen now.
    pub const fn code(&self) -> Option<&Code> {
        match self {
            Self::Allow => None,
            Self::Deny(code) | Self::Defer { code, .. } => Some(code),
        }
    }

    /// Deny beats Defer beats Allow; of two Denies the one of the lower rule id counts, of two
    /// Defers the later, then the one of the lower rule id. A total order, so that the order in
    /// which rules speak cannot show.
    pub(crate) fn beats(&self, rule: &RuleId, other: &Self, other_rule: &RuleId) -> bool {
        match (self, other) {
            (Self::Deny(mine), Self::Deny(theirs)) => (rule, mine) < (other_rule, theirs),
            (Self::Defer { until: mine, code }, Self::Defer { until: theirs, code: other_code }) => {
                (Reverse(mine), rule, code) < (Reverse(theirs), other_rule, other_code)
            }
            (Self::Deny(_), _) | (Self::Defer { .. }, Self::Allow) => true,
            (Self::Allow, _) | (Self::Defer { .. }, Self::Deny(_)) => false,
        }
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Deny(code) => write!(f, "deny {code}"),
            Self::Defer { until, code } => {
                write!(f, "defer {code} until {}", until.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
        }
    }
}

/// A verdict other than Allow, with its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The row, counted over all rows of the facts.
    pub row: usize,
    /// What was decided.
    pub verdict: Verdict,
    /// The rule that decided it.
    pub rule: RuleId,
    /// The revision of the rule set that the rule stands in.
    pub revision: Revision,
}

impl Decision {
    fn beats(&self, other: &Self) -> bool {
        self.verdict.beats(&self.rule, &other.verdict, &other.rule)
    }
}

/// One verdict for each row. Allowed rows cost a few bytes and no allocation.
///
/// A row that nobody judged has no verdict, and that is not the same as Allow.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    slots: Vec<Slot>,
    decisions: Vec<Decision>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Unjudged,
    Allowed,
    Decided(usize),
}

impl Verdicts {
    /// No verdicts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all verdicts and keeps the room they took.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.decisions.clear();
        self.findings.clear();
    }

    /// The verdict on a row; `None` when nobody judged it.
    pub fn get(&self, row: usize) -> Option<&Verdict> {
        match *self.slots.get(row)? {
            Slot::Unjudged => None,
            Slot::Allowed => Some(&Verdict::Allow),
            Slot::Decided(at) => self.decisions.get(at).map(|decision| &decision.verdict),
        }
    }

    /// The decision on a row; `None` when the row is allowed or nobody judged it.
    pub fn decision(&self, row: usize) -> Option<&Decision> {
        match *self.slots.get(row)? {
            Slot::Decided(at) => self.decisions.get(at),
            Slot::Unjudged | Slot::Allowed => None,
        }
    }

    /// Every row that is denied or deferred, in no particular order.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The rows that were judged and may go, in order.
    pub fn allowed(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().enumerate().filter(|(_, slot)| **slot == Slot::Allowed).map(|(row, _)| row)
    }

    /// What each rule found on a row; empty unless it was judged in `Mode::Explain`.
    pub fn explain(&self, row: usize) -> Explanation<'_> {
        Explanation::new(row, self)
    }

    /// Adds a decision. It counts unless the row's present one beats it.
    pub fn decide(&mut self, decision: Decision) {
        if decision.verdict.is_allow() {
            return self.open(decision.row..decision.row.saturating_add(1));
        }
        if self.slots.len() <= decision.row {
            self.slots.resize(decision.row.saturating_add(1), Slot::Unjudged);
        }
        let Some(slot) = self.slots.get_mut(decision.row) else { return };
        match *slot {
            Slot::Unjudged | Slot::Allowed => {
                *slot = Slot::Decided(self.decisions.len());
                self.decisions.push(decision);
            }
            Slot::Decided(at) => {
                if let Some(present) = self.decisions.get_mut(at)
                    && decision.beats(present)
                {
                    *present = decision;
                }
            }
        }
    }

    /// Allows the rows that nobody has judged so far.
    pub(crate) fn open(&mut self, rows: Range<usize>) {
        if self.slots.len() < rows.end {
            self.slots.resize(rows.end, Slot::Unjudged);
        }
        for slot in self.slots.get_mut(rows).into_iter().flatten() {
            if *slot == Slot::Unjudged {
                *slot = Slot::Allowed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn decision(rule: &str, verdict: Verdict) -> Decision {
        Decision { row: 0, verdict, rule: RuleId::parse(rule).unwrap(), revision: Revision::default() }
    }

    fn deny(rule: &str) -> Decision {
        decision(rule, Verdict::Deny(Code::known("x.no")))
    }

    fn defer(rule: &str, second: i64) -> Decision {
        decision(rule, Verdict::Defer { until: at(second), code: Code::known("x.later") })
    }

    fn decided(decisions: impl IntoIterator<Item = Decision>) -> Option<Decision> {
        let mut verdicts = Verdicts::new();
        decisions.into_iter().for_each(|decision| verdicts.decide(decision));
        verdicts.decision(0).cloned()
    }

    #[test]
    fn the_stronger_verdict_counts() {
        let cases = [
            (deny("b"), defer("a", 9), deny("b")),
            (deny("b"), deny("a"), deny("a")),
            (defer("a", 1), defer("b", 2), defer("b", 2)),
            (defer("b", 2), defer("a", 2), defer("a", 2)),
        ];
        for (one, other, wins) in cases {
            assert_eq!(decided([one.clone(), other.clone()]), Some(wins.clone()));
            assert_eq!(decided([other, one]), Some(wins));
        }
    }

    #[test]
    fn a_row_that_nobody_judged_is_not_allowed() {
        let mut verdicts = Verdicts::new();
        verdicts.open(1..2);
        assert_eq!((verdicts.get(0), verdicts.get(1)), (None, Some(&Verdict::Allow)));
        assert_eq!(verdicts.get(2), None);
        assert_eq!(verdicts.allowed().collect::<Vec<_>>(), [1]);
        verdicts.decide(Decision { row: 5, ..deny("a") });
        assert_eq!((verdicts.get(4), verdicts.get(5).unwrap().is_allow()), (None, false));
        verdicts.clear();
        assert_eq!(verdicts.get(1), None);
    }

    proptest! {
        #[test]
        fn the_order_of_rules_does_not_matter(
            (votes, shuffled) in prop::collection::vec(
                (select(vec!["a", "b", "c"]), select(vec!["x.a", "x.b"]), prop::option::of(0_i64..3)), 0..8,
            ).prop_flat_map(|votes| (Just(votes.clone()), Just(votes).prop_shuffle()))
        ) {
            let verdict = |(rule, code, until): (&'static str, &'static str, Option<i64>)| {
                let code = Code::known(code);
                decision(rule, match until {
                    Some(second) => Verdict::Defer { until: at(second), code },
                    None => Verdict::Deny(code),
                })
            };
            prop_assert_eq!(
                decided(votes.into_iter().map(verdict)),
                decided(shuffled.into_iter().map(verdict))
            );
        }
    }
}
