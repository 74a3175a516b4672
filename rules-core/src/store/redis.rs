//! A Redis or Valkey server, or a cluster of them: for as many processes as share the work.
//!
//! All keys of a store carry one hash tag, the store's name in braces, so every call stays on one
//! server. A store is as fast as one core of Redis is; whoever needs more runs several stores and
//! gives each its tenants.
//!
//! Connections are few and shared, and come back by themselves. Every call has a time limit, and
//! every write can be repeated after its answer was lost. What is intricate is computed here and
//! committed if nothing that it rests on has changed ([`Commit`]); what many workers fight for is
//! one script on the server ([`Script`]). Both are bounded.
//!
//! Sibling crates keep their own keys on the same handle: [`Redis::key`], [`Redis::read`],
//! [`Redis::commit`], [`Redis::run`].

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deadpool_redis::redis::{Pipeline, cmd};

use crate::work::clock::Clock;
use crate::work::ids::Ids;
use crate::work::queue::QueueLimits;

mod clock;
mod command;
mod commit;
mod config;
mod error;
mod lanes;
mod link;
mod outbox;
mod pacer;
mod queue;
mod quota;
mod script;
mod server;
#[cfg(feature = "redis-tls")]
mod tls;

pub use command::{Command, Reply};
pub use commit::Commit;
pub use config::{Guarantee, RedisConfig};
pub use error::RedisError;
pub use outbox::put_out;
pub use script::Script;

use clock::ServerClock;
use link::Link;

static COMMIT: Script = Script::new("commit", include_str!("redis/commit.lua"));

/// Bytes of most keys behind the store's name.
const KEY_ROOM: usize = 64;

