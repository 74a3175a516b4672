//! Reads listings of one account back, twenty at a time: those whose number is on its way, and
//! those whose number nothing explains.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rules_core::judge::fault::{Classify, chain};
use rules_core::work::clock::{ClockExt, after};
use tokio::sync::watch;

use crate::desk::TurnError;
use crate::desk::{AccountDesk, Amendment, Desk, until};
use crate::listing::{ListingKey, ListingState};
use crate::merge;
use crate::quantity::Units;
use crate::sku::Sku;
use crate::sync_store::Commit;
use crate::telemetry;

/// SKUs in one call (SP-API documentation, "Listings Items API v2021-08-01", 2026-08).
const TOGETHER: usize = 20;
/// Calls follow each other no sooner than this: as often as Amazon grants them.
const APART: Duration = Duration::from_millis(200);
/// What is due within so long is read along, so that calls are full.
const ALONG: Duration = Duration::from_secs(5);
/// When nothing is to be read, for what another task may have put onto the agenda unheard.
const LOOK: Duration = Duration::from_secs(30);

/// Reads listings of one account.
#[derive(Debug)]
pub(crate) struct Reader {
    desk: Arc<Desk>,
    account: Arc<AccountDesk>,
    failures: u32,
}

impl Reader {
    pub(crate) const fn new(desk: Arc<Desk>, account: Arc<AccountDesk>) -> Self {
        Self { desk, account, failures: 0 }
    }

    /// Reads until `stop` shows true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.turn().await {
                Ok(0) => {
                    self.failures = 0;
                    let now = self.desk.clock.now();
                    let next = self.account.read.next().map_or(LOOK, |next| until(next, now));
                    let stopped = self.account.stopped_until(now).map_or(Duration::ZERO, |at| until(at, now));
                    next.clamp(Duration::from_millis(10), LOOK).max(stopped)
                }
                Ok(_) => {
                    self.failures = 0;
                    APART
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::warn!(account = %self.account.account, error = %chain(&error), "reading listings failed");
                    self.desk.delay(self.failures, error.fault())
                }
            };
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.account.read.told(), if self.failures == 0 && wait != APART => {}
                () = self.desk.clock.sleep(wait) => {}
            }
        }
    }

    /// Reads what is due, up to one call; says how many listings that were.
    pub(crate) async fn turn(&mut self) -> Result<usize, TurnError> {
        let now = self.desk.clock.now();
        let is_due = self.account.read.next().is_some_and(|next| next <= now);
        if !is_due || self.account.stopped_until(now).is_some() {
            return Ok(0);
        }
        let keys = self.account.read.take(after(now, ALONG), TOGETHER);
        match self.read(&keys).await {
            Ok(()) => Ok(keys.len()),
            Err(error) => {
                self.account.read.put_all(keys, now);
                match error {
                    TurnError::Market(error) if self.desk.stops(&self.account, &error).await? => Ok(0),
                    error => Err(error),
                }
            }
        }
    }

    #[tracing::instrument(name = "sync.read", level = "debug", skip_all, fields(listings = keys.len()))]
    async fn read(&self, keys: &[ListingKey]) -> Result<(), TurnError> {
        let desk = &self.desk;
        // What was sold by the time of the question is what the answer may lack nothing of.
        let sold: HashMap<ListingKey, Units> =
            desk.records(keys).await?.into_iter().map(|record| (record.key, record.sold)).collect();
        let mut skus: Vec<Sku> = keys.iter().map(|key| key.sku().clone()).collect();
        skus.dedup();
        let states = desk.market.listings(&self.account.account, &skus).await?;
        let states: HashMap<Sku, Vec<ListingState>> = skus.into_iter().zip(states).collect();
        telemetry::count("sync_listings_read_total", None, keys.len());
        let amendments = keys.iter().map(|key| {
            let of_sku = states.get(key.sku()).map(Vec::as_slice).unwrap_or_default();
            seen(key, of_sku, sold.get(key).copied().unwrap_or_default())
        });
        desk.amend(amendments.collect(), Commit::default()).await?;
        self.account.look.put_all(keys.iter().cloned(), desk.clock.now());
        desk.moved.notify_one();
        Ok(())
    }
}

/// The change of a listing's record after it was read.
pub(crate) fn seen(key: &ListingKey, states: &[ListingState], sold: Units) -> Amendment {
    // Another channel is shown only when its own is not: then it has flipped.
    let own = states.iter().find(|state| state.channel == *key.channel());
    let state = own.or_else(|| states.first()).cloned();
    Amendment::new(key.clone(), move |record| {
        let shown = match &state {
            Some(state) => Some(merge::shown(record.shown.as_ref(), state.clone(), sold)),
            None => merge::absent(record.shown.as_ref()),
        };
        let is_news = shown != record.shown;
        record.shown = shown;
        is_news
    })
}
