//! A simulated day: Amazon, the shop, the clock and the synchroniser between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_sync::config::SyncConfig;
use amazon_sync::rules_core::store::memory::Memory;
use amazon_sync::rules_core::store::sqlite::{Sqlite, SqliteConfig};
use amazon_sync::rules_core::work::clock::{Clock, ClockExt, ScaledClock};
use amazon_sync::rules_core::work::ids::RandomIds;
use amazon_sync::seller::{MarketplaceId, Region};
use amazon_sync::simulator::{AmazonAccount, Incident, NoticeSink, Simulator};
use amazon_sync::sync::{Account, Applied, Moved, Plan, Running, Sync, SyncBuilder};
use amazon_sync::sync_store::Letter;
use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::place::Place;
use super::shop::{MARKETPLACE, Shop};
use super::table::Table;
use super::{Ended, Options, check, explain};
use crate::fleet::interrupted;

const SELLER: &str = "A2NEXAMPLETF53";
/// A Monday morning.
const BEGINS_AT: &str = "2026-01-05T06:00:00Z";
/// After the last buyer, parcels leave and numbers settle for so long at most: by the day's clock, and by
/// the machine's, which a fast day leaves little of.
const EVENING: TimeDelta = TimeDelta::hours(8);
const EVENING_HERE: Duration = Duration::from_mins(1);
/// How often it is looked whether they have, and how often the table gets a row.
const LOOK: TimeDelta = TimeDelta::minutes(10);
const ROW: TimeDelta = TimeDelta::hours(1);

pub(super) struct Day {
    pub(super) sync: Sync,
    pub(super) amazon: Simulator,
    clock: Arc<ScaledClock>,
    begins_at: DateTime<Utc>,
    // Held, not read: the folder goes when the day is over.
    _folder: Option<TempDir>,
}

/// What became of a day.
pub(super) struct Outcome {
    pub(super) hours: u32,
    pub(super) sync: amazon_sync::sync::Report,
    pub(super) amazon: amazon_sync::simulator::Report,
    pub(super) applied: Option<Applied>,
    pub(super) letters: Vec<Letter>,
    /// What must hold and does not.
    pub(super) broken: Vec<String>,
}

