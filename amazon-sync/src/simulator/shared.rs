use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::id::BatchId;
use rules_core::work::clock::{Clock, ClockExt};
use secrecy::SecretString;
use tokio::sync::Notify;

use super::amazon::{Amazon, Reply};
use super::courier::NoticeSink;
use super::draw::Draw;
use super::world::World;

/// What the doors and the courier have in common.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    pub(super) clock: Arc<dyn Clock>,
    /// By how much Amazon's clock is ahead of ours.
    pub(super) skew: TimeDelta,
    /// How long each answer takes.
    pub(super) answer_after: Duration,
    /// Something may fall due earlier than was known.
    pub(super) sooner: Notify,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    notices: Mutex<Option<NoticeSink>>,
    /// Held while notifications are delivered, so that they keep their order.
    pub(super) delivering: tokio::sync::Mutex<()>,
    seed: u64,
    n_batches: AtomicU64,
}

impl Shared {
    pub(super) fn new(world: World, clock: Arc<dyn Clock>, skew: TimeDelta, answer_after: Duration) -> Self {
        let seed = world.amazon.seed;
        let mut draw = Draw::new(seed, &["client"], 0);
        Self {
            world: Mutex::new(world),
            clock,
            skew,
            answer_after,
            sooner: Notify::new(),
            client_id: "amzn1.application-oa2-client.simulator".to_owned(),
            client_secret: SecretString::from(format!("SIM{:016x}{:016x}", draw.next(), draw.next())),
            notices: Mutex::default(),
            delivering: tokio::sync::Mutex::default(),
            seed,
            n_batches: AtomicU64::new(0),
        }
    }

    /// The present instant by Amazon's clock.
    pub(super) fn amazon_now(&self) -> DateTime<Utc> {
        self.clock.now().checked_add_signed(self.skew).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// An instant of Amazon's clock by ours.
    pub(super) fn by_our_clock(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at.checked_sub_signed(self.skew).unwrap_or(at)
    }

    /// The world as it is at the present instant.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.amazon_now());
        world
    }

    /// Asks Amazon, and waits as long as the answer takes.
    pub(super) async fn ask<T>(&self, ask: impl FnOnce(&mut Amazon) -> Reply<T>) -> Reply<T> {
        let reply = {
            let mut world = self.world();
            let reply = ask(&mut world.amazon);
            world.take_note();
            reply
        };
        self.sooner.notify_one();
        let takes = self.answer_after + reply.slowness;
        if !takes.is_zero() {
            self.clock.sleep(takes).await;
        }
        reply
    }

    pub(super) fn notice_sink(&self) -> Option<NoticeSink> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn deliver_to(&self, sink: Option<NoticeSink>) {
        if sink.is_some() {
            self.world().amazon.subscribe();
        }
        *self.notices.lock().unwrap_or_else(PoisonError::into_inner) = sink;
        self.sooner.notify_one();
    }

    /// A name for a parcel of notifications, which no other has.
    pub(super) fn next_batch(&self) -> BatchId {
        let nth = self.n_batches.fetch_add(1, Ordering::Relaxed);
        BatchId::of(&[b"simulated notices", &self.seed.to_be_bytes(), &nth.to_be_bytes()])
    }
}
