//! Where facts come from: one call per source for a whole batch, whichever rules want them.

use std::fmt::{self, Debug, Formatter};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use crate::judge::fact::{FactError, FactId, Facts};
use crate::judge::tenant::TenantScope;
use crate::work::StoreError;

/// A source of facts, such as the host's customer table.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait FactSource: Debug + Send + Sync + 'static {
    /// The facts that [`FactSource::load`] brings. Of two sources for one fact the first counts.
    fn provides(&self) -> &[FactId];

    /// Adds a column for each fact that the source provides, with one value for each row of
    /// `subjects`. One trip to the store, whatever the number of rows.
    ///
    /// A fact that is left out counts as missing: rules that need it deny.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer. Rows that need the facts are then deferred,
    /// whatever the error, and never denied.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing but `facts`.
    async fn load(&self, subjects: &Subjects, facts: &mut Facts) -> Result<(), StoreError>;
}
const _: fn(&dyn FactSource) = |_| {};

/// A column that does not fit is a mistake in the source; trying again would not help.
impl From<FactError> for StoreError {
    fn from(error: FactError) -> Self {
        Self::Refused { doing: "loading facts".into(), reason: error.to_string().into() }
    }
}

/// The rows that facts are wanted about: whose they are, and columns that say who or what each
/// row is about, such as a `PersonKey`. `Debug` shows no values.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use rules_core::judge::tenant::{TenantId, TenantRecord};
/// use rules_core::work::fact_source::Subjects;
/// use rules_core::work::tenants::{FixedTenants, Tenants};
/// struct Customer(u64);
///
/// let acme = TenantId::parse("acme")?;
/// let scope = Tenants::new(FixedTenants::new([TenantRecord::new(acme.clone())])).enter(&acme).await?;
/// let subjects = Subjects::new(vec![Arc::clone(&scope), scope]).with(vec![Customer(7), Customer(8)])?;
/// assert_eq!(subjects.column::<Customer>().unwrap()[1].0, 8);
/// let (scope, rows) = subjects.by_tenant().next().unwrap();
/// assert_eq!((scope.id(), rows), (&acme, 0..2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Subjects {
    scopes: Vec<Arc<TenantScope>>,
    columns: Facts,
}

impl Subjects {
    /// One row for each scope, in order.
    pub fn new(scopes: Vec<Arc<TenantScope>>) -> Self {
        let columns = Facts::new(scopes.len());
        Self { scopes, columns }
    }

    /// The same rows with a column that says what they are about.
    ///
    /// # Errors
    /// [`FactError`] when there is not exactly one value for each row.
    pub fn with<T: Send + Sync + 'static>(mut self, values: Vec<T>) -> Result<Self, FactError> {
        self.columns.insert(values)?;
        Ok(self)
    }

    /// How many rows there are.
    pub const fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// Whose each row is.
    pub fn scopes(&self) -> &[Arc<TenantScope>] {
        &self.scopes
    }

    /// What the rows are about, one value for each; `None` when nobody gave this column.
    pub fn column<T: Send + Sync + 'static>(&self) -> Option<&[T]> {
        self.columns.column::<T>()
    }

    /// The runs of rows of one tenant, in order: each is judged by that tenant's rules.
    pub fn by_tenant(&self) -> impl Iterator<Item = (&Arc<TenantScope>, Range<usize>)> {
        let runs = self.scopes.chunk_by(|one, next| one.id() == next.id());
        runs.scan(0, |start, run| {
            let rows = *start..*start + run.len();
            *start = rows.end;
            Some((run.first()?, rows))
        })
    }
}

impl Debug for Subjects {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subjects").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// A source that did not answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Silent {
    /// The facts that are unavailable because of it.
    pub facts: Vec<FactId>,
    /// What its store said.
    pub error: StoreError,
}

