//! Everything that the services share: the ports, the settings, and what is remembered of each
//! seller account.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::id::EntryId;
use rules_core::judge::key::{ChainKey, Lane};
use rules_core::judge::retry::Retry;
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, ClockExt};
use rules_core::work::events::{Entry, EventLog};
use rules_core::work::ids::Ids;
use rules_core::work::outbox::Outbox;
use rules_core::work::queue::Queue;
use tokio::sync::{Notify, watch};

use crate::available::StockPolicy;
use crate::config::SyncConfig;
use crate::host_stock::HostStock;
use crate::marketplace::{MarketError, Marketplace};
use crate::policy::DriftPolicies;
use crate::reconciler::Demands;
use crate::seller::{SellerAccount, Shelf};
use crate::sink::QuantitySink;
use crate::sync_store::{Commit, Committed, ListingOutcome, NewLetter, SyncStore};

mod account;
mod agenda;
mod amend;
mod tally;
mod turn_error;

pub(crate) use account::AccountDesk;
pub(crate) use agenda::Agenda;
pub(crate) use amend::Amendment;
pub(crate) use tally::Tally;
pub(crate) use turn_error::TurnError;

/// The ports and settings of one synchroniser, and what is remembered.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) store: Arc<dyn SyncStore>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) queue: Arc<dyn Queue>,
    /// Where notifications wait in it.
    pub(crate) events_lane: Lane,
    pub(crate) market: Arc<dyn Marketplace>,
    pub(crate) sinks: Vec<Arc<dyn QuantitySink>>,
    pub(crate) host: Arc<dyn HostStock>,
    pub(crate) shelf: Shelf,
    pub(crate) accounts: Vec<Arc<AccountDesk>>,
    pub(crate) stock_policy: StockPolicy,
    pub(crate) drift_policies: DriftPolicies,
    pub(crate) config: SyncConfig,
    pub(crate) tally: Tally,
    /// What is sold of each item.
    pub(crate) demands: Mutex<Demands>,
    /// The instant of the host's first counts, once it is known.
    pub(crate) counted_at: Mutex<Option<DateTime<Utc>>>,
    /// True when it is settled which orders these include, so that later ones may be taken in.
    pub(crate) has_begun: AtomicBool,
    /// True when everything that the host has is in the ledger.
    pub(crate) host_known: AtomicBool,
    /// True while the services run.
    pub(crate) is_running: AtomicBool,
    /// Told when something moved in the ledger.
    pub(crate) moved: Notify,
    /// Told when the host may have changed its stock.
    pub(crate) host_told: Notify,
    /// Told when a notification was put into the queue.
    pub(crate) notified: Notify,
}

