//! The connections: a few that everybody shares. A request goes out at once and its answer comes
//! when it comes, so one connection carries many requests; taking a connection out of a pool for
//! every operation would cost a round trip more each time.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use deadpool_redis::redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, Value, cmd};
use deadpool_redis::{Manager, Pool, PoolError, Runtime, cluster};
use tokio::sync::Mutex;

use super::command::Reply;
use super::server::Lives;
use super::{RedisConfig, RedisError};

/// Where a server is.
#[derive(Clone)]
pub(super) enum Place {
    One(String),
    Cluster(Vec<String>),
}

impl Place {
    pub(super) fn parse(address: &str) -> Result<Self, RedisError> {
        let wrong = |reason: &str| RedisError::Address { reason: reason.to_owned() };
        let Some((scheme, rest)) = address.split_once("://") else { return Err(wrong("it has no scheme")) };
        let nodes = match scheme {
            "redis" | "redis+unix" => vec![address.to_owned()],
            "rediss" if cfg!(feature = "redis-tls") => vec![address.to_owned()],
            "rediss" => return Err(wrong("rediss:// needs the feature redis-tls")),
            "redis+cluster" => {
                let (user, hosts) = rest
                    .rsplit_once('@')
                    .map_or((String::new(), rest), |(user, hosts)| (format!("{user}@"), hosts));
                hosts.split(',').map(|host| format!("redis://{user}{host}")).collect()
            }
            _ => return Err(wrong("its scheme is not known")),
        };
        for node in &nodes {
            // The client's own message may repeat the address.
            Client::open(node.as_str()).map_err(|error| wrong(error.category()))?;
        }
        Ok(if scheme == "redis+cluster" { Self::Cluster(nodes) } else { Self::One(address.to_owned()) })
    }

    /// Host and port, or the path: what may be shown.
    pub(super) fn shown(&self) -> String {
        let node = |address: &String| {
            let rest = address.split_once("://").map_or("", |(_, rest)| rest);
            let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            rest.split(['?']).next().unwrap_or_default().to_owned()
        };
        match self {
            Self::One(address) => node(address),
            Self::Cluster(nodes) => nodes.iter().map(node).collect::<Vec<_>>().join(","),
        }
    }
}

/// Shared connections to one server or cluster.
pub(super) struct Link {
    door: Door,
    slots: Vec<Mutex<Option<Open>>>,
    turn: AtomicUsize,
    answer_timeout: Duration,
    pub(super) server: String,
    pub(super) lives: Lives,
}

enum Door {
    One(Pool),
    Cluster(cluster::Pool),
}

#[derive(Clone)]
enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// An open connection, and how often the server at its other end was found to have started anew. A
/// cluster's own connections come and go unseen.
#[derive(Clone)]
struct Open {
    connection: Connection,
    restarts: Option<u64>,
}

