//! The referee: gathers the facts of a batch of mixed tenants and judges each by its own rules.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::judge::fact::{FactId, Facts};
use crate::judge::rule::{Context, Mode};
use crate::judge::rule_book::RuleBook;
use crate::judge::rule_set::Revision;
use crate::judge::verdict::Verdicts;
use crate::work::fact_source::{FactSource, Silent, Subjects, gather};

/// Judges batches by a [`RuleBook`] over the facts of [`FactSource`]s: planning previews with it,
/// sending enforces with it. Clones share the book, so a swap of it reaches them all.
#[derive(Clone, Debug)]
pub struct Referee {
    book: Arc<RuleBook>,
    sources: Arc<[Arc<dyn FactSource>]>,
}

/// What came of judging a batch. Used again for the next batch, it uses its room again.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Judgement {
    /// What was known about each row.
    pub facts: Facts,
    /// What was decided about each row.
    pub verdicts: Verdicts,
    /// The sources that did not answer; rows that needed them are deferred.
    pub silent: Vec<Silent>,
    revisions: Vec<(Range<usize>, Revision)>,
}

impl Judgement {
    /// The revision of the rules by which a row was judged.
    pub fn revision_of(&self, row: usize) -> Option<Revision> {
        self.revisions.iter().find(|(rows, _)| rows.contains(&row)).map(|(_, revision)| *revision)
    }
}

impl Referee {
    /// A referee for the book's rules, with facts from these sources.
    pub fn new(book: Arc<RuleBook>, sources: Vec<Arc<dyn FactSource>>) -> Self {
        Self { book, sources: sources.into() }
    }

    /// The rules.
    pub const fn book(&self) -> &Arc<RuleBook> {
        &self.book
    }

    /// Judges every row as of `now`, with one call to each source that any tenant's rules need.
    /// What `judgement` held before is forgotten.
    ///
    /// # Cancel safety
    /// Dropping the future leaves rows without a verdict, which is not an Allow.
    pub async fn judge(
        &self,
        subjects: &Subjects,
        now: DateTime<Utc>,
        mode: Mode,
        judgement: &mut Judgement,
    ) {
        let Judgement { facts, verdicts, silent, revisions } = judgement;
        verdicts.clear();
        revisions.clear();
        let runs: Vec<_> =
            subjects.by_tenant().map(|(scope, rows)| (scope, rows, self.book.rules_of(scope.id()))).collect();
        let needs: Vec<FactId> = runs.iter().flat_map(|(_, _, rules)| rules.needs()).copied().collect();
        *silent = gather(&self.sources, &needs, subjects, facts).await;
        for (scope, rows, rules) in runs {
            rules.judge(&Context { scope, now, mode }, &facts.batch(rows.clone()), verdicts);
            revisions.push((rows, rules.revision()));
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::judge::ballot::Ballot;
    use crate::judge::code::Code;
    use crate::judge::fact::Batch;
    use crate::judge::rule::{Rule, RuleError};
    use crate::judge::rule_set::RuleSet;
    use crate::judge::tenant::{TenantId, TenantRecord, TenantScope};
    use crate::work::StoreError;

    struct Amount(u32);

    #[derive(Debug)]
    struct AtMost(u32);

    impl Rule for AtMost {
        fn id(&self) -> &'static str {
            "at_most"
        }

        fn needs(&self) -> &[FactId] {
            const { &[FactId::of::<Amount>()] }
        }

        fn judge(
            &self,
            _: &Context<'_>,
            batch: &Batch<'_>,
            ballot: &mut Ballot<'_>,
        ) -> Result<(), RuleError> {
            for (row, amount) in batch.column::<Amount>()?.iter().enumerate() {
                if amount.0 > self.0 {
                    ballot.deny(row, Code::known("test.too_much"));
                }
            }
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Amounts;

    #[async_trait]
    impl FactSource for Amounts {
        fn provides(&self) -> &[FactId] {
            const { &[FactId::of::<Amount>()] }
        }

        async fn load(&self, subjects: &Subjects, facts: &mut Facts) -> Result<(), StoreError> {
            Ok(facts.fill((0..).take(subjects.rows()).map(Amount))?)
        }
    }

    #[tokio::test]
    async fn each_tenant_is_judged_by_its_own_rules() {
        let id = |name| TenantId::parse(name).unwrap();
        let strict = RuleSet::builder().with(AtMost(1)).build().unwrap();
        let book = RuleBook::new(RuleSet::default(), [(id("strict"), strict)]).unwrap();
        let scopes = ["free", "strict", "strict", "strict", "free"];
        let scopes = scopes.map(|name| Arc::new(TenantScope::enter(TenantRecord::new(id(name)))));
        let subjects = Subjects::new(scopes.to_vec());

        let referee = Referee::new(Arc::new(book), vec![Arc::new(Amounts)]);
        let mut judgement = Judgement::default();
        for _ in 0..2 {
            referee.judge(&subjects, DateTime::UNIX_EPOCH, Mode::Enforce, &mut judgement).await;
            assert_eq!(judgement.verdicts.allowed().collect::<Vec<_>>(), [0, 1, 4]);
            assert!(judgement.silent.is_empty());
        }
        assert_eq!(judgement.revision_of(0), judgement.revision_of(4));
        assert_ne!(judgement.revision_of(0), judgement.revision_of(3));
        assert_eq!(judgement.revision_of(5), None);
    }
}
