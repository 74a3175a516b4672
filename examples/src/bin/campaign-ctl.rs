//! The desk from which campaigns are steered: looks at them, pauses, resumes, cancels, resends, exports
//! and forgets them, on any store, while workers run elsewhere.
//!
//! ```text
//! cargo run --release --bin campaign-ctl -- --store redis://127.0.0.1:6379 list
//! ```

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use examples::fleet::{self, exit, log};
use examples::send_campaign::{Line, Place, ServerOptions, table};
use whatsapp_dispatch::adapters::cloud_api::{CloudApi, CloudApiConfig};
use whatsapp_dispatch::campaign::CampaignName;
use whatsapp_dispatch::campaigns::{Campaigns, Select};
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, Sent};
use whatsapp_dispatch::fact::Resend;
use whatsapp_dispatch::retention::{Export, Retention};
use whatsapp_dispatch::rules_core::judge::tenant::{TenantId, TenantRecord};
use whatsapp_dispatch::rules_core::store::files::Files;
use whatsapp_dispatch::rules_core::store::sqlite::Sqlite;
use whatsapp_dispatch::rules_core::work::events::Segments;
use whatsapp_dispatch::rules_core::work::lanes::{Hold, HoldOn};
use whatsapp_dispatch::rules_core::work::secrets::FixedSecrets;
use whatsapp_dispatch::rules_core::work::tenants::{FixedTenants, Tenants};

/// Looks at campaigns and steers them. What it says takes effect within a second wherever the
/// workers run.
#[derive(Debug, Parser)]
#[command(name = "campaign-ctl", version)]
struct Options {
    /// The store: a Redis server such as `redis://127.0.0.1:6379`, or `sqlite:PATH`. A file that a
    /// dispatcher has open can be looked at, and is steered by that dispatcher alone.
    #[arg(long, value_name = "STORE", env = "DISPATCH_STORE", hide_env_values = true)]
    store: String,

    #[command(flatten)]
    server: ServerOptions,

    /// Whose campaigns.
    #[arg(long, value_name = "TENANT", default_value = "sparkle", value_parser = tenant)]
    tenant: TenantId,

    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// The tenant's campaigns, one a line.
    List,
    /// How far a campaign is, and what it waits for.
    Progress {
        /// Its name.
        name: String,
    },
    /// Stops a campaign from sending, until it is resumed.
    Pause {
        /// Its name.
        name: String,
    },
    /// Lets a paused campaign send again.
    Resume {
        /// Its name.
        name: String,
    },
    /// Ends a campaign: what was not sent never is.
    Cancel {
        /// Its name.
        name: String,
    },
    /// Tries messages of a campaign again.
    Resend {
        /// Its name.
        name: String,
        /// Which messages.
        #[arg(long, value_enum)]
        of: Of,
    },
    /// What became of each message of a campaign, one JSON object a line. Nobody's number shows.
    Export {
        /// Its name.
        name: String,
        /// A file that is not there yet [default: standard output].
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Exports a campaign that has ended into the folder of evidence, and removes its messages from
    /// the store. There is no way back.
    Forget {
        /// Its name.
        name: String,
        /// Though WhatsApp may still tell of its messages, which is lost then.
        #[arg(long)]
        early: bool,
    },
    /// What is held back, until when and why, in the whole store.
    Holds,
    /// References that were taken and given back too often, the oldest first.
    Dead {
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        max: usize,
        /// After the one with this number.
        #[arg(long)]
        after: Option<u64>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// Those that failed.
    Failed,
    /// Those of which nobody knows what came: somebody may get them twice.
    Unknown,
    /// All that were not delivered as far as is known: somebody may get them twice.
    NotDelivered,
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    log();
    exit("campaign-ctl", Box::pin(open(Options::parse()))).await
}

async fn open(options: Options) -> Result<()> {
    match Place::named(&options.store)? {
        Place::Memory => bail!("the memory of a process cannot be steered from another"),
        Place::File { path, .. } => {
            let looks = matches!(
                options.command,
                Command::List
                    | Command::Progress { .. }
                    | Command::Export { .. }
                    | Command::Holds
                    | Command::Dead { .. }
            );
            let store =
                if looks { Sqlite::open_read_only(&path).await? } else { Sqlite::open(&path).await? };
            obey(&options, store, None).await
        }
        Place::Server(address) => {
            let store = fleet::redis(&address, &options.server).await?;
            // Steering leaves its evidence in the store's outbox; the workers move it on.
            let line = Line { live: false, simulator: None };
            let events = fleet::evidence(&options.server, &line)?;
            obey(&options, store, Some(events)).await
        }
    }
}

async fn obey(options: &Options, store: impl DispatchStore, events: Option<Segments>) -> Result<()> {
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(options.tenant.clone())]));
    // Nothing is sent from here, so there is no credential, and no address where anybody listens.
    let nowhere = CloudApiConfig::default().with_base_url("http://127.0.0.1:9")?;
    let nowhere = CloudApi::new(nowhere, Arc::new(FixedSecrets::new()))?;
    let archive = Arc::new(Files::at(&options.server.evidence));
    let builder =
        Dispatch::builder(&store, nowhere).tenants(tenants.clone()).retention(Retention::new(archive));
    let builder = match events {
        Some(events) => builder.events(events),
        None => builder,
    };
    let dispatch = builder.build()?;
    let find = async |name: &str| find(&dispatch, &options.tenant, name).await;
    match &options.command {
        Command::List => list(&store, &tenants, &options.tenant).await,
        Command::Progress { name } => {
            println!("{}", find(name).await?.report().await?);
            Ok(())
        }
        Command::Pause { name } => told(name, "is paused", find(name).await?.pause().await),
        Command::Resume { name } => told(name, "goes on", find(name).await?.resume().await),
        Command::Cancel { name } => told(name, "is cancelled", find(name).await?.cancel().await),
        Command::Resend { name, of } => {
            let of = match of {
                Of::Failed => Resend::Failed,
                Of::Unknown => Resend::Unknown,
                Of::NotDelivered => Resend::NotDelivered,
            };
            let round = find(name).await?.resend(of).await?;
            println!("{name}: {} messages are tried again in round {}", round.messages, round.number);
            Ok(())
        }
        Command::Export { name, to } => export(find(name).await?.export(), to.as_deref()).await,
        Command::Forget { name, early } => {
            let sent = find(name).await?;
            let forgotten = if *early { sent.forget_early().await? } else { sent.forget().await? };
            match forgotten {
                Some(forgotten) => println!("{forgotten}"),
                None => println!("{name}: there is nothing to forget, or somebody else does"),
            }
            Ok(())
        }
        Command::Holds => holds(&store).await,
        Command::Dead { max, after } => dead(&store, *after, *max).await,
    }
}

