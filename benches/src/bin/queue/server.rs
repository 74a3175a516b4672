//! The server as somebody sees it who does not use the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use benches::server;
use deadpool_redis::redis::cmd;

use crate::load::{BATCH, Load};

pub(crate) struct Server(server::Server);

impl Server {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        server::Server::connect(url).await.map(Self)
    }

    /// Processor time of the server so far.
    pub(crate) async fn cpu(&self) -> anyhow::Result<Duration> {
        self.0.cpu().await
    }

    pub(crate) async fn used_memory(&self) -> anyhow::Result<usize> {
        self.0.used_memory().await
    }

    /// What 99 of 100 script calls took at most since the server started, if it says so.
    pub(crate) async fn script_p99_ms(&self) -> anyhow::Result<Option<f64>> {
        let info = self.0.info("latencystats").await?;
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
        let mut connection = self.0.connection();
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
            let (mut connection, key, taken) = (self.0.connection(), key.to_owned(), Arc::clone(&taken));
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
        let mut connection = self.0.connection();
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
        let mut connection = self.0.connection();
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
        let mut connection = self.0.connection();
        for keys in self.keys(name).await?.chunks(500) {
            cmd("UNLINK").arg(keys).query_async::<()>(&mut connection).await?;
        }
        Ok(())
    }
}
