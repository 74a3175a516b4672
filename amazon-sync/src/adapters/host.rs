//! A host's stock where it often lies: in a file, or in a table.

mod file;
mod returns;
mod sheet;
mod told;
#[cfg(feature = "sqlite")]
mod table;

pub use file::{StockColumns, StockFile};
pub use returns::ReturnsFile;
#[cfg(feature = "sqlite")]
pub use table::{StockTable, TableColumns};