/// Loads the facts of `needs` about `subjects` into `facts`, which is emptied first: one call, one
/// after the other, to each source that provides any of them.
///
/// Facts of a source that fails are marked as unavailable, so that judging defers their rows;
/// the failures come back for the log.
///
/// # Cancel safety
/// Dropping the future leaves `facts` incomplete and changes nothing else.
pub async fn gather(
    sources: &[Arc<dyn FactSource>],
    needs: &[FactId],
    subjects: &Subjects,
    facts: &mut Facts,
) -> Vec<Silent> {
    facts.reset(subjects.rows());
    let mut silent = Vec::new();
    for source in sources {
        let wanted = |fact: &&FactId| needs.contains(fact) && !facts.has(**fact);
        let brings: Vec<FactId> = source.provides().iter().filter(wanted).copied().collect();
        if brings.is_empty() {
            continue;
        }
        if let Err(error) = source.load(subjects, facts).await {
            for fact in &brings {
                facts.mark_unavailable(*fact);
            }
            silent.push(Silent { facts: brings, error });
        }
    }
    silent
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::judge::tenant::{TenantId, TenantRecord};

    #[derive(Debug, PartialEq)]
    struct OptedOut(bool);
    #[derive(Debug, PartialEq)]
    struct Country(&'static str);
    struct Person(u32);

    fn subjects(tenants: &[&str]) -> Subjects {
        let scope = |id: &&str| Arc::new(TenantScope::enter(TenantRecord::new(TenantId::parse(id).unwrap())));
        let persons = (0..).take(tenants.len()).map(Person).collect();
        Subjects::new(tenants.iter().map(scope).collect()).with(persons).unwrap()
    }

    #[derive(Debug)]
    struct People {
        calls: Arc<AtomicUsize>,
        answers: bool,
    }

    #[async_trait]
    impl FactSource for People {
        fn provides(&self) -> &[FactId] {
            const { &[FactId::of::<OptedOut>(), FactId::of::<Country>()] }
        }

        async fn load(&self, subjects: &Subjects, facts: &mut Facts) -> Result<(), StoreError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let persons = subjects.column::<Person>().unwrap();
            facts.fill(persons.iter().map(|person| OptedOut(person.0 == 1)))?;
            if !self.answers {
                let source = std::io::Error::other("gone").into();
                return Err(StoreError::Unavailable { doing: "reading people".into(), source });
            }
            facts.fill(persons.iter().map(|_| Country("IN")))?;
            Ok(())
        }
    }

    fn people(answers: bool) -> (Vec<Arc<dyn FactSource>>, Arc<AtomicUsize>) {
        let calls = Arc::default();
        (vec![Arc::new(People { calls: Arc::clone(&calls), answers })], calls)
    }

    #[tokio::test]
    async fn a_source_is_asked_once_for_all_its_facts() {
        let (sources, calls) = people(true);
        let needs = [FactId::of::<OptedOut>(), FactId::of::<Country>(), FactId::of::<OptedOut>()];
        let mut facts = Facts::default();
        assert!(gather(&sources, &needs, &subjects(&["a", "b"]), &mut facts).await.is_empty());
        assert_eq!(facts.column::<OptedOut>().unwrap(), [OptedOut(false), OptedOut(true)]);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_source_that_nobody_needs_is_not_asked() {
        let (sources, calls) = people(true);
        let mut facts = Facts::default();
        gather(&sources, &[FactId::of::<u8>()], &subjects(&["a"]), &mut facts).await;
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_a_silent_source_left_half_done_is_unavailable() {
        let (sources, _) = people(false);
        let mut facts = Facts::default();
        let silent = gather(&sources, &[FactId::of::<OptedOut>()], &subjects(&["a"]), &mut facts).await;
        assert_eq!(silent[0].facts, [FactId::of::<OptedOut>()]);
        assert!(facts.is_unavailable(FactId::of::<OptedOut>()));
        assert_eq!(facts.column::<OptedOut>(), None);
    }

    #[test]
    fn rows_fall_into_runs_of_one_tenant() {
        let subjects = subjects(&["a", "a", "b", "a"]);
        let runs: Vec<_> = subjects.by_tenant().map(|(scope, rows)| (scope.id().to_string(), rows)).collect();
        assert_eq!(runs, [("a".to_owned(), 0..2), ("b".to_owned(), 2..3), ("a".to_owned(), 3..4)]);
    }
}