impl Desk {
    /// Commits, and lets the other services know what has changed.
    pub(crate) async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let committed = self.store.commit(&self.shelf, commit).await?;
        if let Committed::Done(receipt) = &committed {
            for (change, outcome) in commit.listings.iter().zip(&receipt.listings) {
                if let Some(account) = self.account(change.record.key.account()) {
                    account.intents.noted(&change.record, *outcome);
                }
            }
            let changed = receipt.listings.iter().any(|outcome| matches!(outcome, ListingOutcome::Made(_)));
            if !commit.orders.is_empty()
                || !commit.movements.is_empty()
                || !commit.counts.is_empty()
                || changed
            {
                self.moved.notify_one();
            }
        }
        Ok(committed)
    }

    /// The instant of the host's first counts, while orders after it must wait.
    pub(crate) fn first_counts(&self) -> FirstCounts {
        if self.has_begun.load(Ordering::Relaxed) {
            return FirstCounts::Settled;
        }
        let counted_at = *self.counted_at.lock().unwrap_or_else(PoisonError::into_inner);
        counted_at.map_or(FirstCounts::Unknown, FirstCounts::At)
    }

    /// Everything that the host has is in the ledger: listings can be compared with it.
    pub(crate) fn host_is_known(&self) {
        if !self.host_known.swap(true, Ordering::Relaxed) {
            self.accounts.iter().for_each(|account| account.look_at_all());
        }
        self.moved.notify_one();
    }

    pub(crate) fn demands(&self) -> MutexGuard<'_, Demands> {
        self.demands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account with what is remembered of it.
    pub(crate) fn account(&self, account: &SellerAccount) -> Option<&Arc<AccountDesk>> {
        self.accounts.iter().find(|known| known.account == *account)
    }

    /// A letter of now.
    pub(crate) fn letter(
        &self,
        subject: impl Into<String>,
        code: Code,
        text: impl Into<String>,
    ) -> NewLetter {
        NewLetter { subject: subject.into(), code, text: text.into(), at: self.clock.now() }
    }

    /// Evidence of now. `parts` name it: the same parts are the same entry.
    pub(crate) fn evidence(&self, kind: Code, parts: &[&[u8]], body: &serde_json::Value) -> Entry {
        let named: Vec<&[u8]> = [kind.as_str().as_bytes()].into_iter().chain(parts.iter().copied()).collect();
        Entry {
            id: EntryId::of(&named),
            chain: ChainKey::of(self.shelf.tenant()),
            at: self.clock.now(),
            kind,
            body: body.to_string(),
        }
    }

    /// How long to wait after so many failures in a row. What fails for good is tried again as
    /// rarely as what fails for long: somebody may have put it right.
    pub(crate) fn delay(&self, failures: u32, fault: Fault) -> Duration {
        let policy = &self.config.retry;
        let nth = failures.clamp(1, policy.max_attempts().saturating_sub(1).max(1));
        let fault = match fault {
            Fault::Throttled { .. } => fault,
            _ => Fault::Transient,
        };
        match policy.decide(nth, fault, u64::from(failures)) {
            Retry::After(delay) => delay,
            Retry::Never => Duration::from_secs(300),
        }
    }

    /// Notes that an account cannot go on, if the error says so; true then.
    pub(crate) async fn stops(&self, account: &AccountDesk, error: &MarketError) -> Result<bool, StoreError> {
        let code = match error {
            MarketError::Revoked { .. } => ACCOUNT_REVOKED,
            MarketError::Forbidden { .. } => ACCOUNT_FORBIDDEN,
            MarketError::Application { .. } => ACCOUNT_APPLICATION,
            _ => return Ok(false),
        };
        account.stop(code.clone(), self.clock.now());
        tracing::warn!(account = %account.account, code = %code, "the account stops");
        let letter = self.letter(account.account.to_string(), code, error.to_string());
        self.commit(&Commit { letters: vec![letter], ..Commit::default() }).await?;
        Ok(true)
    }

    /// Waits, and says whether to go on.
    pub(crate) async fn pause(&self, stop: &mut watch::Receiver<bool>, duration: Duration) -> bool {
        // Always in this order, so that a run in virtual time repeats from its seed.
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => false,
            () = self.clock.sleep(duration) => true,
        }
    }
}

/// What is known of the host's first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstCounts {
    /// Nothing: no order is read yet.
    Unknown,
    /// They were made then: orders up to that instant are read, and then they are booked.
    At(DateTime<Utc>),
    /// They are booked, or being booked: all orders are read.
    Settled,
}

/// The seller took its authorisation back.
pub(crate) const ACCOUNT_REVOKED: Code = Code::known("account.revoked");
/// Amazon refuses the seller.
pub(crate) const ACCOUNT_FORBIDDEN: Code = Code::known("account.forbidden");
/// Amazon refuses the application.
pub(crate) const ACCOUNT_APPLICATION: Code = Code::known("account.application");

/// `instant` less `duration`; the beginning of time when that cannot be expressed.
pub(crate) fn earlier(instant: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| instant.checked_sub_signed(delta))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// How long until `instant`; zero when it has passed.
pub(crate) fn until(instant: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (instant - now).to_std().unwrap_or_default()
}

/// True for a fault that passes by itself.
pub(crate) fn passes(error: &impl Classify) -> bool {
    !matches!(error.fault(), Fault::Rejected | Fault::Exhausted)
}
