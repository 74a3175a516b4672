//! The server as somebody sees it who does not use the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, cmd};

use crate::load::{BATCH, Load};

pub(crate) struct Server {
    connection: MultiplexedConnection,
}

impl Server {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
        let connection = Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await;
        Ok(Self { connection: connection.context("connecting to Redis")? })
    }

    async fn info(&self, section: &str) -> anyhow::Result<String> {
        let mut connection = self.connection.clone();
        Ok(cmd("INFO").arg(section).query_async(&mut connection).await?)
    }

    async fn number(&self, section: &str, name: &str) -> anyhow::Result<f64> {
        let info = self.info(section).await?;
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok()).with_context(|| format!("INFO has no {name}"))
    }

    /// Processor time of the server so far.
    pub(crate) async fn cpu(&self) -> anyhow::Result<Duration> {
        let user = self.number("cpu", "used_cpu_user").await?;
        Ok(Duration::from_secs_f64(user + self.number("cpu", "used_cpu_sys").await?))
    }

    pub(crate) async fn used_memory(&self) -> anyhow::Result<usize> {
        Ok(self.number("memory", "used_memory").await? as usize)
    }

    /// What 99 of 100 script calls took at most since the server started, if it says so.
    pub(crate) async fn script_p99_ms(&self) -> anyhow::Result<Option<f64>> {
        let info = self.info("latencystats").await?;
        let line = info.lines().find_map(|line| line.strip_prefix("latency_percentiles_usec_evalsha:"));
        let p99 = line.and_then(|line| line.split(',').find_map(|part| part.strip_prefix("p99=")));
        Ok(p99.and_then(|us| us.trim().parse::<f64>().ok()).map(|us| us / 1e3))
    }

    /// Records in one list of their own, taken out 500 at a time by as many workers.
    pub(crate) async fn bare_loop(
        &self,
        key: &str,
        load: &Load,
        messages: usize,
    ) -> anyhow::Result<Duration> {
        let mut connection = self.connection.clone();
        for _ in 0..messages / BATCH {
            let mut push = cmd("RPUSH");
            push.arg(key);
            for _ in 0..BATCH {
                push.arg(load.payload());
            }
            push.query_async::<()>(&mut connection).await?;
        }
        let (taken, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..load.workers {
            let (mut connection, key, taken) = (self.connection.clone(), key.to_owned(), Arc::clone(&taken));
            workers.spawn(async move {
                loop {
                    let mut pop = cmd("LPOP");
                    let records: Option<Vec<Vec<u8>>> =
                        pop.arg(&key).arg(BATCH).query_async(&mut connection).await?;
                    let Some(records) = records else { return anyhow::Ok(()) };
                    taken.fetch_add(records.len(), Ordering::Relaxed);
                }
            });
        }
        while let Some(ended) = workers.join_next().await {
            ended??;
        }
        let took = started.elapsed();
        let taken = taken.load(Ordering::Relaxed);
        ensure!(taken == messages / BATCH * BATCH, "the bare loop took {taken} of {messages}");
        Ok(took)
    }

    async fn keys(&self, name: &str) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut connection = self.connection.clone();
        let (mut cursor, mut keys) = (0_u64, Vec::new());
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{{{name}*")).arg("COUNT").arg(1_000);
            let (next, page): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await?;
            keys.extend(page);
            cursor = next;
            if cursor == 0 {
                return Ok(keys);
            }
        }
    }

    /// Bytes of what is left of a store, and of the batch ids that it knows for an hour.
    pub(crate) async fn left(&self, name: &str) -> anyhow::Result<(usize, usize)> {
        let mut connection = self.connection.clone();
        let (mut left, mut batches) = (0, 0);
        for key in self.keys(name).await? {
            let bytes: Option<usize> =
                cmd("MEMORY").arg("USAGE").arg(&key).query_async(&mut connection).await?;
            let known = String::from_utf8_lossy(&key).contains(":batches:");
            *(if known { &mut batches } else { &mut left }) += bytes.unwrap_or(0);
        }
        Ok((left, batches))
    }

    /// Removes every key of stores whose names begin so.
    pub(crate) async fn remove(&self, name: &str) -> anyhow::Result<()> {
        let mut connection = self.connection.clone();
        for keys in self.keys(name).await?.chunks(500) {
            cmd("UNLINK").arg(keys).query_async::<()>(&mut connection).await?;
        }
        Ok(())
    }
}
