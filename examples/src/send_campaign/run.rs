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
use whatsapp_dispatch::rules_core::work::events::Segments;
use whatsapp_dispatch::rules_core::work::tenants::Tenants;
use whatsapp_dispatch::sender::Senders;

use super::config::FileConfig;
use super::meta::Meta;
use super::options::{Options, ReportFormat};
use super::place::Place;
use super::show::{self, Watcher};
use crate::fleet::{self, DRAIN, interrupted};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everybody's outcome is as known as it gets.
    Finished,
    /// Somebody pressed Ctrl-C; what was begun is finished and the rest is kept.
    Interrupted,
}

/// A file that comes with the program.
pub fn shipped(name: &str) -> PathBuf {
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
    if matches!(place, Place::Server(_)) && !options.line.live && options.line.simulator.is_none() {
        bail!(
            "with a server the workers send, and they must reach the same WhatsApp: start simulate-cloud-api, put what it prints into the environment and add --simulator URL, or add --live"
        );
    }
    let meta = Meta::open(&options, &config, &place).await?;
    let run = Run { options, config, recipients, wanted, meta };
    match &place {
        Place::Memory => run.on(Memory::new(), None, rules, &place).await,
        Place::File { path, .. } => run.on(Sqlite::open(path).await?, None, rules, &place).await,
        Place::Server(address) => {
            let server = &run.options.server;
            let (store, evidence) =
                (fleet::redis(address, server).await?, fleet::evidence(server, &run.options.line)?);
            run.on(store, Some(evidence), rules, &place).await
        }
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
    async fn on(
        &self,
        store: impl DispatchStore,
        evidence: Option<Segments>,
        rules: RuleBook,
        place: &Place,
    ) -> Result<Ended> {
        let tenants = Tenants::new(self.config.tenants.clone());
        let builder = Dispatch::builder(&store, self.meta.gateway.clone())
            .tenants(tenants.clone())
            .senders(Senders::new([self.meta.sender.clone()])?)
            .rule_book(rules)
            .config(DispatchConfig::default().with_report_after(fleet::patience(&self.options.line)));
        let dispatch = match evidence {
            Some(evidence) => builder.events(evidence),
            None => builder,
        }
        .build()?;
        if let Some(command) = place.resume_command(&self.options) {
            eprintln!("Kept on the way in {}.", shown(place));
            eprintln!("If this is interrupted, go on with:\n  {command}\n");
        }
        // With a server, workers send and receivers of webhooks listen: other processes.
        let alone = !matches!(place, Place::Server(_));
        if alone {
            let address =
                if self.options.line.live { self.options.webhooks } else { ([127, 0, 0, 1], 0).into() };
            self.meta.receive_webhooks(&self.options.line, address, &dispatch).await?;
        }

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

        let running = alone.then(|| dispatch.start());
        let sent = dispatch.release(&plan).await?;
        let started = Instant::now();
        let finished = tokio::select! {
            report = Watcher::new(&sent).watch() => Some(report?),
            () = interrupted() => None,
        };
        let Some(report) = finished else {
            if let Some(running) = running {
                eprintln!("\nInterrupted; finishing what is begun ...");
                running.drain(DRAIN).await?;
            }
            return self.interrupted(place);
        };
        self.tell(&sent, &report, &tenants, started.elapsed()).await?;
        if let Some(running) = running {
            running.drain(DRAIN).await?;
        }
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
            Some(command) if matches!(place, Place::Server(_)) => {
                eprintln!("The workers go on. Watch again with:\n  {command}");
            }
            Some(command) => eprintln!("Nothing is lost. Go on with:\n  {command}"),
            None => eprintln!("The campaign was kept in memory only and is gone."),
        }
        Ok(Ended::Interrupted)
    }
}

fn shown(place: &Place) -> String {
    match place {
        Place::Memory => "memory".to_owned(),
        Place::File { path, .. } => path.display().to_string(),
        Place::Server(_) => "Redis".to_owned(),
    }
}
