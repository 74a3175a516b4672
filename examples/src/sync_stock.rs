//! What `sync-stock` is made of: a shop from files, a simulated day, a table, a report.

use anyhow::Context;

mod check;
mod day;
mod options;
mod plan;
mod report;
mod shop;
mod table;

pub use options::{Options, ReportFormat};

use day::Day;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that must hold holds.
    Well,
    /// Something that must hold does not; the report says what.
    Broken,
    /// Somebody interrupted it.
    Interrupted,
}

/// Does what the command line says.
pub async fn run(options: Options) -> anyhow::Result<Ended> {
    let day = Day::open(&options).await?;
    if let Some(file) = &options.plan {
        plan::write(&day, file).await?;
        return Ok(Ended::Well);
    }
    let plan = options.apply.as_deref().map(plan::read).transpose()?;
    let Some(outcome) = day.pass(&options, plan.as_ref()).await? else { return Ok(Ended::Interrupted) };
    report::print(&outcome, options.report)?;
    if let Some(sku) = &options.explain {
        let explained = day.sync.explain(sku, day.now()).await.context("explaining")?;
        // Standard output holds nothing but the object when it is JSON.
        match options.report {
            ReportFormat::Text => println!("\n{explained}"),
            ReportFormat::Json => eprintln!("{explained}"),
        }
    }
    Ok(if outcome.broken.is_empty() { Ended::Well } else { Ended::Broken })
}
