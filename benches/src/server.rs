//! A Redis server as somebody sees it who looks at it from outside. Its figures are those of the
//! whole server, so nobody else should use it.

use std::time::Duration;

use anyhow::Context;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, cmd};

/// A connection of its own to a server.
#[derive(Clone)]
pub struct Server {
    connection: MultiplexedConnection,
}

impl Server {
    /// Connects to a server such as `redis://127.0.0.1:6379`.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
        let connection = Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await;
        Ok(Self { connection: connection.context("connecting to Redis")? })
    }

    /// The connection, for commands.
    pub fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// A section of what the server tells of itself.
    pub async fn info(&self, section: &str) -> anyhow::Result<String> {
        Ok(cmd("INFO").arg(section).query_async(&mut self.connection()).await?)
    }

    /// A number of a section.
    pub async fn number(&self, section: &str, name: &str) -> anyhow::Result<f64> {
        let info = self.info(section).await?;
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok()).with_context(|| format!("INFO has no {name}"))
    }

    /// Processor time of the server so far.
    pub async fn cpu(&self) -> anyhow::Result<Duration> {
        let user = self.number("cpu", "used_cpu_user").await?;
        Ok(Duration::from_secs_f64(user + self.number("cpu", "used_cpu_sys").await?))
    }

    /// Bytes of memory that it uses.
    pub async fn used_memory(&self) -> anyhow::Result<usize> {
        Ok(self.number("memory", "used_memory").await? as usize)
    }
}
