//! Looks after an event log in a SQLite file or in an archive's folder: verifies its chains,
//! exports them, checks an export, and erases a person.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use rules_core::judge::key::ChainKey;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::files::Files;
use rules_core::store::sqlite::{Sqlite, SqliteConfig};
use rules_core::work::events::{ChainSecret, EventLog, ExportCheck, Segments, VerifyError, verify};
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::erase::erase;
use whatsapp_dispatch::phone::PhoneNumber;

/// Looks after the event log of a database or an archive: verify, export, check, erase.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks the chain of every tenant, or of one; may run beside a dispatcher.
    Verify {
        #[command(flatten)]
        store: Store,
        /// Only this tenant.
        #[arg(long, value_parser = tenant)]
        tenant: Option<TenantId>,
    },
    /// Writes a tenant's log to the standard output, one JSON object a line.
    Export {
        #[command(flatten)]
        store: Store,
        /// Whose log.
        #[arg(long, value_parser = tenant)]
        tenant: TenantId,
    },
    /// Checks an exported file.
    Check {
        /// The file that `export` wrote.
        file: PathBuf,
        /// Whose log it is.
        #[arg(long, value_parser = tenant)]
        tenant: TenantId,
        /// The database that holds the secret, if none is configured.
        #[arg(long)]
        store: Option<PathBuf>,
        /// The configured secret of the chain.
        #[arg(long, env = "EVENTS_CHAIN_SECRET", hide_env_values = true)]
        secret: Option<String>,
    },
    /// Erases a person of a tenant from the database; no dispatcher may run on it.
    Erase {
        #[command(flatten)]
        store: Store,
        /// Whose person.
        #[arg(long, value_parser = tenant)]
        tenant: TenantId,
        /// The person's number with its country, such as +4915112345678. May be given again.
        #[arg(long, required = true, value_parser = number)]
        person: Vec<PhoneNumber>,
    },
}

#[derive(Args)]
struct Store {
    /// The database, or the folder of an archive.
    file: PathBuf,
    /// The configured secret of the chain; without it the one in the database is used. An archive
    /// holds none.
    #[arg(long, env = "EVENTS_CHAIN_SECRET", hide_env_values = true)]
    secret: Option<String>,
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<PhoneNumber, String> {
    PhoneNumber::parse(text).map_err(|error| error.to_string())
}

fn config(secret: Option<&str>) -> SqliteConfig {
    let config = SqliteConfig::default();
    match secret {
        Some(secret) => config.with_chain_secret(ChainSecret::of(secret)),
        None => config,
    }
}

async fn reader(file: &Path, secret: Option<&str>) -> anyhow::Result<Sqlite> {
    Sqlite::open_read_only_with(file, config(secret))
        .await
        .with_context(|| format!("opening {}", file.display()))
}

/// An event log, wherever it lies.
struct Opened {
    log: Arc<dyn EventLog>,
    secret: ChainSecret,
    chains: Vec<ChainKey>,
}

impl Opened {
    async fn open(Store { file, secret }: &Store) -> anyhow::Result<Self> {
        if file.is_dir() {
            let Some(secret) = secret else {
                bail!("the secret of an archive lies elsewhere: give it as EVENTS_CHAIN_SECRET");
            };
            let (files, secret) = (Files::at(file), ChainSecret::of(secret));
            let tenants = files.tenants().await.context("listing the logs")?;
            let log = Arc::new(Segments::new(Arc::new(files), secret.clone()));
            return Ok(Self { log, secret, chains: tenants.iter().map(ChainKey::of).collect() });
        }
        let store = reader(file, secret.as_deref()).await?;
        let secret = store.chain_secret().await.context("reading the chain's secret")?;
        let chains = store.chains().await.context("listing the logs")?;
        Ok(Self { log: Arc::new(store), secret, chains })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Options::parse().command {
        Command::Verify { store, tenant } => {
            let Opened { log, secret, chains } = Opened::open(&store).await?;
            let chains = tenant.map_or(chains, |tenant| vec![ChainKey::of(&tenant)]);
            if chains.is_empty() {
                println!("{} holds no event log yet", store.file.display());
                return Ok(ExitCode::SUCCESS);
            }
            verify_all(&*log, &secret, &chains).await
        }
        Command::Export { store, tenant } => {
            export(&*Opened::open(&store).await?.log, &ChainKey::of(&tenant)).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { file, tenant, store, secret } => {
            let secret = match (secret, store) {
                (Some(secret), _) => ChainSecret::of(&secret),
                (None, Some(store)) => {
                    reader(&store, None).await?.chain_secret().await.context("reading the secret")?
                }
                (None, None) => {
                    bail!("the secret is missing: give --store with the database, or EVENTS_CHAIN_SECRET")
                }
            };
            check(&file, &secret, &ChainKey::of(&tenant))
        }
        Command::Erase { store: Store { file, secret }, tenant, person } => {
            if !file.is_file() {
                bail!("there is no database {}", file.display());
            }
            let store = Sqlite::open_with(&file, config(secret.as_deref()))
                .await
                .with_context(|| format!("opening {}", file.display()))?;
            let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
            let scope = tenants.enter(&tenant).await?;
            let erased = erase(&store, &store, &scope, &person).await.context("erasing; run it again")?;
            store.scrub().await.context("writing the file anew; run it again")?;
            println!("{erased}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn verify_all(
    log: &dyn EventLog,
    secret: &ChainSecret,
    chains: &[ChainKey],
) -> anyhow::Result<ExitCode> {
    let mut whole = true;
    for chain in chains {
        match verify(log, chain, secret).await {
            Ok(head) => {
                println!(
                    "{}: {} entries, the chain is whole; its head is {}",
                    chain.tenant(),
                    head.seq,
                    head.mac
                );
            }
            Err(VerifyError::Broken(broken)) => {
                println!("{}: {broken}", chain.tenant());
                whole = false;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn export(log: &dyn EventLog, chain: &ChainKey) -> anyhow::Result<()> {
    const PAGE: usize = 1_000;
    let mut out = std::io::stdout().lock();
    let mut from = 1;
    loop {
        let page = log.read(chain, from, PAGE).await.context("reading the log")?;
        for entry in &page {
            writeln!(out, "{}", entry.export()).context("writing the export")?;
            from = entry.seq + 1;
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

fn check(file: &Path, secret: &ChainSecret, chain: &ChainKey) -> anyhow::Result<ExitCode> {
    let lines =
        BufReader::new(std::fs::File::open(file).with_context(|| format!("opening {}", file.display()))?);
    let mut check = ExportCheck::new(secret, chain);
    for line in lines.lines() {
        let line = line.with_context(|| format!("reading {}", file.display()))?;
        if let Err(broken) = check.line(&line) {
            println!("{}: {broken}", file.display());
            return Ok(ExitCode::FAILURE);
        }
    }
    let head = check.head();
    println!("{}: {} entries, the chain is whole; its head is {}", file.display(), head.seq, head.mac);
    Ok(ExitCode::SUCCESS)
}
