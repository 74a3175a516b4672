//! Plans as files.

use std::path::Path;

use amazon_sync::sync::Plan;
use anyhow::Context;

use super::day::Day;

pub(super) async fn write(day: &Day, file: &Path) -> anyhow::Result<()> {
    let plan = day.sync.plan().await?;
    std::fs::write(file, plan.to_tsv()).with_context(|| format!("writing the plan {}", file.display()))?;
    print!("{plan}");
    println!("written to {}; carry it out with --apply {0}", file.display());
    Ok(())
}

pub(super) fn read(file: &Path) -> anyhow::Result<Plan> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading the plan {}", file.display()))?;
    Plan::from_tsv(&text).with_context(|| file.display().to_string())
}
