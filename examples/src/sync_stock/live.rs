//! A seller's real listings: a dry run, a plan carried out, or all numbers until somebody stops it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use amazon_sync::adapters::host::StockFile;
use amazon_sync::adapters::sp_api::{FeedSink, PatchSink};
use amazon_sync::config::SyncConfig;
use amazon_sync::host_stock::HostStock;
use amazon_sync::rules_core::store::sqlite::{Sqlite, SqliteConfig};
use amazon_sync::rules_core::work::clock::{Clock, ClockExt, after};
use amazon_sync::sku::ItemCode;
use amazon_sync::sku_map::SkuMap;
use amazon_sync::sync::{Moved, Plan, Sync};
use anyhow::{Context, bail, ensure};

use super::amazon::Amazon;
use super::place::Place;
use super::plan::{self, PlanFile};
use super::screen::{aside, say};
use super::{Ended, Options, ReportFormat, explain, shop};
use crate::fleet::interrupted;

/// How often it is looked how things stand, and how often that is told.
const LOOK: Duration = Duration::from_secs(60);
const TOLD_EVERY: u32 = 10;
/// For so long the numbers of a plan are waited for.
const PLAN_PATIENCE: Duration = Duration::from_secs(12 * 3_600);
/// What is begun is finished within this.
const DRAIN: Duration = Duration::from_secs(600);

/// What should be done.
enum Task<'a> {
    Plan(PlanFile<'a>),
    Apply(Plan),
    Publish,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Ended> {
    let task = task(options)?;
    let (Some(_), Some(stock)) = (&options.skus, &options.shelf) else {
        bail!(
            "--live needs --skus FILE and --shelf FILE: those that come with the program are of no real shop"
        );
    };
    let Place::File(path) = Place::parse(options.store.as_deref())? else {
        bail!(
            "--live needs --store sqlite:PATH: the ledger knows which orders are deducted and which numbers are on their way, and the next run goes on from it"
        );
    };
    let map = shop::sku_map(options)?;
    if let Some(sku) = &options.explain {
        explain::can_be(&map, sku)?;
    }
    let stock_file = StockFile::at(stock);
    look_at(stock, &stock_file, &map).await?;
    let amazon = Amazon::from_environment().await?;
    let store =
        Sqlite::open_with(&path, SqliteConfig::default().with_clock(Arc::clone(&amazon.clock))).await?;
    let config = match task {
        Task::Publish => SyncConfig::default(),
        Task::Plan(_) | Task::Apply(_) => SyncConfig::default().by_plan_only(),
    };
    let sync = Sync::builder(&store, amazon.api.clone(), stock_file)
        .sink(PatchSink::new(amazon.api.clone()))
        .sink(FeedSink::new(amazon.api.clone()))
        .account(amazon.account(map))
        .tenant(amazon.tenants.clone(), amazon.tenant.clone())
        .config(config)
        .build()
        .await?;
    let seller = Seller { sync, clock: amazon.clock, format: options.report };
    let ended = seller.carry_out(task, options).await?;
    if let (Ended::Well, Some(sku)) = (ended, &options.explain) {
        explain::print(&seller.sync, sku, seller.clock.now(), options.report).await?;
    }
    Ok(ended)
}

fn task(options: &Options) -> anyhow::Result<Task<'_>> {
    Ok(match (&options.plan, &options.apply, options.publish) {
        (Some(file), ..) => Task::Plan(PlanFile::at(file)?),
        (_, Some(file), _) => Task::Apply(plan::read(file)?),
        (.., true) => Task::Publish,
        _ => bail!(
            "--live does nothing by itself; say what should be done:\n  --plan FILE   read everything and write what would be done into a file; nothing is written to Amazon\n  --apply FILE  publish the numbers of a plan that you have read, and no others\n  --publish     publish every number that is due, until Ctrl-C"
        ),
    })
}

/// Reads the stock once, so that a mistake in it is told before Amazon is asked for anything.
async fn look_at(path: &Path, stock: &StockFile, map: &SkuMap) -> anyhow::Result<()> {
    ensure!(path.is_file(), "--shelf {}: there is no such file", path.display());
    let items: Vec<ItemCode> = map.items().map(|(_, code)| code.clone()).collect();
    let counts = stock.read(&items).await.with_context(|| format!("--shelf {}", path.display()))?;
    let lacking: Vec<&ItemCode> =
        items.iter().zip(&counts).filter(|(_, count)| count.is_none()).map(|(item, _)| item).collect();
    if let Some(first) = lacking.first() {
        let (count, path) = (lacking.len(), path.display());
        ensure!(count < items.len(), "{path} has no number for any item of the SKU map, such as {first}");
        eprintln!(
            "{path} has no number for {count} of {} items, such as {first}: nothing is written to listings made of them.",
            items.len()
        );
    }
    Ok(())
}

struct Seller {
    sync: Sync,
    clock: Arc<dyn Clock>,
    format: ReportFormat,
}

