//! Plans as files.

use std::io::Write;
use std::path::Path;

use amazon_sync::sync::Plan;
use anyhow::Context;
use serde_json::json;
use tempfile::NamedTempFile;

use super::ReportFormat;
use super::screen::say;

/// A file that a plan will be in: nobody ever reads half of one, and a folder that cannot be written is
/// told before anything is read for the plan.
pub(super) struct PlanFile<'a> {
    path: &'a Path,
    half: NamedTempFile,
}

impl<'a> PlanFile<'a> {
    pub(super) fn at(path: &'a Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        anyhow::ensure!(!path.is_dir(), "--plan {}: this is a folder; name a file in it", path.display());
        let half = NamedTempFile::new_in(folder)
            .with_context(|| format!("--plan {}: making a file in its folder", path.display()))?;
        Ok(Self { path, half })
    }

    pub(super) fn write(mut self, plan: &Plan, format: ReportFormat, carry_out: &str) -> anyhow::Result<()> {
        let shown = self.path.display();
        self.half.write_all(plan.to_tsv().as_bytes()).with_context(|| format!("writing the plan {shown}"))?;
        self.half.persist(self.path).with_context(|| format!("writing the plan {shown}"))?;
        match format {
            ReportFormat::Text => {
                say(plan.to_string().trim_end())?;
                say(format!("Nothing is written to Amazon. The plan is in {shown}; carry it out with:"))?;
                say(format!("  {carry_out}"))?;
            }
            ReportFormat::Json => say(json!({
                "file": self.path, "listings": plan.listings(), "rows": plan.rows().len(),
                "writes": plan.writes(), "digest": plan.digest(),
            }))?,
        }
        Ok(())
    }
}

pub(super) fn read(file: &Path) -> anyhow::Result<Plan> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading the plan {}", file.display()))?;
    Plan::from_tsv(&text).with_context(|| format!("--apply {}: make a plan with --plan FILE", file.display()))
}

/// The command that carries out the plan which this one makes.
pub(super) fn carry_out() -> String {
    let quoted = |word: String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    let words = std::env::args().map(|word| match word.strip_prefix("--plan") {
        Some("") => "--apply".to_owned(),
        Some(file) if file.starts_with('=') => format!("--apply{file}"),
        _ => word,
    });
    words.map(quoted).collect::<Vec<_>>().join(" ")
}