impl Day {
    pub(super) async fn open(options: &Options) -> anyhow::Result<Self> {
        let place = Place::parse(options.store.as_deref())?;
        let account = AmazonAccount::parse(SELLER, Region::Europe)?;
        let begins_at = BEGINS_AT.parse()?;
        let Shop { map, mut world } = Shop::read(options, &account, begins_at)?;
        if let Some(sku) = &options.explain {
            explain::can_be(&map, sku)?;
        }
        if options.plan.is_some() || options.apply.is_some() {
            // Before the shop opens, so that a plan still holds when it is applied.
            world.happen(Incident::Close);
        }
        let clock = Arc::new(ScaledClock::starting_at(begins_at, options.speed));
        let amazon = Simulator::builder(world).clock(Arc::<ScaledClock>::clone(&clock)).start_in_process();
        let with = |builder: SyncBuilder| {
            let marketplace = MarketplaceId::parse(MARKETPLACE)?;
            let account =
                Account::new(account.seller().clone(), account.region(), map).marketplaces([marketplace]);
            let config = SyncConfig::default().with_events_expected();
            let config = if options.apply.is_some() { config.by_plan_only() } else { config };
            let builder = builder.account(account).sink(amazon.patches()).sink(amazon.feeds()).config(config);
            anyhow::Ok(builder)
        };
        let (sync, folder) = match place {
            Place::Memory => {
                let store = Memory::with(Arc::<ScaledClock>::clone(&clock), Arc::new(RandomIds));
                (with(Sync::builder(&store, amazon.marketplace(), amazon.shop()))?.build().await?, None)
            }
            Place::File(_) | Place::Temporary => {
                let folder = tempfile::tempdir().context("making a temporary folder")?;
                let path = match &place {
                    Place::File(path) => path.clone(),
                    _ => folder.path().join("stock.db"),
                };
                ensure!(
                    !path.exists(),
                    "{} is there already; a simulated day begins with an empty ledger, so name another file or remove it",
                    path.display()
                );
                let config = SqliteConfig::default().with_clock(Arc::<ScaledClock>::clone(&clock));
                let store = Sqlite::open_with(&path, config).await?;
                let sync = with(Sync::builder(&store, amazon.marketplace(), amazon.shop()))?.build().await?;
                (sync, Some(folder))
            }
        };
        let (queue, lane) = sync.notifications();
        amazon.deliver_notices_into(NoticeSink::Queue(queue, lane));
        Ok(Self { sync, amazon, clock, begins_at, _folder: folder })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Says what is left of a day that somebody interrupted.
    pub(super) fn interrupted(&self, options: &Options) -> Ended {
        let passed = self.now() - self.begins_at;
        let (hours, minutes) = (passed.num_hours(), passed.num_minutes() % 60);
        eprintln!("Interrupted after {hours}:{minutes:02} of the day.");
        if let Ok(Place::File(path)) = Place::parse(options.store.as_deref()) {
            eprintln!("The ledger so far is in {}; its simulated Amazon is gone.", path.display());
        }
        Ended::Interrupted
    }

    /// Lets the day pass; `None` when somebody interrupts it.
    pub(super) async fn pass(
        &self,
        options: &Options,
        plan: Option<&Plan>,
    ) -> anyhow::Result<Option<Outcome>> {
        let applied = match plan {
            Some(plan) => {
                // The ledger is empty: what the plan rests on is read first.
                let _ = self.sync.plan().await?;
                let moved = if options.leave_out_moved { Moved::LeaveOut } else { Moved::RefuseAll };
                let applied = self.sync.apply(plan, moved).await;
                Some(applied.context(
                    "in the simulation a plan is good for the seed and the files that it was made with",
                )?)
            }
            None => None,
        };
        let running = self.sync.start();
        let broken = tokio::select! {
            ended = self.hours_and_evening(options, applied.is_some()) => ended?,
            () = interrupted() => {
                drain(running).await?;
                return Ok(None);
            }
        };
        drain(running).await?;
        Ok(Some(Outcome {
            hours: options.hours,
            sync: self.sync.report().await?,
            amazon: self.amazon.report(),
            applied,
            letters: self.sync.letters(0, 100_000).await?,
            broken,
        }))
    }

    /// The day, and the evening until nothing is broken any more; what still is at its end. Parcels
    /// leave all the time, so ledger and shelf are compared while both are looked at.
    async fn hours_and_evening(&self, options: &Options, is_closed: bool) -> anyhow::Result<Vec<String>> {
        let mut table = Table::new(options.report);
        let closes_at = if is_closed {
            self.now()
        } else {
            let closes_at = self.begins_at + TimeDelta::hours(options.hours.into());
            let mut next = self.begins_at + ROW;
            while next <= closes_at {
                self.clock.sleep_until(next).await;
                table.row(self, next - self.begins_at).await?;
                next += ROW;
            }
            closes_at
        };
        self.amazon.world(|world| world.happen(Incident::Close));
        let closed = Instant::now();
        let broken = loop {
            self.clock.sleep(LOOK.to_std()?).await;
            let broken = check::broken(self).await?;
            let is_over = closes_at + EVENING <= self.now() && EVENING_HERE <= closed.elapsed();
            if broken.is_empty() || is_over {
                break broken;
            }
        };
        table.row(self, self.now() - self.begins_at).await?;
        Ok(broken)
    }
}

async fn drain(running: Running) -> anyhow::Result<()> {
    ensure!(
        running.drain(Duration::from_hours(24)).await?,
        "the synchroniser did not end within a day of its clock"
    );
    Ok(())
}
