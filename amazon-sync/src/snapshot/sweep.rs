use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;

use super::{ROWS, Snapshots, Unreadable};
use crate::desk::TurnError;
use crate::desk::{earlier, until};
use crate::intake::Intake;
use crate::marketplace::{MarketError, SnapshotRef, SnapshotRow};
use crate::order::{Order, OrderId};
use crate::poller::window::MOST_OVERLAP;
use crate::sync_store::{Commit, Committed};
use crate::telemetry;

const MISSED: Code = Code::known("orders.missed");

/// A report tells seconds where the Orders API tells parts of them.
const ROUNDED: TimeDelta = TimeDelta::seconds(1);
/// Refusals for want of budget that one order waits for.
const PATIENCE: u32 = 30;

impl Snapshots {
    /// Looks for orders that the ledger should know and does not, and reads them.
    pub(super) async fn sweep(&self, ready: &SnapshotRef) -> Result<(), TurnError> {
        let Some(covered) = self.covered().await? else { return Ok(()) };
        let mut rows = self.desk.market.snapshot_rows(&self.account.account, ready).await?;
        let (mut unreadable, mut missed) = (Unreadable::default(), 0);
        loop {
            let page = rows.next(ROWS).await?;
            if page.is_empty() {
                break;
            }
            let mut orders: BTreeMap<OrderId, DateTime<Utc>> = BTreeMap::new();
            for row in page {
                match row {
                    Ok(SnapshotRow::OrderLine { order, updated_at }) if updated_at < covered => {
                        let known = orders.entry(order).or_insert(updated_at);
                        *known = updated_at.max(*known);
                    }
                    Ok(_) => {}
                    Err(error) => unreadable.add(error),
                }
            }
            missed += self.look_up(&orders).await?;
        }
        let mut commit = Commit::default();
        self.tell_unreadable(&unreadable, &mut commit);
        if 0 < missed {
            let text = format!(
                "{missed} changes of orders were found by the sweep only, and are deducted since; the windows of polling overlap more from here on"
            );
            commit.letters.push(self.desk.letter(self.account.account.to_string(), MISSED, text));
        }
        self.desk.commit(&commit).await?;
        Ok(())
    }

    /// Everything that changed before is in windows that are closed, however late it appears.
    async fn covered(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let accounts = std::slice::from_ref(&self.account.account);
        let cursors = self.desk.store.cursors(&self.desk.shelf, accounts).await?;
        let closed_to = cursors.accounts.first().and_then(|cursor| cursor.closed_to);
        Ok(closed_to.map(|closed_to| earlier(closed_to, MOST_OVERLAP)))
    }

    async fn look_up(&self, orders: &BTreeMap<OrderId, DateTime<Utc>>) -> Result<usize, TurnError> {
        if orders.is_empty() {
            return Ok(0);
        }
        let (desk, account) = (&self.desk, &self.account);
        let ids: Vec<OrderId> = orders.keys().cloned().collect();
        let known = desk.store.orders(&desk.shelf, &account.account, &ids).await?;
        let mut missed = 0;
        for ((order, updated_at), known) in orders.iter().zip(known) {
            if known.is_some_and(|known| *updated_at <= known.updated_at + ROUNDED) {
                continue;
            }
            if let Some(order) = self.fetch(order).await? {
                missed += self.take_in(order).await?;
            }
        }
        Ok(missed)
    }

    /// The order, however long the budget lets it wait.
    async fn fetch(&self, id: &OrderId) -> Result<Option<Order>, TurnError> {
        let desk = &self.desk;
        for _ in 0..PATIENCE {
            match desk.market.order(&self.account.account, id).await {
                Ok(fetched) => return Ok(fetched.map(|fetched| fetched.order)),
                Err(MarketError::Throttled { retry_after, .. }) => {
                    desk.clock.sleep(retry_after.unwrap_or(Duration::from_secs(5))).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    async fn take_in(&self, order: Order) -> Result<usize, StoreError> {
        let intake = Intake { desk: &self.desk, account: &self.account };
        let mut commit = Commit::default();
        let updated_at = order.updated_at;
        // One that Amazon ships is kept too, so that it is not fetched by every sweep.
        let shipped_by_us = intake.add_each(&[order], true, &mut commit);
        let Committed::Done(receipt) = self.desk.commit(&commit).await? else { return Ok(0) };
        let taken = intake.committed(&commit.orders, &receipt).await?;
        if taken.news.is_empty() || shipped_by_us == 0 {
            return Ok(0);
        }
        telemetry::count("sync_orders_missed_total", None, 1);
        self.desk.tally.add(|counts| counts.orders_missed += 1);
        let accounts = std::slice::from_ref(&self.account.account);
        let cursors = self.desk.store.cursors(&self.desk.shelf, accounts).await?;
        let closed_to = cursors.accounts.first().and_then(|cursor| cursor.closed_to);
        self.account.was_late(closed_to.map(|closed_to| until(closed_to, updated_at)));
        Ok(1)
    }
}
