//! The load run of the queue on Redis: what a record costs, beside a bare loop of `LPOP 500` that
//! keeps no lease, knows no tenant and loses what a dead worker had.
//!
//! `cargo run --release -p benches --bin queue -- --redis redis://127.0.0.1:6379 --json`
//!
//! It starts nothing, works under a name of its own and removes what it put there. The server's
//! figures of processor time and memory are those of the whole server, so nobody else should use it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::work::ids::{Ids, RandomIds};

mod fairness;
mod figures;
mod load;
mod server;

use figures::{Figures, Round};
use load::Load;
use server::Server;

#[derive(Parser)]
#[command(about = "Measures the queue on Redis beside a bare loop of LPOP")]
struct Cli {
    /// The server, such as `redis://127.0.0.1:6379`.
    #[arg(long)]
    redis: String,
    /// Records of each round.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    messages: u32,
    /// The large backlog; the small one is 10,000.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..=100_000_000))]
    backlog: u32,
    /// How often enqueueing and draining are measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Bytes of a record.
    #[arg(long, default_value_t = 291, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    payload: u32,
    /// Tenants, each with one lane.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tenants: u32,
    /// Workers of this one process, in the bare loop too.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
    /// Gives up after so many seconds.
    #[arg(long, default_value_t = 600)]
    timeout_seconds: u64,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// The small backlog.
const SMALL: usize = 10_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let figures = tokio::time::timeout(Duration::from_secs(cli.timeout_seconds), run(&cli));
    figures.await.context("the run took too long")??.print(cli.json)
}

async fn run(cli: &Cli) -> anyhow::Result<Figures> {
    let server = Server::connect(&cli.redis).await?;
    let name = format!("load-{}", RandomIds.next().simple());
    let figures = measure(cli, &server, &name).await;
    server.remove(&name).await.context("removing what the run left")?;
    figures
}

async fn store(cli: &Cli, name: &str) -> anyhow::Result<Arc<Redis>> {
    let config = RedisConfig::parse(&cli.redis)?.accepting(Guarantee::Nothing).named(name);
    Ok(Arc::new(Redis::connect(config).await?))
}

async fn measure(cli: &Cli, server: &Server, name: &str) -> anyhow::Result<Figures> {
    let (messages, payload, tenants) = (cli.messages as usize, cli.payload as usize, cli.tenants as usize);
    let workers = cli.workers as usize;
    let work = store(cli, &format!("{name}-rounds")).await?;
    let persistence = work.promises().as_str();
    let load = Load::new(work, tenants, payload, workers).await?;
    // The first round warms up; of it nothing is kept.
    let mut rounds = Vec::new();
    for _ in 0..=cli.rounds {
        rounds.push(round(server, &load, name, messages).await?);
    }
    rounds.remove(0);

    let small = Load::new(store(cli, &format!("{name}-small")).await?, tenants, payload, workers).await?;
    let large = Load::new(store(cli, &format!("{name}-large")).await?, tenants, payload, workers).await?;
    small.enqueue(SMALL).await?;
    large.enqueue(cli.backlog as usize).await?;
    let mut backlog_rates = Vec::new();
    for _ in 0..10 {
        backlog_rates.push((small.keep_busy(20_000).await?, large.keep_busy(20_000).await?));
    }
    let recovery_ms = fairness::recovery(large.queue()).await?.as_secs_f64() * 1e3;
    let fairness_ratio = fairness::ratio(store(cli, &format!("{name}-fair")).await?).await?;
    let weight_error = fairness::weight_error(store(cli, &format!("{name}-weights")).await?).await?;
    Ok(Figures {
        persistence,
        messages,
        payload,
        tenants,
        workers,
        rounds,
        backlog: cli.backlog as usize,
        backlog_rates,
        recovery_ms,
        fairness_ratio,
        weight_error,
        script_p99_ms: server.script_p99_ms().await?,
    })
}

async fn round(server: &Server, load: &Load, name: &str, messages: usize) -> anyhow::Result<Round> {
    let raw_lpop = server.bare_loop(&format!("{{{name}-rounds}}:bare"), load, messages).await?;
    let memory = server.used_memory().await?;
    let (cpu, own_cpu) = (server.cpu().await?, benches::process::cpu_time()?);
    let enqueue = load.enqueue(messages).await?;
    let between = server.cpu().await?;
    let queued = server.used_memory().await?.saturating_sub(memory);
    let drain = load.drain(messages).await?;
    let (drained, own_drained) = (server.cpu().await?, benches::process::cpu_time()?);
    Ok(Round {
        messages,
        enqueue,
        drain,
        raw_lpop,
        enqueue_cpu: between.saturating_sub(cpu),
        drain_cpu: drained.saturating_sub(between),
        client_cpu: own_drained.saturating_sub(own_cpu),
        queued,
        left: server.left(&format!("{name}-rounds")).await?,
    })
}
