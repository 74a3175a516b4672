//! The share of a budget that several processes use together, and what of their calls is wasted:
//! while Amazon's rate is as published, and when its true rate halves or doubles in mid-run without
//! a word.
//!
//! `cargo run --release -p benches --bin budget -- --redis redis://127.0.0.1:6379 --json`
//!
//! Four worker processes patch listings as fast as they are let, through the adapter of SP-API and
//! one [`Pacer`](rules_core::work::pacer::Pacer) on Redis; without `--redis` one process does, with
//! its budgets in memory. The three scenarios run at once, each against a simulator of its own in
//! this process, over HTTP on 127.0.0.1.
//!
//! Amazon grants 5 patches a second, and to learn of a rate takes a thousand calls. So that a run
//! takes minutes instead of hours, the simulated Amazon grants 10 times as many, which its rate
//! header says, and its answers take a tenth of 150 ms; the burst stays 5. What is measured, calls
//! accepted of calls allowed, has no unit of time. It is the harder case: a process that is woken
//! late loses 10 times as many calls, and the half second in which refusals count as one is 25
//! calls long. `--rate 5 --seconds 2000` is Amazon's own pace. A run of less than 7,000 calls says
//! little of a rate that doubles: a higher one is tried once in a thousand.
//!
//! The figures are Amazon's and the pacer's only where processes are woken in time: what arrives
//! more than a burst late arrives at once with what follows, and is refused. So the run tells how late
//! it was woken itself. On a machine with other work to do `--rate 25 --seconds 280` says more.
//!
//! share = useful calls / (burst + rate x time up to the last of them), waste = 429s / calls.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use rules_core::work::ids::{Ids, RandomIds};

mod amazon;
mod calm;
mod figures;
mod fleet;
mod server;
mod worker;

use amazon::Scenario;
use calm::Calm;
use figures::Figures;
use fleet::Fleet;
use worker::Orders;

#[derive(Parser)]
#[command(about = "Measures how much of a budget is used, and how many calls are wasted")]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Part {
    /// One of several processes; what to do comes by its input.
    #[command(hide = true)]
    Worker,
}

#[derive(Args)]
struct Run {
    /// The server that the budgets are on, such as `redis://127.0.0.1:6379`. Without it one process
    /// has them in memory.
    #[arg(long)]
    redis: Option<String>,
    /// Processes that share the budgets.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=16))]
    processes: u32,
    /// Calls that all of them together have on the wire at once, at most.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    at_once: u32,
    /// Calls a second that the simulated Amazon publishes.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    rate: u32,
    /// How long each scenario runs; the true rate changes when half of it is over.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(2..=7_200))]
    seconds: u64,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.part {
            Some(Part::Worker) => worker::work().await,
            None => cli.run.run().await,
        }
    })
}

impl Run {
    async fn run(&self) -> anyhow::Result<()> {
        let name = format!("load-{}", RandomIds.next().simple());
        // What is begun ends with the run, and a run that hangs ends, too.
        let limit = Duration::from_secs(self.seconds + 60);
        let figures = tokio::time::timeout(limit, self.measure(&name)).await;
        if let Some(url) = &self.redis {
            server::remove(url, &name).await.context("removing what the run left")?;
        }
        match figures {
            Ok(figures) => figures?.print(self.json),
            Err(_) => bail!("not done after {limit:?}"),
        }
    }

    async fn measure(&self, name: &str) -> anyhow::Result<Figures> {
        let processes = if self.redis.is_some() { self.processes } else { 1 };
        let mut scenarios = Vec::new();
        for change in [None, Some(0.5), Some(2.0)] {
            scenarios.push(Scenario::start(self.rate, change, self.at_once).await?);
        }
        let mut fleet = Fleet::start((0..processes).map(|nth| Orders {
            redis: self.redis.clone(),
            name: name.to_owned(),
            sellers: scenarios.iter().map(Scenario::seller).collect(),
            // Each task has a listing of its own.
            listings: (nth..self.at_once).step_by(processes as usize).collect(),
        }))?;
        let calm = Calm::watch();
        fleet.go()?;
        let half = Duration::from_millis(self.seconds * 500);
        tokio::time::sleep(half).await;
        scenarios.iter().for_each(Scenario::change);
        tokio::time::sleep(half).await;
        let lateness = calm.lateness();
        let told = fleet.end()?;
        let scenarios = scenarios.iter().map(Scenario::outcome).collect::<anyhow::Result<_>>()?;
        Ok(Figures {
            budgets_on: if self.redis.is_some() { "redis" } else { "memory" },
            processes,
            at_once: self.at_once,
            rate: self.rate,
            seconds: self.seconds,
            scenarios,
            lateness,
            told,
        })
    }
}
