//! Reads the orders of one seller account window by window, as the net under the events: whatever
//! they did not tell is found here.
//!
//! A window is a frozen question. Each of its pages is committed together with how far the window
//! has got, under the fence of the account's cursor, so a crash anywhere means the same page again,
//! whose orders are recognised. The cursor moves on with the commit of the last page, to the end
//! that Amazon used, and never otherwise.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, chain};
use rules_core::work::StoreError;
use rules_core::work::clock::after;
use tokio::sync::watch;
use tracing::Instrument;

use crate::desk::{AccountDesk, Desk, FirstCounts, TurnError, earlier, until};
use crate::intake::Intake;
use crate::marketplace::{MarketError, OrderPage, OrderQuery};
use crate::sync_store::{Commit, Committed, Cursor, CursorStep, Fence, OpenWindow};
use crate::telemetry;

mod lateness;
mod server_clock;
pub(crate) mod window;

use server_clock::ServerClock;
use window::{Windows, is_stale, restarted};

/// A stranger's cursor is looked at again after so long.
const ELSEWHERE: Duration = Duration::from_secs(60);
/// How often it is looked whether the host's first counts are settled.
const FIRST_COUNTS: Duration = Duration::from_secs(1);
/// Refusals of a window after which somebody is told.
const REFUSALS: u32 = 3;
/// Orders that events had so long to tell of.
const EVENT_GRACE: Duration = Duration::from_secs(300);
/// Calls at once that Amazon grants after a pause, and those of them that are kept for windows of
/// many pages.
const BURST: f64 = 20.0;
const KEPT: f64 = 8.0;

const ORDERS_REFUSED: Code = Code::known("orders.refused");
const EVENTS_SILENT: Code = Code::known("events.silent");

/// Polls one account.
#[derive(Debug)]
pub(crate) struct Poller {
    desk: Arc<Desk>,
    account: Arc<AccountDesk>,
    windows: Windows,
    clock: ServerClock,
    /// As this process knows it; the fence finds out when it does not.
    cursor: Option<Cursor>,
    /// Pages of the open window so far, and its orders that events had told, and had not.
    progress: Progress,
    failures: u32,
    next_at: DateTime<Utc>,
    /// Calls that Amazon grants at `calls_at`, by our count.
    calls: f64,
    calls_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    pages: u32,
    told: usize,
    untold: usize,
}

impl Poller {
    pub(crate) fn new(desk: Arc<Desk>, account: Arc<AccountDesk>) -> Self {
        let windows = Windows {
            look_back: desk.config.look_back,
            per_second: desk.config.orders_per_second,
            with_events: desk.config.poll_with_events,
            marketplaces: account.marketplaces.clone(),
        };
        let now = desk.clock.now();
        Self {
            desk,
            account,
            windows,
            clock: ServerClock::default(),
            cursor: None,
            progress: Progress::default(),
            failures: 0,
            next_at: now,
            calls: BURST,
            calls_at: now,
        }
    }

