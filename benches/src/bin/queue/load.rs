//! The work: parcels of 500 records, spread over tenants, in and out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use rules_core::judge::id::{BatchId, LeaseToken};
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::redis::Redis;
use rules_core::work::ids::{Ids, RandomIds};
use rules_core::work::queue::{
    Allowance, Enqueued, Lease, LeaseRequest, Outcome, Parcel, Queue, Settled, Settlement,
};
use rules_core::work::tenants::{FixedTenants, Tenants};
use tokio::task::JoinSet;

/// Records of a parcel and of a lease.
pub(crate) const BATCH: usize = 500;
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// One queue and the work that is put through it.
pub(crate) struct Load {
    queue: Arc<Redis>,
    lanes: Arc<[Lane]>,
    payload: Bytes,
    pub(crate) workers: usize,
    turn: AtomicUsize,
}

impl Load {
    pub(crate) async fn new(
        queue: Arc<Redis>,
        tenants: usize,
        payload: usize,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let lanes = lanes(tenants).await?.into();
        Ok(Self { queue, lanes, payload: vec![0xA5; payload].into(), workers, turn: AtomicUsize::new(0) })
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) fn queue(&self) -> &Redis {
        &self.queue
    }

    /// Adds records, one parcel to a lane after the other.
    pub(crate) async fn enqueue(&self, records: usize) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let parcels = records / BATCH;
        let next = Arc::new(AtomicUsize::new(0));
        let first = self.turn.fetch_add(parcels, Ordering::Relaxed);
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            let (queue, lanes, payload) =
                (Arc::clone(&self.queue), Arc::clone(&self.lanes), self.payload.clone());
            let next = Arc::clone(&next);
            workers.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if parcels <= number {
                        return anyhow::Ok(());
                    }
                    if let Some(lane) = lanes.get((first + number) % lanes.len()) {
                        add(&queue, lane, &payload, BATCH).await?;
                    }
                }
            });
        }
        while let Some(ended) = workers.join_next().await {
            ended??;
        }
        Ok(started.elapsed())
    }

    /// Leases and settles so many records.
    pub(crate) async fn drain(&self, records: usize) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let batches = records / BATCH;
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            let (queue, next) = (Arc::clone(&self.queue), Arc::clone(&next));
            workers.spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < batches {
                    let mut left = BATCH;
                    while 0 < left {
                        let lease = lease(&queue, left).await?;
                        ensure!(!lease.records.is_empty(), "the queue ran empty");
                        settle(&queue, &lease).await?;
                        left -= lease.records.len();
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = workers.join_next().await {
            ended??;
        }
        Ok(started.elapsed())
    }

    /// Adds and takes out in turn, so that what waits stays; returns records a second.
    pub(crate) async fn keep_busy(&self, records: usize) -> anyhow::Result<f64> {
        let started = Instant::now();
        for _ in 0..records / 2_000 {
            self.enqueue(2_000).await?;
            self.drain(2_000).await?;
        }
        Ok(records as f64 / started.elapsed().as_secs_f64())
    }
}

/// One lane for each of so many tenants.
pub(crate) async fn lanes(tenants: usize) -> anyhow::Result<Vec<Lane>> {
    let ids = (0..tenants).map(|number| TenantId::parse(&format!("tenant-{number:03}")));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let source = Tenants::new(FixedTenants::new(ids.iter().cloned().map(TenantRecord::new)));
    let mut lanes = Vec::new();
    for id in &ids {
        let scope = source.enter(id).await?;
        lanes.push(Lane::new(&Outlet::new(&scope, "106540352242922")?, "diwali-2026")?);
    }
    Ok(lanes)
}

pub(crate) async fn add(queue: &Redis, lane: &Lane, payload: &Bytes, records: usize) -> anyhow::Result<()> {
    let records = vec![payload.clone(); records];
    let parcel = Parcel { batch: BatchId::from(RandomIds.next()), lane: lane.clone(), due: None, records };
    let answers = queue.enqueue(&[parcel]).await?;
    ensure!(answers == [Enqueued::Added], "a parcel was not added: {answers:?}");
    Ok(())
}

pub(crate) async fn lease(queue: &Redis, max: usize) -> anyhow::Result<Lease> {
    let token = LeaseToken::from(RandomIds.next());
    Ok(queue.lease(&LeaseRequest { token, max, ttl: TTL, allowance: Allowance::Unlimited }).await?)
}

pub(crate) async fn settle(queue: &Redis, lease: &Lease) -> anyhow::Result<()> {
    let done = |receipt| Settlement { receipt, outcome: Outcome::Done };
    let outcomes: Vec<_> = lease.records.iter().map(|record| done(record.receipt)).collect();
    let settled = queue.settle(lease.token, &outcomes).await?;
    ensure!(settled == Settled::Applied(outcomes.len()), "not all was settled: {settled:?}");
    Ok(())
}