fn told<E: std::error::Error + Send + Sync + 'static>(
    name: &str,
    what: &str,
    done: Result<(), E>,
) -> Result<()> {
    done?;
    println!("{name} {what}");
    Ok(())
}

async fn find(dispatch: &Dispatch, tenant: &TenantId, name: &str) -> Result<Sent> {
    let parsed = CampaignName::parse(name)?;
    let found = dispatch.campaign(tenant, &parsed).await?;
    found.with_context(|| format!("{tenant} has no campaign {name:?}; `campaign-ctl list` shows them"))
}

async fn export(mut lines: Export, to: Option<&Path>) -> Result<()> {
    let Some(path) = to else {
        let mut output = std::io::stdout().lock();
        while let Some(some) = lines.next().await? {
            output.write_all(&some)?;
        }
        return Ok(output.flush()?);
    };
    let mut file = File::create_new(path).with_context(|| format!("making {}", path.display()))?;
    while let Some(some) = lines.next().await? {
        file.write_all(&some)?;
    }
    Ok(file.sync_all()?)
}

async fn list(store: &impl DispatchStore, tenants: &Tenants, tenant: &TenantId) -> Result<()> {
    let scope = tenants.enter(tenant).await?;
    let mut rows = Vec::new();
    let mut after = 0;
    loop {
        let page = Campaigns::list(store, &Select::of(&scope), after, 100).await?;
        let keys: Vec<_> = page.iter().map(|record| record.key.clone()).collect();
        let progress = store.progress(&keys).await?;
        for (record, progress) in page.iter().zip(progress) {
            let reason = record.reason.as_ref().map_or("", |code| code.as_str());
            rows.push([
                record.name.as_str().to_owned(),
                record.status.as_str().to_owned(),
                progress.planned().to_string(),
                progress.accepted.to_string(),
                reason.to_owned(),
            ]);
        }
        match page.last() {
            Some(last) if page.len() == 100 => after = last.key.number(),
            _ => break,
        }
    }
    if rows.is_empty() {
        println!("{tenant} has no campaigns");
    } else {
        println!("{}", table(["campaign", "status", "planned", "accepted", "reason"], &rows));
    }
    Ok(())
}

async fn holds(store: &impl DispatchStore) -> Result<()> {
    let mut found: Vec<(Hold, u64)> = Vec::new();
    let mut after = None;
    loop {
        let page = store.depths(after, 500).await?;
        for depth in &page {
            for hold in &depth.holds {
                match found.iter_mut().find(|(known, _)| known == hold) {
                    Some((_, waiting)) => *waiting += depth.waiting + depth.delayed,
                    None => found.push((hold.clone(), depth.waiting + depth.delayed)),
                }
            }
        }
        if page.len() < 500 {
            break;
        }
        after = page.last().map(|depth| depth.lane.clone());
    }
    if found.is_empty() {
        println!("nothing that waits is held");
        return Ok(());
    }
    let rows: Vec<_> = found
        .iter()
        .map(|(hold, waiting)| {
            let on = match &hold.on {
                HoldOn::Lane(lane) => {
                    format!("{} {} campaign {}", lane.tenant(), lane.outlet().name(), lane.topic())
                }
                HoldOn::Outlet(outlet) => format!("{} {}", outlet.tenant(), outlet.name()),
                HoldOn::Tenant(tenant) => tenant.to_string(),
            };
            let until = hold.until.map_or_else(|| "released".to_owned(), |until| until.to_rfc3339());
            [on, hold.code.as_str().to_owned(), until, waiting.to_string()]
        })
        .collect();
    println!("{}", table(["held", "why", "until", "waiting"], &rows));
    Ok(())
}

async fn dead(store: &impl DispatchStore, after: Option<u64>, max: usize) -> Result<()> {
    let letters = store.dead(after, max).await?;
    if letters.is_empty() {
        println!("no dead letters");
        return Ok(());
    }
    let rows: Vec<_> = letters
        .iter()
        .map(|letter| {
            [
                letter.number.to_string(),
                letter.at.to_rfc3339(),
                letter.lane.tenant().to_string(),
                letter.lane.topic().to_owned(),
                letter.last.as_str().to_owned(),
                letter.recoveries.to_string(),
            ]
        })
        .collect();
    println!("{}", table(["number", "died", "tenant", "topic", "why", "recoveries"], &rows));
    Ok(())
}
