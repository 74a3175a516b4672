//! Several dispatchers in processes of their own, on one Redis.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use benches::process::cpu_time;
use benches::server::Server;
use clap::Args;
use rules_core::store::files::Files;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::work::events::{ChainSecret, Segments};
use serde::{Deserialize, Serialize};

use crate::dispatched::{self, Dispatched, LOOK, PATIENCE, Still, Work};
use crate::settings::Settings;

/// What a worker must be told.
#[derive(Args)]
pub(crate) struct Orders {
    #[arg(long)]
    server: String,
    /// The store's name on it.
    #[arg(long)]
    name: String,
    #[arg(long)]
    evidence: PathBuf,
    #[arg(long)]
    base_url: String,
    #[command(flatten)]
    settings: Settings,
}

/// What a worker tells at its end.
#[derive(Deserialize, Serialize)]
struct Used {
    cpu_us: u64,
    trips: u64,
}

/// Where all of them work.
pub(crate) struct Ground<'a> {
    /// The server as it was given.
    pub(crate) server: &'a str,
    /// The store's name on it.
    pub(crate) name: &'a str,
    pub(crate) evidence: &'a Path,
}

impl Ground<'_> {
    pub(crate) async fn store(&self) -> anyhow::Result<Redis> {
        let config = RedisConfig::parse(self.server)?.accepting(Guarantee::Nothing);
        Ok(Redis::connect(config.named(self.name)).await?)
    }

    pub(crate) fn segments(&self) -> Segments {
        Segments::new(Arc::new(Files::at(self.evidence)), ChainSecret::of("load"))
    }
}

impl Orders {
    /// Gets ready, waits for a line of input, works until the input ends, and tells what it used.
    pub(crate) async fn follow(self) -> anyhow::Result<()> {
        let ground = Ground { server: &self.server, name: &self.name, evidence: &self.evidence };
        let store = ground.store().await?;
        let gateway = dispatched::gateway(&self.base_url)?;
        let dispatch = dispatched::dispatcher(&store, gateway, &self.settings, Some(ground.segments()))?;
        println!("ready");
        next_line().await?;
        let (trips, cpu) = (store.trips(), cpu_time()?);
        let running = dispatch.start();
        next_line().await?;
        ensure!(running.drain(PATIENCE).await?, "the dispatcher did not end in {PATIENCE:?}");
        let cpu_us = cpu_time()?.saturating_sub(cpu).as_micros().try_into()?;
        println!("{}", serde_json::to_string(&Used { cpu_us, trips: store.trips() - trips })?);
        Ok(())
    }
}

async fn next_line() -> anyhow::Result<()> {
    let read = || std::io::stdin().read_line(&mut String::new());
    tokio::task::spawn_blocking(read).await?.context("reading what to do next")?;
    Ok(())
}

/// A worker as its parent sees it. It ends when its input ends, so also when the parent dies.
struct Worker {
    child: Child,
    orders: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
}

impl Worker {
    fn start(ground: &Ground<'_>, work: &Work) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe().context("finding this program")?)
            .args(["worker", "--server", ground.server, "--name", ground.name])
            .args(["--base-url", &work.base_url, "--evidence"])
            .arg(ground.evidence)
            .args(work.settings.options())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a worker")?;
        let told = BufReader::new(child.stdout.take().context("a worker has no output")?);
        let mut worker = Self { orders: child.stdin.take(), child, told };
        let first = worker.hear()?;
        ensure!(first.trim() == "ready", "a worker did not get ready: {first}");
        Ok(worker)
    }

    fn hear(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.told.read_line(&mut line).context("reading what a worker tells")?;
        Ok(line)
    }

    fn go(&mut self) -> anyhow::Result<()> {
        let orders = self.orders.as_mut().context("a worker has no input")?;
        writeln!(orders, "go").context("starting a worker")
    }

    fn end(&mut self) -> anyhow::Result<Used> {
        drop(self.orders.take());
        let used = self.hear()?;
        serde_json::from_str(&used).context("a worker did not tell what it used")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.orders.take());
        self.child.wait().ok();
    }
}

/// Plans and releases here, sends there.
pub(crate) async fn send(work: &Work, ground: &Ground<'_>, workers: u32) -> anyhow::Result<Dispatched> {
    let store = ground.store().await?;
    let gateway = dispatched::gateway(&work.base_url)?;
    let dispatch = dispatched::dispatcher(&store, gateway, &work.settings, Some(ground.segments()))?;
    let (before, planning) = (store.trips(), Instant::now());
    let plans = dispatched::plan_all(&dispatch, work).await?;
    let (planning, plan_trips) = (planning.elapsed(), store.trips() - before);
    dispatched::release_all(&dispatch, &plans).await?;

    let server = Server::connect(ground.server).await?;
    let mut fleet = (0..workers).map(|_| Worker::start(ground, work)).collect::<anyhow::Result<Vec<_>>>()?;
    let (store_cpu, started) = (server.cpu().await?, Instant::now());
    fleet.iter_mut().try_for_each(Worker::go)?;
    let (mut done, mut first_post, mut since) = (0, None, Instant::now());
    let took = loop {
        // Looking costs the server something, so not as often as within one process.
        tokio::time::sleep(4 * LOOK).await;
        let Still { accepted, queued, states } = dispatched::still(&store, &plans).await?;
        if done < accepted {
            (done, since) = (accepted, Instant::now());
            first_post.get_or_insert(started.elapsed());
        }
        if accepted == work.messages as u64 && queued == 0 {
            break started.elapsed();
        }
        if PATIENCE < since.elapsed() {
            bail!("{accepted} of {} messages were accepted ({states})", work.messages);
        }
    };
    let store_cpu = server.cpu().await?.saturating_sub(store_cpu);
    let used = fleet.iter_mut().map(Worker::end).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Dispatched {
        messages: work.messages,
        took,
        first_post: first_post.unwrap_or_default(),
        planning,
        cpu: Duration::from_micros(used.iter().map(|used| used.cpu_us).sum()),
        store_cpu: Some(store_cpu),
        trips: Some(used.iter().map(|used| used.trips).sum()),
        plan_trips: Some(plan_trips),
    })
}
