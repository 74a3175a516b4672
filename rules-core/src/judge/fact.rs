//! Facts: what is known about the rows of a batch, one typed column per kind of fact.
//!
//! A fact is any Rust type of its own, such as `struct OptedOut(bool)`. Facts are loaded once for
//! all rows, whichever rules want them, and judged tenant by tenant through a [`Batch`].

use std::any::{Any, TypeId, type_name};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::ops::Range;

use crate::judge::fault::{Classify, Fault};
use crate::judge::rule::RuleError;

/// Names one kind of fact: the Rust type of its column.
///
/// ```
/// use rules_core::judge::fact::FactId;
/// struct OptedOut(bool);
/// const NEEDS: &[FactId] = &[FactId::of::<OptedOut>()];
/// assert_eq!(NEEDS[0].name(), "OptedOut");
/// ```
#[derive(Clone, Copy)]
pub struct FactId {
    id: TypeId,
    name: fn() -> &'static str,
}

impl FactId {
    /// The fact whose values are of type `T`.
    pub const fn of<T: Send + Sync + 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T> }
    }

    /// The type's name without its path, for people.
    pub fn name(self) -> &'static str {
        let full = (self.name)();
        let path = full.split('<').next().unwrap_or(full);
        path.rfind("::").and_then(|at| full.get(at + 2..)).unwrap_or(full)
    }
}

impl PartialEq for FactId {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for FactId {}

impl PartialOrd for FactId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FactId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
}

impl Hash for FactId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl Display for FactId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Debug for FactId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "FactId({})", self.name())
    }
}

/// Columns of facts over the same rows. `Debug` shows names of facts, never their values.
///
/// ```
/// use rules_core::judge::fact::Facts;
/// #[derive(Debug, PartialEq)]
/// struct OptedOut(bool);
///
/// let mut facts = Facts::new(2);
/// facts.insert(vec![OptedOut(false), OptedOut(true)])?;
/// assert_eq!(facts.column::<OptedOut>(), Some(&[OptedOut(false), OptedOut(true)][..]));
/// assert!(facts.insert(vec![OptedOut(false)]).is_err(), "one value for each row");
/// # Ok::<(), rules_core::judge::fact::FactError>(())
/// ```
#[derive(Default)]
pub struct Facts {
    rows: usize,
    columns: BTreeMap<FactId, Column>,
}

#[derive(Default)]
struct Column {
    state: ColumnState,
    /// A `Vec<T>`, kept through [`Facts::reset`] for the sake of its room.
    values: Option<Box<dyn Values>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ColumnState {
    #[default]
    Missing,
    Loaded,
    Unavailable,
}

trait Values: Any + Send + Sync {
    fn clear(&mut self);
}

impl<T: Send + Sync + 'static> Values for Vec<T> {
    fn clear(&mut self) {
        self.clear();
    }
}

impl Facts {
    /// No facts yet about `rows` rows.
    pub fn new(rows: usize) -> Self {
        Self { rows, columns: BTreeMap::new() }
    }

    /// Forgets every fact, keeps the room they took, and is about `rows` rows from now on.
    pub fn reset(&mut self, rows: usize) {
        self.rows = rows;
        for column in self.columns.values_mut() {
            column.state = ColumnState::Missing;
            if let Some(values) = &mut column.values {
                values.clear();
            }
        }
    }

    /// How many rows the facts are about.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Takes a column; one that is there already is replaced.
    ///
    /// # Errors
    /// [`FactError`] when there is not exactly one value for each row; the fact then counts as
    /// missing.
    pub fn insert<T: Send + Sync + 'static>(&mut self, values: Vec<T>) -> Result<(), FactError> {
        self.store(move |column: &mut Vec<T>| *column = values)
    }

    /// Takes a column value by value, in the room that an earlier batch left behind.
    ///
    /// # Errors
    /// [`FactError`] when there is not exactly one value for each row; the fact then counts as
    /// missing.
    pub fn fill<T: Send + Sync + 'static>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<(), FactError> {
        self.store(|column: &mut Vec<T>| {
            column.clear();
            column.extend(values);
        })
    }

    fn store<T: Send + Sync + 'static>(&mut self, write: impl FnOnce(&mut Vec<T>)) -> Result<(), FactError> {
        let rows = self.rows;
        let column = self.columns.entry(FactId::of::<T>()).or_default();
        let kept = column.values.take().map(|values| values as Box<dyn Any>);
        let mut values = kept.and_then(|kept| kept.downcast::<Vec<T>>().ok()).unwrap_or_default();
        write(&mut values);
        let found = values.len();
        column.values = Some(values);
        if found == rows {
            column.state = ColumnState::Loaded;
            Ok(())
        } else {
            column.state = ColumnState::Missing;
            Err(FactError::WrongLength { fact: FactId::of::<T>(), rows, values: found })
        }
    }

    /// Says that a fact could not be loaded: rows that need it are deferred, never denied.
    pub fn mark_unavailable(&mut self, fact: FactId) {
        self.columns.entry(fact).or_default().state = ColumnState::Unavailable;
    }

    /// The values of a fact, one for each row; `None` when it was not loaded.
    pub fn column<T: Send + Sync + 'static>(&self) -> Option<&[T]> {
        let column =
            self.columns.get(&FactId::of::<T>()).filter(|column| column.state == ColumnState::Loaded)?;
        let values: &dyn Any = column.values.as_deref()?;
        values.downcast_ref::<Vec<T>>().map(Vec::as_slice)
    }

    /// True when the fact was loaded.
    pub fn has(&self, fact: FactId) -> bool {
        self.columns.get(&fact).is_some_and(|column| column.state == ColumnState::Loaded)
    }

    /// True when the fact's source did not answer.
    pub fn is_unavailable(&self, fact: FactId) -> bool {
        self.columns.get(&fact).is_some_and(|column| column.state == ColumnState::Unavailable)
    }

    /// All rows, as the rows of one tenant.
    pub const fn all(&self) -> Batch<'_> {
        Batch { facts: self, start: 0, len: self.rows }
    }

    /// The rows of one tenant; what lies beyond the last row is left out.
    pub fn batch(&self, rows: Range<usize>) -> Batch<'_> {
        let start = rows.start.min(self.rows);
        Batch { facts: self, start, len: rows.end.min(self.rows).saturating_sub(start) }
    }
}