impl Seller {
    async fn carry_out(&self, task: Task<'_>, options: &Options) -> anyhow::Result<Ended> {
        match task {
            Task::Plan(file) => {
                let Some(plan) = self.plan().await? else { return Ok(Ended::Interrupted) };
                file.write(&plan, self.format, &plan::carry_out())?;
                Ok(Ended::Well)
            }
            Task::Apply(plan) => {
                // What it rests on is read first.
                let Some(_) = self.plan().await? else { return Ok(Ended::Interrupted) };
                let moved = if options.leave_out_moved { Moved::LeaveOut } else { Moved::RefuseAll };
                let applied = match self.sync.apply(&plan, moved).await {
                    Err(error) if !options.leave_out_moved => {
                        return Err(error).context("--leave-out-moved applies the rest of it");
                    }
                    applied => applied?,
                };
                aside(self.format, applied.to_string().trim_end())?;
                self.go_on(Some(PLAN_PATIENCE)).await
            }
            Task::Publish => {
                let accounts: Vec<_> = self.sync.accounts().cloned().collect();
                let cursors = self.sync.store().cursors(self.sync.shelf(), &accounts).await?;
                ensure!(
                    cursors.accounts.iter().all(|cursor| cursor.closed_to.is_some()),
                    "this ledger has never been planned with; look at what would be written first: the same command with --plan FILE instead of --publish"
                );
                eprintln!("Publishing until Ctrl-C. Amazon is asked for orders every three minutes.");
                self.go_on(None).await
            }
        }
    }

    /// A plan; `None` when somebody interrupts it.
    async fn plan(&self) -> anyhow::Result<Option<Plan>> {
        eprintln!("Reading orders, stock and listings, which may take some minutes ...");
        let plan = tokio::select! {
            plan = self.sync.plan() => plan?,
            () = interrupted() => {
                eprintln!("Interrupted; nothing was written to Amazon.");
                return Ok(None);
            }
        };
        // Of an account that Amazon turns away little was read, and a plan of that is none.
        let report = self.sync.report().await?;
        if let Some((account, why)) = report.stopped.first_key_value() {
            let letters = self.sync.letters(0, 1_000).await?;
            let told = letters.iter().rfind(|letter| letter.letter.code.to_string() == *why);
            let told = told.map_or_else(String::new, |letter| format!(": {}", letter.letter.text));
            bail!("Amazon turns {account} away ({why}){told}");
        }
        Ok(Some(plan))
    }

    /// Runs the services until somebody stops them or, with a patience, until every number is settled.
    async fn go_on(&self, patience: Option<Duration>) -> anyhow::Result<Ended> {
        let until = patience.map(|patience| after(self.clock.now(), patience));
        let running = self.sync.start();
        let (mut letters, mut looks, mut open) = (0, 0_u32, usize::MAX);
        // One for all the time, so that none is missed between two looks.
        let mut interrupt = std::pin::pin!(interrupted());
        let stopped = loop {
            if looks.is_multiple_of(TOLD_EVERY) {
                self.tell().await?;
            }
            looks += 1;
            letters = self.new_letters(letters).await?;
            let now = self.clock.now();
            if until.is_some_and(|until| open == 0 || until <= now) {
                break false;
            }
            tokio::select! {
                () = self.clock.sleep(LOOK) => {}
                () = &mut interrupt => break true,
            }
            ensure!(!running.has_ended(), "the synchroniser has ended by itself; look at the log");
            open = self.sync.report().await?.intents;
        };
        eprintln!("Finishing what is begun ...");
        ensure!(running.drain(DRAIN).await?, "what is begun was not finished in time; run it again to go on");
        let report = self.sync.report().await?;
        match self.format {
            ReportFormat::Text => say(report.to_string().trim_end())?,
            ReportFormat::Json => say(serde_json::to_string(&report)?)?,
        }
        if 0 < report.intents {
            eprintln!(
                "{} numbers are not yet seen to be shown; the next run looks after them.",
                report.intents
            );
        }
        Ok(match (stopped, patience, report.intents) {
            (true, Some(_), _) => Ended::Interrupted,
            (false, Some(_), 1..) => Ended::Broken,
            _ => Ended::Well,
        })
    }

    async fn tell(&self) -> anyhow::Result<()> {
        let report = self.sync.report().await?;
        let line = format!(
            "{}  {} orders, {} numbers written, {} saved, {} open, {} to be read",
            self.clock.now().format("%F %T"),
            report.orders,
            report.writes,
            report.writes_saved,
            report.intents,
            report.to_read
        );
        aside(self.format, line)?;
        for (account, why) in &report.stopped {
            aside(self.format, format!("{account} stands still: {why}"))?;
        }
        Ok(())
    }

    /// Tells letters that came since, and says up to which they are told.
    async fn new_letters(&self, after: u64) -> anyhow::Result<u64> {
        let letters = self.sync.letters(after, 100).await?;
        for letter in &letters {
            let told = &letter.letter;
            aside(self.format, format!("for you  {}: {} ({})", told.subject, told.text, told.code))?;
        }
        Ok(letters.last().map_or(after, |letter| letter.number))
    }
}
