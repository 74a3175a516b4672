use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;
use serde::Serialize;

use super::Sync;
use crate::drift::Drift;

/// What a synchroniser has done since it was built, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Orders that became known.
    pub orders: u64,
    /// Changes of orders that neither events nor polls had told.
    pub orders_missed: u64,
    /// Orders that could not be read.
    pub orders_unreadable: u64,
    /// Notifications that were applied, and of those how many could not be.
    pub events: u64,
    /// Notifications that could not be applied.
    pub events_dead: u64,
    /// Windows of orders that were closed.
    pub windows: u64,
    /// Windows that began again because a page token was too old or refused.
    pub windows_restarted: u64,
    /// Pages that another process had committed first.
    pub fenced: u64,
    /// Numbers that Amazon took.
    pub writes: u64,
    /// Changes of what can ship that needed no write, because Amazon counts its own sales.
    pub writes_saved: u64,
    /// Numbers that Amazon refused for good.
    pub writes_refused: u64,
    /// Numbers that Amazon took and did not show in time.
    pub writes_lost: u64,
    /// How often listings came to stand in each class of drift.
    pub drift_by_class: BTreeMap<Drift, u64>,
    /// From the decision to the effect, in the middle and for all but one in a hundred.
    pub p50_change_to_effect: Option<Duration>,
    /// For all but one in a hundred.
    pub p99_change_to_effect: Option<Duration>,
    /// Listings with a number that is decided and not seen to be shown.
    pub intents: usize,
    /// Listings that are to be read.
    pub to_read: usize,
    /// Accounts that cannot go on, with the reason.
    pub stopped: BTreeMap<String, String>,
    /// Up to when the orders of each account are known.
    pub closed_to: BTreeMap<String, Option<DateTime<Utc>>>,
}

impl Sync {
    /// What was done so far, and where it stands.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    ///
    /// # Cancel safety
    /// Nothing is changed by it.
    pub async fn report(&self) -> Result<Report, StoreError> {
        let desk = &self.desk;
        let mut counts = desk.tally.counts();
        counts.effects_ms.sort_unstable();
        let effect = |percent: usize| {
            let place = counts.effects_ms.len().saturating_sub(1) * percent / 100;
            counts.effects_ms.get(place).copied().map(Duration::from_millis)
        };
        let accounts: Vec<_> = desk.accounts.iter().map(|known| known.account.clone()).collect();
        let cursors = desk.store.cursors(&desk.shelf, &accounts).await?;
        let closed = accounts.iter().zip(&cursors.accounts);
        let stopped = desk.accounts.iter().filter_map(|known| Some((known, known.stopped()?)));
        Ok(Report {
            orders: counts.orders,
            orders_missed: counts.orders_missed,
            orders_unreadable: counts.poison,
            events: counts.events,
            events_dead: counts.events_dead,
            windows: counts.windows,
            windows_restarted: counts.windows_restarted,
            fenced: counts.fenced,
            writes: counts.writes,
            writes_saved: counts.writes_saved,
            writes_refused: counts.writes_refused,
            writes_lost: counts.writes_lost,
            p50_change_to_effect: effect(50),
            p99_change_to_effect: effect(99),
            drift_by_class: counts.drift,
            intents: desk.accounts.iter().map(|known| known.intents.len()).sum(),
            to_read: desk.accounts.iter().map(|known| known.read.len()).sum(),
            stopped: stopped.map(|(known, code)| (known.account.to_string(), code.to_string())).collect(),
            closed_to: closed.map(|(account, cursor)| (account.to_string(), cursor.closed_to)).collect(),
        })
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "orders     {} known, {} missed by polls and events, {} unreadable",
            self.orders, self.orders_missed, self.orders_unreadable
        )?;
        writeln!(f, "events     {} applied, {} dead", self.events, self.events_dead)?;
        writeln!(
            f,
            "windows    {} closed, {} begun again, {} pages committed elsewhere",
            self.windows, self.windows_restarted, self.fenced
        )?;
        writeln!(
            f,
            "writes     {} taken, {} saved, {} refused, {} lost on their way",
            self.writes, self.writes_saved, self.writes_refused, self.writes_lost
        )?;
        let seconds = |effect: Option<Duration>| {
            effect.map_or_else(|| "-".to_owned(), |effect| format!("{:.1} s", effect.as_secs_f64()))
        };
        writeln!(
            f,
            "effect     after {} in the middle, {} for all but one in a hundred",
            seconds(self.p50_change_to_effect),
            seconds(self.p99_change_to_effect)
        )?;
        writeln!(f, "open       {} numbers to be shown, {} listings to be read", self.intents, self.to_read)?;
        for (class, times) in &self.drift_by_class {
            writeln!(f, "drift      {class}: {times}")?;
        }
        for (account, code) in &self.stopped {
            writeln!(f, "stopped    {account}: {code}")?;
        }
        Ok(())
    }
}
