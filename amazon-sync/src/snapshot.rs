//! Snapshots of one account: all listings, to be compared with what is known of them, and the
//! orders of the last two days, to find those that were missed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::after;
use tokio::sync::watch;
use tracing::Instrument;

use crate::desk::TurnError;
use crate::desk::{AccountDesk, Desk, until};
use crate::marketplace::{RowError, Snapshot, SnapshotAsk, SnapshotKind, SnapshotRef};
use crate::quantity::Units;
use crate::sync_store::{Commit, Listings};
use crate::telemetry;

mod compare;
mod sweep;

/// The first sweep comes so long after the start: what is polled by then is no miss.
const FIRST_SWEEP: Duration = Duration::from_secs(3_600);
/// A snapshot that Amazon would not make is asked for again after so long: asking too often is
/// one of its reasons.
const REFUSED_PAUSE: Duration = Duration::from_secs(3_600);
/// Rows that are read together.
const ROWS: usize = 1_000;

const ROWS_UNREADABLE: Code = Code::known("snapshot.rows_unreadable");
const SNAPSHOT_REFUSED: Code = Code::known("snapshot.refused");

/// Takes snapshots of one account.
#[derive(Debug)]
pub(crate) struct Snapshots {
    desk: Arc<Desk>,
    account: Arc<AccountDesk>,
    listings_at: DateTime<Utc>,
    orders_at: DateTime<Utc>,
    job: Option<Job>,
    failures: u32,
}

/// A snapshot that was asked for.
#[derive(Clone, Debug)]
struct Job {
    asked: SnapshotRef,
    /// Of each listing by its id, the units sold by the time of the question.
    sold: Vec<Units>,
}

/// Rows that could not be read.
#[derive(Debug, Default)]
struct Unreadable {
    rows: usize,
    first: Option<RowError>,
}

impl Unreadable {
    fn add(&mut self, error: RowError) {
        self.rows += 1;
        self.first.get_or_insert(error);
    }
}

impl Snapshots {
    pub(crate) fn new(desk: Arc<Desk>, account: Arc<AccountDesk>) -> Self {
        let now = desk.clock.now();
        let orders_at = after(now, FIRST_SWEEP.min(desk.config.sweep_every));
        Self { desk, account, listings_at: now, orders_at, job: None, failures: 0 }
    }

    /// Takes snapshots until `stop` shows true. One that is being read then is read again later.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let turn = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                turn = self.turn() => turn,
            };
            let wait = match turn {
                Ok(wait) => {
                    self.failures = 0;
                    wait
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(account = %self.account.account, error = %chain(&error), "a snapshot failed");
                    self.desk.delay(self.failures, error.fault())
                }
            };
            if !self.desk.pause(&mut stop, wait).await {
                return;
            }
        }
    }

    /// Goes on with the snapshot that is due, and says when there is more to do.
    pub(crate) async fn turn(&mut self) -> Result<Duration, TurnError> {
        let now = self.desk.clock.now();
        if let Some(stopped) = self.account.stopped_until(now) {
            return Ok(until(stopped, now));
        }
        let job = match self.job.take() {
            Some(job) => job,
            None if self.listings_at <= now => self.begin(SnapshotKind::Listings).await?,
            None if self.orders_at <= now => self.begin(SnapshotKind::Orders).await?,
            None => return Ok(until(self.listings_at.min(self.orders_at), now).max(Duration::from_secs(1))),
        };
        let kind = job.asked.kind;
        let ask = if job.asked.report.is_empty() {
            SnapshotAsk::New(kind)
        } else {
            SnapshotAsk::Of(job.asked.clone())
        };
        // Until it is answered nothing is lost: the same question is asked again.
        self.job = Some(job);
        let answer = match self.desk.market.snapshot(&self.account.account, &ask).await {
            Ok(answer) => answer,
            Err(error) if self.desk.stops(&self.account, &error).await? => return Ok(Duration::ZERO),
            Err(error) => return Err(error.into()),
        };
        match answer {
            Snapshot::Pending { asked, again_at } => {
                if let Some(job) = &mut self.job {
                    job.asked = asked;
                }
                Ok(until(again_at, self.desk.clock.now()).max(Duration::from_secs(1)))
            }
            Snapshot::Ready(ready) => {
                let sold = self.job.as_ref().map(|job| job.sold.clone()).unwrap_or_default();
                let span = tracing::debug_span!("sync.snapshot", account = %self.account.account);
                let taken = match kind {
                    SnapshotKind::Orders => self.sweep(&ready).instrument(span).await,
                    _ => self.compare(&ready, &sold).instrument(span).await,
                };
                if let Err(TurnError::Market(error)) = &taken
                    && self.desk.stops(&self.account, error).await?
                {
                    return Ok(Duration::ZERO);
                }
                taken?;
                telemetry::count("sync_snapshots_total", Some(("result", "taken")), 1);
                self.finish(kind, None);
                Ok(Duration::ZERO)
            }
            Snapshot::Refused { why } => {
                telemetry::count("sync_snapshots_total", Some(("result", "refused")), 1);
                let text =
                    format!("Amazon did not make a snapshot ({why}); it is asked for again in an hour");
                let letter = self.desk.letter(self.account.account.to_string(), SNAPSHOT_REFUSED, text);
                self.desk.commit(&Commit { letters: vec![letter], ..Commit::default() }).await?;
                self.finish(kind, Some(REFUSED_PAUSE));
                Ok(Duration::ZERO)
            }
        }
    }

    /// True when the last snapshot of listings is taken.
    pub(crate) fn has_listings(&self) -> bool {
        self.job.is_none() && self.desk.clock.now() < self.listings_at
    }

    fn finish(&mut self, kind: SnapshotKind, pause: Option<Duration>) {
        self.job = None;
        let now = self.desk.clock.now();
        let config = &self.desk.config;
        match kind {
            SnapshotKind::Orders => self.orders_at = after(now, pause.unwrap_or(config.sweep_every)),
            _ => self.listings_at = after(now, pause.unwrap_or(config.snapshot_every)),
        }
    }

    async fn begin(&self, kind: SnapshotKind) -> Result<Job, StoreError> {
        let sold = if kind == SnapshotKind::Listings { self.sold().await? } else { Vec::new() };
        Ok(Job { asked: SnapshotRef { kind, report: String::new(), document: None }, sold })
    }

    /// Units sold of each listing of the map, by its id.
    async fn sold(&self) -> Result<Vec<Units>, StoreError> {
        let (desk, map) = (&self.desk, self.account.map());
        let mut sold = vec![Units::ZERO; map.listing_count()];
        let mut after = None;
        loop {
            let select = Listings::All { account: self.account.account.clone(), after, max: ROWS };
            let records = desk.store.listings(&desk.shelf, &select).await?;
            for record in &records {
                let id = map.listing(record.key.sku(), record.key.channel()).ok();
                if let Some(place) = id.and_then(|id| sold.get_mut(id.index())) {
                    *place = record.sold;
                }
            }
            if records.len() < ROWS {
                return Ok(sold);
            }
            after = records.last().map(|record| record.key.clone());
        }
    }

    fn tell_unreadable(&self, unreadable: &Unreadable, commit: &mut Commit) {
        let Some(first) = &unreadable.first else { return };
        let text = format!(
            "{} rows of a snapshot cannot be read, the first is {first}; nothing is written because of them",
            unreadable.rows
        );
        telemetry::count("sync_snapshot_rows_unreadable_total", None, unreadable.rows);
        commit.letters.push(self.desk.letter(self.account.account.to_string(), ROWS_UNREADABLE, text));
    }
}
