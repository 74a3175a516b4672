//! What is printed. Standard output may end early, as under `head`: that is an error like any other
//! and no reason to fall over.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use super::ReportFormat;

/// A line on standard output.
pub(super) fn say(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

/// A line beside the report: standard output holds nothing but one object when that is JSON.
pub(super) fn aside(format: ReportFormat, line: impl Display) -> io::Result<()> {
    match format {
        ReportFormat::Text => say(line),
        ReportFormat::Json => writeln!(io::stderr().lock(), "{line}"),
    }
}

/// True when nobody reads standard output any more.
pub(super) fn is_unheard(error: &anyhow::Error) -> bool {
    let is_closed = |cause: &io::Error| cause.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_closed))
}
