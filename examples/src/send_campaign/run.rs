//! The run itself: plan, release, wait, report.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore, Report, Sent};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::recipients::Csv;
use whatsapp_dispatch::rules_core::judge::rule_book::RuleBook;
use whatsapp_dispatch::rules_core::store::memory::Memory;
use whatsapp_dispatch::rules_core::store::sqlite::Sqlite;
use whatsapp_dispatch::rules_core::work::tenants::Tenants;

use whatsapp_dispatch::sender::Senders;

use super::config::FileConfig;
use super::meta::Meta;
use super::options::{Options, ReportFormat};
use super::place::Place;
use super::show::{self, Watcher};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everybody's outcome is as known as it gets.
    Finished,
    /// Somebody pressed Ctrl-C; what was begun is finished and the rest is kept.
    Interrupted,
}

/// How long the report waits for the last webhooks of the simulator, and of the real Cloud API.
const SIMULATED_PATIENCE: Duration = Duration::from_secs(5);
const REAL_PATIENCE: Duration = Duration::from_secs(60);

/// How long a drain may take before the program ends all the same.
const DRAIN: Duration = Duration::from_secs(30);

/// The files that come with the program.
fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// Runs the campaign that the options describe.
///
/// # Errors
/// Says what is wrong and what to do about it.
pub async fn run(options: Options) -> Result<Ended> {
    let (config, rules) =
        FileConfig::open(&options.config.clone().unwrap_or_else(|| shipped("campaign.toml")))?;
    let recipients = options.recipients.clone().unwrap_or_else(|| shipped("recipients.csv"));
    // A mistake in either file shows before anything is made or started.
    drop(Csv::open(&recipients)?);
    let wanted = options.explain.as_deref().map(PhoneNumber::parse).transpose();
    let wanted = wanted.context("reading --explain; write the number as +4915122398700")?;
    let place = Place::of(&options)?;
    let meta = Meta::open(&options, &config, &place).await?;
    let run = Run { options, config, recipients, wanted, meta };
    match &place {
        Place::Memory => run.on(Memory::new(), rules, &place).await,
        Place::File { path, .. } => run.on(Sqlite::open(path).await?, rules, &place).await,
    }
}

struct Run {
    options: Options,
    config: FileConfig,
    recipients: PathBuf,
    wanted: Option<PhoneNumber>,
    meta: Meta,
}

impl Run {
    async fn on(&self, store: impl DispatchStore, rules: RuleBook, place: &Place) -> Result<Ended> {
        let patience = if self.options.live { REAL_PATIENCE } else { SIMULATED_PATIENCE };
        let tenants = Tenants::new(self.config.tenants.clone());
        let dispatch = Dispatch::builder(&store, self.meta.gateway.clone())
            .tenants(tenants.clone())
            .senders(Senders::new([self.meta.sender.clone()])?)
            .rule_book(rules)
            .config(DispatchConfig::default().with_report_after(patience))
            .build()?;
        if let Some(command) = place.resume_command(&self.options) {
            eprintln!("Kept on the way in {}.", folder_of(place));
            eprintln!("If this is interrupted, go on with:\n  {command}\n");
        }
        self.meta.receive_webhooks(&self.options, &dispatch).await?;

        let campaign = self.config.campaign(self.meta.sender.clone());
        let source = Csv::open(&self.recipients)?;
        let planning = dispatch.plan(campaign, source);
        let plan = tokio::select! {
            plan = planning => plan.with_context(|| format!("planning from {}", self.recipients.display())),
            () = interrupted() => return self.interrupted(place),
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                // Nothing was sent, so nothing of a place made for this run is worth keeping.
                place.clean_made()?;
                return Err(error);
            }
        };
        eprintln!("{plan}\n");

        let running = dispatch.start();
        let sent = dispatch.release(&plan).await?;
        let started = Instant::now();
        let finished = tokio::select! {
            report = Watcher::new(&sent).watch() => Some(report?),
            () = interrupted() => None,
        };
        let Some(report) = finished else {
            eprintln!("\nInterrupted; finishing what is begun ...");
            running.drain(DRAIN).await?;
            return self.interrupted(place);
        };
        self.tell(&sent, &report, &tenants, started.elapsed()).await?;
        running.drain(DRAIN).await?;
        drop(dispatch);
        place.clean()?;
        Ok(Ended::Finished)
    }

    async fn tell(&self, sent: &Sent, report: &Report, tenants: &Tenants, took: Duration) -> Result<()> {
        match self.options.report {
            ReportFormat::Text => println!("{report}"),
            ReportFormat::Json => println!("{}", show::json(report, took)),
        }
        if let Some(number) = self.wanted {
            let scope = tenants.enter(&self.config.campaign.tenant).await?;
            let explained = sent.explain(&scope, number).await?;
            match self.options.report {
                ReportFormat::Text => println!("{number}:\n{explained}\n"),
                // Standard output holds one object and nothing else.
                ReportFormat::Json => eprintln!("{number}:\n{explained}\n"),
            }
        }
        if !show::sums_hold(report) {
            bail!("the report's sums do not hold; this is a mistake in the program, please report it");
        }
        if self.options.report == ReportFormat::Text {
            println!("{}", show::last_line(report, took));
        }
        Ok(())
    }

    /// Keeps what is needed to go on, and says how.
    fn interrupted(&self, place: &Place) -> Result<Ended> {
        if let Some(simulator) = &self.meta.simulator {
            place.keep_simulator(&simulator.save())?;
        }
        match place.resume_command(&self.options) {
            Some(command) => eprintln!("Nothing is lost. Go on with:\n  {command}"),
            None => eprintln!("The campaign was kept in memory only and is gone."),
        }
        Ok(Ended::Interrupted)
    }
}

fn folder_of(place: &Place) -> String {
    match place {
        Place::Memory => "memory".to_owned(),
        Place::File { path, .. } => path.display().to_string(),
    }
}

/// Resolves at Ctrl-C, or when the process is told to end.
async fn interrupted() {
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
