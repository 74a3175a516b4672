//! Sends: takes what is due within the permits, judges it again, begins it and posts it.
//!
//! ```text
//! permits -> lease -> judge -> charge -> begin (groups) -> POST (bounded) -> record -> settle
//! ```
//!
//! Charge, begin, POST in this order, so that no limit is exceeded and nobody is sent to twice: a
//! crash costs at most one lease of unused units, and leaves in doubt at most one group that was
//! begun and what was on the wire.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::desk::Desk;

mod begin;
mod batch;
mod day_limit;
mod lease;
mod outcome;
mod pairs;
mod people_limit;
mod pump;
mod recorder;
mod smooth;

use begin::Beginner;
use pump::Pump;
use recorder::Recorder;
use smooth::Smoother;

pub(crate) use pairs::Pairs;
pub(crate) use people_limit::PEOPLE_EXCEEDED;

/// Sends until it is told to stop, then finishes what is begun and hands back the rest.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    desk: Arc<Desk>,
}

impl Dispatcher {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Runs until `stop` shows true, then drains.
    pub(crate) async fn run(&self, stop: watch::Receiver<bool>) {
        let config = &self.desk.config;
        // Whoever holds one of these has begun a message whose outcome is not recorded yet.
        let window = Arc::new(Semaphore::new(config.window.max(config.begin_group)));
        let (ready, to_begin) = mpsc::channel(config.prefetch);
        let (done, outcomes) = mpsc::channel(config.window + config.prefetch);
        let mut tasks = JoinSet::new();
        tasks.spawn(Pump::new(Arc::clone(&self.desk), ready, done.clone(), stop).run());
        let smoother = Arc::new(Smoother::new(Arc::clone(&self.desk.clock)));
        tasks.spawn(Beginner::new(Arc::clone(&self.desk), window, smoother, done).run(to_begin));
        tasks.spawn(Recorder::new(Arc::clone(&self.desk)).run(outcomes));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a part of the dispatcher ended early");
            }
        }
    }
}
