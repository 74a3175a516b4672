//! What `sync-stock` is made of: a shop from files, a simulated day or a real seller, a report.

mod amazon;
mod check;
mod day;
mod explain;
mod live;
mod options;
mod place;
mod plan;
mod report;
mod rows;
mod screen;
mod shop;
mod table;

pub use options::{Options, ReportFormat};

use day::Day;
use plan::PlanFile;

use crate::fleet::interrupted;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that must hold holds.
    Well,
    /// Something that must hold does not; the report says what.
    Broken,
    /// Somebody interrupted it.
    Interrupted,
    /// Nobody reads standard output any more.
    Unheard,
}

/// Does what the command line says.
pub async fn run(options: Options) -> anyhow::Result<Ended> {
    let ended = if options.live { live::run(&options).await } else { simulated(&options).await };
    match ended {
        Err(error) if screen::is_unheard(&error) => Ok(Ended::Unheard),
        ended => ended,
    }
}

/// A day of a shop that is simulated.
async fn simulated(options: &Options) -> anyhow::Result<Ended> {
    let file = options.plan.as_deref().map(PlanFile::at).transpose()?;
    let plan = options.apply.as_deref().map(plan::read).transpose()?;
    let day = Day::open(options).await?;
    let ended = if let Some(file) = file {
        tokio::select! {
            plan = day.sync.plan() => file.write(&plan?, options.report, &plan::carry_out())?,
            () = interrupted() => return Ok(day.interrupted(options)),
        }
        Ended::Well
    } else {
        let Some(outcome) = day.pass(options, plan.as_ref()).await? else {
            return Ok(day.interrupted(options));
        };
        if let Some(sku) = &options.explain {
            explain::print(&day.sync, sku, day.now(), options.report).await?;
        }
        report::print(&outcome, options.report)?;
        if outcome.broken.is_empty() { Ended::Well } else { Ended::Broken }
    };
    if let (true, Some(sku)) = (options.plan.is_some(), &options.explain) {
        explain::print(&day.sync, sku, day.now(), options.report).await?;
    }
    Ok(ended)
}
