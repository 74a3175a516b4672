//! Where a campaign's recipients come from: a port, and the sources that come with it.
//!
//! A source is read once, in order, and can be read on from any position that it gave out, so that
//! planning which was killed goes on where it stopped.

use std::fmt::Debug;

use async_trait::async_trait;
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

use crate::columns::{Cells, Columns};

mod csv;
mod digest;
mod error;
mod listed;
mod mapping;

pub use csv::Csv;
pub use digest::SourceDigest;
pub use error::RecipientsError;
pub use listed::Listed;
pub use mapping::{BoundMapping, Candidate, Mapping, MappingError, Unclear};

/// A table of people, read in order.
///
/// - Records are numbered from 0 in the order in which they stand; every record is returned
///   exactly once, the malformed too.
/// - The same bytes give the same rows, positions and digest, on every machine.
/// - [`position`](Self::position) is where the next call of [`next`](Self::next) begins. After
///   [`resume`](Self::resume) from it, `next` returns what it would have returned.
/// - `max` only cuts: reading by ones and by hundreds gives the same rows.
#[async_trait]
pub trait Recipients: Debug + Send + 'static {
    /// The names of the columns; the cells of a well-formed row stand in this order.
    fn columns(&self) -> &Columns;

    /// Identifies the content of the whole source. Two sources with the same digest are the same.
    fn digest(&self) -> SourceDigest;

    /// At most `max` further rows; none when, and only when, the source is at its end or `max` is
    /// 0.
    ///
    /// # Errors
    /// When the source cannot be read or has changed since it was opened. A record that is broken
    /// is no error but a row that says so. After an error the source must be resumed.
    ///
    /// # Cancel safety
    /// After a dropped call the source must be resumed, from a position that the caller knows.
    async fn next(&mut self, max: usize) -> Result<Vec<Row>, RecipientsError>;

    /// Where the next row begins.
    fn position(&self) -> Position;

    /// Goes to a position of this source or of one with the same digest.
    ///
    /// # Errors
    /// [`RecipientsError::Differs`] when the position belongs to another source; nothing moves.
    async fn resume(&mut self, from: &Position) -> Result<(), RecipientsError>;
}
const _: fn(&dyn Recipients) = |_| {};

/// A place between two records of a source. Plain data, to be kept with a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Bytes before it; for sources without bytes, records before it.
    pub byte: u64,
    /// The number that the next record gets, from 0.
    pub record: u64,
    /// The line in which the place lies, from 1.
    pub line: u64,
    /// The source that it belongs to.
    pub source: SourceDigest,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of the record, from 0, blank lines and header not counted.
    pub record: u64,
    /// The line of the file in which the record begins, from 1.
    pub line: u64,
    /// One cell for each column, or what is wrong with the record.
    pub cells: Result<Cells, Malformed>,
}

/// Why a record cannot be read. The records after it are read all the same.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// The reason code that reports count: [`Malformed::CODE`].
    pub code: Code,
    /// The line in which the record begins, from 1.
    pub line: u64,
    /// What is wrong and what to do about it; no text of the record.
    pub what: String,
}

impl Malformed {
    /// The record is not a record of this table.
    pub const CODE: Code = Code::known("row.malformed");

    /// A record that begins in `line` and cannot be read because of `what`.
    pub fn new(line: u64, what: impl Into<String>) -> Self {
        Self { code: Self::CODE, line, what: what.into() }
    }
}

impl Classify for Malformed {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