    /// Polls until `stop` shows true. A page that is being read then is committed first.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.turn().await {
                Ok(wait) => {
                    self.failures = 0;
                    wait
                }
                Err(error) => self.failed(&error),
            };
            if wait.is_zero() {
                continue;
            }
            self.next_at = after(self.desk.clock.now(), wait);
            if !self.wait(&mut stop).await {
                return;
            }
        }
    }

    /// Waits for the next poll; sooner when somebody asked for it and the budget has room.
    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return false,
                () = self.desk.clock.sleep_until(self.next_at) => return true,
                () = self.account.poll_soon.notified() => {
                    let now = self.desk.clock.now();
                    if self.account.stopped_until(now).is_none() && KEPT < self.granted(now) {
                        return true;
                    }
                }
            }
        }
    }

    /// Calls that Amazon grants now, by our count.
    fn granted(&mut self, now: DateTime<Utc>) -> f64 {
        let passed = until(now, self.calls_at).as_secs_f64();
        self.calls = (self.calls + passed * self.windows.per_second).min(BURST);
        self.calls_at = now;
        self.calls
    }

    fn failed(&mut self, error: &TurnError) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if REFUSALS <= self.failures {
            self.account.has_trouble();
        }
        tracing::warn!(account = %self.account.account, error = %chain(error), "polling orders failed");
        self.desk.delay(self.failures, error.fault())
    }

    /// Reads one page. Zero: there is another one to be read now.
    pub(crate) async fn turn(&mut self) -> Result<Duration, TurnError> {
        let now = self.desk.clock.now();
        if let Some(stopped) = self.account.stopped_until(now) {
            return Ok(until(stopped, now));
        }
        let cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None => self.load().await?,
        };
        let open = match &cursor.open {
            Some(open) if is_stale(open, now) => {
                tracing::info!(account = %self.account.account, "a page token is too old, so its window begins again");
                self.begin_again(&cursor, open).await?;
                return Ok(Duration::ZERO);
            }
            Some(open) => open.clone(),
            None => {
                let first_counts = self.desk.first_counts();
                let not_after = match first_counts {
                    FirstCounts::Settled => None,
                    FirstCounts::At(counted_at) => Some(counted_at),
                    FirstCounts::Unknown => {
                        self.cursor = Some(cursor);
                        return Ok(FIRST_COUNTS);
                    }
                };
                let Some(window) = self.windows.next(&cursor, &self.clock, now, not_after) else {
                    self.cursor = Some(cursor);
                    let interval = self.windows.interval(1, self.account.events_are_healthy());
                    return Ok(if first_counts == FirstCounts::Settled { interval } else { FIRST_COUNTS });
                };
                OpenWindow { window, page: None, page_at: now, used_to: None }
            }
        };
        let span = tracing::debug_span!("sync.poll", account = %self.account.account);
        self.page(cursor, open).instrument(span).await
    }

    async fn load(&self) -> Result<Cursor, StoreError> {
        let accounts = std::slice::from_ref(&self.account.account);
        let cursors = self.desk.store.cursors(&self.desk.shelf, accounts).await?;
        Ok(cursors.accounts.into_iter().next().unwrap_or_default())
    }

    async fn page(&mut self, cursor: Cursor, open: OpenWindow) -> Result<Duration, TurnError> {
        let query = OrderQuery { window: open.window.clone(), page: open.page.clone() };
        self.granted(self.desk.clock.now());
        self.calls = (self.calls - 1.0).max(0.0);
        let asked = self.desk.market.orders(&self.account.account, &query).await;
        let now = self.desk.clock.now();
        match asked {
            Ok(page) => {
                self.account.works();
                self.clock.answered(page.server_now, now);
                self.take_in(cursor, open, page).await
            }
            Err(MarketError::PageRefused { .. }) if open.page.is_some() => {
                tracing::info!(account = %self.account.account, "a page token was refused, so its window begins again");
                self.begin_again(&cursor, &open).await?;
                Ok(Duration::ZERO)
            }
            Err(error) if self.desk.stops(&self.account, &error).await? => {
                self.cursor = Some(cursor);
                Ok(self.account.stopped_until(now).map_or(ELSEWHERE, |stopped| until(stopped, now)))
            }
            Err(error) => {
                if let MarketError::Rejected { .. } | MarketError::Unreadable { .. } = error {
                    self.refused(&cursor, &error).await?;
                }
                self.cursor = Some(cursor);
                Err(TurnError::Market(error))
            }
        }
    }

    /// Amazon refuses the question itself, perhaps because its clock is far behind ours, or answers
    /// what nobody can read.
    async fn refused(&mut self, cursor: &Cursor, error: &MarketError) -> Result<(), StoreError> {
        if cursor.open.is_none() && matches!(error, MarketError::Rejected { .. }) {
            self.clock.refused();
        }
        if self.failures + 1 == REFUSALS {
            let text = format!("{error}; orders of this account are not polled until that is put right");
            let letter = self.desk.letter(self.account.account.to_string(), ORDERS_REFUSED, text);
            self.desk.commit(&Commit { letters: vec![letter], ..Commit::default() }).await?;
        }
        Ok(())
    }

    /// The same window from its first page on.
    async fn begin_again(&mut self, cursor: &Cursor, open: &OpenWindow) -> Result<(), StoreError> {
        let step = CursorStep {
            closed_to: cursor.closed_to,
            open: Some(restarted(open)),
            lateness: cursor.lateness.clone(),
        };
        telemetry::count("sync_windows_total", Some(("result", "restarted")), 1);
        self.desk.tally.add(|counts| counts.windows_restarted += 1);
        self.progress = Progress::default();
        let commit = self.fenced(cursor, step.clone(), Commit::default());
        let committed = self.desk.commit(&commit).await?;
        self.cursor = Some(match committed {
            Committed::Done(_) => stepped(cursor, step),
            Committed::Fenced(theirs) => theirs,
        });
        Ok(())
    }

    fn fenced(&self, cursor: &Cursor, step: CursorStep, commit: Commit) -> Commit {
        let fence = Fence { account: self.account.account.clone(), revision: cursor.revision };
        Commit { fence: Some(fence), cursor: Some(step), ..commit }
    }

    async fn take_in(
        &mut self,
        cursor: Cursor,
        open: OpenWindow,
        page: OrderPage,
    ) -> Result<Duration, TurnError> {
        let now = self.desk.clock.now();
        let used_to = [open.used_to, page.used_to].into_iter().flatten().min();
        let is_last = page.next.is_none();
        // Never beyond what was asked for, whatever Amazon says that it used.
        let end = used_to.map_or(open.window.to, |used| used.min(open.window.to));
        let intake = Intake { desk: &self.desk, account: &self.account };
        let mut commit = Commit::default();
        intake.add(&page.orders, &mut commit);
        intake.add_poison(&page.poison, &mut commit);
        let known = page.orders.len().saturating_sub(commit.orders.len());
        let heard = commit
            .orders
            .iter()
            .map(|report| self.account.heard_of(&report.order, report.version.updated_at));
        let heard: Vec<bool> = heard.collect();
        let mut lateness = cursor.lateness.clone();
        self.account.take_late().into_iter().for_each(|late| lateness.take_in(late));
        let step = CursorStep {
            closed_to: if is_last { Some(end) } else { cursor.closed_to },
            open: page.next.map(|next| OpenWindow {
                window: open.window.clone(),
                page: Some(next),
                page_at: now,
                used_to,
            }),
            lateness,
        };
        let commit = self.fenced(&cursor, step.clone(), commit);
        let receipt = match self.desk.commit(&commit).await? {
            Committed::Done(receipt) => receipt,
            Committed::Fenced(theirs) => {
                telemetry::count("sync_windows_total", Some(("result", "fenced")), 1);
                self.desk.tally.add(|counts| counts.fenced += 1);
                self.progress = Progress::default();
                self.cursor = Some(theirs);
                return Ok(ELSEWHERE);
            }
        };
        self.cursor = Some(stepped(&cursor, step));
        let taken = intake.committed(&commit.orders, &receipt).await?;
        if let Some(closed_to) = cursor.closed_to {
            // A window that is closed should have held it.
            let unheard = |place: &&usize| !heard.get(**place).copied().unwrap_or_default();
            let updated = taken.news.iter().filter(unheard).filter_map(|place| commit.orders.get(*place));
            self.account.was_late(updated.map(|report| until(closed_to, report.version.updated_at)));
        }
        let grace = earlier(now, EVENT_GRACE);
        let is_old = |place: &&usize| {
            commit.orders.get(**place).is_some_and(|report| report.version.updated_at < grace)
        };
        let is_untold = |place: &&usize| !heard.get(**place).copied().unwrap_or_default();
        let untold = taken.news.iter().filter(is_untold).filter(is_old).count();
        self.progress.pages += 1;
        self.progress.told += known + heard.iter().filter(|heard| **heard).count();
        self.progress.untold += untold;
        if is_last {
            // Whoever waited for the orders up to here can be decided about.
            self.account.covered(end, now);
            self.close().await
        } else {
            Ok(Duration::ZERO)
        }
    }

    async fn close(&mut self) -> Result<Duration, TurnError> {
        let Progress { pages, told, untold } = std::mem::take(&mut self.progress);
        telemetry::count("sync_windows_total", Some(("result", "closed")), 1);
        self.desk.tally.add(|counts| counts.windows += 1);
        let (now, silent_after) = (self.desk.clock.now(), self.desk.config.events_silent_after);
        if self.account.window_closed(told, untold, silent_after, now) {
            telemetry::count("sync_events_silent_total", None, 1);
            let minutes = silent_after.as_secs() / 60;
            let text = format!(
                "polling found {untold} changes of orders that no event told, and none came for {minutes} minutes; check the subscription and the queue's policy"
            );
            let letter = self.desk.letter(self.account.account.to_string(), EVENTS_SILENT, text);
            self.desk.commit(&Commit { letters: vec![letter], ..Commit::default() }).await?;
        }
        self.desk.moved.notify_one();
        self.desk.host_told.notify_one();
        // The first window ends with the first counts, and the next one follows at once.
        if self.desk.first_counts() != FirstCounts::Settled {
            return Ok(FIRST_COUNTS);
        }
        Ok(self.windows.interval(pages, self.account.events_are_healthy()))
    }
}

fn stepped(cursor: &Cursor, step: CursorStep) -> Cursor {
    Cursor {
        revision: cursor.revision + 1,
        closed_to: cursor.closed_to.max(step.closed_to),
        open: step.open,
        lateness: step.lateness,
    }
}
