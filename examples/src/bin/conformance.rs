//! Tries our typed values on real payloads: every JSON file below a folder is decoded, encoded
//! again and compared as JSON. One line for each; fails when one isn't decoded.

use std::path::PathBuf;

use anyhow::bail;
use clap::Parser;
use examples::conformance::{Outcome, tally, try_folder};

/// Tries our typed values on real payloads.
#[derive(Parser)]
struct Options {
    /// A folder with JSON files.
    #[arg(env = "CONFORMANCE_DIR")]
    folder: PathBuf,
    /// Only what failed, and the totals.
    #[arg(long, short)]
    quiet: bool,
    /// Fails also when a payload is decoded and written otherwise.
    #[arg(long)]
    strict: bool,
}

fn main() -> anyhow::Result<()> {
    let Options { folder, quiet, strict } = Options::parse();
    let lines = try_folder(&folder)?;
    let ours = || lines.iter().filter(|line| !line.outcome.is_not_ours());
    let shown = lines.iter().filter(|line| line.outcome != Outcome::OtherVendor);
    for line in shown.filter(|line| !quiet || line.outcome.is_undecoded() || line.outcome.is_different()) {
        println!("{line}");
    }
    println!();
    for (kind, count) in tally(&lines) {
        println!("{count:>6} {kind}");
    }
    println!("{:>6} that we have no types for", lines.len() - ours().count());
    let undecoded = lines.iter().filter(|line| line.outcome.is_undecoded()).count();
    let different = lines.iter().filter(|line| line.outcome.is_different()).count();
    println!(
        "{:>6} same, {different} different, {undecoded} not decoded",
        ours().count() - different - undecoded
    );
    if 0 < undecoded {
        bail!("{undecoded} payloads are not decoded");
    }
    if strict && 0 < different {
        bail!("{different} payloads are written otherwise than they came");
    }
    if ours().next().is_none() {
        bail!("{} holds nothing that we know", folder.display());
    }
    Ok(())
}
