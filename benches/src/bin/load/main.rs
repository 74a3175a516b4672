//! The load run: what is left of the speed of a bare loop of POSTs when the same messages go
//! through the dispatcher.
//!
//! `cargo run --release -p benches --bin load -- --messages 20000 --store sqlite --json`
//!
//! With `--workers` the dispatchers are processes of their own that share one Redis. `load sweep`
//! changes one setting after the other and writes a table and a chart.
//!
//! One run is several pairs. Each pair posts the same bodies to a stub in a second process twice,
//! once in a bare loop and once through a dispatcher on a fresh store; which goes first
//! alternates. The stub answers at once, so the figure is the worst case: with the 100 ms and more
//! of the real Cloud API the number's rate is the limit, not this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use benches::server::Server;
use clap::{Args, Parser, Subcommand};
use rules_core::store::memory::Memory;
use rules_core::store::redis::RedisConfig;
use rules_core::store::sqlite::Sqlite;
use uuid::Uuid;

mod bare;
mod chart;
mod client;
mod dispatched;
mod figures;
mod fleet;
mod settings;
mod stub;
mod sweep;

use dispatched::{Dispatched, Gauge, Work};
use figures::Figures;
use fleet::Ground;
use settings::Settings;
use stub::StubProcess;

#[derive(Parser)]
#[command(about = "Sends messages through the dispatcher and in a bare loop, and compares")]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Part {
    /// Changes one setting after the other; writes a table and a chart.
    Sweep(sweep::Sweep),
    /// Answers requests until its input ends.
    #[command(hide = true)]
    Stub {
        /// Each after so long.
        #[arg(long, default_value_t = 0)]
        latency_ms: u64,
    },
    /// One of several dispatchers.
    #[command(hide = true)]
    Worker(fleet::Orders),
}

#[derive(Args)]
struct Run {
    /// Messages of each half of a pair.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    messages: u32,
    /// `memory`, `sqlite` (in a temporary folder), `sqlite:PATH` (the file must not exist yet), or a
    /// Redis server of its own such as `redis://127.0.0.1:6379`; evidence goes into a folder then.
    #[arg(long, default_value = "sqlite", value_parser = store)]
    store: Store,
    /// How often both halves are run.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pairs: u32,
    #[command(flatten)]
    settings: Settings,
    /// The messages are spread over so many campaigns, each a lane of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    campaigns: u32,
    /// So many dispatchers in processes of their own, on one Redis; 0: one in this process.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    workers: u32,
    /// The stub answers after so long, in both halves.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    latency_ms: u64,
    /// Without the bare loop, so that the peak of memory is the dispatcher's own.
    #[arg(long)]
    alone: bool,
    /// Gives up after so many seconds.
    #[arg(long, default_value_t = 600)]
    timeout_seconds: u64,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone)]
enum Store {
    Memory,
    Sqlite(Option<PathBuf>),
    Redis(String),
}

fn store(text: &str) -> Result<Store, String> {
    match text.split_once(':') {
        None if text == "memory" => Ok(Store::Memory),
        None if text == "sqlite" => Ok(Store::Sqlite(None)),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Store::Sqlite(Some(path.into()))),
        Some((scheme, _)) if scheme.starts_with("redis") => {
            RedisConfig::parse(text).map_err(|error| error.to_string())?;
            Ok(Store::Redis(text.to_owned()))
        }
        _ => Err("use memory, sqlite, sqlite:PATH or a server such as redis://127.0.0.1:6379".to_owned()),
    }
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Part::Stub { latency_ms }) = cli.part {
        return stub::serve(Duration::from_millis(latency_ms));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.part {
            Some(Part::Worker(orders)) => orders.follow().await,
            Some(Part::Sweep(sweep)) => sweep.run().await,
            Some(Part::Stub { .. }) | None => cli.run.run().await,
        }
    })
}

impl Run {
    async fn run(&self) -> anyhow::Result<()> {
        let figures = self.measure(Duration::from_millis(self.latency_ms)).await?;
        figures.print(self.json)
    }

    async fn measure(&self, latency: Duration) -> anyhow::Result<Figures> {
        let limit = Duration::from_secs(self.timeout_seconds);
        match tokio::time::timeout(limit, self.both_halves(latency)).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("not done after {limit:?}; allow more with --timeout-seconds or send less"),
        }
    }

    async fn both_halves(&self, latency: Duration) -> anyhow::Result<Figures> {
        let stub = StubProcess::start(latency)?;
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let (messages, campaigns) = (self.messages as usize, self.campaigns.max(1) as usize);
        let mut people = Vec::with_capacity(campaigns);
        for number in 0..campaigns {
            let path = folder.path().join(format!("people {number}.csv"));
            let part = messages * number / campaigns..messages * (number + 1) / campaigns;
            benches::inputs::write_csv(&path, part).context("writing the recipients")?;
            people.push(path);
        }
        let work = Work { people, messages, settings: self.settings, base_url: stub.base_url() };
        let mut figures = Figures::default();
        let bodies = if self.alone { None } else { Some(bare::bodies(work.messages).await?) };
        for pair in 0..self.pairs {
            let bare_first = pair % 2 == 0;
            if let (Some(bodies), true) = (&bodies, bare_first) {
                figures.bare.push(bare::post(&work, bodies).await?);
            }
            figures.dispatched.push(self.dispatch(&work, folder.path()).await?);
            if let (Some(bodies), false) = (&bodies, bare_first) {
                figures.bare.push(bare::post(&work, bodies).await?);
            }
        }
        Ok(figures)
    }

    async fn dispatch(&self, work: &Work, folder: &Path) -> anyhow::Result<Dispatched> {
        if self.workers != 0 && !matches!(self.store, Store::Redis(_)) {
            bail!("several processes share a server only; use --store redis://127.0.0.1:6379");
        }
        let path = match &self.store {
            Store::Memory => return dispatched::send(work, &Memory::new(), None, Gauge::default()).await,
            Store::Redis(server) => return self.on_redis(work, server, folder).await,
            Store::Sqlite(None) => folder.join("load.db"),
            Store::Sqlite(Some(path)) => path.clone(),
        };
        if path.exists() {
            bail!("{} is there already; name a file that a run may make and remove", path.display());
        }
        let store = Sqlite::open(&path).await.with_context(|| format!("opening {}", path.display()))?;
        let gauge = Gauge { trips: Some(&|| store.trips()), server: None };
        let outcome = dispatched::send(work, &store, None, gauge).await;
        drop(store);
        for ending in ["", "-wal", "-shm", "-lock"] {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            // A file that was never made need not go.
            std::fs::remove_file(name).ok();
        }
        outcome
    }

    /// Each run has a store of another name on the server.
    async fn on_redis(&self, work: &Work, server: &str, folder: &Path) -> anyhow::Result<Dispatched> {
        // As short as the name of a store is: it is part of every key.
        let name: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
        let ground = Ground { server, name: &name, evidence: &folder.join(&name) };
        if self.workers != 0 {
            return fleet::send(work, &ground, self.workers).await;
        }
        let store = ground.store().await?;
        eprintln!("redis at {} keeps {}", store.server(), store.promises().as_str());
        let looked_at = Server::connect(server).await?;
        let gauge = Gauge { trips: Some(&|| store.trips()), server: Some(&looked_at) };
        dispatched::send(work, &store, Some(ground.segments()), gauge).await
    }
}
