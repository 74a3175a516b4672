use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::fault::chain;
use rules_core::judge::id::LeaseToken;
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;
use rules_core::work::outbox::Relay;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::Dispatch;
use crate::desk::Desk;
use crate::dispatcher::Dispatcher;
use crate::feeder::Feeder;
use crate::inbox::Applier;
use crate::resolver::Resolver;
use crate::retention::Archivist;
use crate::sweeper::{Sweeper, earlier};

/// How often the queue is filled while there is something to fill it with.
const FEED: Duration = Duration::from_millis(200);
/// How often evidence is moved into the event log.
const RELAY: Duration = Duration::from_millis(500);
/// How often stories that broke off are looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// Sweeps for which it is remembered which names were met together: 10 minutes.
const ACQUAINTED_FOR: u64 = 20;
/// How often messages in doubt are decided about.
const RESOLVE: Duration = Duration::from_secs(2);
/// How often campaigns are looked for whose time has come: they were kept for weeks.
const RETAIN: Duration = Duration::from_secs(600);
/// How often references are looked for that the queue lost.
const AUDIT: Duration = Duration::from_secs(5);

impl Dispatch {
    /// Sends, retries, tracks, applies received webhooks and sweeps until `until` resolves, then drains: what is begun is
    /// finished, what is not begun goes back. Spawns only its own tasks and ends them all.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer at the start.
    ///
    /// # Cancel safety
    /// Dropping the future ends the tasks at once, as the death of the process would: messages
    /// on the wire become unknown.
    pub async fn run(&self, until: impl Future<Output = ()> + Send) -> Result<(), StoreError> {
        if self.desk.alone {
            // Nobody else works on this store: what is begun and unanswered is a dead process's.
            let swept = Sweeper::new(Arc::clone(&self.desk)).doubt(self.desk.clock.now()).await?;
            if 0 < swept {
                tracing::warn!(messages = swept, "an earlier process left messages in doubt");
            }
        }
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let desk = || Arc::clone(&self.desk);
        tasks.spawn(feed(desk(), stopped.clone()));
        tasks.spawn(resolve(desk(), stopped.clone()));
        tasks.spawn(sweep(desk(), stopped.clone()));
        tasks.spawn(relay(desk(), stopped.clone()));
        if let Some(retention) = self.desk.retention.clone() {
            tasks.spawn(retain(Archivist::new(desk(), retention), desk(), stopped.clone()));
        }
        tasks.spawn(Applier::new(desk()).run(stopped.clone()));
        let dispatcher = Dispatcher::new(desk());
        tasks.spawn(async move { dispatcher.run(stopped).await });
        tokio::select! {
            biased;
            () = until => {}
            _ = tasks.join_next() => tracing::error!("a service ended before it was told to"),
        }
        stop.send_replace(true);
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// [`Dispatch::run`] on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(&self) -> Running {
        let (stop, mut stopped) = watch::channel(false);
        let dispatch = self.clone();
        let task = tokio::spawn(async move {
            let told = async move {
                // A handle that is gone cannot be told to drain, so it means the same.
                stopped.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
            };
            dispatch.run(told).await
        });
        Running { desk: Arc::clone(&self.desk), stop, task }
    }
}

/// A dispatcher at work. Dropping it tells the dispatcher to drain in the background.
#[derive(Debug)]
#[must_use = "a dispatcher whose handle is dropped drains and ends"]
pub struct Running {
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Running {
    /// Finishes what is begun, hands the rest back, and returns when all of it is written down.
    /// True when that took no longer than `patience`; otherwise the tasks are ended as they are
    /// and messages still on the wire become unknown.
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

    /// True when the dispatcher has ended by itself, which only a failing start makes it do.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

/// Waits, and says whether to go on.
async fn pause(desk: &Desk, stop: &mut watch::Receiver<bool>, duration: Duration) -> bool {
    // Always in this order, here and elsewhere, so that a run in virtual time repeats from its seed.
    tokio::select! {
        biased;
        () = desk.clock.sleep(duration) => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}

async fn feed(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    let mut feeder = Feeder::new(Arc::clone(&desk));
    let mut audit_at = desk.clock.now() + AUDIT;
    loop {
        let fed = feeder.feed().await.unwrap_or_else(|error| {
            tracing::warn!(error = %chain(&error), "filling the queue failed");
            false
        });
        if fed && !*stop.borrow() {
            continue;
        }
        if audit_at <= desk.clock.now() {
            audit_at = desk.clock.now() + AUDIT;
            if let Err(error) = feeder.audit().await {
                tracing::warn!(error = %chain(&error), "looking for lost references failed");
            }
        }
        if !pause(&desk, &mut stop, FEED).await {
            return;
        }
    }
}

async fn sweep(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    let (sweeper, mut sweeps) = (Sweeper::new(Arc::clone(&desk)), 0_u64);
    // What was learned before may have been erased since, and what was met by a task that was
    // dropped may not have been learned.
    desk.acquainted.forget();
    while pause(&desk, &mut stop, SWEEP).await {
        // Twice the lease: its worker had the time to renew it and did not.
        let before: DateTime<Utc> = earlier(desk.clock.now(), desk.config.lease * 2);
        sweeps += 1;
        if sweeps % ACQUAINTED_FOR == 0 {
            desk.acquainted.forget();
        }
        let adopted = sweeper.adopt().await;
        let doubted = sweeper.doubt(before).await;
        let expired = [sweeper.expire().await, sweeper.overdue().await];
        for swept in [adopted, doubted].into_iter().chain(expired) {
            match swept {
                Ok(0) => {}
                Ok(messages) => tracing::info!(messages, "ended stories that broke off"),
                Err(error) => tracing::warn!(error = %chain(&error), "sweeping failed"),
            }
        }
        if let Err(error) = sweeper.finish().await {
            tracing::warn!(error = %chain(&error), "closing campaigns failed");
        }
        if let Err(error) = sweeper.forget_old().await {
            tracing::warn!(error = %chain(&error), "forgetting old changes of webhooks failed");
        }
    }
}

async fn retain(mut archivist: Archivist, desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    while pause(&desk, &mut stop, RETAIN).await {
        // A pass that is dropped is gone on with by the next one, of this process or another.
        let passed = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            passed = archivist.pass() => passed,
        };
        if let Err(error) = passed {
            tracing::warn!(error = %chain(&error), "looking for campaigns to forget failed");
        }
    }
}

async fn resolve(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    let resolver = Resolver::new(Arc::clone(&desk));
    while pause(&desk, &mut stop, RESOLVE).await {
        match resolver.resolve().await {
            Ok(0) => {}
            Ok(messages) => tracing::info!(messages, "decided about messages in doubt"),
            Err(error) => tracing::warn!(error = %chain(&error), "deciding about messages in doubt failed"),
        }
    }
}

async fn relay(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    let holder = LeaseToken::from(desk.ids.next());
    let relay = Relay::new(Arc::clone(&desk.outbox), Arc::clone(&desk.events), holder);
    loop {
        let more = pause(&desk, &mut stop, RELAY).await;
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