/// The Redis handle. Clones share its connections.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    config: RedisConfig,
    link: Link,
    clock: Arc<dyn Clock>,
    /// The server's clock, unless the configuration names another.
    server_clock: Option<Arc<ServerClock>>,
    promises: Guarantee,
    trips: AtomicU64,
    parts: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Redis {
    /// Connects, and checks that the server is one that may be trusted with the work.
    ///
    /// # Errors
    /// [`RedisError::Connect`] when it cannot be reached; [`RedisError::Version`],
    /// [`RedisError::Setting`] or [`RedisError::Silent`] when it is not as it must be, with what
    /// to set.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn connect(config: RedisConfig) -> Result<Self, RedisError> {
        let link = Link::new(&config)?;
        let home = format!("{{{}}}", config.name);
        let promises = server::examine(&link, &home, &config).await?;
        let server_clock = config.clock.is_none().then(|| Arc::new(ServerClock::new()));
        let clock: Arc<dyn Clock> = match (&config.clock, &server_clock) {
            (Some(clock), _) => Arc::clone(clock),
            (None, Some(server)) => Arc::<ServerClock>::clone(server),
            (None, None) => Arc::new(crate::work::clock::SystemClock),
        };
        let inner = Inner {
            link,
            clock,
            server_clock,
            promises,
            trips: AtomicU64::new(0),
            parts: Mutex::default(),
            config,
        };
        let store = Self { inner: Arc::new(inner) };
        store.read(&[]).await?;
        tracing::debug!(server = %store.server(), promises = store.promises().as_str(), "connected to redis");
        Ok(store)
    }

    /// Host and port of the server, or the path of its socket.
    pub fn server(&self) -> &str {
        &self.inner.link.server
    }

    /// What the server still knows after it was killed.
    pub fn promises(&self) -> Guarantee {
        self.inner.promises
    }

    /// The store's clock: the server's, as far as it is known here, unless the configuration
    /// names another.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The store's source of ids.
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.inner.config.ids
    }

    /// What the store's queue accepts.
    pub fn queue_limits(&self) -> QueueLimits {
        self.inner.config.queue_limits
    }

    /// Trips to the server so far: flushes of one or more commands.
    pub fn trips(&self) -> u64 {
        self.inner.trips.load(Ordering::Relaxed)
    }

    /// How often the server was found to have started anew since this handle connected. Whoever
    /// opens a connection finds out; on an open one this looks no more than once a second.
    ///
    /// A server that promises less than [`Guarantee::Always`] may have lost the last writes then;
    /// whoever still knows them repeats them, and keeps others from going on before that with
    /// [`Redis::verify_after`].
    ///
    /// # Errors
    /// [`RedisError`] when the server does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn restarts(&self) -> Result<u64, RedisError> {
        self.inner.link.lives.seen(&self.inner.link, &self.home(), self.clock().now()).await
    }

    /// A key of this store: the tag, then the parts. No part may hold a colon unless it is the
    /// last one.
    pub fn key(&self, parts: &[&dyn fmt::Display]) -> String {
        let mut key = String::with_capacity(self.inner.config.name.len() + KEY_ROOM);
        key.push('{');
        key.push_str(&self.inner.config.name);
        key.push('}');
        for part in parts {
            // Writing to a string cannot fail.
            write!(key, ":{part}").unwrap_or_default();
        }
        key
    }

    fn home(&self) -> String {
        format!("{{{}}}", self.inner.config.name)
    }

    /// Sends commands that only read in one flush and returns their answers, in order. They are not
    /// one step: others may write in between. They may be sent twice.
    ///
    /// # Errors
    /// The first [`RedisError`] of any of them.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the commands.
    pub async fn read(&self, commands: &[Command]) -> Result<Vec<Reply>, RedisError> {
        let mut pipeline = Pipeline::with_capacity(commands.len() + 1);
        for command in commands {
            pipeline.add_command(command.packed());
        }
        let ask_time = self.inner.server_clock.as_ref().filter(|clock| clock.is_due());
        if let Some(clock) = ask_time
            && !self.inner.link.is_cluster()
        {
            pipeline.add_command(cmd("TIME"));
            let sent = clock.machine();
            let mut replies = self.flush(&pipeline).await?;
            if let Some(time) = replies.pop() {
                clock.learn(sent, time);
            }
            return Ok(replies);
        }
        if commands.is_empty() { Ok(Vec::new()) } else { self.flush(&pipeline).await }
    }

    async fn flush(&self, pipeline: &Pipeline) -> Result<Vec<Reply>, RedisError> {
        self.count_trip();
        let answers = match self.inner.link.send_all(pipeline, "reading").await {
            // Reading twice harms nobody, and the connection may be one that died long ago.
            Err(error) if error.ends_connection() => self.inner.link.send_all(pipeline, "reading").await?,
            answers => answers?,
        };
        Ok(answers.into_iter().map(Reply::of).collect())
    }

    /// Runs a script. `keys` and `arguments` are what it finds as `KEYS` and, from `ARGV[2]` on,
    /// as `ARGV`.
    ///
    /// # Errors
    /// [`RedisError::InDoubt`] when it is unknown whether it ran, another [`RedisError`] when it
    /// did not.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the script.
    pub async fn run(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Bytes],
    ) -> Result<Reply, RedisError> {
        self.run_after(None, script, keys, arguments).await
    }

    async fn run_after(
        &self,
        restarts: Option<u64>,
        script: &Script,
        keys: &[String],
        arguments: &[Bytes],
    ) -> Result<Reply, RedisError> {
        let text = script.text();
        let by_digest = self.call("EVALSHA", &text.digest, keys, arguments);
        self.count_trip();
        let answer = match self.inner.link.send(&by_digest, script.name(), restarts).await {
            Err(error) if error.is_missing_script() => {
                let whole = self.call("EVAL", &text.whole, keys, arguments);
                self.inner.link.send(&whole, script.name(), restarts).await
            }
            answer => answer,
        };
        answer.map(Reply::of)
    }

    fn call(
        &self,
        how: &str,
        script: &str,
        keys: &[String],
        arguments: &[Bytes],
    ) -> deadpool_redis::redis::Cmd {
        let size = arguments.iter().map(Bytes::len).sum::<usize>() + script.len() + 64 * keys.len();
        let mut call = deadpool_redis::redis::Cmd::with_capacity(arguments.len() + keys.len() + 4, size);
        call.arg(how).arg(script).arg(keys.len());
        for key in keys {
            call.arg(key);
        }
        call.arg(self.inner.config.clock.as_ref().map_or(0, |clock| clock.now().timestamp_micros()));
        for argument in arguments {
            call.arg(argument.as_ref());
        }
        call
    }

    /// Makes the changes if nothing that they rest on has changed since it was read; says whether
    /// it did.
    ///
    /// # Errors
    /// [`RedisError::InDoubt`] when it is unknown whether they were made, another [`RedisError`]
    /// when they were not.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all changes made or none.
    pub async fn commit(&self, commit: &Commit) -> Result<bool, RedisError> {
        if commit.is_empty() { Ok(true) } else { self.verify(commit).await }
    }

    /// The same as [`Redis::commit`], and asks the server even when there is nothing to change: for
    /// what was computed from memory of an earlier read.
    ///
    /// # Errors
    /// As [`Redis::commit`].
    ///
    /// # Cancel safety
    /// As [`Redis::commit`].
    pub async fn verify(&self, commit: &Commit) -> Result<bool, RedisError> {
        self.verify_as(None, commit).await
    }

    /// The same as [`Redis::verify`], if the server has started anew as often as
    /// [`Redis::restarts`] said, and not once more since. A cluster's servers cannot be told apart
    /// here: one that started anew is found by [`Redis::restarts`] within a second.
    ///
    /// # Errors
    /// As [`Redis::commit`]; [`RedisError::Unavailable`] when the server has started anew.
    ///
    /// # Cancel safety
    /// As [`Redis::commit`].
    pub async fn verify_after(&self, restarts: u64, commit: &Commit) -> Result<bool, RedisError> {
        self.verify_as(Some(restarts), commit).await
    }

    async fn verify_as(&self, restarts: Option<u64>, commit: &Commit) -> Result<bool, RedisError> {
        let answer = self.run_after(restarts, &COMMIT, &[self.home()], &commit.arguments()).await?;
        let made = answer.int() == Some(1);
        #[cfg(feature = "metrics")]
        if !made {
            metrics::counter!("redis_conflicts_total").increment(1);
        }
        Ok(made)
    }

    fn count_trip(&self) {
        self.inner.trips.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!("redis_calls_total").increment(1);
    }

    /// The instant that counts, in the store's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock().now()
    }

    /// The one `T` of this handle, made by `make` when it is first asked for: what a port keeps
    /// in the memory of this process.
    pub fn part<T: Any + Send + Sync>(&self, make: impl Fn() -> T) -> Arc<T> {
        let mut parts = self.inner.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let part = parts.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(make()));
        Arc::clone(part).downcast().unwrap_or_else(|_| Arc::new(make()))
    }
}

impl Debug for Redis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("server", &self.server()).finish_non_exhaustive()
    }
}
