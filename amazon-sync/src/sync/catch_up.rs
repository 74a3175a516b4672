//! Brings the ledger and what is known of listings up to date, without the services.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::clock::{ClockExt, after};

use super::{PlanError, Sync};
use crate::desk::AccountDesk;
use crate::desk::TurnError;
use crate::poller::Poller;
use crate::poller::window::SETTLED;
use crate::reader::Reader;
use crate::sku_map::ListingId;
use crate::snapshot::Snapshots;
use crate::stock_keeper::StockKeeper;
use crate::sync_store::ListingRecord;

/// Answers of Amazon that failed in a row before a plan is given up.
const PATIENCE: u32 = 5;

/// Orders that may explain a number are polled for so often, and so much later each time.
const ROUNDS: u32 = 4;
const ROUND: Duration = Duration::from_secs(20);

impl Sync {
    /// Orders, the host's stock, then the listings, as they are now. Nothing is done while the
    /// services run: they do it.
    pub(super) async fn catch_up(&self) -> Result<(), PlanError> {
        let desk = &self.desk;
        if desk.is_running.load(Ordering::Relaxed) {
            return Ok(());
        }
        let keeper = StockKeeper::new(Arc::clone(desk));
        keeper.find_first_counts().await?;
        for account in &desk.accounts {
            self.orders(account).await?;
        }
        keeper.catch_up().await?;
        // What came after the first counts, which are booked by now.
        for account in &desk.accounts {
            self.orders(account).await?;
        }
        for account in &desk.accounts {
            self.listings(account).await?;
        }
        Ok(())
    }

    async fn orders(&self, account: &Arc<AccountDesk>) -> Result<(), PlanError> {
        let mut poller = Poller::new(Arc::clone(&self.desk), Arc::clone(account));
        self.poll(&mut poller, account).await
    }

    /// Waits for the orders up to an instant, which Amazon tells two minutes later. If they are not
    /// known then, the plan says so.
    pub(super) async fn orders_to(
        &self,
        account: &Arc<AccountDesk>,
        to: DateTime<Utc>,
    ) -> Result<(), PlanError> {
        // One for all rounds: it learns Amazon's clock by the first, and then asks as late as can be.
        let mut poller = Poller::new(Arc::clone(&self.desk), Arc::clone(account));
        let clock = &self.desk.clock;
        for _ in 0..ROUNDS {
            self.poll(&mut poller, account).await?;
            let accounts = std::slice::from_ref(&account.account);
            let cursors = self.desk.store.cursors(&self.desk.shelf, accounts).await?;
            let closed_to = cursors.accounts.first().and_then(|cursor| cursor.closed_to);
            if closed_to.is_some_and(|closed_to| to <= closed_to) || account.stopped().is_some() {
                break;
            }
            clock.sleep_until(after(to, SETTLED + ROUND).max(after(clock.now(), ROUND))).await;
        }
        Ok(())
    }

    async fn poll(&self, poller: &mut Poller, account: &AccountDesk) -> Result<(), PlanError> {
        let mut failures = 0;
        loop {
            match poller.turn().await {
                Ok(wait) if wait.is_zero() => failures = 0,
                Ok(_) => return Ok(()),
                Err(error) => self.wait("orders", account, error, &mut failures).await?,
            }
        }
    }

    /// Reads every listing that the merchant ships: one by one, or by a snapshot where there are
    /// many.
    async fn listings(&self, account: &Arc<AccountDesk>) -> Result<(), PlanError> {
        let (map, now) = (account.map(), self.desk.clock.now());
        let mut failures = 0;
        if map.listing_count() <= self.desk.config.read_singly {
            let ids: BTreeSet<ListingId> = map
                .listings()
                .filter(|(_, listing)| !listing.channel.is_amazon())
                .map(|(id, _)| id)
                .collect();
            let mut keys = crate::reconciler::keys(account, &map, &ids);
            // Amazon's answers are incomplete at times: what was absent is asked for once more.
            for _ in 0..2 {
                account.read.put_all(keys.iter().cloned(), now);
                self.read(account).await?;
                let records = self.desk.records(&keys).await?;
                let is_absent =
                    |record: &&ListingRecord| record.shown.as_ref().is_none_or(|shown| 0 < shown.absent);
                keys = records.iter().filter(is_absent).map(|record| record.key.clone()).collect();
            }
            return Ok(());
        }
        let mut snapshots = Snapshots::new(Arc::clone(&self.desk), Arc::clone(account));
        loop {
            match snapshots.turn().await {
                Ok(_) if snapshots.has_listings() => return Ok(()),
                Ok(wait) => self.desk.clock.sleep(wait).await,
                Err(error) => self.wait("a snapshot", account, error, &mut failures).await?,
            }
        }
    }

    /// Reads the listings that are to be read.
    async fn read(&self, account: &Arc<AccountDesk>) -> Result<(), PlanError> {
        let mut reader = Reader::new(Arc::clone(&self.desk), Arc::clone(account));
        let mut failures = 0;
        loop {
            match reader.turn().await {
                Ok(0) => return Ok(()),
                Ok(_) => failures = 0,
                Err(error) => self.wait("listings", account, error, &mut failures).await?,
            }
        }
    }

    async fn wait(
        &self,
        what: &'static str,
        account: &AccountDesk,
        error: TurnError,
        failures: &mut u32,
    ) -> Result<(), PlanError> {
        *failures += 1;
        let fault = error.fault();
        let passes = matches!(fault, Fault::Transient | Fault::InDoubt | Fault::Throttled { .. });
        if passes && (*failures < PATIENCE || matches!(fault, Fault::Throttled { .. })) {
            self.desk.clock.sleep(self.desk.delay(*failures, fault).max(Duration::from_millis(50))).await;
            return Ok(());
        }
        Err(match error {
            TurnError::Market(source) => {
                PlanError::Market { what, account: account.account.to_string(), source }
            }
            TurnError::Store(error) => PlanError::Store(error),
        })
    }
}
