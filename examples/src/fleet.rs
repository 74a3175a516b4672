//! Several processes on one store: workers that send, receivers of webhooks, and a desk from which
//! campaigns are steered.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore};
use whatsapp_dispatch::retention::Retention;
use whatsapp_dispatch::rules_core::judge::fault::{Classify, Fault};
use whatsapp_dispatch::rules_core::store::files::Files;
use whatsapp_dispatch::rules_core::store::redis::{Redis, RedisConfig, RedisError};
use whatsapp_dispatch::rules_core::store::sqlite::Sqlite;
use whatsapp_dispatch::rules_core::work::events::{ChainSecret, Segments};
use whatsapp_dispatch::rules_core::work::tenants::Tenants;
use whatsapp_dispatch::sender::Senders;

use crate::send_campaign::{FileConfig, Line, Meta, Place, ServerOptions, shipped};

/// How long a drain may take before a program ends all the same.
pub const DRAIN: Duration = Duration::from_secs(30);

/// How long a program waits for a server that is not there.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a report waits for the last webhooks of the simulator, and of the real Cloud API.
const SIMULATED_PATIENCE: Duration = Duration::from_secs(5);
const REAL_PATIENCE: Duration = Duration::from_secs(60);

/// What a process of the fleet must be told.
#[derive(Clone, Debug, Args)]
pub struct Wiring {
    /// The store that the fleet shares: a Redis server such as `redis://127.0.0.1:6379`; or
    /// `sqlite:PATH`, for one process at a time.
    #[arg(long, value_name = "STORE", env = "DISPATCH_STORE", hide_env_values = true)]
    pub store: String,

    #[command(flatten)]
    pub server: ServerOptions,

    /// TOML file with the campaign, its tenant and its rules [default: the one that comes with the
    /// program].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Export the logs of campaigns into the folder of evidence and remove them from the store, so many
    /// days after they have ended [default: they stay].
    #[arg(long, value_name = "DAYS")]
    pub keep: Option<u64>,

    #[command(flatten)]
    pub line: Line,
}

/// A dispatcher that is wired, and the WhatsApp that it is wired to.
#[derive(Debug)]
pub struct Wired {
    /// The dispatcher.
    pub dispatch: Dispatch,
    /// WhatsApp's side.
    pub meta: Meta,
    /// The store, as it may be shown.
    pub place: String,
}

impl Wiring {
    /// Connects to store and WhatsApp.
    ///
    /// # Errors
    /// Says what is missing and what to do about it.
    pub async fn connect(&self) -> Result<Wired> {
        if !self.line.live && self.line.simulator.is_none() {
            bail!(
                "which WhatsApp? start simulate-cloud-api, put what it prints into the environment and add --simulator URL, or add --live"
            );
        }
        match Place::named(&self.store)? {
            Place::Memory => {
                bail!("the memory of a process cannot be shared; use a server such as redis://127.0.0.1:6379")
            }
            Place::File { path, .. } => {
                self.wire(&Sqlite::open(&path).await?, None, path.display().to_string())
            }
            Place::Server(address) => {
                let store = redis(&address, &self.server).await?;
                let place = format!("redis at {}", store.server());
                self.wire(&store, Some(evidence(&self.server, &self.line)?), place)
            }
        }
    }

    fn wire(&self, store: &impl DispatchStore, events: Option<Segments>, place: String) -> Result<Wired> {
        let path = self.config.clone().unwrap_or_else(|| shipped("campaign.toml"));
        let (config, rules) = FileConfig::open(&path)?;
        let meta = Meta::connect(&self.line, &config)?;
        let builder = Dispatch::builder(store, meta.gateway.clone())
            .tenants(Tenants::new(config.tenants.clone()))
            .senders(Senders::new([meta.sender.clone()])?)
            .rule_book(rules)
            .config(DispatchConfig::default().with_report_after(patience(&self.line)));
        let builder = match events {
            Some(events) => builder.events(events),
            None => builder,
        };
        let builder = match self.keep {
            Some(days) => builder.retention(
                Retention::new(Arc::new(Files::at(&self.server.evidence)))
                    .keeping(Duration::from_secs(days.saturating_mul(24 * 3_600)))
                    .context("--keep")?,
            ),
            None => builder,
        };
        Ok(Wired { dispatch: builder.build()?, meta, place })
    }
}

/// Connects to a server.
///
/// # Errors
/// Says what is wrong with the server and what to set.
pub async fn redis(address: &str, options: &ServerOptions) -> Result<Redis> {
    let mut config = RedisConfig::parse(address)?;
    if let Some(least) = options.accept {
        config = config.accepting(least);
    }
    let started = Instant::now();
    loop {
        match Redis::connect(config.clone()).await {
            // A server that is being restarted is no reason to give up.
            Err(error) if started.elapsed() < PATIENCE && is_passing(&error) => {
                eprintln!("{error}; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error @ RedisError::Setting { setting: "persistence", .. }) => {
                return Err(error)
                    .context("--accept everysec or --accept nothing uses the server all the same");
            }
            connected => return connected.context("opening the store"),
        }
    }
}

fn is_passing(error: &RedisError) -> bool {
    matches!(error.fault(), Fault::Transient | Fault::InDoubt)
}

/// The evidence that every process of the fleet writes.
///
/// # Errors
/// With the real WhatsApp the secret has to be named.
pub fn evidence(options: &ServerOptions, line: &Line) -> Result<Segments> {
    let secret = match &options.secret {
        Some(secret) => ChainSecret::of(secret),
        None if line.live => {
            bail!("--live needs EVENTS_CHAIN_SECRET, the secret under which evidence is chained")
        }
        None => ChainSecret::of("for trials"),
    };
    Ok(Segments::new(Arc::new(Files::at(&options.evidence)), secret))
}

/// How long a report waits for the last webhooks.
pub const fn patience(line: &Line) -> Duration {
    if line.live { REAL_PATIENCE } else { SIMULATED_PATIENCE }
}

/// Resolves at Ctrl-C, or when the process is told to end.
pub async fn interrupted() {
    let terminated = async {
        #[cfg(unix)]
        if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Runs a program of the fleet to its exit code, with its errors on standard error.
pub async fn exit(name: &str, program: impl Future<Output = Result<()>>) -> std::process::ExitCode {
    match program.await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Warnings and errors to standard error, or what `RUST_LOG` asks for.
pub fn log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