impl Debug for Facts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let loaded = self.columns.iter().filter(|(_, column)| column.state == ColumnState::Loaded);
        f.debug_struct("Facts")
            .field("rows", &self.rows)
            .field("columns", &loaded.map(|(fact, _)| fact).collect::<Vec<_>>())
            .finish()
    }
}

/// The rows of **one tenant** within [`Facts`], counted from 0.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    facts: &'a Facts,
    start: usize,
    len: usize,
}

impl<'a> Batch<'a> {
    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True when there are no rows.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where these rows lie among all rows of the facts.
    pub const fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }

    /// The values of a fact, one for each row of the batch.
    ///
    /// # Errors
    /// [`RuleError::MissingFact`], which a rule hands on with `?`: whoever judges then decides
    /// for all rows, and never by accident in favour of sending.
    pub fn column<T: Send + Sync + 'static>(&self) -> Result<&'a [T], RuleError> {
        let values = self.facts.column::<T>().and_then(|values| values.get(self.range()));
        values.ok_or(RuleError::MissingFact { fact: FactId::of::<T>() })
    }

    /// The facts that the rows are part of.
    pub const fn facts(&self) -> &'a Facts {
        self.facts
    }
}

/// A column that does not fit its facts.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactError {
    /// There must be exactly one value for each row.
    #[error("fact {fact} has {values} values for {rows} rows; give one value for each row")]
    WrongLength {
        /// Which fact.
        fact: FactId,
        /// How many rows there are.
        rows: usize,
        /// How many values were given.
        values: usize,
    },
}

impl Classify for FactError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Age(u8);
    #[derive(Debug, PartialEq)]
    struct Name(&'static str);

    #[test]
    fn a_batch_sees_only_its_rows() {
        let mut facts = Facts::new(3);
        facts.insert(vec![Age(1), Age(2), Age(3)]).unwrap();
        assert_eq!(facts.batch(1..3).column::<Age>().unwrap(), [Age(2), Age(3)]);
        assert_eq!(facts.batch(2..9).column::<Age>().unwrap(), [Age(3)]);
        assert!(facts.batch(7..9).is_empty());
        assert_eq!(facts.all().column::<Name>(), Err(RuleError::MissingFact { fact: FactId::of::<Name>() }));
    }

    #[test]
    fn a_column_of_another_length_counts_as_missing() {
        let mut facts = Facts::new(2);
        facts.insert(vec![Age(1), Age(2)]).unwrap();
        let error = facts.fill([Age(1)]).unwrap_err();
        assert_eq!(error.to_string(), "fact Age has 1 values for 2 rows; give one value for each row");
        assert_eq!(facts.column::<Age>(), None);
    }

    #[test]
    fn a_reset_forgets_values_and_keeps_their_room() {
        let mut facts = Facts::new(2);
        facts.insert(vec![Age(1), Age(2)]).unwrap();
        facts.mark_unavailable(FactId::of::<Name>());
        assert!(facts.is_unavailable(FactId::of::<Name>()));
        let room = facts.column::<Age>().unwrap().as_ptr();
        facts.reset(1);
        assert!(!facts.has(FactId::of::<Age>()) && !facts.is_unavailable(FactId::of::<Name>()));
        facts.fill([Age(9)]).unwrap();
        assert_eq!(facts.column::<Age>().unwrap().as_ptr(), room);
    }

    #[test]
    fn a_fact_is_named_without_its_path() {
        assert_eq!(FactId::of::<Age>().name(), "Age");
        assert_eq!(FactId::of::<u8>().to_string(), "u8");
        assert_eq!(FactId::of::<Vec<Age>>().name().split('<').next(), Some("Vec"));
        assert_eq!(format!("{:?}", Facts::new(1)), "Facts { rows: 1, columns: [] }");
    }
}
