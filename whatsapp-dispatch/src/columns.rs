//! The columns of a table of recipients, the cells of one record, and columns that nobody has.

use std::fmt::{self, Debug, Formatter};

use rules_core::judge::fault::{Classify, Fault};

/// The names of a source's columns, in order. No two are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Vec<String>);

impl Columns {
    /// Columns with these names; spaces around a name are no part of it.
    ///
    /// # Errors
    /// [`ColumnsError`] when there is no name, a name is empty, or two are equal.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, ColumnsError> {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().trim().to_owned()).collect();
        if names.is_empty() {
            return Err(ColumnsError::None);
        }
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(ColumnsError::Unnamed { number: index + 1 });
            }
            if names.iter().take(index).any(|earlier| earlier == name) {
                return Err(ColumnsError::Twice { name: name.clone() });
            }
        }
        Ok(Self(names))
    }

    /// The names, in order.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The place of the column `name`, counted from 0.
    ///
    /// # Errors
    /// [`UnknownColumn`] when no column has exactly this name.
    pub fn find(&self, name: &str) -> Result<usize, UnknownColumn> {
        self.0.iter().position(|column| column == name).ok_or_else(|| UnknownColumn::new(name, self))
    }
}

/// Why names cannot be the columns of a source.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnsError {
    /// There are no names at all.
    #[error("there are no column names: the first line must name the columns, such as phone,first_name")]
    None,
    /// A column has no name.
    #[error("column {number} has no name: name it in the first line or remove it")]
    Unnamed {
        /// Which column, counted from 1.
        number: usize,
    },
    /// Two columns have the same name.
    #[error("two columns are called {name:?}: rename one of them")]
    Twice {
        /// The name.
        name: String,
    },
}

impl Classify for ColumnsError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// A column that a source does not have.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no column {name:?}: the columns are {}{}", columns.join(", "), hint(nearest.as_deref()))]
pub struct UnknownColumn {
    /// The name that was looked for.
    pub name: String,
    /// The names that the source has.
    pub columns: Vec<String>,
    /// The name that was probably meant.
    pub nearest: Option<String>,
}

impl UnknownColumn {
    fn new(name: &str, columns: &Columns) -> Self {
        let nearest = columns
            .0
            .iter()
            .map(|column| (distance(&name.to_lowercase(), &column.to_lowercase()), column))
            .min()
            .filter(|(edits, _)| *edits <= name.chars().count() / 2)
            .map(|(_, column)| column.clone());
        Self { name: name.to_owned(), columns: columns.0.clone(), nearest }
    }
}

impl Classify for UnknownColumn {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

/// The fewest characters to insert, remove or replace that turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for (y, pair) in b.chars().zip(row.windows(2)) {
            let &[above_left, above] = pair else { continue };
            left = (above_left + usize::from(x != y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The cells of one record, in one piece of memory. Hides its text in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    /// The cells whose texts lie end to end in `text`; `None` when an end is no border between
    /// characters or the ends are not in order.
    pub(crate) fn from_parts(text: String, ends: Vec<usize>) -> Option<Self> {
        let fits = ends.is_sorted()
            && ends.iter().all(|end| text.is_char_boundary(*end))
            && ends.last().copied().unwrap_or_default() == text.len();
        fits.then_some(Self { text, ends })
    }

    /// The text of the cell at `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.text.get(start..end)
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no cell.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<T: AsRef<str>> FromIterator<T> for Cells {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut cells = Self::default();
        for text in texts {
            cells.text.push_str(text.as_ref());
            cells.ends.push(cells.text.len());
        }
        cells
    }
}

impl Debug for Cells {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({} of {} bytes)", self.len(), self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_column_is_answered_with_the_nearest() {
        let columns = Columns::new(["phone", " first_name ", "city"]).unwrap();
        assert_eq!(columns.find("first_name"), Ok(1));
        let error = columns.find("frist_name").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no column \"frist_name\": the columns are phone, first_name, city; did you mean \"first_name\"?"
        );
        assert_eq!(columns.find("Phone").unwrap_err().nearest.as_deref(), Some("phone"));
        assert_eq!(columns.find("discount").unwrap_err().nearest, None);
    }

    #[test]
    fn columns_have_names_of_their_own() {
        assert_eq!(Columns::new([""; 0]), Err(ColumnsError::None));
        assert_eq!(Columns::new(["a", " "]), Err(ColumnsError::Unnamed { number: 2 }));
        assert_eq!(Columns::new(["a", "a "]), Err(ColumnsError::Twice { name: "a".to_owned() }));
    }

    #[test]
    fn cells_keep_their_texts_and_hide_them() {
        let cells: Cells = ["Ana", "", "São Paulo"].into_iter().collect();
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["Ana", "", "São Paulo"]);
        assert_eq!(cells.get(3), None);
        assert_eq!(format!("{cells:?}"), "Cells(3 of 13 bytes)");
    }
}
