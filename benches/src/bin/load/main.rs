//! The load run: what is left of the speed of a bare loop of POSTs when the same messages go
//! through the dispatcher.
//!
//! `cargo run --release -p benches --bin load -- --messages 20000 --store sqlite --json`
//!
//! One run is several pairs. Each pair posts the same bodies to a stub in a second process twice,
//! once in a bare loop and once through a dispatcher on a fresh store; which goes first
//! alternates. The stub answers at once, so the figure is the worst case: with the 100 ms and more
//! of the real Cloud API the number's rate is the limit, not this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use rules_core::store::files::Files;
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::store::sqlite::Sqlite;
use rules_core::work::events::{ChainSecret, Segments};
use uuid::Uuid;

mod bare;
mod client;
mod dispatched;
mod figures;
mod stub;

use dispatched::{Dispatched, Work};
use figures::Figures;
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
    /// Answers requests until its input ends.
    #[command(hide = true)]
    Stub,
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
    /// Requests on the wire at once, in both halves.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    concurrency: u32,
    /// Messages begun and not yet written down, at most so many: what a crash can leave in doubt.
    /// The default is that of the dispatcher, the concurrency and one group.
    #[arg(long, value_parser = clap::value_parser!(u32).range(32..=65_536))]
    window: Option<u32>,
    /// Plans and sends once, without the bare loop, so that the peak of memory is the
    /// dispatcher's own.
    #[arg(long)]
    plan_and_send: bool,
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
    Redis(RedisConfig),
}

fn store(text: &str) -> Result<Store, String> {
    match text.split_once(':') {
        None if text == "memory" => Ok(Store::Memory),
        None if text == "sqlite" => Ok(Store::Sqlite(None)),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Store::Sqlite(Some(path.into()))),
        Some((scheme, _)) if scheme.starts_with("redis") => {
            let config = RedisConfig::parse(text).map_err(|error| error.to_string())?;
            Ok(Store::Redis(config.accepting(Guarantee::Nothing)))
        }
        _ => Err("use memory, sqlite, sqlite:PATH or a server such as redis://127.0.0.1:6379".to_owned()),
    }
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Part::Stub) = cli.part {
        return stub::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let limit = Duration::from_secs(cli.run.timeout_seconds);
    runtime.block_on(async {
        match tokio::time::timeout(limit, cli.run.run()).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("not done after {limit:?}; allow more with --timeout-seconds or send less"),
        }
    })
}

/// Each run has a store of another name on the server.
async fn on_redis(work: &Work, config: &RedisConfig, folder: &Path) -> anyhow::Result<Dispatched> {
    let name = Uuid::new_v4().simple().to_string();
    let store = Redis::connect(config.clone().named(&name)).await?;
    eprintln!("redis at {} keeps {}", store.server(), store.promises().as_str());
    let archive = Files::at(folder.join(&name));
    let evidence = Segments::new(Arc::new(archive), ChainSecret::of("load"));
    dispatched::send(work, &store, Some(evidence), || Some(store.trips())).await
}

impl Run {
    async fn run(&self) -> anyhow::Result<()> {
        let stub = StubProcess::start()?;
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let people = folder.path().join("people.csv");
        benches::inputs::write_csv(&people, self.messages as usize).context("writing the recipients")?;
        let work = Work {
            people,
            messages: self.messages as usize,
            concurrency: self.concurrency as usize,
            window: self.window.map(|window| window as usize),
            base_url: stub.base_url(),
        };
        let mut figures = Figures::default();
        if self.plan_and_send {
            figures.dispatched.push(self.dispatch(&work, folder.path()).await?);
        } else {
            let bodies = bare::bodies(work.messages).await?;
            for pair in 0..self.pairs {
                let bare_first = pair % 2 == 0;
                if bare_first {
                    figures.bare.push(bare::post(&work, &bodies).await?);
                }
                figures.dispatched.push(self.dispatch(&work, folder.path()).await?);
                if !bare_first {
                    figures.bare.push(bare::post(&work, &bodies).await?);
                }
            }
        }
        figures.print(self.json)
    }

    async fn dispatch(&self, work: &Work, folder: &Path) -> anyhow::Result<Dispatched> {
        let path = match &self.store {
            Store::Memory => return dispatched::send(work, &Memory::new(), None, || None).await,
            Store::Redis(config) => return on_redis(work, config, folder).await,
            Store::Sqlite(None) => folder.join("load.db"),
            Store::Sqlite(Some(path)) => path.clone(),
        };
        if path.exists() {
            bail!("{} is there already; name a file that a run may make and remove", path.display());
        }
        let store = Sqlite::open(&path).await.with_context(|| format!("opening {}", path.display()))?;
        let outcome = dispatched::send(work, &store, None, || Some(store.trips())).await;
        drop(store);
        for ending in ["", "-wal", "-shm", "-lock"] {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            // A file that was never made need not go.
            std::fs::remove_file(name).ok();
        }
        outcome
    }
}
