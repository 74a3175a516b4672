//! A host's stock where it often lies: in a file, or in a table.

mod file;
mod sheet;
mod told;
#[cfg(feature = "sqlite")]
mod table;

pub use file::{StockColumns, StockFile};
#[cfg(feature = "sqlite")]
pub use table::{StockTable, TableColumns};
