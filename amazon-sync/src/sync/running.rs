use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rules_core::judge::fault::chain;
use rules_core::judge::id::LeaseToken;
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;
use rules_core::work::outbox::Relay;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::Sync;
use crate::desk::Desk;
use crate::events::EventConsumer;
use crate::poller::Poller;
use crate::publisher::Publisher;
use crate::reader::Reader;
use crate::reconciler::Reconciler;
use crate::snapshot::Snapshots;
use crate::stock_keeper::StockKeeper;

/// How often evidence is moved into the event log.
const RELAY: Duration = Duration::from_secs(5);

impl Sync {
    /// Polls, applies events, reads the host's stock, reconciles, publishes and reads back until
    /// `until` resolves, then drains: a page that is being read is committed, what was handed over
    /// is noted, evidence is moved. Spawns only its own tasks and ends them all.
    ///
    /// What is on its way then goes on by itself: the next run reads it back.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer at the start.
    ///
    /// # Cancel safety
    /// Dropping the future ends the tasks at once, as the death of the process would: the next run
    /// finds out what became of what was on the wire.
    pub async fn run(&self, until: impl Future<Output = ()> + Send) -> Result<(), StoreError> {
        let desk = || Arc::clone(&self.desk);
        // A store that is not there is told now, and not once a second for ever.
        self.desk.store.letters(&self.desk.shelf, 0, 1).await?;
        self.desk.is_running.store(true, Ordering::Relaxed);
        self.desk.accounts.iter().for_each(|account| account.look_at_all());
        let (stop, stopped) = watch::channel(false);
        let (stop_relay, relay_stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for account in &self.desk.accounts {
            let account = || Arc::clone(account);
            tasks.spawn(Poller::new(desk(), account()).run(stopped.clone()));
            tasks.spawn(Reader::new(desk(), account()).run(stopped.clone()));
            tasks.spawn(Publisher::new(desk(), account()).run(stopped.clone()));
            tasks.spawn(Snapshots::new(desk(), account()).run(stopped.clone()));
        }
        tasks.spawn(EventConsumer::new(desk()).run(stopped.clone()));
        tasks.spawn(StockKeeper::new(desk()).run(stopped.clone()));
        tasks.spawn(Reconciler::new(desk()).run(stopped));
        let mut relay = JoinSet::new();
        relay.spawn(move_evidence(desk(), relay_stopped));
        tokio::select! {
            biased;
            () = until => {}
            _ = tasks.join_next() => tracing::error!("a service ended before it was told to"),
        }
        stop.send_replace(true);
        while tasks.join_next().await.is_some() {}
        // Last, because the others put evidence out until they end.
        stop_relay.send_replace(true);
        while relay.join_next().await.is_some() {}
        self.desk.is_running.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// [`Sync::run`] on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(&self) -> Running {
        let (stop, mut stopped) = watch::channel(false);
        let sync = self.clone();
        let task = tokio::spawn(async move {
            let told = async move {
                // A handle that is gone cannot be told to drain, so it means the same.
                stopped.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
            };
            sync.run(told).await
        });
        Running { desk: Arc::clone(&self.desk), stop, task }
    }
}

/// A synchroniser at work. Dropping it tells the synchroniser to drain in the background.
#[derive(Debug)]
#[must_use = "a synchroniser whose handle is dropped drains and ends"]
pub struct Running {
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Running {
    /// Finishes what is begun and returns when all of it is written down. True when that took no
    /// longer than `patience`; otherwise the tasks are ended as they are.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not answer at the start.
    pub async fn drain(self, patience: Duration) -> Result<bool, StoreError> {
        self.stop.send_replace(true);
        let mut task = self.task;
        tokio::select! {
            biased;
            ended = &mut task => match ended {
                Ok(outcome) => outcome.map(|()| true),
                Err(error) => Err(StoreError::Unavailable { doing: "draining".into(), source: Box::new(error) }),
            },
            () = self.desk.clock.sleep(patience) => {
                task.abort();
                Ok(false)
            }
        }
    }

    /// True when the synchroniser has ended by itself, which only a failing start makes it do.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

async fn move_evidence(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    let holder = LeaseToken::from(desk.ids.next());
    let relay = Relay::new(Arc::clone(&desk.outbox), Arc::clone(&desk.log), holder);
    loop {
        let more = desk.pause(&mut stop, RELAY).await;
        loop {
            match relay.pass().await {
                Ok(moved) if moved < Relay::PASS => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "moving evidence failed; it waits in the outbox");
                    break;
                }
            }
        }
        if !more {
            if let Err(error) = relay.give_back().await {
                tracing::debug!(error = %chain(&error), "the claim on the outbox runs out by itself");
            }
            return;
        }
    }
}
