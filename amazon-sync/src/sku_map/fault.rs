use std::fmt::{self, Display, Formatter};

use rules_core::judge::fault::{Classify, Fault};

use crate::sku::SkuError;

/// At most so many faults are kept of one file; the rest are counted.
const KEPT: usize = 1_000;

/// Something that is wrong in a SKU map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct SkuMapFault {
    /// Where: the line of the file, whose header is line 1, or what the builder was told.
    pub line: u64,
    /// What, and what would be right.
    pub problem: SkuMapProblem,
}

/// What is wrong in a row, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkuMapProblem {
    /// A cell holds no such name.
    #[error("column {column}: {reason}")]
    Name {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        reason: SkuError,
    },
    /// The file has no such column.
    #[error("there is no column {column}; {remedy}")]
    NoColumn {
        /// Which column.
        column: &'static str,
        /// How to name it, and what it holds.
        remedy: &'static str,
    },
    /// A cell that must be filled is empty.
    #[error("column {column} is empty; {remedy}")]
    Empty {
        /// Which column.
        column: &'static str,
        /// What to write.
        remedy: &'static str,
    },
    /// A kind that there is none of.
    #[error("{kind:?} is no kind; write item, alias, pack or bundle")]
    Kind {
        /// What was given.
        kind: String,
    },
    /// A word that means a channel and is none of Amazon's codes. Taken for a supply source it
    /// would let a listing that Amazon ships be written to.
    #[error(
        "{channel:?} is no channel code; write DEFAULT for what the merchant ships, AMAZON_NA, AMAZON_EU or AMAZON_JP for what Amazon ships"
    )]
    Channel {
        /// What was given.
        channel: String,
    },
    /// No number of units, or an absurd one.
    #[error("{units:?} cannot be the units of {kind} {sku:?}; write {least} to {most}", most = super::build::MOST_UNITS)]
    Units {
        /// Of what.
        sku: String,
        /// What it is.
        kind: &'static str,
        /// What was given.
        units: String,
        /// The least that can be.
        least: u32,
    },
    /// A SKU is defined again, in another way.
    #[error("SKU {sku:?} is defined in line {first} already, in another way; remove one of the two")]
    Twice {
        /// Which.
        sku: String,
        /// Where it is defined first.
        first: u64,
    },
    /// A bundle names a component twice.
    #[error("bundle {sku:?} has {of:?} in line {first} already; write it once, with all its units")]
    Again {
        /// Which bundle.
        sku: String,
        /// Which component.
        of: String,
        /// Where it is named first.
        first: u64,
    },
    /// What it is made of is not in the map.
    #[error(
        "SKU {sku:?} is made of {of:?}, which the map does not have; add a row for {of:?}, with an empty channel if it is not listed itself"
    )]
    Unknown {
        /// Which.
        sku: String,
        /// What it is made of.
        of: String,
    },
    /// What it is made of is defined, but refused itself.
    #[error("SKU {sku:?} is made of {of:?}, whose own definition is refused; correct that one")]
    Rests {
        /// Which.
        sku: String,
        /// What it is made of.
        of: String,
    },
    /// It is made of itself.
    #[error("SKU {sku:?} is made of itself: {through}; break the circle")]
    Cycle {
        /// Which.
        sku: String,
        /// The way round, such as `A > B > A`.
        through: String,
    },
    /// Resolved, it is made of too much.
    #[error("one unit of SKU {sku:?} would be made of {what}; correct its units or parts")]
    Huge {
        /// Which.
        sku: String,
        /// Of how much.
        what: String,
    },
    /// A SKU is listed with different ASINs or product types.
    #[error("SKU {sku:?} has another {column} in line {first}; write the same, or leave one empty")]
    Differs {
        /// Which.
        sku: String,
        /// In which column.
        column: &'static str,
        /// Where it stands first.
        first: u64,
    },
    /// The header names a column that means nothing, or one twice.
    #[error("column {column:?} is {what}; use sku, channel, kind, of, units, asin, product_type, note")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A line cannot be read as a row.
    #[error("{reason}")]
    Unreadable {
        /// Why, and what to do.
        reason: String,
    },
    /// There is more than ids can tell apart.
    #[error("the map has more than 4,294,967,294 parts; split it")]
    Full,
}

/// Everything that is wrong in a SKU map, in the order of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkuMapError {
    /// The first thousand faults.
    pub faults: Vec<SkuMapFault>,
    /// How many more there are.
    pub more: usize,
}

impl SkuMapError {
    pub(super) fn add(&mut self, line: u64, problem: SkuMapProblem) {
        if self.faults.len() < KEPT {
            self.faults.push(SkuMapFault { line, problem });
        } else {
            self.more += 1;
        }
    }

    /// By line. Faults are found while rows are read, and later while they are resolved.
    pub(super) fn sort(&mut self) {
        self.faults.sort_by_key(|fault| fault.line);
    }

    /// True when nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Display for SkuMapError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = self.faults.len() + self.more;
        write!(f, "the SKU map has {count} {}", if count == 1 { "fault" } else { "faults" })?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for SkuMapError {}

impl Classify for SkuMapError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
