use std::fmt::{self, Debug, Formatter};

use async_trait::async_trait;

use super::digest::Digesting;
use super::{Malformed, Position, Recipients, RecipientsError, Row, SourceDigest};
use crate::columns::{Cells, Columns};

/// Recipients that the host has in memory: the adapter for data that is no file.
///
/// ```
/// use whatsapp_dispatch::columns::Columns;
/// use whatsapp_dispatch::recipients::Listed;
/// let columns = Columns::new(["phone", "first_name"]).unwrap();
/// let people = Listed::new(columns, [["+919876543210", "Asha"], ["+4915123456789", "Jürgen"]]);
/// ```
#[derive(Clone)]
pub struct Listed {
    columns: Columns,
    rows: Vec<Cells>,
    next: usize,
    digest: SourceDigest,
}

impl Listed {
    /// The given records under these columns. A record with too few or too many cells becomes a
    /// malformed row.
    pub fn new<R, T>(columns: Columns, records: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let rows: Vec<Cells> = records.into_iter().map(Cells::from_iter).collect();
        let mut digest = Digesting::default();
        let header: Cells = columns.names().iter().collect();
        for record in std::iter::once(&header).chain(&rows) {
            digest.add(&length(record.len()));
            for cell in record.iter() {
                digest.add(&length(cell.len()));
                digest.add(cell.as_bytes());
            }
        }
        Self { columns, rows, next: 0, digest: digest.finish() }
    }
}

#[async_trait]
impl Recipients for Listed {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn digest(&self) -> SourceDigest {
        self.digest
    }

    async fn next(&mut self, max: usize) -> Result<Vec<Row>, RecipientsError> {
        let expected = self.columns.names().len();
        let rows: Vec<Row> = self
            .rows
            .iter()
            .zip(0..)
            .skip(self.next)
            .take(max)
            .map(|(cells, record)| {
                let line = record + 1;
                let cells = if cells.len() == expected {
                    Ok(cells.clone())
                } else {
                    Err(Malformed::new(line, format!("{} of {expected} columns", cells.len())))
                };
                Row { record, line, cells }
            })
            .collect();
        self.next += rows.len();
        Ok(rows)
    }

    fn position(&self) -> Position {
        let record = u64::try_from(self.next).unwrap_or(u64::MAX);
        Position { byte: record, record, line: record.saturating_add(1), source: self.digest }
    }

    async fn resume(&mut self, from: &Position) -> Result<(), RecipientsError> {
        if from.source != self.digest {
            return Err(RecipientsError::Differs { name: "the list of recipients".to_owned() });
        }
        self.next = usize::try_from(from.record).unwrap_or(usize::MAX).min(self.rows.len());
        Ok(())
    }
}

/// The same eight bytes on every machine.
fn length(count: usize) -> [u8; 8] {
    u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes()
}

impl Debug for Listed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed")
            .field("columns", &self.columns)
            .field("rows", &self.rows.len())
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_goes_on_where_it_stopped() {
        let columns = Columns::new(["phone"]).unwrap();
        let mut list = Listed::new(columns.clone(), [vec!["1"], vec!["2", "x"], vec!["3"]]);
        assert_eq!(list.next(1).await.unwrap().len(), 1);
        let position = list.position();
        let rest = list.next(9).await.unwrap();
        assert_eq!(
            rest.iter().map(|row| (row.record, row.cells.is_ok())).collect::<Vec<_>>(),
            [(1, false), (2, true)]
        );
        list.resume(&position).await.unwrap();
        assert_eq!(list.next(9).await.unwrap(), rest);
        let mut other = Listed::new(columns, [["1"]]);
        assert_eq!(other.resume(&position).await.unwrap_err().code(), Some(RecipientsError::DIFFERS));
    }
}