impl Link {
    pub(super) fn new(config: &RedisConfig) -> Result<Self, RedisError> {
        let place = config.place()?;
        let server = place.shown();
        let wrong = |error: &dyn fmt::Display| RedisError::Address { reason: error.to_string() };
        let connections = config.connections.max(1);
        let door = match &place {
            Place::One(address) => {
                let how = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(config.connect_timeout))
                    .set_response_timeout(Some(config.answer_timeout))
                    .set_pipeline_buffer_size(512);
                #[cfg(feature = "redis-tls")]
                let address = super::tls::reach(address, &config.authorities)?;
                #[cfg(not(feature = "redis-tls"))]
                let address = address.as_str();
                let manager = Manager::new_with_config(address, how)
                    .map_err(|error| RedisError::Address { reason: error.category().to_owned() })?;
                let pool = Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1);
                Door::One(
                    pool.create_timeout(Some(config.connect_timeout))
                        .build()
                        .map_err(|error| wrong(&error))?,
                )
            }
            Place::Cluster(nodes) => {
                let manager = cluster::Manager::new(nodes.clone(), false)
                    .map_err(|error| RedisError::Address { reason: error.category().to_owned() })?;
                let pool = cluster::Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1);
                Door::Cluster(
                    pool.create_timeout(Some(config.connect_timeout))
                        .build()
                        .map_err(|error| wrong(&error))?,
                )
            }
        };
        let slots = (0..connections).map(|_| Mutex::new(None)).collect();
        let (turn, lives) = (AtomicUsize::new(0), Lives::default());
        Ok(Self { door, slots, turn, answer_timeout: config.answer_timeout, server, lives })
    }

    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self.door, Door::Cluster(_))
    }

    /// Sends one command; with `only_after`, to a server that has started anew as often as that.
    pub(super) async fn send(
        &self,
        command: &Cmd,
        what: &'static str,
        only_after: Option<u64>,
    ) -> Result<Value, RedisError> {
        let Open { mut connection, restarts } = self.connection().await?;
        if only_after.zip(restarts).is_some_and(|(expected, found)| expected != found) {
            let source = std::io::Error::other("it has started anew");
            return Err(RedisError::Unavailable { source: Arc::new(source) });
        }
        let answer = tokio::time::timeout(self.answer_timeout, connection.send(command)).await;
        self.judged(answer, what).await
    }

    /// Sends several commands in one flush. The first error is the answer.
    pub(super) async fn send_all(
        &self,
        pipeline: &Pipeline,
        what: &'static str,
    ) -> Result<Vec<Value>, RedisError> {
        let mut connection = self.connection().await?.connection;
        let answer = tokio::time::timeout(self.answer_timeout, connection.send_all(pipeline)).await;
        self.judged(answer, what).await
    }

    /// Sends a command without a key to the server that has the store's keys.
    pub(super) async fn send_home(
        &self,
        command: &Cmd,
        key: &str,
        what: &'static str,
    ) -> Result<Value, RedisError> {
        let mut connection = self.connection().await?.connection;
        let answer = tokio::time::timeout(self.answer_timeout, connection.send_home(command, key)).await;
        self.judged(answer, what).await
    }

    async fn judged<T>(
        &self,
        answer: Result<Result<T, deadpool_redis::redis::RedisError>, tokio::time::error::Elapsed>,
        what: &'static str,
    ) -> Result<T, RedisError> {
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => RedisError::of(&error, what),
            Err(elapsed) => RedisError::InDoubt { source: Arc::new(elapsed) },
        };
        #[cfg(feature = "metrics")]
        if matches!(error, RedisError::InDoubt { .. }) {
            metrics::counter!("redis_unanswered_total").increment(1);
        }
        if error.ends_connection() {
            // When the server went, the other connections went, too.
            for slot in &self.slots {
                *slot.lock().await = None;
            }
        }
        Err(error)
    }

    async fn connection(&self) -> Result<Open, RedisError> {
        let index = self.turn.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let Some(slot) = self.slots.get(index) else { return Err(RedisError::odd("connections")) };
        let mut slot = slot.lock().await;
        Ok(match &*slot {
            Some(connection) => connection.clone(),
            None => slot.insert(self.open().await?).clone(),
        })
    }

    async fn open(&self) -> Result<Open, RedisError> {
        // The pool only opens connections and bounds how many are being opened: what it hands out is
        // shared for good.
        match &self.door {
            Door::One(pool) => {
                let taken = pool.get().await.map_err(|error| self.refused(error))?;
                let mut connection = Connection::One(deadpool_redis::Connection::take(taken));
                let restarts = Some(self.greet(&mut connection).await?);
                Ok(Open { connection, restarts })
            }
            Door::Cluster(pool) => {
                let taken = pool.get().await.map_err(|error| self.refused(error))?;
                let connection = Connection::Cluster(cluster::Connection::take(taken));
                Ok(Open { connection, restarts: None })
            }
        }
    }

    /// Asks whom it reached before anything else is said: a server that started anew may have forgotten
    /// what it was told.
    async fn greet(&self, connection: &mut Connection) -> Result<u64, RedisError> {
        let mut ask = cmd("INFO");
        ask.arg("server");
        let error = match tokio::time::timeout(self.answer_timeout, connection.send(&ask)).await {
            Ok(Ok(info)) => {
                return Ok(self.lives.meet(&self.server, Reply::of(info).text().unwrap_or_default()));
            }
            Ok(Err(error)) => RedisError::of(&error, "INFO"),
            Err(elapsed) => RedisError::InDoubt { source: Arc::new(elapsed) },
        };
        Err(match error {
            // Nothing was to be done yet, so nothing is in doubt.
            RedisError::InDoubt { source } => RedisError::Connect { server: self.server.clone(), source },
            other => other,
        })
    }

    fn refused(&self, error: PoolError) -> RedisError {
        let server = self.server.clone();
        #[cfg(feature = "redis-tls")]
        if super::tls::is_untrusted(&error) {
            return RedisError::Untrusted { server, source: Arc::new(error) };
        }
        RedisError::Connect { server, source: Arc::new(error) }
    }
}

impl Connection {
    async fn send(&mut self, command: &Cmd) -> Result<Value, deadpool_redis::redis::RedisError> {
        match self {
            Self::One(connection) => connection.req_packed_command(command).await?.extract_error(),
            Self::Cluster(connection) => connection.req_packed_command(command).await?.extract_error(),
        }
    }

    async fn send_all(
        &mut self,
        pipeline: &Pipeline,
    ) -> Result<Vec<Value>, deadpool_redis::redis::RedisError> {
        let count = pipeline.len();
        let answers = match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, 0, count).await?,
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, 0, count).await?,
        };
        answers.into_iter().map(Value::extract_error).collect()
    }

    async fn send_home(
        &mut self,
        command: &Cmd,
        key: &str,
    ) -> Result<Value, deadpool_redis::redis::RedisError> {
        let Self::Cluster(connection) = self else { return self.send(command).await };
        let slot: u16 = cmd("CLUSTER").arg("KEYSLOT").arg(key).query_async(connection).await?;
        let home = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
        connection.route_command(command.clone(), RoutingInfo::SingleNode(home)).await?.extract_error()
    }
}

impl Debug for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.server)
            .field("cluster", &self.is_cluster())
            .finish_non_exhaustive()
    }
}
